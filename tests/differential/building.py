"""Make real repositories from plans, with Mercurial's own API."""

import io
import os
import pathlib
import signal

from mercurial import (
    context,
    dispatch,
    extensions,
    hg,
    localrepo,
    narrowspec,
    obsolete,
    phases,
    requirements,
    scmutil,
)
from mercurial import node as nodemod
from mercurial import ui as uimod
from plans import CONTENTS

try:
    # hg >= 7.2
    from mercurial.main_script import request as Request
except ImportError:
    from mercurial.dispatch import request as Request

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

USER = b"someone <someone@example.com>"


def make_ui():
    """A ui that reads nobody's configuration."""
    ui = uimod.ui()
    for section, name, value in (
        (b"experimental", b"evolution", b"all"),
        (b"experimental", b"httppeer.advertise-v2", b"true"),
        # As on a server, where it may have to take note of what changes.
        (b"extensions", b"s3wireprotocache", b""),
        (b"extensions", b"censor", b""),
        (b"extensions", b"strip", b""),
        # Without it, a narrow repository cannot be stripped.
        (b"experimental", b"changegroup3", b"true"),
        # Far more than any answer takes: only a hang sees it.
        (b"http", b"timeout", b"120"),
        (b"ui", b"quiet", b"true"),
        (b"progress", b"disable", b"true"),
        (b"phases", b"new-commit", b"draft"),
    ):
        ui.setconfig(section, name, value, b"differential")
    extensions.loadall(ui)
    # It tells of orphans and the like.
    ui.fout = ui.ferr = open(os.devnull, "wb")
    return ui


def _allow_narrow_repositories():
    """As the extension narrow does, which would also break version 2 clients."""
    # hg >= 7.0 has it elsewhere, and nobody here asks it for narrow ones.
    if not hasattr(localrepo, "gathersupportedrequirements"):
        return
    gather = localrepo.gathersupportedrequirements
    localrepo.gathersupportedrequirements = lambda ui: (
        gather(ui) | {requirements.NARROW_REQUIREMENT}
    )


_allow_narrow_repositories()


