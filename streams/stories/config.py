"""What can be set about clustering. The defaults are what `polywire evaluate` measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClusterConfig:
    """Limits of the clusterer's memory and work. The weights of the decision are in `weights.json`."""

    window_hours: float = 14 * 24.0
    """A story with no article for this long, by the stream's own clock, leaves memory with its records."""
    story_members: int = 200
    """Newest articles a story keeps in memory; older ones are forgotten one by one. At most 255, so that sums of
    members stay exact in single precision (see vectors.py)."""
    max_articles: int = 400_000
    """Articles in memory. Beyond it, the stories silent longest leave early."""
    replay_articles: int = 10_000
    """A forgotten article is known for so many more, should the bus bring it again after a crash."""
    repair_hours: float = 10 * 24.0
    """A repair looks at stories with an article newer than this ..."""
    repair_articles: int = 8_000
    """... and at no more than so many articles, the newest stories first. Memory: 8 bytes for each pair."""
    candidates: int = 12
    """Stories compared in full for each article, nearest first."""

    def __post_init__(self) -> None:
        if not 1 <= self.story_members <= 255:
            raise ValueError(f"story_members must be 1 to 255, not {self.story_members}")
