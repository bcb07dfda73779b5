"""Run a client's commands against both servers, and say what differs so that
one can act on it."""

import collections
import dataclasses
import re
import typing

from mutations import Mutation
from plans import RepositoryPlan
from serverlog import OF_A_REQUEST, Event
from v1_servers import CACHED, UNCACHED
from v1_states import ClientPlan, Command

#: What a client says once for each part of an answer.
PROGRESS = re.compile(r"(?m)^adding (?:changesets|manifests|file changes)\n")

#: A client adds up what each part changes: files, and heads less those that it
#: closes. A file that two parts change is counted twice, and a head that is
#: closed in one and continued in the next, not at all.
COUNTS = re.compile(
    r"(?m)^(added \d+ changesets with \d+ changes to) \d+ files(?: \([+-]\d+ heads\))?$"
)
#: What to do next depends on that number of heads, too.
HINT = re.compile(r"(?m)^\(run 'hg (?:heads|update).*\)$")

#: Why a segment cannot be made.
UNFIT = re.compile("has flags|has another base")


class Disagreement(AssertionError):
    """Clients ended up differently, or the cache was not used."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One example: each of ``clients`` runs its commands, from the same state
    each time; then the repository changes, and all run again."""

    plan: RepositoryPlan
    clients: typing.Tuple[typing.Tuple[ClientPlan, typing.Tuple[Command, ...]], ...]
    mutations: typing.Tuple[Mutation, ...]
    warm: bool

    def _repr_pretty_(self, printer, _cycle):
        # What hypothesis would print is as long, and is not for people.
        printer.text("<the case below>")

    def describe(self):
        lines = ["repository:", self.plan.describe(), "clients:"]
        for client, commands in self.clients:
            lines += ["  %s" % client]
            lines += ["    %s" % command for command in commands]
        lines += ["mutations:"]
        lines += ["  %s" % mutation for mutation in self.mutations] or ["  none"]
        lines += ["segments are made %s" % ("before" if self.warm else "when missed")]
        return "\n".join(lines)


class Outcome(typing.NamedTuple):
    """What a user sees of a command: all of it must be equal.

    ``repository`` is as v1_helper.py tells it, None for no repository.
    """

    status: int
    output: str
    repository: typing.Optional[dict]
    client_hooks: typing.Tuple[str, ...]
    server_hooks: typing.Tuple[str, ...]


class Answer(typing.NamedTuple):
    """An Outcome and how it came about; ``changegroups`` is how many parts with
    changesets the client has found in the answer."""

    outcome: Outcome
    events: typing.Tuple[Event, ...]
    changegroups: int

    def keys(self, name):
        return {event.key for event in self.events if event.name == name}


class Tally:
    """How much was tried, and how much of it came out of the store."""

    def __init__(self):
        self.counts = collections.Counter()

    def share_of_remote(self):
        """How many of the second answers that brought changesets by a command
        that can take remote parts had some."""
        return self.counts["with remote parts"] / (self.counts["that could have"] or 1)

    def __str__(self):
        return ", ".join(
            "%d %s" % (count, what) for what, count in sorted(self.counts.items())
        )


def examine(case, repository, served, client, transport, tally):
    """Ask, change, ask again; raises Disagreement."""
    tally.counts["repositories"] += 1
    states = [
        client.make(
            "template-%d" % number,
            plan,
            repository.changesets,
            served.url(UNCACHED, transport="http"),
        )
        for number, (plan, _commands) in enumerate(case.clients)
    ]
    round_ = _Round(case, repository, served, client, transport, tally, states)
    round_.run("as it was made")
    for number, mutation in enumerate(case.mutations, 1):
        mutation.apply(repository)
        round_.run("after mutation %d (%s)" % (number, mutation))


