"""Who asks the store, who makes a response, and who waits for whom."""

import hashlib
import threading

import pytest
import stores
from herds import PATIENCE_SECONDS, in_threads
from memorystore import MemoryStore

from hgs3.cache import fitness
from hgs3.cache.coalesce import Coalescer, Outcome, StoredBody
from hgs3.cache.key import lease_key
from hgs3.cache.lease import Leases
from hgs3.cache.search import Alone, Lead, Search, Spooled, Stored
from hgs3.cache.spool import Spool
from hgs3.objectstore.base import StoreUnavailable

KEY = "cache/%s/v2/filesdata/fed" % ("ab" * 16)
BODY = b"a response" * 1000
SHA = hashlib.sha256(BODY).hexdigest()


class Host:
    """One process of one host, with what its searches have said."""

    def __init__(self, store, lease_seconds=0, timeout_seconds=PATIENCE_SECONDS):
        self.store = store
        self.coalescer = Coalescer(None, pytest.fail, poll_seconds=0.01)
        self.leases = Leases(store, lease_seconds, pytest.fail)
        self.timeout_seconds = timeout_seconds
        self.verdict = (fitness.FIT, "")
        self.answered = self.missed = 0
        self.reasons = []
        self.unfit = []
        self.slept = []
        self.now = 0.0

    def search(self, patient=True, **options):
        return Search(
            self.store,
            self.coalescer,
            self.leases,
            KEY,
            lambda info: self.verdict,
            patient,
            self.timeout_seconds,
            self._answer,
            self._count,
            lambda verdict, reason: self.unfit.append((verdict, reason)),
            **options,
        )

    def run(self, patient=True, **options):
        return self.search(patient, **options).run()

    def _answer(self):
        self.answered += 1

    def _count(self, reason):
        self.missed += 1
        self.reasons.append(reason)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def clock(self):
        return self.now


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def host(store):
    return Host(store)


def asked(store, method="head"):
    return [key for name, key in store.requests if name == method].count(KEY)


def wait_until_followed(host):
    """Until somebody waits for the turn that ``host`` has given."""
    joined = host.coalescer._rounds[KEY]
    for _ in range(int(PATIENCE_SECONDS / 0.01)):
        if joined.turns > 1:
            return
        threading.Event().wait(0.01)
    pytest.fail("nobody waits")


def follower(host, patient=True):
    """(thread, results) of a search that has begun to wait."""
    results = []
    thread = threading.Thread(
        target=lambda: results.append(host.run(patient)), daemon=True
    )
    thread.start()
    wait_until_followed(host)
    return thread, results


def end(thread):
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_what_the_store_has_is_asked_for_once(store, host):
    stores.put(store, KEY, BODY)
    store.requests.clear()
    found = host.run()
    assert isinstance(found, Stored) and found.info.size_bytes == len(BODY)
    assert store.requests == [("head", KEY)]
    assert (host.missed, host.unfit) == (0, [])


def test_who_leads_asks_again_before_it_works(store, host):
    found = host.run()
    assert isinstance(found, Lead) and host.missed == 1
    assert asked(store) == 2
    found.turn.finish(Outcome.FAILED)


def test_what_was_stored_just_before_is_found(store, host):
    def put_in_between(method, key):
        # The first HEAD has missed; whoever led before us has stored it now.
        if len(store.requests) == 2:
            store.before = lambda method, key: None
            stores.put(store, KEY, BODY, metadata={"sha256": SHA})

    store.before = put_in_between
    assert isinstance(host.run(), Stored)
    # Its turn is over: the next one does not wait for it.
    assert not host.coalescer.is_led(KEY)


def test_a_follower_takes_the_leaders_word(store, host):
    lead = host.run()
    store.requests.clear()
    thread, results = follower(host)
    lead.turn.finish(Outcome.STORED, StoredBody(len(BODY), SHA))
    end(thread)
    (found,) = results
    assert isinstance(found, Stored)
    assert (found.info.size_bytes, found.info.metadata["sha256"]) == (len(BODY), SHA)
    assert store.requests == [] and host.missed == 2
    # The store may be down by now: it has not been asked for this one.
    assert host.answered == 2


def test_a_follower_asks_where_the_leader_said_no_more(store, host):
    lead = host.run()
    thread, results = follower(host)
    stores.put(store, KEY, BODY)
    lead.turn.finish(Outcome.STORED)
    end(thread)
    assert isinstance(results[0], Stored)


def test_what_is_gone_again_is_made_alone(store, host):
    lead = host.run()
    thread, results = follower(host)
    lead.turn.finish(Outcome.STORED)
    end(thread)
    assert results == [Alone("gone again")]


def test_of_the_followers_of_a_leader_that_failed_one_leads(host):
    lead = host.run()
    found = []
    done = threading.Event()

    def ask(number):
        if number == 0:
            wait_until_followed(host)
            lead.turn.finish(Outcome.FAILED)
            return None
        result = host.run()
        if isinstance(result, Lead):
            found.append(number)
            done.wait(0.2)  # the others shall find it at work
            result.turn.finish(Outcome.STORED, StoredBody(len(BODY), SHA))
        return result

    results = in_threads(6, ask)
    assert len(found) == 1, results
    assert sum(isinstance(result, Stored) for result in results) == 4


@pytest.mark.parametrize("patient", [True, False])
def test_a_body_that_is_not_stored_is_read_from_the_spool(host, patient):
    lead = host.run()
    spool = Spool()
    lead.turn.offer(spool)
    thread, results = follower(host, patient)
    spool.write(BODY)
    spool.complete()
    lead.turn.finish(Outcome.COMPLETE)
    spool.close()
    end(thread)
    (found,) = results
    assert isinstance(found, Spooled) and b"".join(found.chunks) == BODY
    found.turn.leave()


