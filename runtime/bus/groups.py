"""The consumer groups, and the topics on which each keeps its place."""

from __future__ import annotations

from schemas.topics import ALERTS, ANALYZED, CLUSTERED, CORRECTIONS, ENRICHED, RAW, STORIES, Topic


def group_of(stage: str) -> str:
    """The consumer group of a stage."""
    return f"polywire-{stage}"


GROUPS: dict[str, tuple[Topic, ...]] = {
    group_of("analyze"): (RAW,),
    group_of("cluster"): (ANALYZED, CORRECTIONS),
    group_of("enrich"): (CLUSTERED,),
    group_of("indexer"): (ENRICHED, STORIES, ALERTS),
    group_of("alerter"): (ENRICHED,),
    group_of("notifier"): (ALERTS,),
}
