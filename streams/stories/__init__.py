"""Stories: which articles, in whatever language, tell of the same event."""

from streams.stories.clusterer import Assignment, Clusterer
from streams.stories.config import ClusterConfig

__all__ = ["Assignment", "ClusterConfig", "Clusterer"]
