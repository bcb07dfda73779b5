"""Ask all servers the same, and say what differs so that one can act on it."""

import collections
import dataclasses
import typing

from mutations import Mutation
from plans import RepositoryPlan
from v2_requests import FILE, MANIFEST, Request
from v2_servers import Clients

from hgs3.wireproto import v2commands

#: Commands for which a second ask must be a hit. The others are compared too.
CACHED_COMMANDS = frozenset(v2commands.REQUESTS)


class Disagreement(AssertionError):
    """Servers answered differently, or one did not use its cache."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One example."""

    plan: RepositoryPlan
    requests: typing.Tuple[Request, ...]
    mutations: typing.Tuple[Mutation, ...]

    def _repr_pretty_(self, printer, _cycle):
        # What hypothesis would print is as long, and is not for people.
        printer.text("<the case below>")

    def describe(self):
        lines = ["repository:", self.plan.describe(), "requests:"]
        lines += ["  %s" % request for request in self.requests]
        lines += ["mutations:"]
        lines += ["  %s" % mutation for mutation in self.mutations] or ["  none"]
        return "\n".join(lines)


class Tally:
    """How much was tried, and how much of it came out of the store."""

    def __init__(self):
        self.counts = collections.Counter()
        self.hits = collections.Counter()

    def hit(self, command, event):
        self.counts["hits"] += 1
        self.hits[command, event.via] += 1

    def share_of_hits(self):
        """How many of the second asks, and of those inline, were hits.

        Only requests count that a command of CACHED_COMMANDS answered, with
        enough to be stored. Not all are hits: what came with a changeset that
        is hidden now may be asked for by its node, but is not cached.
        """
        return self.counts["hits"] / (2 * self.counts["requests that could hit"] or 1)

    def __str__(self):
        counts = ", ".join(
            "%d %s" % (count, what) for what, count in sorted(self.counts.items())
        )
        hits = ", ".join(
            "%d of %s %s" % (count, command.decode(), via)
            for (command, via), count in sorted(self.hits.items())
        )
        return "%s (%s)" % (counts, hits)


def examine(case, repository, clients, tally):
    """Ask, change, ask again; raises Disagreement."""
    tally.counts["repositories"] += 1
    _Round(case, repository, clients, tally, "as it was made").run()
    for number, mutation in enumerate(case.mutations, 1):
        mutation.apply(repository)
        tally.counts["mutations"] += 1
        stage = "after mutation %d (%s)" % (number, mutation)
        _Round(case, repository, clients, tally, stage).run()


