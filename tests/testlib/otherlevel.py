"""An extension of a try server: objects are compressed otherwise than elsewhere."""

from mercurial import util

from hgs3.trybundles import bundlefile

LEVEL = 19


class _Engines:
    def forbundletype(self, name):
        return _Engine(util.compengines.forbundletype(name))


class _Engine:
    def __init__(self, engine):
        self._engine = engine

    def compressstream(self, chunks):
        return self._engine.compressstream(chunks, {b"level": LEVEL})

    def __getattr__(self, name):
        return getattr(self._engine, name)


class _Util:
    compengines = _Engines()

    def __getattr__(self, name):
        return getattr(util, name)


def extsetup(ui):
    bundlefile.util = _Util()
