"""The promises of hgs3/database/tryindex.py, as tests.

A test class inherits :class:`IndexContract`; its module has a fixture ``make_url``,
which makes an empty database and gives its URL.
"""

import dataclasses
import random
import re
import time

import pytest
from trydata import (
    bundle,
    changesets,
    database_at,
    digest,
    ids_of,
    manifest,
    move,
    new_bundle,
    node,
    record,
    sha256,
    token,
)

from hgs3.database import expiry, migrations, recording, tryindex
from hgs3.database.errors import BookmarkConflict, ObjectDoomed
from hgs3.database.records import BookmarkMove, Expired
from hgs3.database.tryindex import TryIndex

NAMES = ["e", "E", "\xe9", "\xc9", "e\u0301", "stra\xdfe", "strasse", "\U0001f600", "%"]


class DatabaseContract:
    @pytest.fixture(scope="class")
    def database(self, make_url):
        database = database_at(make_url())
        migrations.migrate(database)
        yield database
        database.close()

    @pytest.fixture
    def index(self, database):
        return TryIndex(database, digest())


class IndexContract(DatabaseContract):
    def test_nothing_is_there_at_first(self, index):
        assert index.bundles_of([node("a")]) == {}
        assert index.bundles_of([]) == {}
        assert index.changesets_of(1) == ()
        assert index.nodes_with_prefix("a") == []
        assert index.recent_roots(0, 10) == []
        assert index.bookmarks() == {} and index.bookmark("a") is None
        assert index.last_push_id() == 0 and index.push(1) is None
        assert list(index.pushes()) == [] and index.bundles() == []
        assert index.expire(10**10) == Expired(0, 0, 0)

    def test_a_push_is_there_whole(self, index):
        push_id = record(index, "b", "one", "two", "three", public=["one"])
        push = index.push(push_id)
        assert push.bundle == bundle(push.bundle.id, "b", 3)
        assert (push.id, push.username, push.pushed) == (push_id, "alice", 1000)
        assert push.tip == node("three")
        assert index.last_push_id() == push_id
        assert list(index.pushes()) == [push] and index.bundles() == [push.bundle]
        assert index.changesets_of(push.bundle.id) == tuple(
            changesets("one", "two", "three", public=["one"])
        )
        wanted = [node("two"), node("none")]
        assert index.bundles_of(wanted) == {node("two"): push.bundle}
        wanted = [manifest("two"), manifest("none"), node("two")]
        assert index.bundles_of_manifests(wanted) == {manifest("two"): push.bundle}

    def test_another_repository_sees_nothing_of_it(self, index, database):
        push_id = record(index, "b", bookmarks=[BookmarkMove("mark", node("b"))])
        other = TryIndex(database, digest())
        bundle_id = index.push(push_id).bundle.id
        assert other.push(push_id) is None and other.changesets_of(bundle_id) == ()
        assert other.bundles_of([node("b")]) == {} == other.bookmarks()
        assert other.nodes_with_prefix(node("b")) == [] == other.recent_roots(0, 9)
        assert other.expire(10**10) == Expired(0, 0, 0)
        # Nor does the same content there become one bundle with it.
        record(other, "b")
        assert index.push(push_id) != other.push(other.last_push_id())
        other.expire(10**10)
        assert index.push(push_id) is not None and index.bookmark("mark") == node("b")

    def test_the_same_bundle_again_is_one_bundle_with_the_latest_object(self, index):
        first = index.push(record(index, "b", "one", "two"))
        again = new_bundle("b", format="HG20", object_bytes=9, sha1=node("x"))
        second = index.push(
            index.record_push(
                again, changesets("one", "two"), token(), "bob", 2000, node("two")
            )
        )
        assert second.id > first.id and second.bundle.id == first.bundle.id
        assert (second.bundle.format, second.bundle.object_bytes) == ("HG20", 9)
        assert (second.bundle.sha1, second.bundle.created) == (node("x"), 1000)
        assert len(index.changesets_of(first.bundle.id)) == 2
        assert index.bundles() == [second.bundle]

    def test_the_same_token_again_is_the_same_push(self, index):
        mark = BookmarkMove("mark", node("b"), "")
        mine = token()
        push_id = record(index, "b", token=mine, bookmarks=[mark])
        move(index, BookmarkMove("mark", node("c")))
        assert record(index, "b", token=mine, bookmarks=[mark]) == push_id
        assert ids_of(index.pushes()) == [push_id]
        # Which somebody has moved since.
        assert index.bookmark("mark") == node("c")

    def test_ids_ascend_and_are_never_used_again(self, index):
        first = index.push(record(index, "a"))
        second = index.push(record(index, "b"))
        assert index.expire(10**10).pushes == 2
        third = index.push(record(index, "c"))
        assert first.id < second.id < third.id
        assert first.bundle.id < second.bundle.id < third.bundle.id

    def test_the_newest_bundle_of_a_changeset(self, index):
        record(index, "a", "one", "two")
        newest = index.push(record(index, "b", "one", "three")).bundle
        # Reused, which makes it no newer.
        oldest = index.push(record(index, "a", "one", "two")).bundle
        names = ("one", "two", "three")
        found = index.bundles_of([node(name) for name in names])
        assert [found[node(name)].id for name in names] == [
            newest.id,
            oldest.id,
            newest.id,
        ]
        assert index.bundles_of_manifests([manifest("one")]) == {
            manifest("one"): newest
        }

    def test_thousands_of_changesets(self, index):
        names = ["c%d" % number for number in range(2500)]
        push = index.push(record(index, "large", *names))
        assert index.changesets_of(push.bundle.id) == tuple(changesets(*names))
        nodes = [node(name) for name in names] * 2
        assert index.bundles_of(nodes) == {each: push.bundle for each in nodes}

    def test_names_of_users_are_made_to_fit(self, index):
        push_id = record(index, "a", username="\U0001f600\0\udc80" + "x" * 300)
        assert index.push(push_id).username == "\U0001f600??" + "x" * 252


