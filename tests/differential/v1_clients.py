"""Stock clients of either Mercurial, as processes that run many commands.

A client is Mercurial's own command server: each command is dispatched as from a
shell, without the start of a process. Beside it stands another one with
v1_helper.py, which makes the states that clients have and looks into them.
"""

import contextlib
import json
import os
import pathlib
import shutil
import struct
import subprocess

from testlib.servers import clean_environment

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]

HOOKS = (
    "changegroup",
    "incoming",
    "txnclose",
    "txnclose-bookmark",
    "txnclose-phase",
)

CLIENT_CONFIG = """
[ui]
ssh = %(ssh)s
[http]
timeout = 120
[storage]
# It guesses by the delta of a file's revision whether to swap the parents.
revlog.issue6528.fix-incoming = no
[hooks]
%(hooks)s
"""

HELPER_CONFIG = """
[extensions]
v1_helper = %(helper)s
[experimental]
evolution = all
"""

#: It runs on this machine what it is to run on another.
SSH = """#!/bin/sh
shift
exec sh -c "$*"
"""


class HgProcess:
    """`hg serve --cmdserver pipe`, with the text ``config`` as its whole
    configuration, which is kept in ``folder``."""

    def __init__(self, hg, folder, name, config):
        hgrc = pathlib.Path(folder, name + ".hgrc")
        hgrc.write_text(config)
        environment = clean_environment(
            HGRCPATH=str(hgrc), HGPLAIN="1", HGENCODING="utf-8", HGUSER="client"
        )
        self._log = pathlib.Path(folder, name + ".log")
        self._stderr = open(str(self._log), "wb")
        self._process = subprocess.Popen(
            [str(hg), "serve", "--cmdserver", "pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
            cwd=str(folder),
            # Ctrl-C is for whoever started it.
            start_new_session=True,
        )
        self._read()  # its greeting

    def run(self, *words):
        """(exit status, all output in order as bytes) of a command."""
        data = b"\0".join(os.fsencode(word) for word in words)
        # If it has ended, what is read says so.
        with contextlib.suppress(BrokenPipeError):
            self._write(b"runcommand\n" + struct.pack(">I", len(data)) + data)
        output = []
        while True:
            channel, data = self._read()
            if channel == b"r":
                return struct.unpack(">i", data)[0], b"".join(output)
            if channel in b"IL":
                self._write(struct.pack(">I", 0))  # nobody types anything
            else:
                output.append(data)

    def check(self, *words):
        """The output of a command that must succeed."""
        status, output = self.run(*words)
        if status:
            raise RuntimeError("hg %r: %s" % (words, output.decode("utf-8", "replace")))
        return output

    def stop(self):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._stderr.close()

    def _write(self, data):
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def _read(self):
        head = self._process.stdout.read(5)
        if len(head) < 5:
            said = self._log.read_text("utf-8", "replace")[-2000:]
            raise RuntimeError("the command server has ended: %s" % said)
        channel, length = struct.unpack(">cI", head)
        # For input it says how much it would like to have.
        asks = channel in b"IL"
        return channel, b"" if asks else self._process.stdout.read(length)


class Client:
    """One version of Mercurial. ``env`` is a folder's name below .venv,
    ``folder`` where its files are kept."""

    def __init__(self, env, folder):
        self.folder = pathlib.Path(folder, "client-" + env)
        self.folder.mkdir()
        hg = ROOT / ".venv" / env / "bin" / "hg"
        if not hg.exists():
            # Not a skip: it would go unnoticed for ever.
            raise FileNotFoundError(
                "no %s: run python3 tools/setup_env.py %s" % (hg, env)
            )
        ssh = self.folder / "ssh"
        ssh.write_text(SSH)
        ssh.chmod(0o755)
        record = "python:%s:record_client" % (HERE / "recordhook.py")
        hooks = "\n".join("%s.record = %s" % (name, record) for name in HOOKS)
        self._hg = HgProcess(
            hg, self.folder, "client", CLIENT_CONFIG % {"ssh": ssh, "hooks": hooks}
        )
        self._helper = HgProcess(
            hg,
            self.folder,
            "helper",
            HELPER_CONFIG % {"helper": HERE / "v1_helper.py"},
        )

    def stop(self):
        self._hg.stop()
        self._helper.stop()

    def make(self, name, plan, changesets, url):
        """A repository of a ClientPlan's, as a folder's path to copy from; of
        another one's ``name`` nothing is left.

        ``url`` is where it pulls what it has: revisions that are not there, or
        may not be seen, it then has not got.
        """
        template = self.folder / name
        shutil.rmtree(str(template), ignore_errors=True)
        self._helper.check("init", template)
        state = plan.state(changesets)
        for number in sorted(plan.pulled):
            self._helper.run(
                "-R", template, "pull", "--quiet", "-r", changesets[number].hex(), url
            )
        self._helper.check("-R", template, "differential-arrange", json.dumps(state))
        return template

    def run(self, template, words, options):
        """Run a command in a copy of ``template``, or for a new clone.

        Returns (exit status, output as text, the repository as v1_helper.py
        tells it or None, calls of its hooks).
        """
        copy = self.folder / "copy"
        shutil.rmtree(str(copy), ignore_errors=True)
        command, *arguments = words
        if command == b"clone":
            arguments += ["--noupdate", copy]
        else:
            shutil.copytree(str(template), str(copy), symlinks=True)
            arguments += ["-R", copy]
        status, output = self._hg.run(
            "--cwd", self.folder, *options, command, *arguments
        )
        text = output.decode("utf-8", "backslashreplace")
        text = text.replace(str(copy), "COPY")
        if not copy.exists():
            return status, text, None, ()
        return status, text, self._inspect(copy), _calls(copy / ".hg" / "hook-calls")

    def _inspect(self, path):
        status, output = self._helper.run("-R", path, "differential-inspect")
        if status:
            return {"verify": output.decode("utf-8", "replace"), "topological": True}
        return json.loads(output)


def _calls(path):
    """Lines of recordhook.py."""
    return tuple(path.read_text().splitlines()) if path.exists() else ()
