"""The promises of hgs3/database/pushlog.py, as tests.

A test class inherits one of these; its module has a fixture ``make_url``.
"""

import concurrent.futures
import dataclasses

import pytest
from index_contract import DatabaseContract
from logsamples import DETAILS, logged, names_of, new_push
from trydata import (
    changesets,
    digest,
    new_bundle,
    node,
    record,
    token,
)

from hgs3.database import pushlog
from hgs3.database.errors import UnknownChangeset
from hgs3.database.pushlog import PushLog
from hgs3.database.records import (
    AS_PUSHED,
    GONE,
    HIDDEN,
    Changes,
    LoggedChangeset,
    LogQuery,
    NewLogPush,
)
from hgs3.database.tryindex import TryIndex


class PushLogContract(DatabaseContract):
    @pytest.fixture
    def log(self, database):
        return PushLog(database, digest())

    def test_nothing_is_there_at_first(self, log):
        assert log.last_push_id() == 0 == log.count() and log.pushes() == []
        assert log.push(1) is None and log.push(-(2**70)) is None
        assert log.newest_pushes_of([node("a")]) == {} == log.newest_pushes_of([])
        assert list(log.states()) == [] == list(log.all_pushes())
        assert log.nodes_with_prefix("a") == [] and not log.has_token(token())
        assert log.newest_push_of_bundle(1) is None

    def test_a_push_is_there_whole(self, log):
        mine = token()
        (push_id,) = log.record(new_push("a", "b", details=DETAILS, token=mine))
        whole = log.push(push_id, with_details=True)
        assert whole.changesets == tuple(logged("a", "b", details=DETAILS))
        assert (whole.id, whole.username, whole.pushed) == (push_id, "alice", 1000)
        assert (whole.bundle_id, whole.tip) == (None, node("b"))
        nodes = dataclasses.replace(whole, changesets=tuple(logged("a", "b")))
        assert log.pushes() == [nodes] and log.count() == 1
        assert log.push(push_id + 1) is None
        assert log.last_push_id() == push_id and log.has_token(mine)
        bare = dataclasses.replace(whole, changesets=())
        assert log.newest_pushes_of([node("b"), node("x")]) == {node("b"): bare}
        assert list(log.all_pushes()) == [bare]
        assert list(log.with_changesets([bare])) == [nodes]

    def test_another_repository_sees_nothing_of_it(self, log, database):
        (push_id,) = log.record(new_push("a"))
        other = PushLog(database, digest())
        assert other.push(push_id) is None and other.pushes() == []
        assert other.newest_pushes_of([node("a")]) == {} == dict(other.states())
        other.apply(Changes(states={node("a"): GONE}))
        assert dict(log.states()) == {node("a"): AS_PUSHED}
        with pytest.raises(UnknownChangeset):
            other.pushes(LogQuery(changesets=(node("a"),)))

    def test_the_same_token_again_is_the_same_push(self, log):
        push = new_push("a")
        first = log.record(push)
        second = log.record(push, new_push("b"))
        assert second[0] == first[0] < second[1]
        assert names_of(log.pushes(), "ab") == ["a", "b"]

    def test_many_changesets_of_which_some_are_large(self, log):
        names = ["c%d" % number for number in range(1203)]
        large = DETAILS._replace(description="\u20ac" * 200000)
        rows = [LoggedChangeset(node(name), 0, None) for name in names]
        rows[700] = rows[700]._replace(details=large)
        (push_id,) = log.record(NewLogPush(token(), "", 1, lambda: rows))
        assert log.push(push_id, with_details=True).changesets == tuple(rows)
        assert dict(log.states()) == {node(name): 0 for name in names}

    def test_what_is_held_is_not_seen(self, log):
        log.record(new_push("first"))
        held, ids = log.hold(Changes(pushes=[new_push("a")]))
        assert log.newest_pushes_of([node("a")]) == {}
        held.rollback()
        held.commit()
        assert log.count() == 1
        held, ids = log.hold(Changes(pushes=[new_push("a")]))
        held.commit()
        held.rollback()
        assert ids == [log.last_push_id()] and log.count() == 2

    def test_who_comes_second_waits_and_gets_a_greater_id(self, log):
        # Whoever asks for what came after the first must not miss it.
        log.record(new_push("z"))
        before = log.last_push_id()
        held, (first,) = log.hold(Changes(pushes=[new_push("a")]))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            try:
                other = pool.submit(log.record, new_push("b"))
                concurrent.futures.wait([other], timeout=0.5)
                assert not other.done() and log.last_push_id() == before
            finally:
                held.commit()
            assert other.result(30) > [first]
        assert names_of(log.pushes(), "zab") == ["z", "a", "b"]

    def test_states(self, log, monkeypatch):
        monkeypatch.setattr(pushlog, "CHUNK_PUSHES", 2)
        log.record(new_push("a", "b", "c"), new_push("d", "e"))
        log.apply(Changes(states={node("c"): HIDDEN, node("e"): GONE, node("x"): GONE}))
        wanted = {node("c"): HIDDEN, node("e"): GONE}
        wanted.update({node(name): AS_PUSHED for name in "abd"})
        assert dict(log.states()) == wanted
        tips = log.pushes(tips_only=True, with_details=True)
        assert names_of(tips, "abd") == ["b", "d"]
        # It was stripped, and is pushed again.
        log.record(new_push("e"))
        assert dict(log.states())[node("e")] == AS_PUSHED
        assert names_of(log.pushes(), "abcde") == ["abc", "de", "e"]
        log.apply(Changes(states={node("d"): GONE, node("e"): GONE}))
        assert names_of(log.pushes(tips_only=True), "b") == ["b", "", ""]

    def test_what_is_pushed_again_is_there_in_all_pushes(self, log):
        first, second, third = new_push("d", "e", "f"), new_push("e"), new_push("a")
        ids = log.record(first)
        log.apply(Changes(states={node("e"): GONE, node("f"): GONE}))
        before = log.state()
        # As each push does it: the one before comes along, which is there.
        ids += log.record(first, second)[1:]
        assert [state for _node, state in log.states()] == [
            AS_PUSHED,
            AS_PUSHED,
            GONE,
            AS_PUSHED,
        ]
        assert log.state().changes == before.changes + 1
        assert log.record(second, third)[0] == ids[1]
        assert log.state().changes == before.changes + 1
        # One that is not there is recorded first; what is there is not, again.
        fourth, fifth = new_push("g"), new_push("f", "h")
        ids = log.record(fourth, fifth)
        assert log.record(fourth, fifth) == ids == sorted(ids)
        pushes = log.pushes()
        assert names_of(pushes, "adefgh") == ["def", "e", "a", "g", "fh"]
        assert [push.id for push in pushes][-2:] == ids
        assert pushes[-1].tip == node("h")
        assert {state for _node, state in log.states()} == {AS_PUSHED}

    def test_phases(self, log):
        log.record(new_push("a", "b", details=DETAILS), new_push("c"))
        log.apply(Changes(phases={node("b"): "public", node("c"): "public"}))
        pushes = log.pushes(with_details=True)
        phases = [each.details and each.details.phase for each in pushes[0].changesets]
        assert phases == ["draft", "public"]
        assert pushes[1].changesets[0].details is None
        assert list(log.phases()) == [(node("a"), "draft"), (node("b"), "public")]

    def test_readers_learn_of_each_change_and_of_no_other(self, log):
        log.record(new_push("a", "b", details=DETAILS))
        states = [log.state()]
        for changes, is_one in (
            (Changes(states={node("a"): HIDDEN}), True),
            (Changes(states={node("a"): HIDDEN, node("x"): GONE}), False),
            (Changes(phases={node("b"): "public"}), True),
            (Changes(phases={node("b"): "public", node("x"): "draft"}), False),
            (Changes(pushes=[new_push("c")]), True),
            (Changes(pushes=[new_push("a")]), True),
        ):
            log.apply(changes)
            states.append(log.state())
            assert (states[-1] != states[-2]) == is_one
        assert states[-1].last_push_id == log.last_push_id()
        assert states[-1].identity == states[0].identity != ""

    def test_what_is_secret_is_told_to_nobody(self, log):
        log.record(new_push("a", details=DETAILS))
        log.apply(Changes(states={node("a"): HIDDEN}, phases={node("a"): "secret"}))
        (push,) = log.pushes(with_details=True)
        assert push.changesets == tuple(logged("a", state=HIDDEN))
        assert list(log.phases()) == [(node("a"), "secret")]
        log.apply(Changes(phases={node("a"): "draft"}))
        (push,) = log.pushes(with_details=True)
        assert push.changesets == tuple(logged("a", details=DETAILS, state=HIDDEN))

    def test_a_name_is_made_to_fit_and_found(self, log):
        name = "\U0001f600\0\udc80" + "x" * 300
        log.record(new_push("a", username=name), new_push("b", username="\xe9"))
        assert log.pushes()[0].username == "\U0001f600??" + "x" * 252
        assert names_of(log.pushes(LogQuery(users=(name,))), "ab") == ["a"]
        assert log.count(LogQuery(users=("e",))) == 0

    def test_prefixes(self, log, database):
        names = ["n%d" % number for number in range(40)]
        log.record(new_push(*names[:20]))
        record(TryIndex(database, log.digest), "b", *names[10:])
        nodes = sorted(map(node, names))
        for prefix in {each[:length] for each in nodes for length in (1, 2, 40)}:
            wanted = [each for each in nodes if each.startswith(prefix)]
            assert log.nodes_with_prefix(prefix) == wanted[:2]
            assert log.nodes_with_prefix(prefix, limit=99) == wanted
        assert log.nodes_with_prefix("") == [] == log.nodes_with_prefix("G")


