"""Let the same happen to clients of an ordinary server and of a headless one, and say
where they come apart."""

import json
import pathlib
import shutil

from plans import CONTENTS
from try_servers import CACHED, ORDINARY, Guarded
from try_steps import contents_in, write
from v1_comparing import Disagreement, _differences

#: Beside 0: a push of what the other server had has nothing to do there.
_NOTHING_TO_DO = 1


class World:
    """Two servers of the same base, and clients that have each repository twice.

    ``client`` is a TryClient, ``upstream`` the path of a repository that changesets
    of the base come from, ``name`` unlike that of any other World, ``setup`` a
    try_lab.Setup. ``tally`` counts.
    """

    def __init__(self, arena, client, upstream, name, setup, tally):
        self._arena = arena
        self._client = client
        self._upstream = upstream
        self._transport = setup.transport
        self._ordinary = arena.add(ORDINARY, name, upstream)
        settings = {"s3try.redirect-minimum": "%d" % setup.redirect_minimum}
        self._headless = arena.add(setup.who, name, upstream, settings)
        self._guarded = Guarded(arena, self._headless)
        self._folder = pathlib.Path(client.folder, name)
        self._tally = tally
        self._numbers = 0
        self._clients = 0
        #: Nodes (hex) of the base, its heads, and nodes of what was pushed, in order.
        self._base, self._base_heads, self._pushed = [], [], []
        #: The commands so far.
        self.trace = []
        self._look_at_base()
        if setup.who == CACHED:
            self._arena.admin.run("-R", self._headless, "s3cache", "warm")
            self._guarded.has_changed()

    def run(self, steps):
        """Raises Disagreement."""
        try:
            for step in steps:
                while self._clients <= step.client:
                    self._clients += 1
                    self._clone(self._clients - 1, [], self._of_base(), "http")
                self.trace.append("%s" % step)
                getattr(self, step.name)(step.client, *step.values)
            self._finish()
        except (Disagreement, RuntimeError) as err:
            lines = [str(err), "", "so far:"] + self.trace
            raise Disagreement("\n".join(lines)) from None

    def remove(self):
        self._guarded.settle()
        for path in (self._ordinary, self._headless, self._folder):
            shutil.rmtree(str(path), ignore_errors=True)

    # Steps: of changesets that clients make.

    def commit(self, client, parents, actions, branch=None):
        known = self._told(client)["heads"], self._visible(client)
        if not known[1]:
            return  # it would be a root, which no try takes
        given = self._specification(known, parents, actions, branch)
        nodes = {self._client.commit(path, given) for path in self._both(client)}
        if len(nodes) != 1:
            raise Disagreement("not the same commit: %s" % nodes)
        self._done("commit")
        self._compare(client)

    def resemble(self, client, number, with_more):
        """A commit beside another one, of the same content: it has revisions of files
        that are there already."""
        visible = self._visible(client)
        told = self._told(client)["changesets"]
        originals = [node for node in visible if told[node][0]]
        if originals:
            number = visible.index(originals[number % len(originals)])
            parent = visible.index(told[visible[number]][0][0])
            more = [write(b"more", "line")] if with_more else []
            self.commit(client, (parent,), [("like", number), *more])
            self._done("resemble")

    def amend(self, client, number, with_content):
        drafts = set(self._drafts(client))
        heads = [node for node in self._told(client)["heads"] if node in drafts]
        if not heads:
            return
        node = heads[number % len(heads)]
        self._numbers += 1
        words = ["commit", "--amend", "-m", "amended %d" % self._numbers]
        words += ["-d", "%d 0" % (1_300_000_000 + self._numbers)]
        if with_content:
            words += ["-A"]
        for path in self._both(client):
            status, _output = self._client.hg.run(
                "--cwd", path, "update", "-q", "-C", "-r", node
            )
            if status:
                return  # what is large, or has NUL in it, is no symbolic link
            if with_content:
                (path / "amended").write_bytes(CONTENTS["line"])
            self._hg(*words, cwd=path)
        self._done("amend")
        self._compare(client)

    # Steps: pushes.

    def push(self, client, which=(), words=()):
        """``which`` of the client's drafts, or all; the number -1 is the newest."""
        drafts = self._drafts(client)
        if not drafts:
            return
        chosen = [drafts[number % len(drafts)] for number in which]
        words = [word for node in chosen for word in ("-r", node)] + list(words)
        self._exchange("push", client, ["push", "-f"], words)
        told = self._told(client)["changesets"]
        pushed, pending = set(), list(chosen or drafts)
        while pending:
            node = pending.pop()
            if node not in pushed and node in told:
                pushed.add(node)
                pending += told[node][0]
        new = pushed.difference(self._base, self._pushed)
        self._pushed += [node for node in told if node in new]
        self._done("push again" if not new else "push")

    def push_bookmark(self, client, name, number):
        drafts = self._drafts(client)
        if not drafts:
            return
        node = drafts[number % len(drafts)]
        for path in self._both(client):
            self._hg("bookmark", "-f", "-r", node, name, cwd=path)
        self._done("push bookmark")
        self.push(client, (drafts.index(node),), ("-B", name))

    def delete_bookmark(self, client, name):
        told = self._told(client)["bookmarks"]
        if name in told:
            for path in self._both(client):
                self._hg("bookmark", "-d", name, cwd=path)
        self._exchange("push", client, ["push"], ["-r", "null", "-B", name])
        self._done("delete bookmark")

    # Steps: what is given back.

    def pull(self, client, which, length=40):
        """``which`` of what was pushed, by that many digits."""
        if self._pushed:
            self._exchange("pull", client, ["pull"], self._revisions(which, length))
            self._done("pull")

    def pull_bookmark(self, client, name, option="-r"):
        self._exchange("pull", client, ["pull"], [option, name])
        self._done("pull bookmark")

    def pull_base(self, client):
        self._exchange("pull", client, ["pull"], [], of_ordinary=self._of_base())
        self._done("pull base")

    def clone_base(self, client):
        self._clone(client, [], self._of_base())
        self._done("clone base")

    def clone(self, client, which, length=40):
        """In place of the client's repository."""
        if self._pushed:
            words = self._revisions(which, length)
            self._clone(client, words, words)
            self._done("clone")

    def begin(self, client, which=()):
        """The client is one that has these changesets of the base, and no others."""
        self._examine(client)
        for path in self._both(client):
            self._client.empty(path)
        if which:
            nodes = [self._base[number % len(self._base)] for number in which]
            words = [word for node in nodes for word in ("-r", node)]
            self._exchange("pull", client, ["pull"], words)
        self._done("begin")

    def incoming(self, client, number, length=40):
        if self._pushed:
            words = self._revisions((number,), length) + ["-T", "{node} {phase}\n"]
            outputs = self._exchange("incoming", client, ["incoming", "-q"], words)
            self._equal("incoming", [sorted(o.splitlines()) for o in outputs])
            self._done("incoming")

    def identify(self, client, number, length=40):
        if self._pushed:
            words = ["-i", "-B"] + self._revisions((number,), length)
            outputs = self._exchange("identify", client, ["identify"], words)
            self._equal("identify", outputs)
            self._done("identify")

    # Steps: the base grows.

    def grow(self, _client, parents, actions):
        known = self._base_heads, self._base
        given = json.dumps(self._specification(known, parents, actions, None))
        self._admin("-R", self._upstream, "differential-commit", given)
        self._pull_upstream()
        self._done("grow")

    def promote(self, client, number):
        """What a client has pushed becomes part of the base."""
        has = self._told(client)["changesets"]
        pushed = [node for node in self._pushed if node in has]
        if not pushed:
            return
        node = pushed[number % len(pushed)]
        path = self._both(client)[0]
        # A client of the upstream would have to have its changesets in view.
        words = ["pull", "-q", "--hidden", "-r", node, path]
        self._admin("-R", self._upstream, *words)
        self._admin("-R", self._upstream, "differential-set-bookmarks", "{}")
        self._pull_upstream()
        self._pushed = [node for node in self._pushed if node not in self._base]
        self._done("promote")

    def _pull_upstream(self):
        self._look_at_base()
        for path in (self._ordinary, self._headless):
            self._admin("-R", path, "pull", "-q", *self._of_base(), self._upstream)
        self._guarded.has_changed()

    def _of_base(self):
        """The words that name all of it."""
        return [word for node in self._base_heads for word in ("-r", node)]

    def _look_at_base(self):
        told = json.loads(self._admin("-R", self._upstream, "differential-tell"))
        self._base = list(told["changesets"])
        self._base_heads = told["heads"]

    # What all of them are made of.

    def _admin(self, *words):
        self.trace.append("    on servers: %s" % (words,))
        return self._arena.admin.check(*words)

    def _hg(self, *words, cwd):
        self.trace.append("    %s: hg %s" % (cwd.name, " ".join(words)))
        return self._client.hg.check("--cwd", cwd, *words)

    def _both(self, client):
        """The paths of its two repositories: that of the ordinary server first."""
        return [self._folder / (side + "-%d" % client) for side in ("o", "h")]

    def _specification(self, known, parents, actions, branch):
        heads, all_nodes = known
        nodes = []
        for number in parents:
            choice = all_nodes if number >= 0 else heads[:1] or all_nodes
            node = choice[number % len(choice)]
            if node not in nodes:
                nodes.append(node)
        self._numbers += 1
        return {
            "parents": nodes,
            "actions": [contents_in(action, all_nodes) for action in actions],
            "branch": branch,
            "number": self._numbers,
        }

    def _told(self, client):
        return self._client.tell(self._both(client)[0])

    def _visible(self, client):
        return [
            n for n, told in self._told(client)["changesets"].items() if not told[3]
        ]

    def _drafts(self, client):
        told = self._told(client)["changesets"]
        return [
            n
            for n, (_p, phase, _b, hidden) in told.items()
            if phase == "draft" and not hidden
        ]

    def _revisions(self, which, length):
        nodes = [self._pushed[number % len(self._pushed)] for number in which]
        return [word for node in nodes for word in ("-r", node[:length])]

    def _exchange(self, name, client, before, words, of_ordinary=None):
        """The outputs of a command with both servers, which must do the same."""
        statuses, outputs = [], []
        bookmarks = self._told(client)["bookmarks"]
        sides = (self._ordinary, "http"), (self._headless, self._transport)
        for path, (server, transport) in zip(self._both(client), sides):
            url = self._arena.url(server, transport)
            options = self._arena.options(server, transport)
            these = words
            if server == self._ordinary and of_ordinary is not None:
                these = of_ordinary
            command = ["-R", path, *options, *before, url, *these]
            status, output = self._client.hg.run(*command)
            if name == "push" and status == _NOTHING_TO_DO:
                status = 0
            statuses.append(status)
            outputs.append(output.decode("utf-8", "replace"))
            self._say(server, before + list(these), status, output)
        if statuses[0] != statuses[1]:
            raise Disagreement("%s ends with %s" % (name, statuses))
        if of_ordinary is not None:
            self._keeps_bookmarks(client, bookmarks)
        self._compare(client)
        return outputs

    def _clone(self, client, words, of_ordinary, transport=None):
        if self._both(client)[0].exists():
            self._examine(client)
        statuses = []
        sides = (
            (self._ordinary, "http", of_ordinary),
            (self._headless, transport or self._transport, words),
        )
        for path, (server, transport, these) in zip(self._both(client), sides):
            shutil.rmtree(str(path), ignore_errors=True)
            path.parent.mkdir(exist_ok=True)
            url = self._arena.url(server, transport)
            options = self._arena.options(server, transport)
            command = ["clone", "-U", *options, *these, url, path]
            status, output = self._client.hg.run("--cwd", self._folder, *command)
            statuses.append(status)
            self._say(server, ["clone", *these], status, output)
        if statuses != [0, 0]:
            raise Disagreement("clone ends with %s" % statuses)
        self._keeps_bookmarks(client, {})
        self._compare(client)

    def _keeps_bookmarks(self, client, wanted):
        """An ordinary server's bookmarks come with every pull. Those of try do not
        come when nothing is named, nor with a clone."""
        path = self._both(client)[0]
        if self._client.tell(path)["bookmarks"] != wanted:
            self._client.set_bookmarks(path, wanted)

    def _say(self, server, words, status, output):
        said = output.decode("utf-8", "replace").strip().replace("\n", "\n        ")
        self.trace.append(
            "    %s: hg %s" % (server.parent.name, " ".join(map(str, words)))
        )
        self.trace.append("      %d: %s" % (status, said))

    def _compare(self, client):
        told = [self._client.tell(path) for path in self._both(client)]
        self._equal("client %d" % client, told)

    def _examine(self, client):
        """All that is in its repositories, which may be gone afterwards."""
        told = [self._client.inspect(path) for path in self._both(client)]
        for side, each in zip(("ordinary", "headless"), told):
            if each["verify"] != "clean" or not each["topological"]:
                raise Disagreement("%s %d: %s" % (side, client, each["verify"]))
        self._equal("client %d" % client, told)

    def _equal(self, what, pair):
        if pair[0] != pair[1]:
            lines = ["%s differs from that of the ordinary server:" % what]
            raise Disagreement("\n".join(lines + _differences(what, *pair)))

    def _finish(self):
        for client in range(self._clients):
            self._examine(client)
        self._guarded.settle()
        changed = self._guarded.differences()
        if changed:
            raise Disagreement("the repository of the server has changed: %s" % changed)
        for event in self._guarded.log.new_events():
            if event.name == "error":
                raise Disagreement("the server has logged %s" % (event,))
            self._done("%s %s %s" % (event.command, event.name, event.via))

    def _done(self, what):
        self._tally[what] += 1
