"""What a member of a group is given after a rebalance, or by a client that leaves something out."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata
from structlog.testing import capture_logs

from runtime.bus import source as source_module
from runtime.bus.assigning import NoticingAssignor
from runtime.bus.marks import Mark
from runtime.bus.source import POLL_RECORDS, KafkaSource, Record
from runtime.settings import Settings
from schemas.topics import ALERTS

TP = TopicPartition(ALERTS.name, 0)
OTHER = TopicPartition(ALERTS.name, 1)
PLACE = (ALERTS.name, 0)


class Client:
    """The calls of a kafka-python consumer that a source makes, on one partition. `looks` is run at each poll."""

    def __init__(self, offsets: list[int], committed: int | None) -> None:
        self.log, self.committed_offset = offsets, committed
        self.mine = {TP}
        self.position = committed or 0
        self.looks: list[Callable[[], None]] = []
        self.metadata = ""
        self.commits: list[dict[TopicPartition, OffsetAndMetadata]] = []
        self.listener: Any = None
        self.joined = True
        self.topics: list[str] = []
        self.timeouts: dict[str, Any] = {}
        """Milliseconds, of the last call of each kind."""
        self.rejoins = 0
        self.topic_ids: dict[str, str] = {}
        self.assignor = NoticingAssignor()
        self._coordinator = SimpleNamespace(
            poll=self._join, _assignors={NoticingAssignor.name: self.assignor}, request_rejoin=self._rejoin
        )

    def _join(self, timeout_ms: float) -> bool:
        self.timeouts["join"] = timeout_ms
        return self.joined

    def _rejoin(self) -> None:
        self.rejoins += 1

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self.topics, self.listener = topics, listener

    def assignment(self) -> set[TopicPartition]:
        return set(self.mine)

    def committed(self, tp: TopicPartition, *, metadata: bool, timeout_ms: float) -> OffsetAndMetadata | None:
        assert tp in self.mine
        assert metadata, "else it would be a number"
        self.timeouts["committed"] = timeout_ms
        at = self.committed_offset
        return None if at is None else OffsetAndMetadata(at, self.metadata, -1)

    def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata], timeout_ms: float | None = None) -> None:
        self.timeouts["commit"] = timeout_ms
        self.commits.append(offsets)

    commit_async = commit

    def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self.log[0])

    def seek(self, tp: TopicPartition, offset: int) -> None:
        if tp not in self.mine:
            raise ValueError("Unassigned partition")
        self.position = offset

    def poll(self, timeout_ms: float) -> dict[TopicPartition, list[Any]]:
        self.timeouts["poll"] = timeout_ms
        if self.looks:
            self.looks.pop(0)()
        found = [offset for offset in self.log if offset >= self.position] if self.mine else []
        self.position = max([self.position, *(offset + 1 for offset in found)])
        return {TP: [_record(offset) for offset in found]} if found else {}

    def rebalance(self) -> None:
        """Taken away and given back."""
        self.listener.on_partitions_revoked({TP})
        self.position = self.committed_offset or 0

    def leave_out(self) -> None:
        """The position of the client moves by itself."""
        self.position += 2


class Scripted(Client):
    """One with two partitions, whose polls answer what the test says."""

    def __init__(self, *answers: dict[TopicPartition, list[int]], committed: int = 5) -> None:
        super().__init__([], committed)
        self.mine = {TP, OTHER}
        self.answers = list(answers)
        self.sought: list[tuple[TopicPartition, int]] = []

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.sought.append((tp, offset))

    def poll(self, timeout_ms: float) -> dict[TopicPartition, list[Any]]:
        answer = self.answers.pop(0) if self.answers else {}
        return {tp: [_record(offset, tp) for offset in offsets] for tp, offsets in answer.items()}


def _record(offset: int, tp: TopicPartition = TP) -> Any:
    return SimpleNamespace(
        topic=tp.topic, partition=tp.partition, offset=offset, key=b"k", value=b"v", headers=(), timestamp=0
    )  # fmt: skip


def places(records: list[Record]) -> list[tuple[int, int]]:
    """Partition and offset of each."""
    return [(record.partition, record.offset) for record in records]


def source_on(client: Client, monkeypatch: pytest.MonkeyPatch, engines: Any = "embedded", gather: float = 0.0) -> Any:
    monkeypatch.setattr(source_module, "make_consumer", lambda *_, **__: client)
    ids = SimpleNamespace(of=lambda topics: client.topic_ids, close=lambda: None)
    monkeypatch.setattr(source_module, "TopicIds", lambda _: ids)
    return KafkaSource(Settings(engines=engines), "group", [ALERTS], gather=gather)


def handed_over(source: KafkaSource) -> list[int]:
    """As the loop does: what was taken away is dropped."""
    records = source.poll(0.0)
    taken = source.revoked()
    return [record.offset for record in records if record.place not in taken]


def test_what_comes_while_a_partition_is_lost_and_given_back_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6, 7], committed=5)
    client.looks = [client.rebalance]
    source = source_on(client, monkeypatch)
    assert handed_over(source) == []
    assert handed_over(source) == [5, 6, 7]
    assert handed_over(source) == []


def test_without_a_commit_it_comes_again_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([2, 3], committed=None)
    client.looks = [client.rebalance]
    source = source_on(client, monkeypatch)
    assert [handed_over(source) for _ in range(3)] == [[], [2, 3], []]


def test_what_the_client_leaves_out_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6, 7, 8], committed=5)
    client.looks = [client.leave_out]
    source = source_on(client, monkeypatch)
    assert [handed_over(source) for _ in range(3)] == [[], [5, 6, 7, 8], []]


def test_what_the_topic_itself_leaves_out_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_on(Client([5, 9, 10], committed=4), monkeypatch)
    assert [handed_over(source) for _ in range(3)] == [[], [5, 9, 10], []]


def test_a_partition_that_comes_in_the_middle_of_a_poll_begins_at_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    client.mine = set()
    client.looks = [lambda: client.mine.add(TP)]
    source = source_on(client, monkeypatch)
    assert [handed_over(source) for _ in range(2)] == [[], [5, 6]]


def test_a_partition_taken_away_for_good_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    source = source_on(client, monkeypatch)
    client.looks = [client.rebalance, client.mine.clear]
    assert [handed_over(source) for _ in range(3)] == [[], [], []]


def test_nothing_is_asked_for_before_the_group_has_its_members(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    client.joined = False
    source = source_on(client, monkeypatch)
    assert handed_over(source) == []
    assert client.position == 5
    client.joined = True
    assert handed_over(source) == [5, 6]


def test_what_stands_beside_the_commit_is_told_when_a_partition_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    client.metadata = Mark(open=True, tries=1).encode()
    source = source_on(client, monkeypatch)
    handed_over(source)
    assert source.came() == {PLACE: (5, Mark(open=True, tries=1))}
    assert source.came() == {}
    client.metadata = "of another tool"
    client.rebalance()
    source.revoked()
    handed_over(source)
    assert source.came() == {PLACE: (5, Mark())}


def test_a_topic_made_anew_is_read_from_its_first_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    client.metadata, client.topic_ids = Mark(open=True, tries=1, topic_id="a").encode(), {ALERTS.name: "b"}
    client.log = [0, 1, 2, 3, 4, 5, 6]
    source = source_on(client, monkeypatch)
    with capture_logs() as lines:
        assert handed_over(source) == [0, 1, 2, 3, 4, 5, 6]
    assert source.came() == {PLACE: (0, Mark(topic_id="b"))}
    assert [(one["event"], one["topic"], one["partition"]) for one in lines] == [("topic_made_anew", *PLACE)]


def test_a_topic_made_anew_under_a_consumer_is_read_from_its_first_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_LOOK_AT_TOPICS", 0.0)
    client = Client([3, 4], committed=3)
    client.topic_ids = {ALERTS.name: "a"}
    source = source_on(client, monkeypatch)
    handed_over(source)
    assert source.came() == {PLACE: (3, Mark(topic_id="a"))}
    client.metadata = Mark(open=True, topic_id="a").encode()
    client.log, client.topic_ids = list(range(8)), {ALERTS.name: "b"}
    source.poll(0.0)
    assert source.revoked() == {PLACE}, "what is in hand is of a topic that is gone"
    found = handed_over(source) + handed_over(source)
    assert found == list(range(8))
    assert source.came() == {PLACE: (0, Mark(topic_id="b"))}
    client.topic_ids = {}  # not there for a moment, or a broker that gives none
    handed_over(source)
    assert source.revoked() == set()


def test_a_mark_that_names_no_topic_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    client.topic_ids = {ALERTS.name: "b"}
    source = source_on(client, monkeypatch)
    assert handed_over(source) + handed_over(source) == [5, 6]
    assert source.came() == {PLACE: (5, Mark(topic_id="b"))}


def test_a_partition_that_goes_is_said_goodbye_to_and_committed_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    source = source_on(client, monkeypatch)
    handed_over(source)
    source.commit({PLACE: (6, Mark(open=True, rejected=2))})
    client.rebalance()
    assert [Mark.decode(one[TP].metadata) for one in client.commits] == [
        Mark(open=True, rejected=2),
        Mark(rejected=2),
    ]
    assert source.revoked() == {PLACE}
    source.commit({PLACE: (7, Mark(open=True))})
    assert len(client.commits) == 2


def test_a_partition_that_was_lost_is_said_no_goodbye_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be in other hands already, whose commit would be undone."""
    client = Client([5, 6], committed=5)
    source = source_on(client, monkeypatch)
    handed_over(source)
    source.commit({PLACE: (6, Mark(open=True))})
    client.listener.on_partitions_lost({TP})
    assert source.revoked() == {PLACE}
    assert len(client.commits) == 1