class BookmarkContract(DatabaseContract):
    def test_names_that_differ_at_all_differ(self, index):
        nodes = {name: node(name) for name in NAMES}
        record(index, "b", bookmarks=[BookmarkMove(n, nodes[n], "") for n in NAMES])
        assert index.bookmarks() == nodes
        assert {name: index.bookmark(name) for name in NAMES} == nodes
        move(index, BookmarkMove("e", ""))
        del nodes["e"]
        assert index.bookmarks() == nodes

    def test_only_bookmarks(self, index):
        assert move(index, BookmarkMove("a" * 255, node("x"))) == 0
        assert index.bookmarks() == {"a" * 255: node("x")}
        assert index.last_push_id() == 0

    @pytest.mark.parametrize("name", ["", "a" * 256, "a\0", "a\udc80", "a "])
    def test_names_that_cannot_be_kept(self, index, name):
        with pytest.raises(ValueError):
            BookmarkMove(name, node("x"))
        move(index, BookmarkMove("a", node("x")))
        assert index.bookmark(name) is None

    @pytest.mark.parametrize(
        "found, expected, wanted, moved",
        [
            ("", "", "new", True),
            ("", "old", "new", False),
            ("", "old", "", True),
            ("", None, "new", True),
            ("old", "old", "new", True),
            ("old", "", "new", False),
            ("old", "other", "new", False),
            ("old", "other", "", False),
            ("old", "old", "", True),
            ("old", None, "new", True),
            ("old", None, "", True),
            # It is there already: this may be the second run of a transaction.
            ("new", "old", "new", True),
        ],
    )
    def test_where_it_is_expected(self, index, found, expected, wanted, moved):
        found, wanted = found and node(found), wanted and node(wanted)
        expected = expected and node(expected)
        if found:
            move(index, BookmarkMove("mark", found))
        change = BookmarkMove("mark", wanted, expected)
        if moved:
            record(index, "b", bookmarks=[change])
            assert index.bookmark("mark") == (wanted or None)
            return
        with pytest.raises(BookmarkConflict) as caught:
            record(index, "b", bookmarks=[BookmarkMove("first", node("x")), change])
        assert (caught.value.name, caught.value.found) == ("mark", found)
        # Neither is anything else of it.
        assert index.bookmarks() == ({"mark": found} if found else {})
        assert index.last_push_id() == 0 and index.bundles() == []


