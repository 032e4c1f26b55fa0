"""What is read out of one text: mentions, entities, deals.

Every offset counts characters (Unicode code points) of `title + "\\n" + text`, end exclusive.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Part, Score

EntityType = Literal["person", "place", "organization", "weapon"]
DealAct = Literal["sale", "aid", "lease", "licence", "upgrade", "negotiation", "blocked", "illicit", "other"]
DealStatus = Literal["reported", "planned", "negotiated", "cancelled", "denied", "alleged"]


class Mention(Part):
    """One place in the text where an entity is named."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str
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


class Evidence(Part):
    """The sentence that says it."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str


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
    weapons: list[str] = Field(default_factory=list)
    amount: Money | None = None
    quantity: int | None = None
    score: Score
    evidence: Evidence