def test_a_partition_that_was_lost_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    source = source_on(client, monkeypatch)
    handed_over(source)
    source.commit({PLACE: (6, Mark(open=True))})
    client.listener.on_partitions_lost({TP, OTHER})  # of which the other was never committed
    client.listener.on_partitions_revoked({TP})  # came back and went again before it was polled
    assert len(client.commits) == 1


def test_a_commit_that_a_rebalance_overtook_is_no_goodbye_of_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    source = source_on(client, monkeypatch)
    handed_over(source)
    monkeypatch.setattr(client, "commit", lambda *_, **__: client.rebalance())
    source.commit({PLACE: (6, Mark(open=True))})
    source.revoked()
    handed_over(source)
    client.rebalance()
    assert client.commits == []


def test_what_is_committed_is_offset_mark_and_no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    source = source_on(client, monkeypatch)
    handed_over(source)
    source.commit({PLACE: (6, Mark(open=True, rejected=2))})
    assert client.timeouts["commit"] == 10_000
    client.rebalance()
    assert client.commits == [
        {TP: OffsetAndMetadata(6, Mark(open=True, rejected=2).encode(), -1)},
        {TP: OffsetAndMetadata(6, Mark(rejected=2).encode(), -1)},
    ]


def test_what_was_never_polled_goes_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    source = source_on(client, monkeypatch)
    client.rebalance()
    assert source.revoked() == {PLACE}
    assert client.commits == []


