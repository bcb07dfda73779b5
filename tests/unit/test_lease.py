"""One leader between hosts: leases that are held, renewed, expire, are lost."""

import dataclasses
import threading

import pytest
from memorystore import MemoryStore
from stores import PATIENCE_SECONDS

from hgs3.cache.key import lease_key
from hgs3.cache.lease import NULL_LEASE, Leases
from hgs3.objectstore.base import StoreUnavailable, StoreUnsupported

KEY = lease_key("p/cache/%s/v2/filesdata/fed" % ("ab" * 16))


class Host:
    """Leases with a clock of its own, which nobody else knows."""

    def __init__(self, store, seconds=60):
        self.now = 0.0
        self.said = []
        self.leases = Leases(store, seconds, self.said.append, lambda: self.now)

    def acquire(self):
        return self.leases.acquire(KEY)


@pytest.fixture
def store():
    return MemoryStore()


def owner(store):
    return store.objects[KEY][1]["owner"]


def test_a_lease_is_beside_what_it_is_for():
    assert KEY == "p/cache/%s/lease/v2/filesdata/fed" % ("ab" * 16)
    # A prefix may hold anything.
    assert lease_key("cache/a/cache/r/v2/c/d") == "cache/a/cache/r/lease/v2/c/d"


def test_one_of_two_hosts_leads(store):
    first, second = Host(store), Host(store)
    lease = first.acquire()
    assert lease is not None and second.acquire() is None
    lease.release()
    assert store.objects == {}
    assert second.acquire() is not None


def test_what_is_stored(store):
    Host(store, 45).acquire()
    ((key, (body, metadata, _written)),) = store.objects.items()
    assert key == KEY
    assert metadata == {"owner": body.decode(), "host": "", "seconds": "45"}
    assert len(metadata["owner"]) == 32


def test_a_lease_expires_by_the_clock_of_the_store(store):
    first, second = Host(store), Host(store)
    first.acquire()
    first.now = second.now = 1e9
    assert second.acquire() is None
    store.now += 60
    assert second.acquire() is None
    store.now += 1
    assert second.acquire() is not None
    # No more than that is left of the takeover.
    assert list(store.objects) == [KEY]


def test_its_holder_says_how_long_it_lasts(store):
    Host(store, 600).acquire()
    store.now += 100
    assert Host(store, 10).acquire() is None
    store.now += 501
    assert Host(store, 10).acquire() is not None


@pytest.mark.parametrize("metadata", [{}, {"owner": "x", "seconds": "soon"}])
def test_what_somebody_else_left_there_expires_too(store, metadata):
    store.put_if_absent(KEY, b"x", metadata)
    host = Host(store, 60)
    assert host.acquire() is None
    store.now += 61
    assert host.acquire() is not None


def test_a_renewed_lease_starts_anew(store):
    first, second = Host(store), Host(store)
    lease = first.acquire()
    mine = owner(store)
    store.requests.clear()
    first.now = 19.9
    lease.renew_if_due()
    assert store.requests == []
    for _ in range(10):
        first.now += 21
        store.now += 21
        lease.renew_if_due()
        lease.renew_if_due()
        assert second.acquire() is None
    assert owner(store) == mine
    assert [method for method, _key in store.requests].count("put") == 10


def test_a_lease_that_was_lost_is_left_alone(store):
    slow, other = Host(store), Host(store)
    lost = slow.acquire()
    store.now += 61
    other.acquire()
    theirs = store.objects[KEY]
    slow.now = 61
    lost.renew_if_due()
    assert store.objects[KEY] == theirs
    # And it stops asking.
    store.requests.clear()
    slow.now = 1000
    lost.renew_if_due()
    assert store.requests == []
    lost.release()
    assert store.objects[KEY] == theirs


def test_a_release_asks_only_when_another_may_have_it(store):
    host = Host(store)
    for seconds, expected in [(29, ["delete"]), (31, ["head", "delete"])]:
        lease = host.acquire()
        store.requests.clear()
        host.now += seconds
        lease.release()
        assert [method for method, _key in store.requests] == expected


def test_what_a_killed_leader_of_this_host_has_left_is_taken_over(store):
    """Who holds the lock of the host knows that nobody else there leads."""
    first, second = Host(store), Host(store)
    assert first.leases.acquire(KEY, "this host") is not None
    for host in ("", "another host"):
        assert second.leases.acquire(KEY, host) is None
    lease = second.leases.acquire(KEY, "this host")
    assert lease is not None and len(store.objects) == 1
    lease.release()
    assert store.objects == {}


def test_who_was_deposed_takes_no_lease_away_but_its_own(store):
    first, second = Host(store), Host(store)
    deposed = first.leases.acquire(KEY, "this host")
    leader = second.leases.acquire(KEY, "this host")
    deposed.release(is_surely_ours=False)
    assert len(store.objects) == 1
    leader.release()
    lonely = first.leases.acquire(KEY, "this host")
    lonely.release(is_surely_ours=False)
    assert store.objects == {}


def test_who_may_not_delete_lets_it_expire(store):
    first, second = Host(store), Host(store)
    lease = first.acquire()

    def refuse(method, key):
        if method == "delete" and key == KEY:
            raise StoreUnavailable("403")

    store.before = refuse
    lease.release()
    assert store.objects[KEY][1]["seconds"] == "-1"
    assert second.acquire() is not None


