"""A worker writes only while its group has heard of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.group import HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest

from runtime.settings import Settings
from schemas.topics import ANALYZED, CLUSTERED, DEADLETTERS
from streams.apps.faust import lease as module
from streams.apps.faust.lease import Lease
from streams.apps.stage import Stage
from tests.apps.conftest import Recorder, handle, record
from tests.apps.test_progress import PLACE, numbered, topics_of
from tests.apps.workers import analyzed, eventually, put, working
from tests.bus import records_of


class Coordinator:
    """Stands where aiokafka's is: `answer` is what the broker says."""

    def __init__(self) -> None:
        self.generation, self.answer = 7, 0
        self.asked: list[Any] = []

    async def _send_req(self, request: Any) -> Any:
        self.asked.append(request)
        return SimpleNamespace(error_code=self.answer)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    time = SimpleNamespace(now=100.0)
    monkeypatch.setattr(module, "now", lambda: time.now)
    return time


@pytest.fixture
def coordinator() -> Coordinator:
    return Coordinator()


@pytest.fixture
def lease(coordinator: Coordinator) -> Lease:
    lease = Lease(10.0)
    lease.watch(coordinator)
    return lease


def heartbeat() -> HeartbeatRequest:
    return HeartbeatRequest("group", 7, "member")


async def test_what_the_client_asks_the_coordinator_reaches_it_and_is_answered(
    lease: Lease, coordinator: Coordinator
) -> None:
    request = heartbeat()
    assert (await coordinator._send_req(request)).error_code == 0
    assert coordinator.asked == [request]


async def test_it_lasts_from_the_asking_of_the_last_heartbeat_that_was_answered(
    lease: Lease, coordinator: Coordinator, clock: SimpleNamespace
) -> None:
    assert lease.known(7) is None, "nothing was answered yet"
    await coordinator._send_req(SyncGroupRequest("group", 7, "member", None, []))
    assert lease.known(7)
    clock.now += 9
    await coordinator._send_req(heartbeat())
    clock.now += 9
    assert lease.known(7)
    coordinator.answer = 27  # the group rebalances, and waits for this member
    await coordinator._send_req(heartbeat())
    clock.now += 9
    assert lease.known(7)
    clock.now += 2
    assert lease.known(7) is None


@pytest.mark.parametrize("answer", [16, 22, 25])
async def test_a_refusal_does_not_prolong_it(
    lease: Lease, coordinator: Coordinator, clock: SimpleNamespace, answer: int
) -> None:
    coordinator.answer = answer
    await coordinator._send_req(heartbeat())
    assert lease.known(7) is None


async def test_other_answers_do_not_prolong_it(lease: Lease, coordinator: Coordinator, clock: SimpleNamespace) -> None:
    await coordinator._send_req(LeaveGroupRequest("group", "member"))
    assert lease.known(7) is None


async def test_it_ends_with_its_generation(lease: Lease, coordinator: Coordinator, clock: SimpleNamespace) -> None:
    await coordinator._send_req(heartbeat())
    coordinator.generation = -1  # aiokafka's, when the broker does not know the member any more
    assert lease.known(7) is False
    coordinator.generation = 8
    assert lease.known(7) is False
    assert lease.known(8) is None, "the answer was to the seventh"


async def test_where_it_is_over_the_next_answer_decides(
    lease: Lease, coordinator: Coordinator, clock: SimpleNamespace
) -> None:
    waiting = asyncio.create_task(lease.held(7))
    await asyncio.sleep(0)
    assert not waiting.done()
    await coordinator._send_req(heartbeat())
    assert await asyncio.wait_for(waiting, 5)


async def test_without_it_nothing_is_stored_told_or_buried(stage: Stage, broker: Recorder) -> None:
    topics_of(stage, range(30), committed=20)
    await stage.ask([PLACE])
    stage.app.lease.known = lambda generation: False  # type: ignore[method-assign]
    await handle(stage, numbered(20))
    await handle(stage, record(b"junk", offset=20))
    assert broker.sent == []
    assert stage.progress.next(PLACE) == 20


@pytest.mark.engine
def test_a_worker_of_a_real_group_waits_for_its_broker(fresh_engine: Settings, tmp_path: Path) -> None:
    put(fresh_engine, ANALYZED, analyzed("unheard-01", "unheard-02"), lambda one: one.id)
    with working(fresh_engine, tmp_path, "cluster", "unheard") as worker:
        eventually("both", lambda: worker.process.poll() or len(records_of(fresh_engine, CLUSTERED)) == 2, worker)
        assert worker.end() == 0
    assert records_of(fresh_engine, DEADLETTERS) == []
