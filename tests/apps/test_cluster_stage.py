"""What the clusterer tells, under which keys, of which generation; what it remembers; and when it looks back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from runtime.bus.source import Record
from runtime.settings import Settings
from schemas.articles import AnalyzedArticle, ClusteredArticle
from schemas.codec import decode, encode
from schemas.stories import StoryCorrection
from schemas.topics import ANALYZED, CLUSTERED, CORRECTIONS, DEADLETTERS
from streams.apps import cluster as module
from streams.apps.cluster import ClusterStage
from streams.apps.faust.app import StageApp, changelog
from streams.apps.faust.tables import ConfirmedTable
from streams.apps.way import Position
from streams.stories import Clusterer
from streams.stories.repair import Review
from tests.apps.conftest import Recorder, ready
from tests.apps.test_recall import AT, Cluster
from tests.stories.conftest import article


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(tmp_path, monkeypatch)


def unlike(number: int) -> AnalyzedArticle:
    """Articles of which no two are of one story."""
    return article(f"unlike-{number:05d}", np.random.default_rng(number).normal(size=384), hours=number)


def merge(story: str, other: str) -> StoryCorrection:
    return StoryCorrection(
        id="c-1", kind="merge", story_id=story, other_story_id=other, by="operator:x", reason="y", at=AT
    )  # fmt: skip


async def test_a_decision_goes_out_under_its_story_with_the_generation_that_decided(cluster: Cluster) -> None:
    (out,) = await cluster.stage._decide(unlike(1), Position(ANALYZED.name, 0, 7, 5))
    assert isinstance(out.message, ClusteredArticle)
    assert (out.topic, out.key) == (CLUSTERED, out.message.story_id)
    assert out.message.generation == 5
    assert cluster.stage._records[out.message.id]["gn"] == 5


async def test_the_same_decision_keeps_its_generation_and_another_has_the_new_one(cluster: Cluster) -> None:
    cluster.generation = 5
    assert (await cluster.take(unlike(1))).generation == 5
    cluster.generation = 6
    assert (await cluster.take(unlike(1))).generation == 5
    revised = unlike(1).model_copy(update={"text": "another text"})
    assert (await cluster.take(revised)).generation == 6


async def test_a_decision_that_was_stored_without_a_generation_is_of_none(cluster: Cluster) -> None:
    """By a release that knew of none."""
    cluster.generation = 5
    one = await cluster.take(unlike(1))
    del cluster.stage._records[one.id]["gn"]
    assert (await cluster.take(unlike(1))).generation == 0


async def test_an_article_that_moves_leaves_its_story_and_then_joins_the_other(cluster: Cluster) -> None:
    one, other = await cluster.take(unlike(1)), await cluster.take(unlike(2))
    cluster.generation = 8
    leaving, joining = await cluster.correct("merge", one.story_id, other.story_id)
    assert [(out.topic, out.key) for out in (leaving, joining)] == [
        (CLUSTERED, other.story_id),
        (CLUSTERED, one.story_id),
    ]
    for out, moved in ((leaving, (True, None, one.story_id)), (joining, (False, other.story_id, None))):
        told = out.message
        assert isinstance(told, ClusteredArticle)
        assert (told.id, told.story_id) == (other.id, out.key)
        assert (told.retracted, told.moved_from, told.moved_to) == moved
        assert (told.correction_id, told.generation) == ("c-merge", 8)


async def test_an_article_of_which_no_place_is_known_is_never_told_with_another_s_text(cluster: Cluster) -> None:
    told = [await cluster.take(unlike(number)) for number in range(4)]
    del cluster.stage._records[told[3].id]["o"]
    assert await cluster.correct("merge", told[0].story_id, told[3].story_id) == []


async def test_what_a_recall_brings_is_remembered_with_its_place(cluster: Cluster) -> None:
    told = await cluster.take(unlike(1))
    cluster.stage._clusterer = Clusterer()
    cluster.stage._records.clear()
    cluster.generation = 9
    assert await cluster.correct("recall", told.story_id, told.story_id, articles=[told]) == []
    stored = cluster.stage._records[told.id]
    assert (stored["o"], stored["gn"], "rc" in stored) == (0, 9, True)


async def test_a_worker_that_starts_anew_knows_what_is_stored(cluster: Cluster) -> None:
    told = await cluster.take(unlike(1))
    cluster.stage._clusterer = None
    clusterer = await cluster.stage._restored()
    assert clusterer.story_of(told.id) == told.story_id
    assert await cluster.stage._restored() is clusterer


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterStage:
    timers: list[Any] = []
    monkeypatch.setattr(StageApp, "timer", lambda _, interval: lambda fun: timers.append((interval, fun)))
    stage = ClusterStage(Settings(state_dir=tmp_path))
    assert (20.0, stage._look_again) in timers
    return stage


def test_its_memory_is_on_the_changelog_that_is_made_for_it(stage: ClusterStage) -> None:
    table = stage._records
    assert isinstance(table, ConfirmedTable)
    made = changelog("cluster", "records", ANALYZED.partitions)
    assert table.changelog_topic.get_topic_name() == made.name
    assert (table.partitions, table.key_type) == (made.partitions, str)


async def test_what_comes_under_another_key_is_buried(
    stage: ClusterStage, broker: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(stage.stage, broker, monkeypatch)
    monkeypatch.setattr(stage, "_records", {})
    topics: Any = stage.stage.lookback
    topics.committed = {(ANALYZED.name, 0): 0, (CORRECTIONS.name, 0): 0}
    one, correction = unlike(1), merge("s-a", "s-b")
    for offset, key in enumerate((one.id, "else")):
        await stage.stage.handle(Record(ANALYZED.name, 0, offset, key.encode(), encode(one)))
    for offset, key in enumerate((correction.story_id, "else")):
        await stage.stage.handle(Record(CORRECTIONS.name, 0, offset, key.encode(), encode(correction)))
    ((_, key, value, _),) = broker.on(CLUSTERED.name)
    assert key.decode() == decode(ClusteredArticle, value).story_id
    assert [letter[1] for letter in broker.on(DEADLETTERS.name)] == [
        f"{topic.name}/0/1".encode() for topic in (ANALYZED, CORRECTIONS)
    ]


class Looking:
    """A clusterer's stage whose looks take ten seconds and find a correction."""

    def __init__(self, stage: ClusterStage, broker: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage, self.broker, self.now, self.looks = stage, broker, 1_000.0, 0
        ready(stage.stage, broker, monkeypatch)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(Review, "corrections", lambda _: self._corrections())
        stage._clusterer, stage._unseen = Clusterer(), True

    def _corrections(self) -> list[StoryCorrection]:
        self.looks += 1
        self.now += 10
        return [merge("s-a", "s-b")]

    async def look(self, after: float = 0.0) -> int:
        """How often it has looked by then."""
        self.now += after
        await self.stage._look_again()
        return self.looks


@pytest.fixture
def looking(stage: ClusterStage, broker: Recorder, monkeypatch: pytest.MonkeyPatch) -> Looking:
    return Looking(stage, broker, monkeypatch)


async def test_what_a_second_look_finds_comes_over_the_bus(looking: Looking) -> None:
    assert await looking.look() == 1
    assert looking.broker.sent == [(CORRECTIONS.name, b"s-a", encode(merge("s-a", "s-b")), [])]


async def test_it_looks_again_when_articles_have_come_and_it_has_rested(looking: Looking) -> None:
    assert await looking.look() == 1
    assert await looking.look(after=1_000) == 1, "no article has come"
    looking.stage._unseen = True
    assert await looking.look() == 2
    looking.stage._unseen = True
    assert await looking.look(after=99) == 2, "a tenth of the time at most"
    assert await looking.look(after=1) == 3


async def test_without_a_clusterer_it_looks_when_there_is_one(looking: Looking) -> None:
    looking.stage._clusterer = None
    assert await looking.look() == 0
    looking.stage._clusterer = Clusterer()
    assert await looking.look() == 1


async def test_it_looks_when_the_message_in_hand_is_done(looking: Looking) -> None:
    looking.stage._unseen = False
    assert await looking.look() == 0
    await looking.stage._decide(
        unlike(1).model_copy(update={"collected": datetime.now(UTC)}), Position(ANALYZED.name, 0, 0)
    )
    assert await looking.look() == 1