class LogQueryContract(DatabaseContract):
    @pytest.fixture(scope="class")
    def log(self, database):
        """Five pushes, one letter a changeset; those of bob are e and g."""
        log = PushLog(database, digest())
        log.record(
            new_push("a", "b", pushed=10),
            new_push("c", "d", pushed=20),
            new_push("e", pushed=30, username="bob"),
            new_push("f", pushed=30),
            new_push("g", "h", pushed=40, username="bob"),
        )
        return log

    ALL = ["ab", "cd", "e", "f", "gh"]

    @pytest.mark.parametrize(
        "query, wanted",
        [
            ({}, slice(0, 5)),
            ({"start_id": 0}, slice(0, 5)),
            ({"start_id": 2}, slice(2, 5)),
            ({"end_id": 2}, slice(0, 2)),
            ({"start_id": 1, "end_id": 3}, slice(1, 3)),
            ({"start_id": 2**70}, slice(0, 0)),
            ({"end_id": 2**70, "start_id": -(2**70)}, slice(0, 5)),
            ({"start_date": 20}, slice(2, 5)),
            ({"end_date": 30}, slice(0, 4)),
            ({"start_date": 10, "end_date": 20}, slice(1, 2)),
            ({"from_change": "c"}, slice(2, 5)),
            ({"to_change": "c"}, slice(0, 2)),
            ({"from_change": "b", "to_change": "f"}, slice(1, 4)),
            ({"from_change": "b", "start_id": 3}, slice(3, 5)),
            ({"from_change": "e", "start_id": 1}, slice(3, 5)),
            ({"to_change": "e", "end_id": 1}, slice(0, 1)),
            ({"users": ("bob",)}, slice(2, 5, 2)),
            ({"users": ("bob", "alice", "nobody")}, slice(0, 5)),
            ({"users": ("nobody",)}, slice(0, 0)),
            ({"changesets": ("h",)}, slice(4, 5)),
            ({"changesets": ("a", "b", "e")}, slice(0, 3, 2)),
            ({"changesets": ("a", "e"), "users": ("bob",)}, slice(2, 3)),
            ({"users": ("bob",), "start_date": 30}, slice(4, 5)),
        ],
    )
    def test_which(self, log, query, wanted):
        first = next(log.all_pushes()).id
        query = dict(query)
        for name in ("start_id", "end_id"):
            if 0 < query.get(name, 0) < 2**60:
                query[name] += first - 1
        for name in ("from_change", "to_change"):
            if name in query:
                query[name] = node(query[name])
        if "changesets" in query:
            query["changesets"] = tuple(map(node, query["changesets"]))
        query = LogQuery(**query)
        wanted = self.ALL[wanted]
        assert names_of(log.pushes(query), "abcdefgh") == wanted
        assert log.count(query) == len(wanted)
        assert log.count(query, limit=2) == min(2, len(wanted))
        newest = log.pushes(query, newest_first=True, with_details=True)
        assert names_of(newest, "abcdefgh") == wanted[::-1]
        page = log.pushes(query, newest_first=True, limit=2, offset=1)
        assert names_of(page, "abcdefgh") == wanted[::-1][1:3]
        tips = names_of(log.pushes(query, tips_only=True), "abcdefgh")
        assert tips == [each[-1] for each in wanted]

    @pytest.mark.parametrize("name", ["from_change", "to_change", "changesets"])
    def test_a_changeset_that_was_never_pushed(self, log, name):
        value = node("x") if name != "changesets" else (node("a"), node("x"))
        for ask in (log.pushes, log.count):
            with pytest.raises(UnknownChangeset) as caught:
                ask(LogQuery(**{name: value}))
            assert caught.value.node == node("x")

    @pytest.mark.parametrize("with_details", [False, True])
    def test_the_last_changesets_of_each_push(self, log, with_details):
        pushes = log.pushes(with_details=with_details, changesets=1)
        assert names_of(pushes, "abcdefgh") == ["b", "d", "e", "f", "h"]
        assert [push.left_out for push in pushes] == [1, 1, 0, 0, 1]
        whole = log.pushes(with_details=with_details)
        assert log.pushes(with_details=with_details, changesets=2) == whole
        assert log.pushes(with_details=with_details, changesets=2**31 - 1) == whole
        tips = log.pushes(tips_only=True, changesets=1)
        assert tips == log.pushes(tips_only=True)

    def test_page_by_page(self, log, monkeypatch):
        monkeypatch.setattr(pushlog, "CHUNK_PUSHES", 2)
        assert names_of(log.pushes(), "abcdefgh") == self.ALL
        bare = list(log.all_pushes())
        assert len(bare) == 5
        assert names_of(log.with_changesets(bare), "abcdefgh") == self.ALL


