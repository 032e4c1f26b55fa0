"""Stories: which articles, in whatever language, tell of the same event."""

from streams.stories.assignment import Assignment
from streams.stories.clusterer import Clusterer
from streams.stories.config import ClusterConfig
from streams.stories.explain import Candidate, Explanation

__all__ = ["Assignment", "Candidate", "ClusterConfig", "Clusterer", "Explanation"]
