"""A table's changes are confirmed by the broker before anything that follows from them is sent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polywire.runtime.settings import Settings
from schemas.topics import ANALYZED
from streams.apps import outlet as module
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from streams.apps.tables import ConfirmedTable
from tests.streams.conftest import Recorder, echo, handle, ready, record


class Changelog:
    """Stands where the changelog topic is: the test says when and how a change is answered."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, Any, asyncio.Future[Any]]] = []

    def send_soon(self, *, key: Any, value: Any, partition: int | None, **_: Any) -> Any:
        future: Any = asyncio.get_running_loop().create_future()
        future.message = SimpleNamespace(partition=partition or 0)
        self.sent.append((key, value, future))
        return future


async def turns(count: int = 50) -> None:
    """Everything goes as far as it can without an answer, however slow the machine is."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def changelog() -> Changelog:
    return Changelog()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage("cluster", Settings(state_dir=tmp_path))


@pytest.fixture
def table(stage: Stage, changelog: Changelog, monkeypatch: pytest.MonkeyPatch) -> ConfirmedTable:
    table = stage.table("records", ANALYZED, None)
    monkeypatch.setattr(ConfirmedTable, "changelog_topic", changelog)
    monkeypatch.setattr(table, "partition_for_key", lambda key: 0)
    return table


async def test_nothing_is_told_before_it_is_stored(
    stage: Stage, table: ConfirmedTable, changelog: Changelog, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Recorder()
    ready(stage, broker, monkeypatch)

    async def decide(article: Any, source: Any) -> list[Outgoing]:
        table.on_key_set(article.id, "decided")
        return list(await echo(article, source))

    working = asyncio.create_task(
        handle(
            stage,
            record(
                b'{"schema_version":1,"id":"stage-000001","source":"t","title":"A","collected":"2026-01-01T00:00:00Z"}'
            ),
            decide,
        )
    )
    await turns()
    assert [key for key, _, _ in changelog.sent] == ["stage-000001"]
    assert broker.sent == []
    changelog.sent[0][2].set_result(None)
    await working
    assert len(broker.on(ANALYZED.name)) == 1


async def test_a_change_that_failed_is_sent_again_as_it_is_now(
    stage: Stage, table: ConfirmedTable, changelog: Changelog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BACKOFF", (0.0,))
    table.data["a"] = "old"
    table.on_key_set("a", "old")
    waiting = asyncio.create_task(stage.outlet.persist("store", table.confirmed))
    await turns()
    table.data["a"] = "new"
    changelog.sent[0][2].set_exception(ConnectionError("gone"))
    await turns()
    assert [(key, value) for key, value, _ in changelog.sent] == [("a", "old"), ("a", "new")]
    assert not waiting.done()
    changelog.sent[1][2].set_result(None)
    await asyncio.wait_for(waiting, 1)
    await table.confirmed()
    assert len(changelog.sent) == 2


async def test_what_another_worker_decides_now_is_not_waited_for(table: ConfirmedTable) -> None:
    table.on_key_set("a", 1)
    table.disown()
    await asyncio.wait_for(table.confirmed(), 1)
