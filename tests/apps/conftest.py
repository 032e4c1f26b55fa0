"""A stage without its Faust: tests hand it messages, and stand where the broker and the topics are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from runtime.bus.marks import Mark
from runtime.bus.source import Partition, Record
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.topics import ANALYZED, RAW
from streams.apps import outlet
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from streams.apps.way import Position, Way

ARTICLE = {
    "schema_version": 1,
    "id": "stage-000001",
    "source": "t",
    "title": "A title",
    "collected": "2026-01-01T00:00:00Z",
}


class Recorder:
    """Stands where the broker is: keeps what is sent, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bytes | None, list[tuple[str, bytes]]]] = []
        self.failures: list[Exception] = []

    def channel(self, topic: str) -> Any:
        async def send(key: bytes, value: bytes | None, headers: list[tuple[str, bytes]] | None) -> Any:
            async def confirmed() -> None:
                if self.failures:
                    raise self.failures.pop(0)
                self.sent.append((topic, key, value, headers or []))

            return confirmed()

        return SimpleNamespace(send=send)

    def on(self, topic: str) -> list[tuple[str, bytes, bytes | None, list[tuple[str, bytes]]]]:
        return [record for record in self.sent if record[0] == topic]


@pytest.fixture
def broker() -> Recorder:
    return Recorder()


class Topics:
    """Stands where the topics are: where the group left off, and what they hold."""

    def __init__(self) -> None:
        self.committed: dict[Partition, int] = {}
        self.marks: dict[Partition, Mark] = {}
        self.records: list[Record] = []
        self.ids: dict[str, str] = {}
        self.asked = 0
        self.limits: set[int] = set()
        """Of messages at a time, that were asked for."""

    def left_off(self, places: Collection[Partition]) -> dict[Partition, tuple[int, Mark]]:
        self.asked += 1
        return {place: (self.committed.get(place, 17), self.marks.get(place, Mark())) for place in places}

    def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        return {topic: self.ids[topic] for topic in topics if topic in self.ids}

    def between(self, place: Partition, first: int, end: int, limit: int) -> list[Record]:
        self.limits.add(limit)
        return [r for r in self.records if r.place == place and first <= r.offset < end][:limit]

    def at(self, place: Partition, offsets: Collection[int]) -> dict[int, bytes | None]:
        return {r.offset: r.value for r in self.records if r.place == place and r.offset in offsets}


class Member:
    """Stands where the consumer is: owns what the test says, and keeps what is committed."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.mine: set[TP] = set()
        self.ends: dict[TP, int] = {}
        self.said: list[tuple[Partition, int, Mark]] = []

    def assignment(self) -> set[TP]:
        return self.mine

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.ends[tp] for tp in tps}

    async def say(self, places: Iterable[Partition]) -> None:
        progress = self._stage.progress
        for place in places:
            offset = progress.next(place)
            if offset is not None:
                self.said.append((place, offset, progress.says(place, offset)))


@pytest.fixture
def stage(broker: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return ready(Stage("analyze", Settings(state_dir=tmp_path)), broker, monkeypatch)


def ready(stage: Stage, broker: Recorder, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(stage.outlet, "_channel", lambda topic: broker.channel(topic.name))
    monkeypatch.setattr(stage, "lookback", Topics())
    monkeypatch.setattr(type(stage.app), "consumer", Member(stage))
    monkeypatch.setattr(outlet, "_LONGEST_PAUSE", 0.0)
    return stage


def record(value: bytes | None, key: bytes | None = b"stage-000001", headers: Any = (), offset: int = 17) -> Record:
    return Record(RAW.name, 3, offset, key, value, tuple(headers), 1_700_000_000_000)


async def echo(article: RawArticle, position: Position) -> Sequence[Outgoing]:
    return [Outgoing(ANALYZED, article.id, article)]


def follow(stage: Stage, step: Any = echo) -> None:
    """What becomes of raw articles."""
    stage._ways[RAW.name] = Way(RAW, RawArticle, step, lambda article: article.id)


async def handle(stage: Stage, incoming: Record, step: Any = echo) -> None:
    follow(stage, step)
    await stage.handle(incoming)
