"""The stages there are: how each is started, and the consumer group it is in."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.bus.groups import GROUPS, group_of
from schemas.topics import Topic


@dataclass(frozen=True)
class StageSpec:
    """One kind of process. `rank`: they are stopped in this order, those of one rank together, so that nothing more
    comes in while what is on its way is finished.
    """

    name: str
    arguments: tuple[str, ...]
    rank: int = 0

    @property
    def group(self) -> str | None:
        """Its consumer group; None for one that keeps no place on the bus."""
        return group_of(self.name) if self.topics else None

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What it reads as a member of its group."""
        return GROUPS.get(group_of(self.name), ())


FEEDS = StageSpec("feeds", ("produce", "feeds"))
DEMO_FEEDS = StageSpec("feeds", ("produce", "feeds", "--demo"))
WEB = StageSpec("web", ("web",))
ANALYZE = StageSpec("analyze", ("stream", "analyze"), rank=1)
CLUSTER = StageSpec("cluster", ("stream", "cluster"), rank=1)
ENRICH = StageSpec("enrich", ("stream", "enrich"), rank=1)
INDEXER = StageSpec("indexer", ("consume", "indexer"), rank=2)
ALERTER = StageSpec("alerter", ("consume", "alerter"), rank=2)
NOTIFIER = StageSpec("notifier", ("consume", "notifier"), rank=2)

BACKBONE = (WEB, ANALYZE, CLUSTER, ENRICH, INDEXER, ALERTER, NOTIFIER)
"""What `polywire up` starts, apart from the feeds, which only run where there are feeds to poll."""

READERS = tuple(spec for spec in BACKBONE if spec.group)
"""Those that read from the bus, and may bury what they read."""