class LookupContract(DatabaseContract):
    def test_prefixes(self, index):
        names = ["n%d" % number for number in range(60)]
        for start in range(0, 60, 20):
            record(index, "b%d" % start, *names[start : start + 20])
        record(index, "again", *names)
        nodes = sorted(node(name) for name in names)
        prefixes = {each[:length] for each in nodes for length in (1, 2, 3, 40)}
        for prefix in prefixes | set("0123456789abcdef"):
            wanted = [each for each in nodes if each.startswith(prefix)]
            assert index.nodes_with_prefix(prefix) == wanted[:2]
            assert index.nodes_with_prefix(prefix, limit=99) == wanted
        for prefix in ["", "g", nodes[0] + "0", nodes[-1][:3].upper() + "A", "%", "_"]:
            assert index.nodes_with_prefix(prefix) == []

    def test_recent_roots(self, index):
        record(index, "old", pushed=999)
        record(index, "b", "b1", "b2", pushed=1000)
        record(index, "public", "p1", "p2", public=["p1"], pushed=1001)
        record(index, "c", pushed=1001)
        record(index, "b", "b1", "b2", pushed=1002)
        record(index, "d", "b1", "d2", pushed=1003)
        assert index.recent_roots(1000, 9) == [node("b1"), node("c")]
        assert index.recent_roots(999, 9) == [node("b1"), node("c"), node("old")]
        # Of so many bundles, which may have the same root, or none.
        assert index.recent_roots(0, 3) == [node("b1"), node("c")]
        assert index.recent_roots(0, 1) == [node("b1")]
        assert index.recent_roots(1003, 9) == [node("b1")]
        assert index.recent_roots(1004, 9) == []

    def test_all_roots_of_a_bundle_are_recent(self, index):
        """If one were left out, its pusher would make it public."""
        names = ["r%d" % number for number in range(5)]
        rows = [
            dataclasses.replace(changesets(name)[0], is_root=True) for name in names
        ]
        index.record_push(new_bundle("many"), rows, token(), "", 1000, rows[-1].node)
        assert sorted(index.recent_roots(0, 1)) == sorted(map(node, names))

    def test_an_identity_is_of_one_repository_in_one_database(self, index, database):
        mine = index.identity()
        assert re.match("[0-9a-f]{32}$", mine) and index.identity() == mine
        record(index, "b")
        assert index.identity() == mine
        assert TryIndex(database, digest()).identity() != mine

    def test_pushes_page_by_page(self, index, monkeypatch):
        monkeypatch.setattr(tryindex, "CHUNK_PUSHES", 2)
        ids = [record(index, "b%d" % (number % 3)) for number in range(5)][::-1]
        assert ids_of(index.pushes()) == ids
        for limit in range(7):
            assert ids_of(index.pushes(limit=limit)) == ids[:limit]
        assert ids_of(index.pushes(before=ids[1])) == ids[2:]
        assert ids_of(index.pushes(limit=2, before=ids[1])) == ids[2:4]

    def test_bundles_in_the_order_of_ids(self, index):
        for name in "abc":
            record(index, name)
        record(index, "a")
        bundles = index.bundles()
        assert [each.sha256 for each in bundles] == [sha256(name) for name in "abc"]
        assert index.bundles(limit=2) == bundles[:2]
        assert index.bundles(after_id=bundles[0].id) == bundles[1:]


class ExpiryContract(DatabaseContract):
    def test_what_is_old_goes_with_all_that_nobody_else_has(self, index):
        marks = [BookmarkMove(name, node(name)) for name in ("one", "two", "base")]
        record(index, "old", "one", "two", pushed=1, bookmarks=marks)
        record(index, "kept", "one", "three", pushed=2)
        record(index, "shared", pushed=1, bookmarks=[BookmarkMove("s", node("shared"))])
        record(index, "shared", pushed=2)
        assert index.expire(1) == Expired(0, 0, 0)
        assert index.expire(2) == Expired(pushes=2, bundles=1, bookmarks=1)
        assert [push.pushed for push in index.pushes()] == [2, 2]
        assert {each.sha256 for each in index.bundles()} == {
            sha256("kept"),
            sha256("shared"),
        }
        nodes = [node(name) for name in ("one", "two", "three", "shared")]
        assert set(index.bundles_of(nodes)) == set(nodes) - {node("two")}
        assert set(index.bookmarks()) == {"one", "base", "s"}
        assert index.expire(3) == Expired(pushes=2, bundles=2, bookmarks=2)
        # It is of the repository, and never was in a bundle.
        assert set(index.bookmarks()) == {"base"}
        assert index.nodes_with_prefix(node("one")) == []

    def test_in_many_transactions(self, index, monkeypatch):
        monkeypatch.setattr(expiry, "BATCH_PUSHES", 2)
        order = list(range(9))
        random.Random(5).shuffle(order)
        for number in order:
            mark = BookmarkMove("m%d" % number, node("b%d" % number))
            record(index, "b%d" % number, pushed=number, bookmarks=[mark])
        assert index.expire(6) == Expired(6, 6, 6)
        assert sorted(push.pushed for push in index.pushes()) == [6, 7, 8]
        assert set(index.bookmarks()) == {"m6", "m7", "m8"}