class _Round:
    """All requests of a case to all servers, with the repository at rest."""

    def __init__(self, case, repository, clients, tally, stage):
        self._case = case
        self._repository = repository
        self._clients = clients
        self._tally = tally
        self._stage = stage
        self._visible = _Visibility(repository)

    def run(self):
        asked = []
        for request in self._case.requests:
            arguments = request.resolved(self._repository)
            uncached = self._ask(Clients.UNCACHED, request, arguments)
            first = self._ask(Clients.CACHED, request, arguments)
            self._compare(request, {"uncached": uncached, "first ask": first})
            self._tally.counts["requests"] += 1
            self._tally.counts["requests that fail"] += bool(uncached.outcome.error)
            asked.append((request, arguments, uncached, first))
        self._clients.settle()
        for request, arguments, uncached, first in asked:
            second = self._ask(Clients.CACHED, request, arguments)
            inline = self._ask(Clients.INLINE, request, arguments)
            answers = {
                "uncached": uncached,
                "first ask": first,
                "second ask": second,
                "inline": inline,
            }
            self._compare(request, answers)
            self._expect_hits(request, answers)
        # What those two stored, if anything.
        self._clients.settle()

    def _ask(self, who, request, arguments):
        self._tally.counts["answers"] += 1
        return self._clients.ask(who, request.command, arguments)

    def _compare(self, request, answers):
        outcomes = {name: answer.outcome for name, answer in answers.items()}
        if len(set(outcomes.values())) > 1:
            self._fail("the answers differ", request, answers)

    def _expect_hits(self, request, answers):
        """Whoever was given an answer that is stored must have it again from
        the store; and what can be stored must be."""
        first = answers["first ask"]
        answered = not answers["uncached"].outcome.error
        if request.command in CACHED_COMMANDS and answered:
            self._tally.counts["requests that could hit"] += 1
        looked_up = [event for event in first.events if event.name in ("hit", "miss")]
        if not looked_up:
            if self._should_be_cached(request, answers["uncached"]):
                self._fail("the store was not asked", request, answers)
            return
        self._tally.counts["requests looked up"] += 1
        (event,) = looked_up
        end = event if event.name == "hit" else self._clients.ends[event.key]
        if end.name == "dropped" and not answered:
            return
        minimum = self._repository.plan.minimum_object_bytes
        if end.name == "skipped-small" and end.size_bytes < minimum:
            self._tally.counts["requests that could hit"] -= 1
            return
        if end.name not in ("hit", "stored"):
            self._fail("not stored, but %s" % (end,), request, answers)
        for name, via in (("second ask", "redirect"), ("inline", "inline")):
            answer = answers[name]
            hits = [
                hit
                for hit in answer.events
                if (hit.name, hit.key, hit.via) == ("hit", event.key, via)
            ]
            if not hits or answer.redirected != (via == "redirect"):
                self._fail("no hit by %s" % via, request, answers)
            self._tally.hit(request.command, hits[0])

    def _should_be_cached(self, request, uncached):
        """Whether an honest request was answered to somebody who may see all
        that is in the answer. Otherwise the cache may stand aside."""
        if request.command not in CACHED_COMMANDS or request.spoilt:
            return False
        if uncached.outcome.error:
            return False
        # It would say which changeset brought a file revision here, which is
        # another one after a strip.
        if request.command == b"filedata":
            if b"linknode" in request.arguments.get(b"fields", ()):
                return False
        return self._visible.all_of(request.arguments)

    def _fail(self, why, request, answers):
        arguments = request.resolved(self._repository)
        lines = [
            "%s, %s" % (why, self._stage),
            "request: %s" % request,
            "which is: %s %r" % (request.command.decode(), arguments),
        ]
        for name, answer in answers.items():
            lines += _described(name, answer, answers["uncached"].outcome)
        raise Disagreement("\n".join(lines))


class _Visibility:
    """Which changesets clients may see now, and which manifests and file
    revisions came with these. Asked of the repository, not of the code under
    test. (A command that is asked for no field of a changeset does not look.)"""

    def __init__(self, repository):
        self._repository = repository
        self._repo = repository.open()
        self._served = self._repo.filtered(b"served").changelog
        self._hidden = self._served.filteredrevs

    def all_of(self, arguments):
        specs = arguments.get(b"revisions", ())
        changesets = [node for spec in specs for node in spec.get(b"nodes", ())]
        return all(
            self._linkrev(node) not in self._hidden
            for node in arguments.get(b"nodes", ())
        ) and all(
            self._served.hasnode(node.resolve(self._repository)) for node in changesets
        )

    def _linkrev(self, node):
        """The revision of the changeset, or None for changesets themselves."""
        name = node.resolve(self._repository)
        if node.kind == MANIFEST:
            storage = self._repo.manifestlog.getstorage(b"")
        elif node.kind == FILE:
            storage = self._repo.file(node.path)
        else:
            return None
        return storage.linkrev(storage.rev(name))


def _described(name, answer, wanted):
    """Lines about an answer; objects are shown from where they differ on."""
    got = answer.outcome
    lines = [
        "%s: %d objects, error %s, hooks %s%s"
        % (
            name,
            len(got.objects),
            got.error,
            list(got.hooks),
            ", redirected" if answer.redirected else "",
        )
    ]
    lines += ["    log: %s" % (event,) for event in answer.events]
    if got.objects != wanted.objects:
        pairs = zip(got.objects, wanted.objects)
        same = 0
        for ours, theirs in pairs:
            if ours != theirs:
                break
            same += 1
        lines.append("    the first %d objects are equal; then" % same)
        lines.append("    has    %.2000r" % (got.objects[same : same + 2],))
        lines.append("    wanted %.2000r" % (wanted.objects[same : same + 2],))
    return lines
