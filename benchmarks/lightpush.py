"""A stock client that pushes, inside the process that measures.

It is the code of `hg push -r`, so that requests are those of a stock client to
the byte; what takes half a second to start is started once. The changesets are
made beforehand, all on the tip of the repository, and may be pushed to any number
of servers: the repository of the client stays as it is.

Needs `mercurial` in the Python that runs it.
"""

from __future__ import annotations

import os
import pathlib
import random

import hgmodules

#: Of each push.
CHANGESETS = 3
FILES = 2  # that each of them edits

SEED = 20191101  # any number: what is pushed is the same whenever it is made


class PushFailed(ValueError):
    """The server did not take what was pushed; the text is what it said."""


class LightPusher:
    """Pushes from the repository at `path`, a copy that is its own.

    What two of them make is the same, to the byte, unless their numbers, from `first`
    on, differ: then it is the same edits, with another number in each.
    """

    def __init__(self, path: pathlib.Path, first: int = 0) -> None:
        self.path = path
        unfiltered = hgmodules.open_repository(path)
        self._repository = unfiltered.filtered(b"visible")
        self.base: bytes = unfiltered.changelog.tip()
        self._paths = sorted(unfiltered[self.base].manifest())
        self._made = first
        self._chance = random.Random(SEED)

    def prepare(self, pushes: int) -> list[list[bytes]]:
        """So many times the nodes of CHANGESETS new changesets, small edits."""
        return [
            self._line([self._edits() for _n in range(CHANGESETS)])
            for _p in range(pushes)
        ]

    def prepare_stack(self, pushes: int, changesets: int) -> list[list[bytes]]:
        """So many times the nodes of `changesets` new ones, each push on top of the
        one before: there are no new heads.
        """
        made = []
        for _p in range(pushes):
            made.append(self._line([self._edits() for _n in range(changesets)]))
            self.base = made[-1][-1]
        return made

    def prepare_large(self, size: int) -> list[bytes]:
        """The nodes of CHANGESETS new ones, with `size` bytes that nothing compresses."""
        share = size // CHANGESETS
        return self._line(
            [
                {b"large-%d.bin" % n: self._chance.randbytes(share)}
                for n in range(CHANGESETS)
            ]
        )

    def prepare_heads(self, count: int) -> list[bytes]:
        """The nodes of so many new heads, each of one changeset."""
        return [self._line([self._edits()])[0] for _n in range(count)]

    def push(self, url: str, heads: list[bytes], force: bool = True) -> None:
        """`hg push -f -r HEAD...`, or without the `-f`; PushFailed."""
        from mercurial import error, exchange, hg

        failure = ""
        ui = self._repository.ui
        ui.pushbuffer(error=True)
        peer = hg.peer(ui, {}, url.encode("ascii"))
        try:
            result = exchange.push(self._repository, peer, force=force, revs=heads)
            if not result.cgresult:
                failure = "nothing was pushed"
        except error.Error as err:
            failure = str(err)
        finally:
            said = ui.popbuffer().decode("utf-8", "replace")
            hgmodules.close_connections(peer)
        if failure:
            raise PushFailed(f"{failure}:\n{said}")

    def changed_files(self, node: bytes) -> list[str]:
        """The paths of the files that one of these changesets edits."""
        return [
            os.fsdecode(path) for path in self._repository.unfiltered()[node].files()
        ]

    def _edits(self) -> dict[bytes, bytes | None]:
        chosen = self._chance.sample(self._paths, FILES)
        return dict.fromkeys(chosen)

    def _line(self, edits: list[dict[bytes, bytes | None]]) -> list[bytes]:
        nodes: list[bytes] = []
        repository = self._repository.unfiltered()
        with repository.lock(), repository.transaction(b"bench"):
            for each in edits:
                nodes.append(self._commit(nodes[-1] if nodes else self.base, each))
        return nodes

    def _commit(self, parent: bytes, edits: dict[bytes, bytes | None]) -> bytes:
        """A changeset with these contents; a line is added where there is none."""
        from mercurial import context

        repository = self._repository.unfiltered()
        self._made += 1
        line = b"# try %d\n" % self._made

        def filectx(repo, memctx, path):
            data = edits[path]
            if data is None:
                data = repo[parent][path].data() + line
            return context.memfilectx(repo, memctx, path, data)

        return repository.commitctx(
            context.memctx(
                repository,
                [parent, None],
                b"try %d" % self._made,
                list(edits),
                filectx,
                user=b"Ada Example <ada@example.org>",
                date=(1572566400 + self._made, 0),
            )
        )