class DoomContract(DatabaseContract):
    def test_what_is_recorded_is_not_doomed(self, index):
        record(index, "b")
        assert index.doom(sha256("b")) is None
        index.expire(10**10)
        assert index.doom(sha256("b")) is not None

    def test_what_is_doomed_is_recorded_only_when_it_is_gone(self, index):
        doom_id = index.doom(sha256("b"))
        for claimed in (None, doom_id, doom_id + 1):
            with pytest.raises(ObjectDoomed) as caught:
                record(index, "b", doom=claimed)
            assert (caught.value.doom_id, caught.value.finished) == (doom_id, False)
        index.doomed_gone(doom_id)
        for claimed in (None, doom_id + 1):
            with pytest.raises(ObjectDoomed) as caught:
                record(index, "b", doom=claimed)
            assert (caught.value.doom_id, caught.value.finished) == (doom_id, True)
        assert index.bundles() == [] and index.last_push_id() == 0
        mine = token()
        push_id = record(index, "b", doom=doom_id, token=mine)
        assert record(index, "b", doom=doom_id, token=mine) == push_id
        # And it is no longer doomed.
        assert record(index, "b") > push_id and index.doom(sha256("b")) is None

    def test_a_second_doom_is_not_mistaken_for_the_first(self, index):
        """Who saw that the first was done, and uploaded, must upload again."""
        first = index.doom(sha256("b"))
        index.doomed_gone(first)
        second = index.doom(sha256("b"))
        index.doomed_gone(second)
        with pytest.raises(ObjectDoomed) as caught:
            record(index, "b", doom=first)
        assert (caught.value.doom_id, caught.value.finished) == (second, True)
        record(index, "b", doom=second)

    def test_one_at_a_time_dooms_an_object(self, index, monkeypatch):
        """The slower of two would delete what was uploaded after the first."""
        first = index.doom(sha256("b"))
        assert index.doom(sha256("b")) is None
        # Unless it was killed.
        assert index.pending_dooms() == []
        now = time.time() + recording.TAKEOVER_SECONDS + 1
        monkeypatch.setattr(tryindex.time, "time", lambda: now)
        assert index.pending_dooms() == [sha256("b")]
        second = index.doom(sha256("b"))
        assert second not in (None, first)
        assert index.pending_dooms() == []
        index.doomed_gone(first)
        with pytest.raises(ObjectDoomed) as caught:
            record(index, "b", doom=first)
        assert (caught.value.doom_id, caught.value.finished) == (second, False)
        index.doomed_gone(second)
        record(index, "b", doom=second)

    def test_dooms_are_forgotten_when_they_are_done(self, index, database):
        other = TryIndex(database, digest())
        for each in (index, other):
            each.doomed_gone(each.doom(sha256("done")))
        pending = index.doom(sha256("pending"))
        index.forget_dooms(0)
        with pytest.raises(ObjectDoomed):
            record(index, "done")
        index.forget_dooms(10**10)
        record(index, "done")
        with pytest.raises(ObjectDoomed):
            record(other, "done")
        with pytest.raises(ObjectDoomed) as caught:
            record(index, "pending")
        assert caught.value.doom_id == pending
        # Nor is it another repository's to say that it is done.
        other.doomed_gone(pending)
        with pytest.raises(ObjectDoomed) as caught:
            record(index, "pending")
        assert not caught.value.finished