def test_a_release_counts_once(store):
    lease = Host(store).acquire()
    lease.release()
    Host(store).acquire()
    store.requests.clear()
    lease.release()
    lease.renew_if_due()
    assert store.requests == [] and KEY in store.objects


def test_an_outage_is_told_when_a_lease_is_wanted_and_not_later(store):
    host = Host(store)
    lease = host.acquire()

    def down(method, key):
        raise StoreUnavailable("down")

    store.before = down
    with pytest.raises(StoreUnavailable, match="down"):
        Host(store).acquire()
    host.now = 30
    lease.renew_if_due()
    lease.release()
    assert KEY in store.objects


def test_a_renewal_that_failed_is_tried_again(store):
    host = Host(store)
    lease = host.acquire()

    def down(method, key):
        raise StoreUnavailable("down")

    store.before = down
    host.now = 21
    lease.renew_if_due()
    store.before = lambda method, key: None
    store.now += 50
    host.now = 50
    lease.renew_if_due()
    assert store.head(KEY).age_seconds == 0


def test_a_store_without_conditions_turns_it_off_and_says_so_once(store):
    def refuse(method, key):
        if method == "put_if_absent":
            raise StoreUnsupported("PUT failed: not implemented")

    store.before = refuse
    host = Host(store)
    for _ in range(3):
        lease = host.acquire()
        assert lease is NULL_LEASE
        lease.renew_if_due()
        lease.release()
    assert host.said == [
        "the store refuses conditional writes, other hosts may compute the same: "
        "PUT failed: not implemented"
    ]
    assert store.requests == [("put_if_absent", KEY)]


def test_zero_seconds_turn_it_off(store):
    host = Host(store, 0)
    assert host.acquire() is NULL_LEASE and host.acquire() is NULL_LEASE
    assert (store.requests, host.said) == ([], [])


def test_one_that_is_released_while_we_look_is_taken(store):
    lease = Host(store).acquire()

    def release(method, key):
        if method == "head":
            store.before = lambda method, key: None
            lease.release()

    store.before = release
    assert Host(store).acquire() is not None


def test_a_slow_taker_does_not_take_it_from_a_fast_one(store):
    """It saw the expired lease, then slept while another took it over."""
    Host(store).acquire()
    store.now += 61
    taken = []

    def overtake(method, key):
        if (method, key) == ("put_if_absent", KEY + ".claim"):
            store.before = lambda method, key: None
            taken.append(Host(store).acquire())

    store.before = overtake
    assert Host(store).acquire() is None
    assert taken[0] is not None
    assert list(store.objects) == [KEY]


def test_a_taker_that_died_half_way_is_not_waited_for_for_ever(store):
    Host(store).acquire()
    store.now += 61

    def die(method, key):
        if (method, key) == ("put", KEY):
            raise KeyboardInterrupt

    store.before = die
    store.delete, delete = lambda keys: None, store.delete
    with pytest.raises(KeyboardInterrupt):
        Host(store).acquire()
    store.before, store.delete = lambda method, key: None, delete
    assert sorted(store.objects) == [KEY, KEY + ".claim"]
    assert Host(store).acquire() is None
    store.now += 61
    # One finds the claim expired, the next has the lease.
    assert Host(store).acquire() is None
    assert Host(store).acquire() is not None
    assert list(store.objects) == [KEY]


def race(hosts):
    """What each got, all of them starting at once."""
    start = threading.Barrier(len(hosts), timeout=PATIENCE_SECONDS)
    results = []

    def run(host):
        start.wait()
        results.append(host.acquire())

    threads = [threading.Thread(target=run, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert len(results) == len(hosts)
    return [lease for lease in results if lease is not None]


@pytest.mark.parametrize("expired", [False, True])
def test_eight_hosts_race_for_it(store, expired):
    for _ in range(50):
        store.objects.clear()
        if expired:
            Host(store).acquire()
            store.now += 61
        (lease,) = race([Host(store) for _ in range(8)])
        # Its holder's, and of one of them.
        assert list(store.objects) == [KEY]
        lease.release()
        assert store.objects == {}


def test_eight_hosts_race_at_a_real_store(moto_store):
    (lease,) = race([Host(moto_store) for _ in range(8)])
    assert moto_store.head(KEY).metadata["seconds"] == "60"
    assert Host(moto_store).acquire() is None
    lease.release()
    assert moto_store.head(KEY) is None


def test_renewing_and_taking_over_at_a_real_store(moto_store):
    first = Host(moto_store)
    lease = first.acquire()
    mine = moto_store.head(KEY).metadata["owner"]
    first.now = 30
    lease.renew_if_due()
    assert moto_store.head(KEY).metadata["owner"] == mine

    class Later:
        """The same store, seen by who has waited."""

        def __getattr__(self, name):
            return getattr(moto_store, name)

        def head(self, key):
            info = moto_store.head(key)
            return info and dataclasses.replace(info, age_seconds=61.0)

    assert len(race([Host(Later()) for _ in range(1)])) == 1
    assert moto_store.head(KEY).metadata["owner"] != mine
    first.now = 100
    lease.release()
    assert moto_store.head(KEY) is not None
    assert moto_store.head(KEY + ".claim") is None
