"""An article on its way: raw, analyzed, clustered, enriched. Each step keeps all fields of the one before."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_core import to_json

from schemas.base import Count, Id, Language, Message, PageUrl, Part, Score, UtcTime, Version
from schemas.readings import Deal, Entity, NamedOnly

MAX_TITLE = 2_000
"""Characters. A longer title is a body text in the wrong field."""
MAX_TEXT = 1_000_000
"""Characters. The longest news documents are under a tenth of this; a longer text is not an article."""
DIMENSIONS = 384
"""Of an embedding."""
MAX_DEALS = 200
"""Of one article. The reader finds a handful; a story is told anew from all of them with every article."""
MAX_META = 64 * 1024
"""Bytes of `meta` as JSON. A producer of ours refuses more; of an article that comes with more all the same, by another
producer, what is beyond it is left out when it is analyzed."""
MAX_AHEAD = timedelta(days=1)
"""Clocks differ and time zones are mistaken; a date of publication further ahead than this is a mistake."""


def fitting_meta(meta: dict[str, str]) -> dict[str, str]:
    """Those entries of `meta`, in order, that come to `MAX_META` bytes at most."""
    kept: dict[str, str] = {}
    size = 2
    for key, value in meta.items():
        grown = size + len(to_json({key: value})) - 2 + bool(kept)
        if grown <= MAX_META:
            kept[key], size = value, grown
    return kept


class RawArticle(Message):
    """An article as a producer found it."""

    id: str = Field(
        min_length=8, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$", description="See schemas.ids.article_id."
    )
    source: str = Field(min_length=1, max_length=200, description="Who published it: host name or outlet.")
    url: PageUrl | None = Field(default=None, max_length=4_000)
    external_id: str | None = Field(default=None, max_length=1_000, description="The source's own id.")
    title: str = Field(default="", max_length=MAX_TITLE)
    text: str = Field(default="", max_length=MAX_TEXT)
    published: UtcTime | None = Field(
        default=None,
        description="When the source says it was published. More than a day after `collected` it is kept as it came, "
        "and taken for unknown wherever articles and stories are put in order.",
    )
    collected: UtcTime = Field(description="When the producer fetched this revision.")
    language: str | None = Field(default=None, max_length=35, description="The producer's hint: evidence, not truth.")
    meta: dict[str, str] = Field(
        default_factory=dict, description="Anything else the producer knows: up to 64 KiB as JSON."
    )

    @field_validator("title", "text", mode="before")
    @classmethod
    def _encodable(cls, value: object) -> object:
        # Half of a surrogate pair, as a careless cut leaves it, fails every encoder: it becomes U+FFFD.
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value

    @model_validator(mode="after")
    def _says_something(self) -> RawArticle:
        if not self.title.strip() and not self.text.strip():
            raise ValueError("an article needs a title or a text; both are empty")
        return self

    @property
    def full_text(self) -> str:
        """The text that every offset counts in."""
        return f"{self.title}\n{self.text}"

    @property
    def when(self) -> UtcTime:
        """The article's place in time: published where the source says so and that can be, else collected."""
        if self.published is None or self.published - self.collected > MAX_AHEAD:
            return self.collected
        return self.published


Component = Annotated[float, Field(ge=-1.001, le=1.001)]
"""Of a vector of unit length, rounded."""


class AnalyzedArticle(RawArticle):
    """With everything that can be read from the article alone."""

    language: Language = Field(description="ISO 639-1 where one exists, else 639-3; `und` when it cannot be told.")
    language_confidence: Score
    language_hint: str | None = Field(default=None, description="What the producer had said.")
    embedding: list[Component] = Field(
        min_length=DIMENSIONS,
        max_length=DIMENSIONS,
        description="384 numbers, unit length: the lead of the text, less the mean of its language.",
    )
    entities: list[Entity] = Field(default_factory=list)
    unlinked: list[NamedOnly] = Field(
        default_factory=list, description="Persons, places and organisations named in passing that no table knows."
    )
    deals: list[Deal] = Field(default_factory=list, max_length=MAX_DEALS)
    arms_deal: bool = False
    arms_deal_score: Score = 0.0
    notes: list[str] = Field(default_factory=list, description="What was skipped or cut short while reading, in words.")


class Decision(Part):
    """Why the article is in its story, in short; `polywire stories explain` prints the whole of it."""

    new_story: bool
    score: Score | None = Field(default=None, description="Probability of the chosen merge; null for a first article.")
    candidates: Count = Field(description="How many stories were compared.")


class ClusteredArticle(AnalyzedArticle):
    """With the story it belongs to."""

    story_id: Id
    duplicate_of: Id | None = Field(default=None, description="The article whose text this one repeats.")
    decision: Decision
    version: Version = Field(
        description="Grows with every revision of the article and every correction of its story; the index keeps "
        "the highest. Milliseconds since 1970 of the cause, so that a replay gives the same number.",
    )
    retracted: bool = Field(default=False, description="True where a correction takes the article out of this story.")
    moved_to: Id | None = Field(default=None, description="With `retracted`: the story it is in from now on.")
    moved_from: Id | None = Field(default=None, description="The story a correction took it from.")
    correction_id: Id | None = Field(default=None, description="The correction that put it here, if one did.")
    generation: Count = Field(
        default=0,
        description="How often the group of those who decide had been shared out anew. Of two decisions on one article "
        "the one of the later generation is right: the other was made by a worker that did not know of its end.",
    )

    @property
    def rank(self) -> int:
        """Orders what is said of an article: by `version`, and of one version by `generation`.

        A sum does both, because whoever says something newer of an article is never of an earlier generation.
        """
        return self.version + self.generation


class StoryBrief(Part):
    """The story as it stood when the article joined it: enough for an alert to name."""

    title: str
    languages: list[Language] = Field(description="In order of first appearance.")
    sources: list[str]
    article_count: Count
    first_seen: UtcTime
    version: Version


class EnrichedArticle(ClusteredArticle):
    """With what only the whole story can tell. What is indexed and matched against subscriptions."""

    story: StoryBrief
