"""Every hook that hangs a stage into Faust, and what fails where it is taken out.

| hook | taken out, this fails |
|---|---|
| `_assigned` and `_revoked` connected, in Stage | test_a_rebalance_reaches_the_stage |
| `forget = _let_go`, in ClusterStage | test_a_rebalance_lets_go_of_what_the_clusterer_remembers |
| the generation asked for, in ClusterStage._restored | test_what_was_rebuilt_over_a_rebalance_is_not_taken_over |
| the same, in ClusterStage._look_again | test_a_second_look_that_waited_over_a_rebalance_restores_nothing |
| `between_owners`, in Stage.handle | test_progress.py, nothing_is_decided_while_tables_are_being_filled |
| the same, in Stage.ask | test_progress.py, where_the_group_left_off_is_not_taken_from_before_a_rebalance |
| the lease, in Stage.still_ours | test_lease.py, without_it_nothing_is_stored_told_or_buried |
| marks and limits, in Stage._pass and _bury | test_marks.py |
| `StageConsumer`, in StageApp | test_the_app_commits_by_our_account |
| `lease.watch` and the marks, in StageConsumer's thread | test_the_consumer_s_thread_listens_and_says |
| the goodbye, in StageConsumer.on_stop | test_who_stops_says_goodbye |
| the goodbye, in Stage._revoked | test_progress.py, a_partition_is_let_go_when_what_is_in_hand_is_done |
| the limit to the end, in StageConsumer's thread | test_leaving_the_group_in_the_middle_of_a_rebalance_ends |
| `PatientTableManager`, in make_app | test_the_app_recovers_patiently |
| `ConfirmedTable`, in make_app | test_the_app_s_tables_wait_to_be_asked |
| the turn, in Stage.handle | test_two_topics_take_turns |
| the guard against empty sets, in StageConsumer's thread | test_no_partition_is_not_taken_for_all |
| forgotten records deleted, in ClusterStage | test_what_the_clusterer_forgot_is_deleted |
| the pulse, in Stage | tests/apps/test_catching_up.py, on the embedded engine |
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP

from runtime.bus.marks import Mark
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.topics import ANALYZED, RAW
from streams.apps.cluster import ClusterStage
from streams.apps.faust import consumer as consumer_module
from streams.apps.faust.consumer import StageConsumer, _Thread
from streams.apps.faust.progress import Progress, TakenOver
from streams.apps.faust.recovery import PatientRecovery, PatientTableManager
from streams.apps.faust.tables import ConfirmedTable
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from streams.apps.way import Position, Way
from streams.stories import ClusterConfig, Clusterer
from streams.stories.repair import Review
from tests.apps.conftest import Recorder, follow
from tests.apps.test_progress import PLACE, numbered, topics_of
from tests.stories.conftest import article


@pytest.mark.parametrize("signal", ["on_partitions_assigned", "on_partitions_revoked"])
async def test_a_rebalance_reaches_the_stage(stage: Stage, broker: Recorder, signal: str) -> None:
    generation = stage.progress.generation
    await getattr(stage.app, signal).send(set())
    assert stage.progress.generation > generation


@pytest.mark.parametrize("signal", ["on_partitions_assigned", "on_partitions_revoked"])
async def test_a_rebalance_lets_go_of_what_the_clusterer_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal: str
) -> None:
    cluster = ClusterStage(Settings(state_dir=tmp_path))
    cluster._clusterer = Clusterer()
    await getattr(cluster.stage.app, signal).send(set())
    assert cluster._clusterer is None


async def test_a_second_look_that_waited_over_a_rebalance_restores_nothing(tmp_path: Path) -> None:
    cluster = ClusterStage(Settings(state_dir=tmp_path))
    cluster._clusterer, cluster._unseen = Clusterer(), True
    cluster._records = {}
    async with cluster.stage.turn:
        looking = asyncio.create_task(cluster._look_again())
        await asyncio.sleep(0)
        cluster._let_go()
    await looking
    assert cluster._clusterer is None, "it would be of a table that is still being filled"


async def test_articles_go_on_while_the_clusterer_looks_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = ClusterStage(Settings(state_dir=tmp_path))
    cluster._clusterer, cluster._unseen = Clusterer(), True
    busy: list[bool] = []
    monkeypatch.setattr(Review, "corrections", lambda _: [busy.append(cluster.stage.turn.locked())][:0])
    monkeypatch.setattr(cluster.stage, "still_ours", _nothing)
    await cluster._look_again()
    assert busy == [False]


async def _nothing(*_: Any) -> None: ...


async def test_what_was_rebuilt_over_a_rebalance_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = ClusterStage(Settings(state_dir=tmp_path))
    cluster._records = {}

    def restore(*_: Any) -> None:  # in its thread, while partitions go
        cluster.stage.progress.forget()

    monkeypatch.setattr(Clusterer, "restore", restore)
    with pytest.raises(TakenOver):
        await cluster._restored()
    assert cluster._clusterer is None


async def test_the_app_commits_by_our_account(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = stage.app._new_consumer()
    assert isinstance(consumer, StageConsumer)
    assert isinstance(consumer._thread, _Thread)


async def test_the_consumer_s_thread_listens_and_says(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    async def commit(offsets: Any) -> None:
        said.append(offsets)

    async def send(request: Any) -> None: ...

    async def start(thread: Any) -> None:
        thread._consumer = SimpleNamespace(commit=commit, _coordinator=SimpleNamespace(_send_req=send, generation=3))

    monkeypatch.setattr(AIOKafkaConsumerThread, "on_start", start)
    thread: Any = _Thread.__new__(_Thread)
    thread.consumer, thread._app = None, stage.app
    monkeypatch.setattr(_Thread, "app", stage.app, raising=False)
    await thread.on_start()
    assert stage.app.lease.known(3) is None, "what the coordinator answers counts from now on"
    stage.progress.begin(PLACE, 20, Mark(), stage.progress.generation)
    stage.progress.tries(PLACE)
    await thread._consumer.commit({TP(*PLACE): OffsetAndMetadata(20, "")})
    await thread._consumer.commit({})  # the partitions have gone meanwhile: aiokafka would raise
    assert said == [{TP(*PLACE): OffsetAndMetadata(20, Mark(open=True, tries=1).encode())}]


async def test_who_stops_says_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []

    async def wait_and_commit(consumer: Any) -> None:
        done.append("in hand")

    async def commit(offsets: dict[TP, int]) -> None:
        done.append({tp: progress.says((tp.topic, tp.partition), offset) for tp, offset in offsets.items()})

    monkeypatch.setattr(Consumer, "on_stop", wait_and_commit)
    consumer: Any = StageConsumer.__new__(StageConsumer)
    progress = Progress()
    consumer.app, consumer._commit = SimpleNamespace(progress=progress), commit
    progress.begin(PLACE, 20, Mark(open=True), progress.generation)
    await consumer.on_stop()
    assert done == ["in hand", {TP(*PLACE): Mark(open=False)}]


async def test_leaving_the_group_in_the_middle_of_a_rebalance_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(thread: Any) -> None:  # for a rebalance that waits for Faust, which has stopped
        await asyncio.Event().wait()

    monkeypatch.setattr(AIOKafkaConsumerThread, "on_thread_stop", waits)
    monkeypatch.setattr(consumer_module, "_STOP", 0.01)
    thread: Any = _Thread.__new__(_Thread)
    await asyncio.wait_for(thread.on_thread_stop(), 20)


async def test_the_app_recovers_patiently(stage: Stage) -> None:
    assert isinstance(stage.app.tables, PatientTableManager)
    assert isinstance(stage.app.tables.recovery, PatientRecovery)


async def test_the_app_s_tables_wait_to_be_asked(stage: Stage) -> None:
    assert isinstance(stage.table("hooks", ANALYZED, None), ConfirmedTable)


async def test_partitions_are_committed_by_our_account_where_they_are_asked_for() -> None:
    progress = Progress()
    for place, offset in ((PLACE, 20), (("other", 1), 3)):
        progress.begin(place, offset, Mark(), progress.generation)
    consumer: Any = StageConsumer.__new__(StageConsumer)
    consumer.app = SimpleNamespace(progress=progress)
    tp, other = TP(*PLACE), TP("other", 1)
    consumer._acked, consumer._acked_index, consumer._gap = {tp: [1]}, {tp: {1}}, {tp: [2]}
    asked = [None, {tp}, {PLACE[0]}, {other, PLACE[0]}, {TP("other", 0)}]
    found = [set(consumer._filter_tps_with_pending_acks(one)) for one in asked]
    assert found == [{tp, other}, {tp}, {tp}, {tp, other}, set()]
    assert (consumer._new_offset(tp), consumer._new_offset(other)) == (20, 3)
    assert not any((consumer._acked, consumer._acked_index, consumer._gap)), "they would grow for ever"


async def test_two_topics_take_turns(stage: Stage, broker: Recorder) -> None:
    topics_of(stage, range(30), committed=20)
    going: list[str] = []

    async def step(message: RawArticle, position: Position) -> Sequence[Outgoing]:
        going.append(f"{position.topic} begins")
        await asyncio.sleep(0.01)
        going.append(f"{position.topic} ends")
        return []

    follow(stage, step)
    stage._ways["other"] = Way(RAW, RawArticle, step)
    one = numbered(20)
    other = type(one)("other", 0, 17, one.key, one.value)
    await asyncio.gather(stage.handle(one), stage.handle(other))
    assert going == [f"{RAW.name} begins", f"{RAW.name} ends", "other begins", "other ends"]


async def test_no_partition_is_not_taken_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def fetch(thread: Any, consumer: Any, active_partitions: Any, *limits: Any) -> Any:
        active.clear()  # a rebalance, while aiokafka waits
        asked.append((consumer, set(active_partitions), *limits))
        return {}

    monkeypatch.setattr(AIOKafkaConsumerThread, "_fetch_records", fetch)
    thread: Any = _Thread.__new__(_Thread)
    active = {TP(*PLACE)}
    await thread._fetch_records("aiokafka's", active, 1.5, 200)
    assert asked == [("aiokafka's", {TP(*PLACE)}, 1.5, 200)]
    assert await thread._fetch_records(None, active) == {}
    assert len(asked) == 1, "for nothing nobody is asked"


async def test_what_the_clusterer_forgot_is_deleted(tmp_path: Path) -> None:
    cluster = ClusterStage(Settings(state_dir=tmp_path))
    cluster._records = records = dict[str, Any]()
    cluster._clusterer = Clusterer(ClusterConfig(window_hours=1, replay_articles=10))
    random = np.random.default_rng(3)
    for number in range(450):
        one = article(f"forgotten-{number:04d}", random.normal(size=384), hours=number)
        await cluster._decide(one, Position(ANALYZED.name, 0, number))
        records.pop("forgotten-0001", None)  # which is no fault
    assert "forgotten-0000" not in records
    assert "forgotten-0449" in records
