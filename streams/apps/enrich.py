"""enrich: articles.clustered → articles.enriched and stories. By story id, so it scales by partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polywire.runtime.settings import Settings
from schemas.articles import ClusteredArticle
from schemas.topics import CLUSTERED, ENRICHED, STORIES
from streams.apps.app import changelog
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from streams.apps.way import Source, Way
from streams.enrichment import StoryState, enrich


def build(settings: Settings) -> Stage:
    """The stage, ready to run."""
    stage = Stage("enrich", settings)
    states: Any = stage.table("stories", CLUSTERED, bytes)

    async def join(article: ClusteredArticle, source: Source) -> Sequence[Outgoing]:  # noqa: ARG001
        known = states.get(article.story_id)
        state = StoryState.model_validate_json(known) if known else None
        result = enrich(state, article)
        outgoing = [Outgoing(STORIES, article.story_id, result.story)]
        if result.article is not None:
            outgoing.insert(0, Outgoing(ENRICHED, article.story_id, result.article))
        states[article.story_id] = result.state.model_dump_json().encode()
        return outgoing

    stage.consume(Way(CLUSTERED, ClusteredArticle, join, lambda article: article.story_id))
    stage.prepare([changelog("enrich", "stories", CLUSTERED.partitions)])
    return stage
