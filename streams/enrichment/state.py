"""What is remembered of a story: the facts of its articles, from which everything else follows."""

from __future__ import annotations

from pydantic import BaseModel, Field

from schemas.base import UtcTime
from schemas.readings import Deal, EntityType
from schemas.stories import StoryArticle, StoryDeal

KEPT_ARTICLES = 200
"""Of a longer story the oldest articles are let go: only what they added up to is kept."""
KEPT_VERSIONS = 1_000


class NamedEntity(BaseModel):
    """An entity as one article names it."""

    id: str
    type: EntityType
    name: str
    kind: str | None = None
    country: str | None = None
    spellings: list[str] = Field(default_factory=list)


class ArticleFacts(BaseModel):
    """What one article adds to its story; the most telling of it, where that is a lot (see bounds.py)."""

    version: int
    brief: StoryArticle
    entities: list[NamedEntity] = Field(default_factory=list)
    deals: list[Deal] = Field(default_factory=list)
    arms_deal_score: float = 0.0
    same_person: dict[str, str] = Field(
        default_factory=dict, description="Ids of persons as read, to the ids they have in the story."
    )
    left_out: int = Field(default=0, description="Names and deals of the article that are not here.")


class StoryState(BaseModel):
    """A story's memory. `facts` is in order of arrival, newest revisions counted."""

    id: str
    version: int = 0
    facts: dict[str, ArticleFacts] = Field(default_factory=dict)
    first_seen: UtcTime
    first_title: str = ""
    let_go: int = Field(default=0, description="Articles no longer in `facts`.")
    let_go_versions: dict[str, int] = Field(
        default_factory=dict, description="The latest of those, by id: a replay of one must not count it again."
    )
    let_go_deals: list[StoryDeal] = Field(default_factory=list, description="What those told of deals.")
    let_go_left_out: int = Field(default=0, description="What those named and told that is not remembered.")
    arms_deal: bool = Field(default=False, description="One of those mentioned an arms deal.")
    languages: list[str] = Field(default_factory=list)
    sources: list[str] = Field(default_factory=list)
    titles: dict[str, str] = Field(default_factory=dict)
    arms_deal_score: float = Field(default=0.0, description="The highest among the articles let go.")
    merged_into: str | None = None
