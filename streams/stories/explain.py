"""Why an article is in its story, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from streams.stories.model import SIGNALS, Weights
from streams.stories.story import Story


@dataclass(frozen=True)
class Candidate:
    """A story that an article was compared with."""

    story_id: str
    articles: int
    languages: list[str]
    signals: dict[str, float]
    contributions: dict[str, float]
    """Each signal times its weight; their sum is the closeness."""
    closeness: float
    probability: float

    @classmethod
    def of(cls, story: Story, values: tuple[float, ...], weights: Weights) -> Candidate:
        named = dict(zip(SIGNALS, values, strict=True))
        closeness = weights.closeness(values)
        return cls(
            story_id=story.id,
            articles=story.size,
            languages=sorted(story.languages),
            signals=named,
            contributions={name: value * weights.weight(name) for name, value in named.items()},
            closeness=closeness,
            probability=weights.probability(closeness),
        )


@dataclass(frozen=True)
class Explanation:
    """An article, the decision on it, and how it stands to the stories now in memory (its own without it)."""

    article_id: str
    story_id: str
    duplicate_of: str | None
    new_story: bool
    """Whether it began its story when it arrived."""
    score: float | None
    fixed: bool
    """An operator put it there."""
    moved: list[str]
    """The last correction that moved it, and the story it came from; empty: none did."""
    threshold: float
    """Closeness from which an article joins a story on arrival."""
    candidates: list[Candidate]
    """Closest first."""

    def dump(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)
