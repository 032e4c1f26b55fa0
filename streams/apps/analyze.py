"""analyze: articles.raw → articles.analyzed. Needs nothing but the article, so it scales by partitions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from runtime.bus.sizes import ROOM
from runtime.errors import UserError
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.topics import ANALYZED, RAW
from streams.analysis import Analyzer
from streams.apps.clock import refuse_the_future
from streams.apps.outlet import Outgoing, check
from streams.apps.stage import Stage
from streams.apps.way import Position, Way
from streams.embedding import ModelMissing


def make_stage(settings: Settings) -> Stage:
    """The stage, ready to run.

    Raises:
        UserError: the embedding model is not there; the message says how to get it.
    """
    stage = Stage("analyze", settings)
    try:
        analyzer = Analyzer.load(settings.cache_dir, **settings.models)
    except ModelMissing as error:
        raise UserError(str(error)) from error

    async def analyze(article: RawArticle, position: Position) -> Sequence[Outgoing]:  # noqa: ARG001
        refuse_the_future(article)
        # In a thread: a long text must not keep the event loop from telling Kafka that we live.
        return await asyncio.to_thread(read, article)

    def read(article: RawArticle) -> Sequence[Outgoing]:
        analyzed = analyzer.analyze(article)
        outgoing = [Outgoing(ANALYZED, analyzed.id, analyzed)]
        # It has to fit with what the stages after this one add to it, too.
        check(outgoing, room=2 * ROOM)
        return outgoing

    stage.consume(Way(RAW, RawArticle, analyze, lambda article: article.id))
    stage.prepare()
    return stage
