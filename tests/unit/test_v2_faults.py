"""Each request of ours to the store fails in each way: clients get the right
answer, and the cache is as good as ever as soon as the fault is gone."""

import pytest
import v2bench
from stores import SECRET, in_threads, new_bucket_name

from hgs3.cache import key as cachekey
from testlib import faultproxy as fp

pytestmark = v2bench.without_version_2

#: The requests of a miss and of a hit, in their order: method, of what, and
#: how many of the same kind go before.
HEAD = ("HEAD", "object", 0)
LEASE_PUT = ("PUT", "lease", 0)
SECOND_HEAD = ("HEAD", "object", 1)
PUT = ("PUT", "object", 0)
START = ("POST", "uploads", 0)
PART_1 = ("PUT", "partNumber=1", 0)
PART_2 = ("PUT", "partNumber=2", 0)
COMPLETION = ("POST", "uploadId", 0)
DELETE = ("POST", "delete", 0)
GET = ("GET", "object", 0)

STEPS = {
    "HEAD": HEAD,
    "lease PUT": LEASE_PUT,
    "second HEAD": SECOND_HEAD,
    "PUT": PUT,
    "start": START,
    "part 1": PART_1,
    "part 2": PART_2,
    "completion": COMPLETION,
    "lease DELETE": DELETE,
    "HEAD of a hit": HEAD,
    "GET of a hit": GET,
}
IN_PARTS = ("start", "part 1", "part 2", "completion")
HITS = ("HEAD of a hit", "GET of a hit")

REFUSALS = ("403", "404", "500", "503", fp.RESET, fp.GARBAGE, fp.LOSE_ANSWER)
WITH_BODY = ("lease PUT", "PUT", "part 1", "part 2", "completion")
ANSWERED_WITH_BODY = ("start", "completion", "GET of a hit")

#: The store has done it, and we do not know.
UNSEEN = (fp.LOSE_ANSWER, fp.CUT_HEAD, fp.CUT_BODY, fp.TRUNCATE, fp.ALTER)


def faults_of(step):
    yield from REFUSALS
    yield fp.CUT_HEAD
    if step in WITH_BODY:
        yield fp.CUT
    if step in ANSWERED_WITH_BODY:
        yield fp.CUT_BODY
        yield fp.TRUNCATE
        yield fp.ALTER


CASES = [(step, fault) for step in STEPS for fault in faults_of(step)]

#: Without which a response is stored nevertheless.
OPTIONAL = ("lease PUT", "second HEAD", "lease DELETE")

MADE = ["miss", "stored"]


def expected_events(step, fault):
    """What the log says of the request that meets the fault."""
    if step in OPTIONAL:
        return MADE
    if step in ("HEAD", "HEAD of a hit") and fault == "404":
        return MADE  # a store that says so is believed
    if step == "GET of a hit" and fault in ("404", fp.TRUNCATE, fp.ALTER):
        return ["damaged", "miss", "stored"]
    if step in ("HEAD", "HEAD of a hit", "GET of a hit"):
        return ["error"]
    return ["miss", "error"]


#: What http.client makes of half a head is a head: an answer with a status and
#: with no headers.
NO_HEADERS = {"HEAD": MADE, "PUT": MADE, "completion": MADE}


def is_of(step, key, head):
    """Whether a request is of that kind, for that object."""
    method, what, _before = step
    path, _mark, query = head.first[1].partition("?")
    if what == "delete":
        return query == what  # the keys are in the body
    wanted = cachekey.lease_key(key) if what == "lease" else key
    if head.first[0] != method or not path.endswith("/" + wanted):
        return False
    if what in ("object", "lease"):
        return not query or "uploadId" not in query and "uploads" not in query
    return what in query


def breaking(step, key, fault, times=1_000):
    """A rule for the proxy: that many requests meet the fault."""
    seen = []

    def rule(head):
        if not is_of(step, key, head):
            return fp.PASS
        seen.append(head)
        return fault if step[2] < len(seen) <= step[2] + times else fp.PASS

    return rule


