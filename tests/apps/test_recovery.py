"""The first messages after a rebalance: nothing is fetched before the agents' queues have been emptied."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.tables.recovery import Recovery
from faust.types import TP
from mode.utils.queues import FlowControlQueue

from runtime.settings import Settings
from streams.apps.faust.app import make_app
from streams.apps.faust.recovery import PatientRecovery

ARTICLES = TP("articles.clustered", 4)


class Log:
    """A consumer whose broker has one message: it is fetched whenever the partition may be, and then is behind."""

    def __init__(self, queue: Any) -> None:
        self.queue, self.active, self.position, self.flowing = queue, set[TP](), 11, False
        self.rebalanced = False

    def assignment(self) -> set[TP]:
        return {ARTICLES}

    def resume_partitions(self, tps: set[TP]) -> None:
        self.active |= tps

    def resume_flow(self) -> None:
        self.flowing = True

    async def perform_seek(self) -> None:
        self.position = 11
        self.fetch()

    def fetch(self) -> None:
        if self.active and self.position == 11:
            self.queue.put_nowait("message 11")
            self.position = 12


def recovery_of(kind: type[Recovery], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Recovery, Log]:
    app = make_app("enrich", Settings(state_dir=tmp_path))
    log = Log(FlowControlQueue(flow_control=app.flow_control, clear_on_resume=True))

    async def nothing(*_: Any, **__: Any) -> None:
        if log.rebalanced:
            app.consumer_generation_id = 8

    monkeypatch.setattr(type(app), "consumer", log)
    app.consumer_generation_id = 7
    app._fetcher = SimpleNamespace(maybe_start=nothing)
    recovery = kind(app, app.tables)
    return recovery, log


@pytest.mark.parametrize("way", ["on_recovery_completed", "_resume_streams"])
async def test_the_first_message_reaches_the_agents(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recovery, log = recovery_of(PatientRecovery, tmp_path, monkeypatch)
    await getattr(recovery, way)(7)
    log.fetch()
    assert log.flowing
    assert list(log.queue._queue) == ["message 11"]


async def test_it_does_not_by_faust_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When this fails, Faust has mended it, and streams/apps/faust/recovery.py can go."""
    recovery, log = recovery_of(Recovery, tmp_path, monkeypatch)
    await recovery.on_recovery_completed(7)
    log.fetch()
    assert list(log.queue._queue) == []


async def test_another_rebalance_resumes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recovery, log = recovery_of(PatientRecovery, tmp_path, monkeypatch)
    await recovery.on_recovery_completed(6)
    assert not log.active
    log.rebalanced = True  # while it resumes
    await recovery.on_recovery_completed(7)
    assert not log.active
    assert log.resume_partitions.__func__ is Log.resume_partitions