class Repository:
    """A plan that was made: ``path`` on disk, and what its changesets became.

    ``changesets`` are nodes in the order of the plan's commits. Later commits
    are appended; none is ever taken away, so that what was stripped can still
    be asked for. ``settings`` are those of servers for this repository,
    {(section, name): value}.
    """

    def __init__(self, ui, path, plan, settings=()):
        self.ui = ui
        self.path = pathlib.Path(path)
        self.plan = plan
        self._settings = dict(settings)
        self.changesets = []
        self.publishing = plan.publishing
        self._manifests = {}
        self._filenodes = {}
        self._create()

    def open(self):
        """A new object for the repository as it is on disk now, unfiltered."""
        return hg.repository(self.ui, os.fsencode(self.path)).unfiltered()

    def manifest(self, number):
        """The manifest node of a commit."""
        return self._manifests[number]

    def filenode(self, number, path):
        """The node of ``path`` in a commit, or None where it has none."""
        return self._filenodes[number].get(path)

    def commit(self, parents, changes, branch=b"default"):
        """Add a changeset; ``parents`` are numbers."""
        repo = self.open()
        with repo.wlock(), repo.lock(), repo.transaction(b"differential"):
            self._commit(repo, parents, changes, branch)

    def hg(self, *words):
        """Run a command of Mercurial's on this repository; it must succeed."""
        arguments = [b"--hidden", b"-R", os.fsencode(self.path), *words]
        output = io.BytesIO()
        request = Request(arguments, ui=self.ui.copy(), fout=output, ferr=output)
        # It takes signals over and never gives them back.
        handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        try:
            status = dispatch.dispatch(request)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if status:
            raise RuntimeError("hg %r: %s" % (words, output.getvalue()))

    def _create(self):
        if self.plan.treemanifest:
            self.ui.setconfig(b"experimental", b"treemanifest", b"yes", b"plan")
        else:
            self.ui.setconfig(b"experimental", b"treemanifest", b"no", b"plan")
        repo = hg.repository(self.ui, os.fsencode(self.path), create=True).unfiltered()
        with repo.wlock(), repo.lock(), repo.transaction(b"differential") as tr:
            for commit in self.plan.commits:
                self._commit(
                    repo, commit.parents, commit.changes, commit.branch, commit.closes
                )
            self._set_phases(repo, tr)
            changes = [
                (name, self.changesets[number])
                for name, number in sorted(self.plan.bookmarks.items())
            ]
            repo._bookmarks.applychanges(repo, tr, changes)
        self._make_obsolete(repo)
        if self.plan.narrow is not None:
            self.set_narrow(*self.plan.narrow)
        self.write_hgrc()

    def _content(self, name):
        """The bytes that a name of plans.CONTENTS, or "tag N", stands for."""
        if name in CONTENTS:
            return CONTENTS[name]
        number = int(name.split()[1])
        return b"%s tag %d\n" % (nodemod.hex(self.changesets[number]), number)

    def _commit(self, repo, parents, changes, branch, closes=False):
        by_path = {change.path: change for change in changes}

        def filectx(repo, memctx, path):
            change = by_path[path]
            if change.content is None:
                return None
            return context.memfilectx(
                repo,
                memctx,
                path,
                self._content(change.content),
                islink=change.flags == "l",
                isexec=change.flags == "x",
                copysource=change.source,
            )

        nodes = [self.changesets[number] for number in parents]
        number = len(self.changesets)
        memctx = context.memctx(
            repo,
            (nodes + [None, None])[:2],
            b"commit %d" % number,
            sorted(by_path),
            filectx,
            USER,
            (1_000_000_000 + number, 0),
            {b"branch": branch, **({b"close": b"1"} if closes else {})},
        )
        node = repo.commitctx(memctx)
        ctx = repo[node]
        self.changesets.append(node)
        self._manifests[number] = ctx.manifestnode()
        self._filenodes[number] = dict(ctx.manifest().items())

    def _set_phases(self, repo, tr):
        nodes = self.changesets
        secret = [nodes[number] for number in sorted(self.plan.secret)]
        public = [nodes[number] for number in sorted(self.plan.public)]
        phases.retractboundary(repo, tr, phases.secret, secret)
        phases.advanceboundary(repo, tr, phases.public, public)

    def _make_obsolete(self, repo):
        relations = [
            ((repo[self.changesets[number]],), ())
            for number in sorted(self.plan.obsolete)
            if repo[self.changesets[number]].mutable()
        ]
        if relations:
            obsolete.createmarkers(repo, relations, date=(1_000_000_000, 0))

    def set_narrow(self, includes, excludes):
        """Make it a narrow repository with these sets of patterns."""
        repo = self.open()
        with repo.wlock(), repo.lock():
            repo.requirements.add(requirements.NARROW_REQUIREMENT)
            repo.setnarrowpats(set(includes), set(excludes))
            scmutil.writereporequirements(repo)
            # Servers refuse when the working copy was made with other ones.
            narrowspec.copytoworkingcopy(repo)

    def write_hgrc(self):
        """What servers read of this repository's own configuration."""
        lines = [
            "[phases]",
            "publish = %s" % self.publishing,
            "[s3wireprotocache]",
            "minimum-object-size = %d" % self.plan.minimum_object_bytes,
        ]
        for (section, name), value in self._settings.items():
            lines += ["[%s]" % section, "%s = %s" % (name, value)]
        if self.plan.refusing_hook:
            hooks = pathlib.Path(__file__).with_name("recordhook.py")
            lines += ["[hooks]", "preoutgoing.refuse = python:%s:refuse" % hooks]
        (self.path / ".hg" / "hgrc").write_text("\n".join(lines) + "\n")