def test_a_partition_that_came_and_went_did_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([5, 6], committed=5)
    source = source_on(client, monkeypatch)
    client.looks = [client.rebalance]
    assert handed_over(source) == []
    assert source.came() == {}


def test_a_commit_at_the_very_first_message_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([0, 1], committed=0)
    client.metadata = Mark(open=True, tries=2).encode()
    source = source_on(client, monkeypatch)
    handed_over(source)
    assert source.came() == {PLACE: (0, Mark(open=True, tries=2))}
    assert client.timeouts["committed"] == 10_000


def test_of_two_partitions_in_one_poll_both_are_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_on(Scripted({TP: [5, 6], OTHER: [5]}), monkeypatch)
    assert places(source.poll(0.0)) == [(0, 5), (0, 6), (1, 5)]


def test_a_partition_that_leaves_something_out_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Scripted({TP: [7], OTHER: [5]})
    source = source_on(client, monkeypatch)
    assert places(source.poll(0.0)) == [(1, 5)]
    assert client.sought[-1] == (TP, 5)


def test_nor_does_one_that_came_in_this_very_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Scripted({TP: [5], OTHER: [5]})
    client.mine = {OTHER}
    assert places(source_on(client, monkeypatch).poll(0.0)) == [(1, 5)]


def test_what_follows_on_what_was_handed_over_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Scripted({TP: [5, 6, 7]}, {TP: [9]}, {TP: [8, 9]})
    source = source_on(client, monkeypatch)
    assert [places(source.poll(0.0)) for _ in range(3)] == [[(0, 5), (0, 6), (0, 7)], [], [(0, 8), (0, 9)]]
    assert client.sought[-1] == (TP, 8)


