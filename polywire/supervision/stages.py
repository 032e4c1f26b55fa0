"""The stages there are: how each is started, and what it reads from the bus."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.topics import ALERTS, ANALYZED, CLUSTERED, CORRECTIONS, ENRICHED, RAW, STORIES, Topic


@dataclass(frozen=True)
class StageSpec:
    """One kind of process. `rank`: they are stopped in this order, those of one rank together, so that nothing more
    comes in while what is on its way is finished.
    """

    name: str
    arguments: tuple[str, ...]
    group: str | None = None
    topics: tuple[Topic, ...] = ()
    rank: int = 0


FEEDS = StageSpec("feeds", ("produce", "feeds"))
DEMO_FEEDS = StageSpec("feeds", ("produce", "feeds", "--demo"))
WEB = StageSpec("web", ("web",))
ANALYZE = StageSpec("analyze", ("stream", "analyze"), "polywire-analyze", (RAW,), rank=1)
CLUSTER = StageSpec("cluster", ("stream", "cluster"), "polywire-cluster", (ANALYZED, CORRECTIONS), rank=1)
ENRICH = StageSpec("enrich", ("stream", "enrich"), "polywire-enrich", (CLUSTERED,), rank=1)
INDEXER = StageSpec("indexer", ("consume", "indexer"), "polywire-indexer", (ENRICHED, STORIES, ALERTS), rank=2)
ALERTER = StageSpec("alerter", ("consume", "alerter"), "polywire-alerter", (ENRICHED,), rank=2)
NOTIFIER = StageSpec("notifier", ("consume", "notifier"), "polywire-notifier", (ALERTS,), rank=2)

BACKBONE = (WEB, ANALYZE, CLUSTER, ENRICH, INDEXER, ALERTER, NOTIFIER)
"""What `polywire up` starts, apart from the feeds, which only run where there are feeds to poll."""

READERS = (ANALYZE, CLUSTER, ENRICH, INDEXER, ALERTER, NOTIFIER)
"""Those that read from the bus, and may bury what they read."""

GROUPS = {spec.group: spec.topics for spec in READERS if spec.group is not None}
