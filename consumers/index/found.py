"""What reading the indices gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.readings import Deal, Entity
from schemas.stories import Story

Document = dict[str, Any]
"""As it lies in an index."""


@dataclass(frozen=True)
class Variant:
    """One article of a story, with what was read in it."""

    id: str
    story_id: str
    title: str
    text: str
    language: str
    source: str
    url: str | None
    when: datetime
    duplicate_of: str | None
    arms_deal: bool
    entities: Sequence[Entity]
    deals: Sequence[Deal]


@dataclass(frozen=True)
class Found:
    """An article that a search found."""

    variant: Variant
    title: str
    """With marks around what was found, where the index gives them."""
    snippet: str


@dataclass
class FoundStory:
    """A story that a search found, as it stands now, with the articles it was found by, best first."""

    id: str
    title: str
    languages: list[str]
    article_count: int
    arms_deal: bool
    articles: list[Found] = field(default_factory=list)


@dataclass(frozen=True)
class SearchResult:
    """What a search found: best first."""

    total: int
    """Articles."""
    stories: list[FoundStory]


@dataclass(frozen=True)
class StoryPage:
    """Some stories, the newest first."""

    stories: list[Story]
    older: str | None
    """Where the next page starts, if there is one."""


@dataclass(frozen=True)
class Articles:
    """Articles found, best first: their documents without embedding."""

    total: int
    articles: list[Document]
