"""What a member of a group is given after a rebalance, or by a client that leaves something out."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from polywire.runtime import source as source_module
from polywire.runtime.assigning import NoticingAssignor
from polywire.runtime.marks import Mark
from polywire.runtime.settings import Settings
from polywire.runtime.source import KafkaSource
from schemas.topics import ALERTS

TP = TopicPartition(ALERTS.name, 0)
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
        assignors = {NoticingAssignor.name: NoticingAssignor()}
        self._coordinator = SimpleNamespace(poll=lambda **_: self.joined, _assignors=assignors)

    def subscribe(self, _topics: list[str], listener: Any) -> None:
        self.listener = listener

    def assignment(self) -> set[TopicPartition]:
        return set(self.mine)

    def committed(self, _tp: TopicPartition, **_: object) -> OffsetAndMetadata | None:
        at = self.committed_offset
        return None if at is None else OffsetAndMetadata(at, self.metadata, -1)

    def commit(self, offsets: dict[TopicPartition, OffsetAndMetadata], **_: object) -> None:
        self.commits.append(offsets)

    commit_async = commit

    def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self.log[0])

    def seek(self, tp: TopicPartition, offset: int) -> None:
        if tp not in self.mine:
            raise ValueError("Unassigned partition")
        self.position = offset

    def poll(self, **_: object) -> dict[TopicPartition, list[Any]]:
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


def _record(offset: int) -> Any:
    return SimpleNamespace(
        topic=TP.topic, partition=0, offset=offset, key=b"k", value=b"v", headers=(), timestamp=0
    )  # fmt: skip


def source_on(client: Client, monkeypatch: pytest.MonkeyPatch) -> KafkaSource:
    monkeypatch.setattr(source_module, "make_consumer", lambda *_, **__: client)
    return KafkaSource(Settings(), "group", [ALERTS])


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
