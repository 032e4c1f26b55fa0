"""The answer of the clusterer on one article."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.articles import Decision


@dataclass(frozen=True)
class Assignment:
    """The decision on one article, and what must be stored and deleted because of it."""

    article_id: str
    story_id: str
    duplicate_of: str | None
    decision: Decision
    version: int
    record: dict[str, Any]
    """To be stored under the article's id. JSON-able."""
    forgotten: list[str] = field(default_factory=list)
    """Articles whose records may be deleted from the store."""
    moved_from: str | None = None
    """The story that a correction took it out of."""
