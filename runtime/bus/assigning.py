"""Sharing out partitions, and noticing when it was done without knowing them.

The member of a group that leads it shares out what its own client knows of the topics. kafka-python 3.0.12 may not know
them yet, or not at that moment: then it logs "No partition metadata for topic", nobody gets anything, and since what it
compares afterwards may have changed in the same moment, it never does it again. The member is alive, holds nothing,
counts no lag, and stands still for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor


class NoticingAssignor(CooperativeStickyAssignor):  # type: ignore[misc, unused-ignore]
    """The client's, which remembers whether it knew every topic that it shared out."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.in_the_dark = False
        """The last time that this member shared out, a topic's partitions were not known."""

    def assign(self, cluster: Any, members: Sequence[Any]) -> Any:
        """See the client's."""
        topics = {topic for member in members for topic in member.metadata.topics}
        unknown = any(not cluster.partitions_for_topic(topic) for topic in topics)
        assignment = super().assign(cluster, members)
        self.in_the_dark = unknown or any(not cluster.partitions_for_topic(topic) for topic in topics)
        return assignment
