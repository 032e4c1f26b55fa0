"""cluster: articles.analyzed → articles.clustered. One partition, one live worker; the others stand by.

The Faust table holds one record an article, what the clusterer must remember of it; its changelog is the durable
state. The clusterer itself (vectors, index, counts) lives in memory and is rebuilt from the table whenever the
partition comes to this worker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from polywire.runtime.logs import get_logger
from polywire.runtime.settings import Settings
from schemas.articles import AnalyzedArticle
from schemas.topics import ANALYZED, CLUSTERED
from streams.apps.stage import Outgoing, Source, Stage, changelog
from streams.pipeline import clustered
from streams.stories import Clusterer

log = get_logger(__name__)


def build(settings: Settings) -> Stage:
    """The stage, ready to run."""
    stage = Stage("cluster", settings)
    records = stage.app.Table("records", partitions=ANALYZED.partitions, key_type=str, value_type=None)
    holder = _Holder()

    async def assigned(*_: Any, **__: Any) -> None:
        # Another worker may have decided in the meantime: what is in memory may be old.
        holder.clusterer = None

    stage.app.on_partitions_assigned.connect(assigned, weak=False)

    async def cluster(article: AnalyzedArticle, source: Source) -> Sequence[Outgoing]:  # noqa: ARG001
        if holder.clusterer is None:
            started = time.monotonic()
            restored = Clusterer()
            known = [(str(key), value) for key, value in records.items()]
            await asyncio.to_thread(restored.restore, known)
            holder.clusterer = restored
            log.info("restored", articles=len(known), seconds=round(time.monotonic() - started, 2))
        assignment = holder.clusterer.assign(article)
        records[article.id] = assignment.record
        for forgotten in assignment.forgotten:
            records.pop(forgotten, None)
        return [Outgoing(CLUSTERED, assignment.story_id, clustered(article, assignment))]

    stage.consume(ANALYZED, AnalyzedArticle, cluster, key_of=lambda article: article.id)
    stage.prepare([changelog("cluster", "records", ANALYZED.partitions)])
    return stage


class _Holder:
    """The clusterer in memory, or None when it must be rebuilt from the table."""

    def __init__(self) -> None:
        self.clusterer: Clusterer | None = None
