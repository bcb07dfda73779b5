"""When a store that fails is left alone, and what ends that."""

import io

import pytest
from breakers import FAILURES, READS, REST_SECONDS, USES, WRITES, Breaker, FakeStore
from stores import put, read_whole

from hgs3.objectstore.base import (
    StoreFull,
    StoreResting,
    StoreUnavailable,
    StoreUnsupported,
)
from hgs3.objectstore.breaker import BreakerStore


@pytest.fixture
def breaker():
    return Breaker()


@pytest.mark.parametrize("name", USES)
def test_a_store_in_order_is_used_as_ever(breaker, name):
    for _ in range(FAILURES * 2):
        USES[name](breaker)
    assert breaker.fake.calls == [name] * FAILURES * 2
    assert (breaker.reads_rest, breaker.writes_rest) == (False, False)


@pytest.mark.parametrize("name", USES)
def test_after_some_faults_in_a_row_a_store_is_left_alone(breaker, name):
    breaker.fail(USES[name], FAILURES - 1)
    assert (breaker.reads_rest, breaker.writes_rest) == (False, False)
    breaker.fail(USES[name], 1)
    assert (breaker.reads_rest, breaker.writes_rest) == (name in READS, name in WRITES)
    same, other = (READS, WRITES) if name in READS else (WRITES, READS)
    assert breaker.refuses_all(same)
    assert not any(breaker.refuses(use) for use in other.values())
    assert breaker.threads == []


def test_one_fault_may_be_enough():
    breaker = Breaker(failures=1)
    breaker.fail(READS["head"], 1)
    assert breaker.reads_rest


def test_no_faults_at_all_is_no_number():
    with pytest.raises(ValueError):
        BreakerStore(FakeStore(), 0, REST_SECONDS)


def test_a_refusal_says_why(breaker):
    breaker.fail(READS["head"], FAILURES - 1, reason="HEAD failed: first")
    breaker.fail(READS["head"], 1, reason="GET failed: last")
    with pytest.raises(StoreResting) as caught:
        breaker.head("key")
    assert caught.value.reason == (
        "left alone for 30 s after 3 faults in a row, the last: GET failed: last"
    )
    assert isinstance(caught.value, StoreUnavailable)


@pytest.mark.parametrize("success", READS)
def test_a_success_between_faults_begins_a_new_row(breaker, success):
    for _ in range(3):
        breaker.fail(READS["head"], FAILURES - 1)
        READS[success](breaker)
    assert not breaker.reads_rest
    breaker.fail(READS["head"], FAILURES)
    assert breaker.reads_rest


def test_a_success_of_the_other_kind_does_not(breaker):
    breaker.fail(WRITES["put"], FAILURES - 1)
    READS["head"](breaker)
    breaker.fail(WRITES["put"], 1)
    assert breaker.writes_rest and not breaker.reads_rest


@pytest.mark.parametrize("name", WRITES)
def test_a_request_that_is_not_known_is_neither_fault_nor_success(breaker, name):
    breaker.fail(WRITES["put"], FAILURES - 1)
    breaker.fake.outcome = StoreUnsupported("no such thing")
    for _ in range(FAILURES):
        with pytest.raises(StoreUnsupported):
            WRITES[name](breaker)
    assert not breaker.writes_rest
    breaker.fail(WRITES["put"], 1)
    assert breaker.writes_rest


def test_what_there_is_no_room_for_is_neither_fault_nor_success(breaker):
    breaker.fail(WRITES["put"], FAILURES - 1)
    breaker.fake.outcome = StoreFull("no room")
    for _ in range(FAILURES):
        with pytest.raises(StoreFull):
            WRITES["put"](breaker)
    assert not breaker.writes_rest
    breaker.fail(WRITES["put"], 1)
    assert breaker.writes_rest


def test_a_mistake_of_ours_is_no_fault_of_the_store(breaker):
    breaker.fake.outcome = KeyError("ours")
    for _ in range(FAILURES):
        with pytest.raises(KeyError):
            breaker.head("key")
    assert not breaker.reads_rest


