"""analyze: articles.raw → articles.analyzed. Needs nothing but the article, so it scales by partitions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from polywire.runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.topics import ANALYZED, RAW
from streams.analysis import Analyzer
from streams.apps.stage import Outgoing, Source, Stage


def build(settings: Settings) -> Stage:
    """The stage, ready to run. Raises ModelMissing when the embedding model has not been built."""
    stage = Stage("analyze", settings)
    analyzer = Analyzer.load(settings.cache_dir, embedding_model=settings.embedding_model)

    async def analyze(article: RawArticle, source: Source) -> Sequence[Outgoing]:  # noqa: ARG001
        # In a thread: a long text must not keep the event loop from telling Kafka that we live.
        analyzed = await asyncio.to_thread(analyzer.analyze, article)
        return [Outgoing(ANALYZED, analyzed.id, analyzed)]

    stage.consume(RAW, RawArticle, analyze, key_of=lambda article: article.id)
    stage.prepare()
    return stage