def test_a_poll_waits_until_something_comes_and_lets_the_group_have_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_PAUSE", 0.0)
    client = Client([], committed=5)
    source = source_on(client, monkeypatch)
    client.looks = [lambda: None, lambda: client.log.append(5)]
    assert [record.offset for record in source.poll(20.0)] == [5]
    assert client.timeouts["poll"] == 5
    assert 15_000 < client.timeouts["join"] <= 20_000
    source.poll(0.0)
    assert client.timeouts["join"] == 5


def test_on_a_broker_that_keeps_whoever_asks_waiting_one_look_takes_as_long_as_the_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client([5], committed=5)
    source = source_on(client, monkeypatch, engines="external")
    assert handed_over(source) == [5]
    assert client.timeouts["poll"] == 5
    client.log.append(6)
    assert [record.offset for record in source.poll(20.0)] == [6]
    assert 15_000 < client.timeouts["poll"] <= 20_000


class Slept:
    """A clock that moves by being slept on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.seconds = 100.0, 0.0
        monkeypatch.setattr(source_module, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=self.sleep))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.seconds += seconds

    def during(self, act: Callable[[], list[Record]]) -> tuple[list[int], float]:
        self.seconds = 0.0
        return [record.offset for record in act()], round(self.seconds, 6)


def test_after_a_few_messages_the_next_ones_gather_and_after_many_they_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Slept(monkeypatch)
    client = Client([5], committed=5)
    source = source_on(client, monkeypatch, engines="external", gather=0.1)
    assert clock.during(lambda: source.poll(0.5)) == ([5], 0.0), "one that comes alone waits for nothing"
    client.log.append(6)
    client.looks = [lambda: None, lambda: client.log.append(7)]
    assert clock.during(lambda: source.poll(0.5)) == ([6, 7], 0.1), "what came meanwhile comes along"
    client.log += range(8, 108)
    clock.now += 0.2
    assert clock.during(lambda: source.poll(0.5))[1] == 0.0, "they had their time"
    client.log.append(108)
    assert clock.during(lambda: source.poll(0.5)) == ([108], 0.0)


def test_a_poll_that_only_keeps_the_membership_does_not_wait_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Slept(monkeypatch)
    client = Client([5], committed=5)
    source = source_on(client, monkeypatch, engines="external", gather=0.1)
    clock.during(lambda: source.poll(0.5))
    client.log.append(6)
    assert clock.during(lambda: source.poll(0.0)) == ([6], 0.0)


def test_what_was_shared_out_in_the_dark_is_shared_out_again_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client([], committed=5)
    source = source_on(client, monkeypatch)
    for _ in range(2):
        client.assignor.in_the_dark = True
        source.poll(0.0)
    assert client.rejoins == 1


def test_a_member_joins_its_group_for_its_topics_and_takes_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    client, settings = Client([], committed=None), Settings()
    asked: list[Any] = []
    monkeypatch.setattr(
        source_module, "make_consumer", lambda *args, **options: asked.append((args, options)) or client
    )
    KafkaSource(settings, "group", [ALERTS], fetch_max_wait_ms=7)
    assert asked == [((settings, "group", ()), {"max_poll_records": POLL_RECORDS, "fetch_max_wait_ms": 7})]
    assert client.topics == [ALERTS.name]


def test_a_record_has_all_that_its_message_had() -> None:
    message = SimpleNamespace(
        topic="t", partition=1, offset=2, key=b"k", value=b"v", headers=[("h", b"1")], timestamp=7
    )  # fmt: skip
    assert Record.of(message) == Record("t", 1, 2, b"k", b"v", (("h", b"1"),), 7)
    message.headers = message.timestamp = None
    assert Record.of(message) == Record("t", 1, 2, b"k", b"v", (), 0)