@pytest.mark.parametrize("name", ["read", "list"])
def test_a_fault_in_the_middle_counts(breaker, name):
    breaker.fake.body = [b"some", StoreUnavailable("GET failed: cut")]
    for _ in range(FAILURES):
        assert not breaker.reads_rest
        with pytest.raises(StoreUnavailable, match="GET failed: cut"):
            READS[name](breaker)
    assert breaker.reads_rest


def test_a_body_counts_when_it_is_whole(breaker):
    breaker.fake.body = [b"some", b"more"]
    breaker.fail(READS["head"], FAILURES - 1)
    chunks = breaker.read("key")
    assert next(chunks) == b"some"
    chunks.close()  # and shows nothing
    breaker.fail(READS["head"], 1)
    assert breaker.reads_rest

    breaker = Breaker()
    breaker.fake.body = [b"some", b"more"]
    breaker.fail(READS["head"], FAILURES - 1)
    assert read_whole(breaker, "key") == b"somemore"
    breaker.fail(READS["head"], 1)
    assert not breaker.reads_rest


def test_a_body_that_is_being_read_may_go_on(breaker):
    breaker.fake.body = [b"some", b"more"]
    chunks, listed = breaker.read("key"), breaker.list("")
    assert (next(chunks), next(listed)) == (b"some", b"some")
    breaker.fail(READS["head"])
    assert list(chunks) == [b"more"] and list(listed) == [b"more"]
    # It began before; only the probe decides.
    assert breaker.reads_rest


def test_faults_of_a_listing_are_no_faults_of_deleting(breaker):
    breaker.fake.body = [b"key", StoreUnavailable("listing failed: cut")]
    for _ in range(FAILURES):
        with pytest.raises(StoreUnavailable, match="listing"):
            breaker.delete(breaker.list(""))
    assert (breaker.reads_rest, breaker.writes_rest) == (True, False)
    with pytest.raises(StoreResting):
        breaker.delete(breaker.list(""))
    assert not breaker.writes_rest


def test_to_delete_nothing_shows_nothing(breaker):
    breaker.fail(WRITES["put"], FAILURES - 1)
    assert breaker.delete([]) == 0
    breaker.fail(WRITES["put"], 1)
    breaker.now += REST_SECONDS
    assert breaker.delete([]) == 0
    # It has closed nothing: the next one is still a trial.
    breaker.fail(WRITES["put"], 1)
    assert breaker.writes_rest


class TestReadsAfterTheRest:
    @pytest.fixture
    def breaker(self):
        breaker = Breaker()
        breaker.fail(READS["head"])
        breaker.now += REST_SECONDS
        return breaker

    def test_until_then_nothing_is_tried(self, breaker):
        breaker.now -= 0.001
        assert breaker.refuses_all(READS)
        assert breaker.reads_rest and breaker.threads == []

    @pytest.mark.parametrize("name", READS)
    def test_the_first_one_starts_a_probe_and_does_not_wait(self, breaker, name):
        assert not breaker.reads_rest
        assert breaker.refuses(READS[name])
        assert breaker.reads_rest
        assert len(breaker.threads) == 1
        assert breaker.refuses_all(READS)
        assert len(breaker.threads) == 1

    def test_a_probe_that_is_fine_ends_it(self, breaker):
        breaker.refuses(READS["head"])
        breaker.run_probe()
        assert breaker.fake.calls[-1] == "probe"
        assert not breaker.reads_rest
        assert not any(breaker.refuses(use) for use in READS.values())
        # With a row of its own.
        breaker.fail(READS["head"], FAILURES - 1)
        assert not breaker.reads_rest

    def test_a_probe_that_fails_begins_another(self, breaker):
        for faults in (FAILURES + 1, FAILURES + 2):
            assert breaker.refuses(READS["head"])
            breaker.fake.outcome = StoreUnavailable("HEAD failed: still")
            breaker.run_probe()
            assert breaker.reads_rest
            with pytest.raises(StoreResting, match="%d faults.*: still" % faults):
                breaker.head("key")
            breaker.now += REST_SECONDS - 0.001
            assert breaker.refuses(READS["head"]) and breaker.threads == []
            breaker.now += 0.001
        breaker.fake.outcome = None
        assert breaker.refuses(READS["head"])
        breaker.run_probe()
        assert not breaker.refuses(READS["head"])

    def test_without_a_thread_there_is_another(self, breaker):
        def refuse(target):
            raise RuntimeError("can't start new thread")

        breaker._start_thread = refuse
        assert breaker.refuses(READS["head"])
        assert breaker.reads_rest
        breaker._start_thread = breaker.threads.append
        breaker.now += REST_SECONDS
        assert breaker.refuses(READS["head"])
        breaker.run_probe()
        assert not breaker.reads_rest

    def test_a_probe_that_goes_wrong_is_followed_by_another(self, breaker):
        breaker.refuses(READS["head"])
        breaker.fake.outcome = KeyError("ours")
        with pytest.raises(KeyError):
            breaker.run_probe()
        breaker.fake.outcome = None
        assert not breaker.reads_rest
        assert breaker.refuses(READS["head"])
        breaker.run_probe()
        assert not breaker.refuses(READS["head"])


