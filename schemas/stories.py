"""A story: all variants of one piece of news, and the repairs it went through."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.articles import ClusteredArticle
from schemas.base import Count, Id, Language, Message, PageUrl, Part, Score, UtcTime, Version
from schemas.readings import DealAct, DealStatus, EntityType, Evidence, Money, Quantity


class StoryArticle(Part):
    """A variant, in short."""

    id: Id
    language: Language
    source: str
    title: str
    url: PageUrl | None = None
    when: UtcTime
    duplicate_of: str | None = None
    arms_deal: bool = False


class StoryEntity(Part):
    """An entity of the story, with how many of its articles name it."""

    id: str
    type: EntityType
    name: str
    kind: str | None = None
    country: str | None = None
    articles: Count
    spellings: dict[str, list[str]] = Field(default_factory=dict, description="By language, most frequent first.")


class DealEvidence(Evidence):
    """What one article says of a deal."""

    article_id: Id
    language: Language
    act: DealAct
    status: DealStatus
    score: Score


class StoryDeal(Part):
    """One transfer, reconciled from every variant that tells of it."""

    id: str
    act: DealAct
    status: DealStatus
    supplier: list[str] = Field(default_factory=list)
    recipient: list[str] = Field(default_factory=list)
    weapons: list[str] = Field(default_factory=list)
    amount: Money | None = None
    quantity: Quantity | None = None
    score: Score
    disputed: bool = Field(default=False, description="The variants contradict each other: see the evidence.")
    evidence: list[DealEvidence] = Field(default_factory=list)


class Story(Message):
    """The newest snapshot of a story."""

    id: Id
    title: str = Field(description="Headline of its first article in English, else of its first article.")
    titles: dict[Language, str] = Field(default_factory=dict, description="A headline for each language.")
    languages: list[Language] = Field(description="In order of first appearance.")
    sources: list[str]
    articles: list[StoryArticle] = Field(description="The newest 200 at most; `article_count` counts all.")
    article_count: Count
    first_seen: UtcTime
    last_seen: UtcTime
    entities: list[StoryEntity] = Field(default_factory=list)
    deals: list[StoryDeal] = Field(default_factory=list)
    arms_deal: bool = False
    arms_deal_score: Score = 0.0
    version: Version = Field(ge=1, description="Counts the changes of this story.")
    left_out: Count = Field(default=0, description="Names and deals of its articles that it does not remember.")
    merged_into: Id | None = Field(default=None, description="Set where the story went up in another.")


class StoryCorrection(Message):
    """A repair: two stories were one (merge), or some articles of a story were another (split).

    Or a recall: the clusterer is told again of a story that it has forgotten, so that new articles can join it and it
    can be merged and split.
    """

    id: Id
    kind: Literal["merge", "split", "recall"]
    story_id: Id = Field(description="The story that stays.")
    other_story_id: Id = Field(
        description="merge: the story that goes up in it. split: the story split off. recall: the story itself."
    )
    article_ids: list[Id] = Field(default_factory=list, description="split: the articles that leave.")
    articles: list[ClusteredArticle] = Field(
        default_factory=list, description="recall: articles of the story, as the index has them."
    )
    by: str = Field(description="`clusterer`, or `operator:` and a name. An operator's word is final.")
    reason: str
    at: UtcTime

    @model_validator(mode="after")
    def _can_be_carried_out(self) -> StoryCorrection:
        if self.kind != "recall" and self.story_id == self.other_story_id:
            raise ValueError(f"a {self.kind} needs two stories, not {self.story_id} twice")
        return self
