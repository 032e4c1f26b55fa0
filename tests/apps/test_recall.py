"""A story that was forgotten comes back from the index: it takes new articles, and can be merged and split."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consumers.index.documents import article_document, article_of
from runtime.bus.source import Partition
from runtime.settings import Settings
from schemas.articles import AnalyzedArticle, EnrichedArticle
from schemas.codec import InvalidMessage, encode
from schemas.stories import StoryCorrection
from schemas.topics import ANALYZED, CORRECTIONS
from streams.apps.cluster import ClusterStage
from streams.apps.outlet import Outgoing
from streams.apps.way import Position
from streams.stories import ClusterConfig, Clusterer
from tests.stories.conftest import article

AT = datetime(2026, 6, 1, tzinfo=UTC)


class Bus:
    """articles.analyzed and stories.corrections, each of which may have lost what is old."""

    def __init__(self) -> None:
        self.held: dict[str, dict[int, bytes]] = {ANALYZED.name: {}, CORRECTIONS.name: {}}

    def at(self, place: Partition, offsets: Iterable[int]) -> dict[int, bytes]:
        topic, partition = place
        return {o: self.held[topic][o] for o in offsets if o in self.held[topic] and partition == 0}


class Cluster:
    """The stage, handed messages one by one."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bus = Bus()
        self.generation = 0
        self.stage = ClusterStage(Settings(state_dir=tmp_path))
        monkeypatch.setattr(self.stage.stage, "lookback", self.bus)
        self.stage._records = {}
        self.stage._clusterer = Clusterer(ClusterConfig(window_hours=48))

    async def take(self, one: AnalyzedArticle) -> Any:
        log = self.bus.held[ANALYZED.name]
        position = Position(ANALYZED.name, 0, len(log), self.generation)
        log[position.offset] = encode(one)
        (out,) = await self.stage._decide(one, position)
        return out.message

    async def correct(self, kind: Any, story: str, other: str, **fields: Any) -> list[Outgoing]:
        one = StoryCorrection(
            id=f"c-{kind}",
            kind=kind,
            story_id=story,
            other_story_id=other,
            by="operator:x",
            reason="y",
            at=AT,
            **fields,
        )
        log = self.bus.held[CORRECTIONS.name]
        position = Position(CORRECTIONS.name, 0, len(log), self.generation)
        log[position.offset] = encode(one)
        return list(await self.stage._correct(one, position))


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(tmp_path, monkeypatch)


async def test_it_takes_new_articles_and_can_be_merged(cluster: Cluster) -> None:
    random = np.random.default_rng(3)
    centre = random.normal(size=384)

    def near(key: str, hours: float) -> AnalyzedArticle:
        return article(key, centre + 0.2 * random.normal(size=384), hours=hours)

    old = [await cluster.take(near(f"old-{n:05d}", n)) for n in range(3)]
    (story,) = {each.story_id for each in old}
    others = [await cluster.take(article(f"since-{n:04d}", random.normal(size=384), hours=10 + n)) for n in range(200)]
    clusterer = cluster.stage._clusterer
    assert clusterer is not None
    assert clusterer.story_of(old[0].id) is None
    cluster.bus.held[ANALYZED.name].clear()  # the topic keeps articles for as long as the clusterer does

    assert await cluster.correct("merge", others[-1].story_id, story) == [], "nothing is known of it"
    indexed = [article_of(_document(each), each.embedding) for each in old]
    assert await cluster.correct("recall", story, story, articles=indexed) == []
    assert [clusterer.story_of(each.id) for each in old] == [story] * 3

    again = await cluster.take(near("new-00001", 211))
    assert again.story_id == story

    # What a worker that starts anew reads from its table knows it as well.
    cluster.stage._clusterer = Clusterer(ClusterConfig(window_hours=48))
    cluster.stage._clusterer.restore(list(cluster.stage._records.items()))
    sent = [out.message for out in await cluster.correct("merge", others[-1].story_id, story)]
    joining = {one.id: one for one in sent if not one.retracted}  # type: ignore[attr-defined]
    assert joining.keys() == {each.id for each in old} | {again.id}
    for each in old:
        assert joining[each.id].story_id == others[-1].story_id  # type: ignore[attr-defined]
        assert joining[each.id].title == each.title  # type: ignore[attr-defined]
        assert joining[each.id].embedding == each.embedding  # type: ignore[attr-defined]


def _document(one: Any) -> dict[str, Any]:
    brief = {"title": "t", "languages": ["en"], "sources": ["s"], "article_count": 1, "first_seen": AT, "version": 1}
    return article_document(EnrichedArticle(**dict(one), story=brief))


async def test_articles_from_the_future_do_not_make_it_forget(cluster: Cluster) -> None:
    random = np.random.default_rng(4)
    old = [await cluster.take(article(f"now-{n:05d}", random.normal(size=384), hours=n)) for n in range(3)]
    ahead = {"collected": datetime(9000, 1, 1, tzinfo=UTC)}
    for n in range(5):
        with pytest.raises(InvalidMessage, match="future"):
            await cluster.take(article(f"ahead-{n:04d}", random.normal(size=384)).model_copy(update=ahead))
    with pytest.raises(InvalidMessage, match="future"):
        await cluster.correct("recall", "s-a", "s-a", articles=[old[0].model_copy(update=ahead)])
    for n in range(200):
        await cluster.take(article(f"since-{n:04d}", random.normal(size=384), hours=4))
    clusterer = cluster.stage._clusterer
    assert clusterer is not None
    assert all(clusterer.story_of(each.id) == each.story_id for each in old)
