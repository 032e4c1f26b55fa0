"""What Faust leaves out is fetched, what it brings twice is handled once, and what is committed has been handled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from runtime.bus.marks import Mark
from runtime.bus.source import Record
from schemas.articles import RawArticle
from schemas.topics import ANALYZED, RAW
from streams.apps import standstill as module
from streams.apps.faust.consumer import StageConsumer
from streams.apps.faust.progress import Progress
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from streams.apps.way import Position
from tests.apps.conftest import ARTICLE, Recorder, Topics, echo, follow, handle, record

PLACE = (RAW.name, 3)


def numbered(offset: int) -> Record:
    article = {**ARTICLE, "id": f"article-{offset:04d}"}
    return record(json.dumps(article).encode(), key=article["id"].encode(), offset=offset)  # type: ignore[attr-defined]


def topics_of(stage: Stage, offsets: Sequence[int], committed: int) -> Topics:
    topics: Any = stage.lookback
    topics.records, topics.committed = [numbered(offset) for offset in offsets], {PLACE: committed}
    found: Topics = topics
    return found


def handled(broker: Recorder) -> list[int]:
    return [int(key[-4:]) for _, key, _, _ in broker.on(ANALYZED.name)]


async def test_what_was_left_out_is_handled_first(stage: Stage, broker: Recorder) -> None:
    topics_of(stage, range(30), committed=20)
    await handle(stage, numbered(20))
    await handle(stage, numbered(24))
    assert handled(broker) == [20, 21, 22, 23, 24]
    assert stage.progress.next(PLACE) == 25


async def test_it_begins_where_the_group_left_off(stage: Stage, broker: Recorder) -> None:
    topics = topics_of(stage, range(30), committed=20)
    await handle(stage, numbered(22))
    assert handled(broker) == [20, 21, 22]
    await handle(stage, numbered(23))
    assert topics.asked == 1


async def test_a_long_hole_is_fetched_piece_by_piece(
    stage: Stage,
    broker: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    topics = topics_of(stage, [0, 1, 2, 5, 6, 7, 8], committed=0)
    await handle(stage, numbered(8))
    assert handled(broker) == [0, 1, 2, 5, 6, 7, 8]
    assert topics.limits == {2}


async def test_what_the_topic_no_longer_has_holds_nothing_up(stage: Stage, broker: Recorder) -> None:
    topics_of(stage, [], committed=0)
    await handle(stage, numbered(9))
    assert handled(broker) == [9]


async def test_what_comes_after_all_is_not_handled_again(stage: Stage, broker: Recorder) -> None:
    topics_of(stage, range(30), committed=20)
    for offset in (22, 20, 21, 22, 23):
        await handle(stage, numbered(offset))
    assert handled(broker) == [20, 21, 22, 23]


async def test_after_a_rebalance_it_begins_again_at_the_commit(stage: Stage, broker: Recorder) -> None:
    topics = topics_of(stage, range(30), committed=20)
    await handle(stage, numbered(20))
    await stage._revoked()
    await stage._assigned()
    topics.committed = {PLACE: 25}  # another worker went on
    await handle(stage, numbered(25))
    assert handled(broker) == [20, 25]


async def test_what_ends_after_a_rebalance_has_no_effect(stage: Stage, broker: Recorder) -> None:
    topics_of(stage, range(30), committed=20)

    async def slow(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        await stage._assigned()
        return await echo(article, position)

    await handle(stage, numbered(20), slow)
    assert broker.sent == []
    assert stage.progress.next(PLACE) is None


async def test_a_rebalance_while_fetching_ends_it(stage: Stage, broker: Recorder) -> None:
    topics_of(stage, range(30), committed=20)

    async def slow(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        if position.offset == 22:
            await stage._assigned()
        return await echo(article, position)

    await handle(stage, numbered(24), slow)
    assert handled(broker) == [20, 21], "the rest is the next owner's"


async def test_a_partition_is_let_go_when_what_is_in_hand_is_done(stage: Stage, broker: Recorder) -> None:
    topics_of(stage, range(30), committed=20)
    leaving: list[asyncio.Task[None]] = []

    async def slow(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        leaving.append(asyncio.create_task(stage._revoked()))
        await asyncio.sleep(0)
        return await echo(article, position)

    await handle(stage, numbered(20), slow)
    await leaving[0]
    assert handled(broker) == [20]
    member: Any = stage.app.consumer
    assert member.said[-1] == (PLACE, 21, Mark()), "a goodbye"
    assert stage.progress.next(PLACE) is None


async def test_where_the_group_left_off_is_not_taken_from_before_a_rebalance(stage: Stage) -> None:
    topics: Any = topics_of(stage, range(30), committed=20)
    asked = topics.left_off

    def left_off(places: Any) -> Any:
        found = asked(places)
        stage.progress.forget()
        return found

    topics.left_off = left_off
    await stage.ask([PLACE])
    assert stage.progress.next(PLACE) is None


class TestNothingAfterIt:
    """The last messages of a topic were dropped, and none comes that would show it."""

    @pytest.fixture
    def idle(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
        topics_of(stage, range(30), committed=28)
        follow(stage)

        member: Any = stage.app.consumer
        member.mine, member.ends = {TP(*PLACE)}, {TP(*PLACE): 30}
        monkeypatch.setattr(stage.app, "rebalancing", False)
        monkeypatch.setattr(module, "STANDSTILL", 0.0)
        return stage

    async def test_they_are_fetched_when_nothing_has_moved(self, idle: Stage, broker: Recorder) -> None:
        await handle(idle, numbered(28))
        await idle.standstill.pulse()
        await idle.standstill.pulse()
        assert handled(broker) == [28, 29]
        await idle.standstill.pulse()
        assert idle.health.report().lag == 0

    @pytest.mark.parametrize("state", ["rebalancing", "in_recovery"])
    async def test_not_before_the_streams_run(
        self,
        idle: Stage,
        broker: Recorder,
        state: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "STANDSTILL", 0.001)
        setattr(idle.app, state, True)
        for _ in range(3):
            await idle.standstill.pulse()
            await asyncio.sleep(0.002)
        assert handled(broker) == []
        assert idle.health.report().lag == 2

    async def test_what_the_topic_no_longer_has_is_not_waited_for(self, idle: Stage, broker: Recorder) -> None:
        topics_of(idle, range(29), committed=28)
        for _ in range(3):
            await idle.standstill.pulse()
        assert handled(broker) == [28]
        assert idle.health.report().lag == 0

    async def test_a_log_that_was_cut_is_read_from_its_beginning(self, idle: Stage, broker: Recorder) -> None:
        idle.progress.begin(PLACE, 1_000, Mark(), idle.progress.generation)
        topics_of(idle, [28, 29], committed=28)  # where the group left off, by the topic that is there now
        for _ in range(3):
            await idle.standstill.pulse()
        assert handled(broker) == [28, 29]

    async def test_a_topic_made_anew_is_read_from_its_beginning(self, idle: Stage, broker: Recorder) -> None:
        idle.progress.begin(PLACE, 28, Mark(topic_id="a"), idle.progress.generation)
        idle.lookback.ids[PLACE[0]] = "b"  # type: ignore[attr-defined]
        topics_of(idle, range(12, 30), committed=12)  # where it begins, by the topic that is there now
        for _ in range(3):
            await idle.standstill.pulse()
        assert handled(broker) == list(range(12, 30))

    async def test_a_kafka_that_hangs_keeps_nobody_from_beating(
        self, idle: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def hang(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(module, "ANSWER_WITHIN", 0.01)
        monkeypatch.setattr(idle.app.consumer, "highwaters", hang)
        async with asyncio.timeout(10):
            await idle.standstill.pulse()

    async def test_not_while_messages_move(
        self,
        idle: Stage,
        broker: Recorder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "STANDSTILL", 60.0)
        await handle(idle, numbered(28))
        for _ in range(3):
            await idle.standstill.pulse()
        assert handled(broker) == [28]

    async def test_a_partition_that_has_gone_is_not_fetched_from(self, idle: Stage, broker: Recorder) -> None:
        idle.progress.forget()
        assert not await idle.standstill._piece(PLACE, 30)
        assert handled(broker) == []

    async def test_all_that_waits_is_fetched_piece_by_piece(
        self, idle: Stage, broker: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "AT_ONCE", 1)
        topics_of(idle, range(30), committed=26)
        await idle.standstill.pulse()
        await idle.standstill.pulse()
        assert handled(broker) == [26, 27, 28, 29]


class TestHowLong:
    """Nothing has moved for fifteen seconds, by a clock that the test moves."""

    @pytest.fixture
    def idle(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
        self.now = 100.0
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        topics_of(stage, range(30), committed=28)
        follow(stage)
        member: Any = stage.app.consumer
        member.mine, member.ends = {TP(*PLACE)}, {TP(*PLACE): 30}
        monkeypatch.setattr(stage.app, "rebalancing", False)
        stage.standstill._moved = self.now
        return stage

    async def pulse(self, stage: Stage, seconds: float) -> None:
        self.now += seconds
        async with asyncio.timeout(10):
            await stage.standstill.pulse()

    async def test_is_counted_from_when_it_was_seen_to_wait(self, idle: Stage, broker: Recorder) -> None:
        await self.pulse(idle, 0)
        await self.pulse(idle, 14)
        assert handled(broker) == []
        await self.pulse(idle, 2)
        assert handled(broker) == [28, 29]

    async def test_is_counted_from_when_something_moved(self, idle: Stage, broker: Recorder) -> None:
        await self.pulse(idle, 0)
        await idle.handle(numbered(28))
        await self.pulse(idle, 16)
        await self.pulse(idle, 14)
        assert handled(broker) == [28]
        await self.pulse(idle, 2)
        assert handled(broker) == [28, 29]

    async def test_is_not_how_long_nothing_has_come(self, idle: Stage, broker: Recorder) -> None:
        member: Any = idle.app.consumer
        member.ends = {TP(*PLACE): 28}
        await self.pulse(idle, 0)
        await self.pulse(idle, 100)
        member.ends = {TP(*PLACE): 30}
        await self.pulse(idle, 2)
        assert handled(broker) == [], "Faust comes with it"

    async def test_is_not_how_long_a_message_is_in_hand(self, idle: Stage, broker: Recorder) -> None:
        await self.pulse(idle, 0)
        async with idle.turn:
            await self.pulse(idle, 100)
        await self.pulse(idle, 2)
        assert handled(broker) == []


def test_what_is_committed_is_what_was_handled() -> None:
    progress = Progress()
    consumer: Any = StageConsumer.__new__(StageConsumer)
    consumer.app = SimpleNamespace(progress=progress)
    tp = TP(*PLACE)
    # What Faust would commit: all of it acknowledged, and a gap besides.
    consumer._acked, consumer._acked_index, consumer._gap = {tp: [30]}, {tp: {30}}, {tp: object()}
    assert list(consumer._filter_tps_with_pending_acks()) == []
    progress.begin(PLACE, 20, Mark(), progress.generation)
    progress.reach(PLACE, 24, progress.generation)
    assert list(consumer._filter_tps_with_pending_acks()) == [tp]
    assert consumer._new_offset(tp) == 24
    assert not consumer._acked
    assert not consumer._gap
    progress.forget()
    assert consumer._new_offset(tp) is None


def test_the_goodbye_is_said_of_every_partition_and_of_none_that_comes_later() -> None:
    progress = Progress()
    progress.begin(("t", 0), 7, Mark(), progress.generation)
    assert progress.says(("t", 0), 7).open
    progress.leave()
    assert not progress.says(("t", 0), 7).open
    before = progress.generation
    progress.forget()
    progress.begin(("t", 0), 7, Mark(), before)
    assert progress.next(("t", 0)) is None, "asked before the partitions went"
    progress.begin(("t", 0), 7, Mark(), progress.generation)
    assert progress.says(("t", 0), 7).open, "a partition that has come is in hand again"
    once = progress.generation
    progress.forget()
    assert progress.generation not in {before, once}, "each ownership is told from all before it"


def test_how_often_a_process_has_ended_over_a_message_is_said_until_it_is_through() -> None:
    progress = Progress()
    progress.begin(("t", 0), 7, Mark(open=True, tries=2), progress.generation)
    assert progress.says(("t", 0), 7) == Mark(open=True, tries=2)
    progress.leave()
    assert progress.says(("t", 0), 7) == Mark(open=False, tries=2)
    progress.reach(("t", 0), 8, progress.generation)
    assert progress.says(("t", 0), 8) == Mark(open=False)


def test_a_try_is_said_of_the_message_in_hand_alone() -> None:
    progress = Progress()
    progress.begin(("t", 0), 7, Mark(open=True, tries=1, rejected=3), progress.generation)
    progress.tries(("t", 0))
    assert progress.says(("t", 0), 7) == Mark(open=True, tries=2, rejected=3)
    assert progress.says(("t", 0), 6).tries == 0, "a commit that is late"
    progress.stop(("t", 0), "why")
    assert progress.says(("t", 0), 7) == Mark(open=False, tries=1, rejected=3, stopped="why")


@pytest.mark.parametrize("state", ["rebalancing", "in_recovery"])
async def test_nothing_is_decided_while_tables_are_being_filled(stage: Stage, broker: Recorder, state: str) -> None:
    topics_of(stage, range(30), committed=20)
    setattr(stage.app, state, True)
    await handle(stage, numbered(20))
    assert handled(broker) == []
    setattr(stage.app, state, False)
    await handle(stage, numbered(21))
    assert handled(broker) == [20, 21], "what was left is handled first"