class _Round:
    """All commands of a case to both servers, with the repository at rest."""

    def __init__(self, case, repository, served, client, transport, tally, states):
        self._case = case
        self._repository = repository
        self._served = served
        self._log = served.log
        self._client = client
        self._transport = transport
        self._tally = tally
        self._states = states

    def run(self, stage):
        if self._case.warm:
            self._served.fleet.warm(self._served.path)
        for state, (plan, commands) in zip(self._states, self._case.clients):
            for command in commands:
                self._examine(state, plan, command, stage)

    def _examine(self, state, plan, command, stage):
        self._forget_the_past()
        answers = {}
        try:
            for name, who in (
                ("uncached", UNCACHED),
                ("first ask", CACHED),
                ("second ask", CACHED),
            ):
                answers[name] = self._ask(who, state, plan, command)
                self._check(answers, command)
                self._served.settle()
        except Disagreement as err:
            lines = [str(err), "", stage, "client: %s" % plan, "command: %s" % command]
            words = command.words(self._repository.changesets)
            lines += ["which is: %r" % (words,)]
            for name, answer in answers.items():
                lines += _described(name, answer)
            raise Disagreement("\n".join(lines)) from None
        self._count(answers["second ask"], command)

    def _forget_the_past(self):
        """What mutations and earlier commands have left."""
        self._served.settle()
        self._log.new_events()
        self._log.new_hook_calls()

    def _ask(self, who, state, plan, command):
        self._tally.counts["commands"] += 1
        url = self._served.url(who, self._transport)
        words = command.words(self._repository.changesets)
        evolution = "all" if plan.markers else "createmarkers"
        options = self._served.fleet.options(who, self._transport)
        options += ["--config", "experimental.evolution=" + evolution]
        status, output, repository, hooks = self._client.run(
            state, words[:1] + [url.encode()] + words[1:], options
        )
        parts = [call for call in hooks if call.startswith("changegroup(")]
        outcome = Outcome(
            status,
            _as_one_part(output.replace(url, "SERVER")),
            repository,
            tuple(sorted(call for call in hooks if call not in parts)),
            self._log.new_hook_calls(),
        )
        events = [event for event in self._log.new_events()]
        events = [event for event in events if event.name in OF_A_REQUEST]
        return Answer(outcome, tuple(events), len(parts))

    def _check(self, answers, command):
        name = list(answers)[-1]
        answer = answers[name]
        try:
            _check_alone(answer.outcome)
        except Disagreement as err:
            raise Disagreement("%s: %s" % (name, err)) from None
        wanted = answers["uncached"].outcome
        if answer.outcome != wanted:
            lines = ["%s differs from uncached:" % name]
            for field in Outcome._fields:
                lines += _differences(
                    field, getattr(wanted, field), getattr(answer.outcome, field)
                )
            raise Disagreement("\n".join(lines))
        if not _may_be_remote(command) and answer.keys("hit"):
            raise Disagreement("%s has remote parts" % name)
        if name == "second ask" and _is_sent(wanted):
            self._check_hits(answers["first ask"], answer)

    def _check_hits(self, first, second):
        """What was missing has been made, and is used."""
        ends = {key: self._log.ends[key] for key in first.keys("miss")}
        stored = {key for key, end in ends.items() if end.name == "stored"}
        for end in ends.values():
            if end.name == "dropped" and UNFIT.search(end.reason):
                self._tally.counts["blocks that no segment can hold"] += 1
            elif end.name != "stored":
                raise Disagreement("not stored: %s" % (end,))
        # What stood in for one that was missing need not be used again.
        unused = stored - second.keys("hit")
        # A tail that was made meanwhile is used instead of all that it holds.
        instead = second.keys("hit") - first.keys("miss") - first.keys("hit")
        if unused and not instead:
            raise Disagreement("not used by the second ask: %s" % sorted(unused))
        if first.keys("hit") and not second.keys("hit"):
            raise Disagreement("no remote parts any more")

    def _count(self, second, command):
        counts = self._tally.counts
        if _may_be_remote(command) and second.changegroups:
            counts["that could have"] += 1
            counts["with remote parts"] += bool(second.keys("hit"))
        counts["remote parts"] += len(second.keys("hit"))
        counts["answers of several parts"] += second.changegroups > 1


def _may_be_remote(command):
    """Whether the client understands remote parts: those that do not ask for
    phases with the changesets do not."""
    if command.name == "incoming":
        return False
    return not set(command.options) & {
        "devel.legacy.exchange=phases",
        "devel.legacy.exchange=bundle1",
    }


def _is_sent(outcome):
    """Whether no hook of the server's has refused."""
    return any("'outgoing'(" in call for call in outcome.server_hooks)


def _as_one_part(output):
    output = HINT.sub("(run 'hg ...')", PROGRESS.sub("", output))
    return COUNTS.sub(r"\1 N files (N heads)", output)


def _check_alone(outcome):
    """What holds for every outcome, the uncached one too."""
    incoming = [call for call in outcome.client_hooks if call.startswith("incoming(")]
    if len(set(incoming)) < len(incoming):
        raise Disagreement("the same changeset came in twice: %s" % incoming)
    for hook in ("'preoutgoing'(", "'outgoing'("):
        if sum(hook in call for call in outcome.server_hooks) > 1:
            raise Disagreement("not one pull: %s" % (outcome.server_hooks,))
    repository = outcome.repository or {"verify": "clean", "topological": True}
    if repository["verify"] != "clean":
        raise Disagreement("hg verify: %s" % repository["verify"])
    if not repository["topological"]:
        raise Disagreement("a parent comes after its child")


def _differences(where, wanted, got):
    """Lines about what differs in two JSON-like objects."""
    if wanted == got:
        return []
    if isinstance(wanted, dict) and isinstance(got, dict):
        lines = []
        for key in sorted(set(wanted) | set(got)):
            there = "%s/%s" % (where, key)
            if key not in got:
                lines.append("  %s is missing: %.300r" % (there, wanted[key]))
            elif key not in wanted:
                lines.append("  %s is too much: %.300r" % (there, got[key]))
            else:
                lines += _differences(there, wanted[key], got[key])
        return lines
    if isinstance(wanted, (list, tuple)) and isinstance(got, (list, tuple)):
        lines = ["  %s, missing: %.400r" % (where, x) for x in wanted if x not in got]
        lines += ["  %s, too much: %.400r" % (where, x) for x in got if x not in wanted]
        return lines or ["  %s, in order: %r, not %r" % (where, got, wanted)]
    return ["  %s: %.1000r" % (where, got), "  %s, wanted: %.1000r" % (where, wanted)]


def _described(name, answer):
    outcome = answer.outcome
    lines = ["%s: exit status %d" % (name, outcome.status)]
    lines += ["    " + line for line in outcome.output.splitlines()]
    lines += ["    server hook: %s" % call for call in outcome.server_hooks]
    lines += ["    client hook: %s" % call for call in outcome.client_hooks]
    lines += ["    log: %s" % (event,) for event in answer.events]
    return lines