class TestWritesAfterTheRest:
    @pytest.fixture
    def breaker(self):
        breaker = Breaker()
        breaker.fail(WRITES["put"])
        assert breaker.refuses_all(WRITES)
        breaker.now += REST_SECONDS
        return breaker

    def test_until_then_nothing_is_tried(self, breaker):
        breaker.now -= 0.001
        assert breaker.writes_rest
        assert breaker.refuses_all(WRITES)

    @pytest.mark.parametrize("name", WRITES)
    def test_one_that_is_fine_ends_it(self, breaker, name):
        assert not breaker.writes_rest
        assert not breaker.refuses(WRITES[name])
        breaker.fail(WRITES["put"], FAILURES - 1)
        assert not breaker.writes_rest
        assert breaker.threads == []

    @pytest.mark.parametrize("name", WRITES)
    def test_one_that_fails_begins_another(self, breaker, name):
        breaker.fail(WRITES[name], 1)
        assert breaker.writes_rest and breaker.refuses_all(WRITES)
        breaker.now += REST_SECONDS
        assert not breaker.refuses(WRITES[name])

    def test_while_one_is_tried_the_others_are_refused(self, breaker):
        refused = []

        class Body(io.BytesIO):
            def read(self, size=-1):
                refused.append(breaker.refuses_all(WRITES) and breaker.writes_rest)
                return super().read(size)

        # As a store does while it sends one.
        breaker.fake.put = lambda key, body, *others: body.read()
        put(breaker, "key", b"body", file=Body(b"body"))
        assert refused == [True]
        assert not breaker.writes_rest

    @pytest.mark.parametrize("outcome", [StoreUnsupported("no"), KeyboardInterrupt()])
    def test_one_that_shows_nothing_is_followed_by_another(self, breaker, outcome):
        breaker.fake.outcome = outcome
        with pytest.raises(type(outcome)):
            WRITES["put_if_absent"](breaker)
        breaker.fake.outcome = None
        assert not breaker.writes_rest
        breaker.fail(WRITES["put"], 1)
        assert breaker.writes_rest

    def test_one_that_began_before_decides_nothing(self, breaker):
        def late(outcome):
            """A write that began before the rest and ends now."""
            breaker = Breaker()

            def during(key, body, *others):
                breaker.fake.put = FakeStore.put.__get__(breaker.fake)
                breaker.fail(WRITES["put"])
                if outcome is not None:
                    raise outcome

            breaker.fake.put = during
            try:
                put(breaker, "key", b"body")
            except StoreUnavailable:
                pass
            return breaker

        for outcome in (None, StoreUnavailable("PUT failed: late")):
            breaker = late(outcome)
            with pytest.raises(StoreResting, match="3 faults.*: timeout"):
                put(breaker, "key", b"body")


def test_addresses_are_made_as_ever(breaker):
    breaker.fail(READS["head"])
    breaker.fail(WRITES["put"])
    assert breaker.presign_get("key", 60) == "http://host/key"
    assert breaker.public_base_url() == "http://host/"
    breaker.fake.outcome = StoreUnavailable("presigning failed: no credentials")
    for _ in range(FAILURES + 1):
        with pytest.raises(StoreUnavailable, match="presigning"):
            breaker.presign_get("key", 60)


@pytest.mark.parametrize("keeps", [True, False])
def test_it_keeps_what_its_store_keeps(keeps):
    store = FakeStore()
    store.keeps_objects = keeps
    assert BreakerStore(store, 1, 1.0).keeps_objects is keeps