def test_who_follows_no_redirect_reads_while_it_is_made(host):
    lead = host.run()
    spool = Spool()
    spool.write(BODY[:100])
    lead.turn.offer(spool)
    found = host.run(patient=False)
    assert isinstance(found, Spooled)
    assert next(found.chunks) == BODY[:100]
    spool.write(BODY[100:])
    spool.complete()
    assert b"".join(found.chunks) == BODY[100:]
    found.turn.leave()
    lead.turn.finish(Outcome.COMPLETE)
    spool.close()


def test_nobody_waits_longer_than_allowed(store):
    host = Host(store, timeout_seconds=0.05)
    lead = host.run()
    assert isinstance(host.run(), Alone)
    # From here on, there is something to read.
    spool = Spool()
    spool.write(BODY)
    lead.turn.offer(spool)
    found = host.run()
    assert isinstance(found, Spooled)
    found.turn.leave()
    lead.turn.finish(Outcome.FAILED)
    spool.close()


def test_an_object_that_is_unfit_is_made_anew_and_said_once(store, host):
    stores.put(store, KEY, BODY)
    host.verdict = (fitness.DAMAGED, "it has 3 bytes")
    found = host.run()
    assert isinstance(found, Lead)
    assert host.unfit == [host.verdict]
    assert host.reasons == ["it has 3 bytes"]
    found.turn.finish(Outcome.FAILED)


def test_a_body_that_turned_out_damaged_is_made_anew(store, host):
    stores.put(store, KEY, BODY)
    search = host.search(patient=False)
    assert isinstance(search.run(), Stored)
    found = search.run_without_store("another body")
    # Though the store would say that all is well.
    assert isinstance(found, Lead)
    assert host.unfit == [(fitness.DAMAGED, "another body")]
    found.turn.finish(Outcome.FAILED)


def test_a_body_in_the_memory_of_another_process_is_made_once_here(host, monkeypatch):
    lead = host.run()
    monkeypatch.setattr(type(lead.turn), "read", lambda self: None)
    thread, results = follower(host)
    lead.turn.finish(Outcome.COMPLETE)
    end(thread)
    (found,) = results
    assert isinstance(found, Lead)
    found.turn.finish(Outcome.FAILED)


class TestOutage:
    def test_a_store_that_cannot_be_asked_holds_nobody_up(self, store, host):
        def refuse(method, key):
            raise StoreUnavailable("down")

        store.before = refuse
        with pytest.raises(StoreUnavailable):
            host.run()
        assert host.missed == 0 and not host.coalescer.is_led(KEY)

    def test_who_leads_goes_on_without_it(self, store, host):
        def refuse_later(method, key):
            if len(store.requests) > 1:
                raise StoreUnavailable("down")

        store.before = refuse_later
        found = host.run()
        # Those who wait get what it makes, from its spool.
        assert isinstance(found, Lead)
        found.turn.finish(Outcome.FAILED)

    def test_a_fault_of_ours_leaves_no_turn_behind(self, store, host):
        def break_later(method, key):
            if len(store.requests) > 1:
                raise ZeroDivisionError()

        store.before = break_later
        with pytest.raises(ZeroDivisionError):
            host.run()
        assert not host.coalescer.is_led(KEY)


class TestHosts:
    def test_one_of_two_leads_and_the_other_finds_it_stored(self, store):
        first, second = Host(store, 60), Host(store, 60)
        lead = first.run()
        assert isinstance(lead, Lead) and lead_keys(store) == [lease_key(KEY)]

        def sleep(seconds):
            second.sleep(seconds)
            if len(second.slept) == 3:
                stores.put(store, KEY, BODY, metadata={"sha256": SHA})

        found = second.run(sleep=sleep, clock=second.clock)
        assert isinstance(found, Stored)
        assert second.slept == [0.1, 0.2, 0.4]
        lead.lease.release()
        lead.turn.finish(Outcome.STORED, StoredBody(len(BODY), SHA))
        assert lead_keys(store) == []

    def test_a_host_that_gives_up_lets_the_next_one_lead(self, store):
        first, second = Host(store, 60), Host(store, 60)
        lead = first.run()

        def sleep(seconds):
            second.sleep(seconds)
            lead.lease.release()

        found = second.run(sleep=sleep, clock=second.clock)
        assert isinstance(found, Lead) and found.lease is not None
        found.turn.finish(Outcome.FAILED)
        lead.turn.finish(Outcome.FAILED)

    def test_nobody_waits_for_another_host_for_ever(self, store):
        first, second = Host(store, 600), Host(store, 600, timeout_seconds=30)
        lead = first.run()
        found = second.run(sleep=second.sleep, clock=second.clock)
        assert isinstance(found, Lead) and found.lease is None
        # Half of the time, so that those who follow it have something to read.
        assert second.now == pytest.approx(15) and max(second.slept) == 1.0
        lead.turn.finish(Outcome.FAILED)
        found.turn.finish(Outcome.FAILED)

    def test_what_another_host_has_stored_frees_the_lease(self, store):
        def put_in_between(method, key):
            if method == "put_if_absent":
                store.before = lambda method, key: None
                stores.put(store, KEY, BODY, metadata={"sha256": SHA})

        store.before = put_in_between
        assert isinstance(Host(store, 60).run(), Stored)
        assert lead_keys(store) == []


def lead_keys(store):
    return [key for key in store.objects if "/lease/" in key]
