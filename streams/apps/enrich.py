"""enrich: articles.clustered → articles.enriched and stories. By story id, so it scales by partitions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from runtime.settings import Settings
from schemas.articles import ClusteredArticle
from schemas.topics import CLUSTERED, ENRICHED, STORIES
from streams.apps.faust.app import changelog
from streams.apps.outlet import Outgoing, check
from streams.apps.stage import Stage
from streams.apps.way import Position, Way
from streams.enrichment import changes, enrich, load


def make_stage(settings: Settings) -> Stage:
    """The stage, ready to run."""
    stage = Stage("enrich", settings)
    states: Any = stage.table("stories", CLUSTERED, bytes)

    async def join(article: ClusteredArticle, position: Position) -> Sequence[Outgoing]:  # noqa: ARG001
        # In a thread: a long story must not keep the event loop from telling Kafka that we live.
        outgoing, changed = await asyncio.to_thread(told, article)
        for key, value in changed:
            if value is None:
                states.pop(key, None)
            else:
                states[key] = value
        return outgoing

    def told(article: ClusteredArticle) -> tuple[Sequence[Outgoing], Sequence[tuple[str, bytes | None]]]:
        stored = load(states.get, article.story_id)
        result = enrich(stored.state if stored else None, article)
        outgoing = [Outgoing(STORIES, article.story_id, result.story)]
        if result.article is not None:
            outgoing.insert(0, Outgoing(ENRICHED, article.story_id, result.article))
        check(outgoing)  # and so encoded here, too
        return outgoing, changes(stored, result.state)

    stage.consume(Way(CLUSTERED, ClusteredArticle, join, lambda article: article.story_id))
    stage.prepare([changelog("enrich", "stories", CLUSTERED.partitions)])
    return stage
