"""What is read out of one text: mentions, entities, deals.

Every offset counts characters (Unicode code points) of `title + "\\n" + text`, end exclusive.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Part, Score

EntityType = Literal["person", "place", "organization", "weapon"]
DealAct = Literal["sale", "aid", "lease", "licence", "upgrade", "negotiation", "blocked", "illicit", "other"]
DealStatus = Literal["reported", "planned", "negotiated", "cancelled", "denied", "alleged"]
Quantity = Annotated[int, Field(ge=0, le=2**53)]

LONGEST = 2_000_000
"""Characters. No title and text (see schemas.articles) come to so many: no offset lies beyond."""


class Span(Part):
    """A place in the text and what stands there."""

    start: int = Field(ge=0)
    end: int = Field(ge=0, le=LONGEST)
    text: str

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"it ends at {self.end}, before it starts at {self.start}")
        return self


class Mention(Span):
    """One place in the text where an entity is named."""

    indirect: bool = Field(
        default=False,
        description="Not the name itself: an adjective or an inhabitant (Russian), or a part of another name.",
    )


class Entity(Part):
    """Something named in the text, under an id that is the same in every language."""

    id: str = Field(description="Wikidata id (Q…) where there is one, else a stable id of ours (pw:…).")
    type: EntityType
    name: str = Field(description="Canonical English name.")
    kind: str | None = Field(
        default=None,
        description="Finer type: country, region, city, alliance, ministry, force, maker, exporter, armed_group, "
        "system, family, class …",
    )
    country: str | None = Field(
        default=None, description="ISO 3166-1 alpha-2 code: the country itself, or where it belongs."
    )
    mentions: list[Mention] = Field(default_factory=list)


class NamedOnly(Part):
    """A name in the text of whom or what is not known beyond it: there is no id that other texts would have too."""

    type: EntityType
    name: str = Field(description="As the text first has it.")
    mentions: list[Mention] = Field(default_factory=list)


class Evidence(Span):
    """The sentence that says it."""


class Money(Part):
    """A sum as stated in the text."""

    value: float
    currency: str = Field(description="ISO 4217 code.")
    text: str


class Deal(Part):
    """A transfer of arms between parties, as one text tells it. Ids are those of `entities`."""

    act: DealAct
    status: DealStatus
    supplier: list[str] = Field(default_factory=list)
    recipient: list[str] = Field(default_factory=list)
    supplier_countries: list[str] = Field(
        default_factory=list, description="ISO 3166-1 alpha-2; makers and forces as their state's."
    )
    recipient_countries: list[str] = Field(default_factory=list, description="As `supplier_countries`.")
    weapons: list[str] = Field(default_factory=list)
    amount: Money | None = None
    quantity: Quantity | None = None
    score: Score
    evidence: Evidence