@pytest.fixture(scope="module")
def proxy(moto):
    with fp.FaultProxy(moto.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def bucket(moto):
    name = new_bucket_name()
    moto.create_bucket(name)
    return name


@pytest.fixture(scope="module")
def answers(v2_repository, moto, bucket, tmp_path_factory):
    """Name of a file, to the digest of what an uncached server says."""
    folder = tmp_path_factory.mktemp("uncached")
    names = ["b0"] + ["f%d" % number for number in range(v2bench.SMALL_FILES)]
    with v2bench.Server(
        folder, v2_repository, moto, moto.url, bucket, commands="manifestdata"
    ) as server:
        return {name: server.ask(v2_repository.file(name))[0] for name in names}


@pytest.fixture(scope="module")
def server(v2_repository, moto, proxy, bucket, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    with v2bench.Server(folder, v2_repository, moto, proxy.url, bucket) as server:
        yield server
        leave_nothing(server, v2_repository)


def leave_nothing(server, repository):
    """No spool, no file of a lock, and nothing secret where anybody reads."""
    v2bench.wait_for(server.open_spools, lambda names: not names)
    assert list(server.tmp.iterdir()) == []
    locks = repository.path / ".hg" / "cache" / "hg-s3"
    v2bench.wait_for(
        lambda: list(locks.glob("*.lock")) if locks.exists() else [],
        lambda names: not names,
    )
    for secret in (SECRET, "X-Amz-Signature", "Signature="):
        assert secret not in server.everything_said()


@pytest.fixture(scope="module")
def keys(server, v2_repository):
    """Name of a file, to the key of its response."""
    names = ["b0"] + ["f%d" % number for number in range(v2bench.SMALL_FILES)]
    return {name: server.key_of(v2_repository.file(name)) for name in names}


class Case:
    """One step that fails in one way, from its start to the cache's recovery."""

    def __init__(self, name, step, server, proxy, repository, keys, answers):
        self.name = name
        self.step = step
        self.server = server
        self.proxy = proxy
        self.request = repository.file(name)
        self.key = keys[name]
        self.answer = answers[name]

    def prepare(self):
        """The object is there before a hit, and not before a miss."""
        if self.step in HITS:
            if self.key not in self.server.stored_keys():
                self.ask(redirect=True)
                self.events()
        else:
            self.server.forget(self.key)
        self.server.forget(cachekey.lease_key(self.key))

    def ask(self, redirect):
        digest, redirected = self.server.ask(self.request, redirect)
        assert digest == self.answer
        return redirected

    def events(self):
        found = self.server.new_events(self.key, v2bench.is_over)
        return found

    def names(self):
        return [event.name for event in self.events()]

    def recovers(self):
        """The fault is gone: what is not in the store gets there, and is hit."""
        there = self.key in self.server.stored_keys()
        # Whoever left a lease behind is waited for, and that is another test.
        self.server.forget(cachekey.lease_key(self.key))
        self.ask(redirect=True)
        assert self.names() == (["hit"] if there else MADE)
        assert self.ask(redirect=True)
        assert [(event.name, event.via) for event in self.events()] == [
            ("hit", "redirect")
        ]


@pytest.mark.parametrize("step, fault", CASES)
def test_a_fault_costs_no_more_than_the_hit(
    step, fault, server, proxy, v2_repository, keys, answers
):
    name = "b0" if step in IN_PARTS else "f0"
    case = Case(name, step, server, proxy, v2_repository, keys, answers)
    case.prepare()
    proxy.rule = breaking(STEPS[step], case.key, fault)
    try:
        case.ask(redirect=step != "GET of a hit")
        names = case.names()
    finally:
        proxy.rule = lambda head: fp.PASS
    expected = expected_events(step, fault)
    if fault == fp.CUT_HEAD:
        expected = NO_HEADERS.get(step, expected)
    assert names == expected
    if step == "start" and fault in UNSEEN:
        # Whose id never came here can only be ended by a lifecycle rule.
        server.abort(server.unfinished_uploads())
    assert server.unfinished_uploads() == []
    case.recovers()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", ["503", fp.LOSE_ANSWER])
def test_a_single_fault_is_made_up_for(
    step, fault, server, proxy, v2_repository, keys, answers
):
    name = "b0" if step in IN_PARTS else "f1"
    case = Case(name, step, server, proxy, v2_repository, keys, answers)
    case.prepare()
    proxy.rule = breaking(STEPS[step], case.key, fault, times=1)
    try:
        case.ask(redirect=step != "GET of a hit")
        names = case.names()
    finally:
        proxy.rule = lambda head: fp.PASS
    assert names == (["hit"] if step in HITS else MADE)
    if (step, fault) == ("start", fp.LOSE_ANSWER):
        server.abort(server.unfinished_uploads())
    assert server.unfinished_uploads() == []


def test_a_store_that_says_nothing_is_waited_for_and_done_without(
    v2_repository, moto, bucket, proxy, tmp_path, keys, answers
):
    """All steps at once, since each costs the timeouts of two tries."""
    steps = [step for step in STEPS if step not in IN_PARTS] + ["part 2"]
    proxy.released.clear()
    proxy.done.clear()
    with v2bench.Server(
        tmp_path / "silence", v2_repository, moto, proxy.url, bucket, read_timeout="2"
    ) as server:
        cases = []
        for number, step in enumerate(steps):
            name = "b0" if step in IN_PARTS else "f%d" % (number + 2)
            own = {name: server.key_of(v2_repository.file(name))}
            cases.append(Case(name, step, server, proxy, v2_repository, own, answers))
        for case in cases:
            case.prepare()
        # Both tries. A deletion does not say of what before its body, so the
        # first is anybody's.
        rules = [breaking(STEPS[case.step], case.key, fp.HANG, 2) for case in cases]

        def rule(head):
            found = [action for action in [rule(head) for rule in rules] if action]
            return fp.HANG if fp.HANG in found else fp.PASS

        def meet(number):
            case = cases[number]
            case.ask(redirect=case.step != "GET of a hit")
            return case.names()

        proxy.rule = rule
        try:
            found = in_threads(len(cases), meet)
        finally:
            proxy.rule = lambda head: fp.PASS
            proxy.released.set()
        assert found == [expected_events(case.step, fp.HANG) for case in cases]
        hangs = [target for action, _m, target in proxy.done if action == fp.HANG]
        assert len(hangs) == 2 * len(cases)
        assert server.unfinished_uploads() == []
        for case in cases:
            case.recovers()
        leave_nothing(server, v2_repository)
