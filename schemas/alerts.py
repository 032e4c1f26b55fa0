"""Who wants to be told of what, and what they were told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.base import Count, Id, Language, Message, PageUrl, Part, UtcTime
from schemas.stories import StoryDeal


class Channel(Part):
    """A way to be told."""

    kind: Literal["terminal", "webhook"]
    url: str | None = Field(default=None, description="webhook: where to POST.")
    updates: bool = Field(default=False, description="Also tell of updates, not only of new stories.")

    @model_validator(mode="after")
    def _webhook_has_url(self) -> Channel:
        if self.kind == "webhook" and not (self.url or "").startswith(("http://", "https://")):
            raise ValueError("a webhook channel needs an http(s) url")
        return self


class Subscription(Message):
    """A query in Lucene syntax and the ways to tell its owner."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")
    name: str = Field(min_length=1, max_length=200)
    owner: str = Field(default="operator", max_length=200)
    query: str = Field(min_length=1, max_length=4_000)
    channels: list[Channel] = Field(default_factory=lambda: [Channel(kind="terminal")])
    created: UtcTime
    starts: dict[int, int] | None = Field(
        default=None,
        description="By partition of articles.enriched, its end when the subscription was made: it covers what came "
        "after. A partition that is not named is covered from its beginning. None: by the time `created`.",
    )
    muted_until: UtcTime | None = None


class Alert(Message):
    """One per subscription and story. Later articles of the story fold into updates of the same alert."""

    id: Id = Field(description="See schemas.ids.alert_id: derived from subscription and story.")
    kind: Literal["new", "update"]
    revision: Count = Field(ge=1, description="1 for the new alert, then counting its updates.")
    subscription_id: Id
    subscription_name: str
    story_id: Id
    title: str
    article_id: Id = Field(description="The article that set it off, or that caused the update.")
    article_title: str
    article_url: PageUrl | None = None
    language: Language = Field(description="Of that article.")
    languages: list[Language] = Field(description="Of the story so far, in order of first appearance.")
    sources: list[str]
    article_count: Count
    deals: list[StoryDeal] = Field(default_factory=list)
    at: UtcTime = Field(description="When the article that caused it was collected.")