class TryPushesContract(DatabaseContract):
    """Pushes to try and into the repository, in one log."""

    @pytest.fixture
    def log(self, database):
        return PushLog(database, digest())

    @pytest.fixture
    def index(self, log, database):
        return TryIndex(database, log.digest)

    def push_to_try(self, index, name, *names, log=None):
        names = names or (name,)
        return index.record_push(
            new_bundle(name),
            changesets(*names),
            token(),
            "carol",
            1000,
            node(names[-1]),
            log=log,
        )

    def test_ids_are_in_one_order(self, log, index):
        ids = [
            *log.record(new_push("a")),
            self.push_to_try(index, "b", log=logged("b", details=DETAILS)),
            *log.record(new_push("c")),
        ]
        assert sorted(ids) == ids and index.last_push_id() == ids[-1]
        pushes = log.pushes(with_details=True)
        assert [push.id for push in pushes] == ids
        assert names_of(pushes, "abc") == ["a", "b", "c"]
        assert pushes[1].changesets == tuple(logged("b", details=DETAILS))
        bundle_id = pushes[1].bundle_id
        assert [push.bundle_id for push in pushes] == [None, bundle_id, None]
        assert log.newest_push_of_bundle(bundle_id).id == ids[1]

    def test_what_is_in_the_repository_is_not_for_try(self, log, index):
        (before,) = log.record(new_push("a", pushed=1000))
        mine = self.push_to_try(index, "b", log=logged("b"))
        assert [push.id for push in index.pushes()] == [mine]
        assert index.push(before) is None and index.push(mine) is not None
        assert index.recent_roots(0, 9) == [node("b")]
        assert index.bundles_of([node("a")]) == {} == index.bookmarks()
        assert index.nodes_with_prefix(node("a")) == []
        log.apply(Changes(states={node("b"): GONE}))
        assert names_of(log.pushes(tips_only=True), "ab") == ["a", "b"]
        assert log.push(mine).changesets == tuple(logged("b"))
        assert dict(log.states()) == {node("a"): AS_PUSHED}

    def test_expiry_takes_those_to_try_from_the_log(self, log, index):
        log.record(new_push("a", pushed=1000))
        self.push_to_try(index, "b", log=logged("b"))
        assert index.expire(10**10).pushes == 1
        assert names_of(log.pushes(), "ab") == ["a"]
        assert log.newest_pushes_of([node("b")]) == {}

    def test_pushes_to_try_that_nobody_logged(self, log, index):
        first = self.push_to_try(index, "x", "a", "b")
        second = self.push_to_try(index, "y", "a", "c")
        third = self.push_to_try(index, "x", "a", "b")
        assert names_of(log.pushes(with_details=True), "abc") == ["ab", "ac", "ab"]
        assert names_of(log.pushes(tips_only=True), "abc") == ["b", "c", "b"]
        last = log.pushes(changesets=1)
        assert names_of(last, "abc") == ["b", "c", "b"]
        assert [push.left_out for push in last] == [1, 1, 1]
        found = log.newest_pushes_of(map(node, "abc"))
        assert [found[node(name)].id for name in "abc"] == [third, third, second]
        query = LogQuery(changesets=(node("b"),))
        assert [push.id for push in log.pushes(query)] == [first, third]
        assert log.count(query) == 2
        bundle_id = log.push(first).bundle_id
        assert log.newest_push_of_bundle(bundle_id).id == third
