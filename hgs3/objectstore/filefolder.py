"""The folder of a store: where files are, who may read them, what can go wrong.

Nobody else may read what is made here, whatever the umask. The one exception is
up to the operator: what the group may do with the folder of the store, it may
do with what is in it, so that a web server that runs as another user can send
bodies by itself.
"""

import contextlib
import errno
import os
import stat
import typing

from . import filenames, filerecord
from .base import StoreUnavailable

_ADVICE = (
    (
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        "make room there or lower store-size",
    ),
    (
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "the user that serves must be able to read and write there",
    ),
    ((errno.ENOENT, errno.ENOTDIR), "make that folder or correct store"),
)


class Folder:
    """The files below ``root``. Methods raise OSError."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.objects = os.path.join(root, "objects")
        #: Of what is never evicted.
        self.kept = os.path.join(root, "kept")

    def require(self) -> None:
        """Raise unless the folder is there: without it, no file being there
        means nothing."""
        if not stat.S_ISDIR(os.stat(self.root).st_mode):
            raise NotADirectoryError(
                errno.ENOTDIR, os.strerror(errno.ENOTDIR), self.root
            )

    def path(self, file_name: str) -> str:
        """Of a file that is there once."""
        return os.path.join(self.root, file_name)

    def record_path(self, name: str) -> str:
        return self._object_path(name, filenames.RECORD_SUFFIX)

    def new_record_path(self, name: str) -> str:
        return self._object_path(name, filenames.NEW_SUFFIX)

    def body_path(self, name: str, token: str) -> str:
        return self._object_path(name, ".%s%s" % (token, filenames.BODY_SUFFIX))

    def _object_path(self, name, suffix):
        tree = self.kept if filenames.is_kept(name) else self.objects
        return os.path.join(tree, filenames.folder_of(name), name + suffix)

    def read_record(
        self, name: str
    ) -> typing.Optional[typing.Tuple[filerecord.Record, float]]:
        """(Record, when it was written in seconds since the epoch) or None."""
        try:
            with open(self.record_path(name), "rb") as file:
                modified = os.fstat(file.fileno()).st_mtime
                record = filerecord.decoded(file.read())
        except FileNotFoundError:
            self.require()
            return None
        return None if record is None else (record, modified)

    def create(self, path: str) -> typing.BinaryIO:
        """A new file to write to, and the folders of this store that it
        needs."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:
            self.require()
            folder = os.path.dirname(path)
            for each in (os.path.dirname(folder), folder):
                self._make_folder(each)
            descriptor = os.open(path, flags, 0o600)
        file = open(descriptor, "wb")
        try:
            self._share(path, 0o600, 0o040)
        except BaseException:
            file.close()
            raise
        return file

    def _make_folder(self, path):
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            return
        self._share(path, 0o700, 0o050)

    def _share(self, path, mode, group_mode):
        self.give_to_owner(path)
        granted = os.stat(self.root).st_mode & group_mode
        if granted:
            # The bit that lets files inherit the group goes on, too.
            os.chmod(path, mode | granted | (os.stat(path).st_mode & stat.S_ISGID))

    def give_to_owner(self, path: str) -> None:
        """What an operator makes as root, the server must be able to use."""
        if os.geteuid() == 0:
            status = os.stat(self.root)
            if status.st_uid != 0:
                os.chown(path, status.st_uid, status.st_gid)

    def sync_names(self, path: str) -> None:
        """Return when a crash of the machine does not take away that there is a
        file at ``path``, in one of the trees."""
        for _level in range(3):
            path = os.path.dirname(path)
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def walk(self) -> typing.Iterator[typing.Tuple[str, typing.List[str]]]:
        """(path, names of files) of each folder with objects that may be evicted."""
        return self._walk(self.objects)

    def walk_kept(self) -> typing.Iterator[typing.Tuple[str, typing.List[str]]]:
        """(path, names of files) of each folder with objects that may not."""
        return self._walk(self.kept)

    def _walk(self, tree):
        for folder in sorted(_listed(tree)):
            if filenames.is_folder(folder):
                path = os.path.join(tree, folder)
                yield path, _listed(path)
        # Not before: a folder that is gone by now was perhaps not read whole.
        self.require()


def _listed(path):
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def remove(path: str) -> bool:
    """Whether there was such a file."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def faults(what: str, folder: Folder) -> typing.Iterator[None]:
    """Within: an OSError becomes a StoreUnavailable in one line."""
    try:
        yield
    except OSError as err:
        path = err.filename if isinstance(err.filename, str) else folder.root
        reason = "%s failed: %s: %s" % (what, err.strerror or err, path)
        for numbers, advice in _ADVICE:
            if err.errno in numbers:
                reason += " (%s)" % advice
        raise StoreUnavailable(reason)
