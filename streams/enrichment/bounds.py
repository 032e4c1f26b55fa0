"""What a story remembers is bounded in bytes: of names, deals and evidence the most telling are kept.

All sizes are of JSON in UTF-8. With these bounds the snapshot of a story of 200 articles, each as full as can be, is
smaller than what the bus takes; usual articles have a quarter of what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from schemas.readings import Deal, Entity
from schemas.stories import DealEvidence, StoryDeal
from streams.enrichment.state import ArticleFacts

NAMES = 16 * 1024
"""Of one article: some 150 names."""
DEALS = 8 * 1024
"""Of one article: some 20 deals."""
LET_GO = 128 * 1024
"""What the articles let go told of deals."""
LISTED = 32 * 1024
"""A story's languages, its sources and its headlines, each."""
EVIDENCE = 12
"""Sentences for a deal that only articles let go told of."""
SENTENCE = 1_000
"""Characters of a sentence that is evidence."""

T = TypeVar("T")


def within(items: Iterable[T], limit: int, size: Callable[[T], int]) -> list[T]:
    """Those of the items, in their order, that come to `limit` together; what does not fit is passed over."""
    kept, left = [], limit
    for item in items:
        if (needed := size(item)) <= left:
            kept.append(item)
            left -= needed
    return kept


def json_bytes(part: BaseModel) -> int:
    """Bytes of a part as JSON."""
    return len(part.model_dump_json().encode())


def listed(items: Sequence[str], item: str) -> list[str]:
    """`items` with `item`, where it is new and there is room for it."""
    if item in items or sum(len(each.encode()) for each in [*items, item]) > LISTED:
        return list(items)
    return [*items, item]


def titled(titles: dict[str, str], language: str, title: str) -> dict[str, str]:
    """`titles` with one for `language`, where it has none and there is room for it."""
    if language in titles or sum(len(each.encode()) for each in [*titles.values(), title]) > LISTED:
        return titles
    return {**titles, language: title}


def by_weight(entities: Iterable[Entity], deals: Iterable[Deal]) -> list[Entity]:
    """The most telling first: the sides and weapons of the deals, then those named most often."""
    in_deals = {id_ for deal in deals for id_ in (*deal.supplier, *deal.recipient, *deal.weapons)}
    return sorted(entities, key=lambda e: (e.id not in in_deals, -len(e.mentions)))


def telling_deals(deals: Sequence[Deal]) -> list[Deal]:
    """The surest of an article's deals, in their order, each with a sentence of bounded length."""
    short = [_shortened(deal) for deal in deals]
    order = sorted(range(len(short)), key=lambda at: -short[at].score)
    return [short[at] for at in sorted(within(order, DEALS, lambda at: json_bytes(short[at])))]


def _shortened(deal: Deal) -> Deal:
    said = deal.evidence
    if len(said.text) <= SENTENCE:
        return deal
    cut = said.model_copy(update={"text": said.text[:SENTENCE], "end": said.start + SENTENCE})
    return deal.model_copy(update={"evidence": cut})


def lean(facts: ArticleFacts) -> ArticleFacts:
    """The facts of an article as releases up to 0.1 kept them, within bounds."""
    entities = within(facts.entities, NAMES, json_bytes)
    deals = telling_deals(facts.deals)
    kept = {entity.id for entity in entities}
    return facts.model_copy(
        update={
            "entities": entities,
            "deals": deals,
            "same_person": {read: known for read, known in facts.same_person.items() if known in kept},
            "left_out": len(facts.entities) - len(entities) + len(facts.deals) - len(deals),
        }
    )


def telling_story_deals(deals: Sequence[StoryDeal]) -> tuple[list[StoryDeal], int]:
    """The surest of a story's deals, each with evidence that says all it is said to be in as many languages as can be.

    And how many deals and sentences are not among them.
    """
    short = [deal.model_copy(update={"evidence": _telling(deal.evidence)}) for deal in deals]
    kept = within(short, LET_GO, json_bytes)  # a story's deals come the surest first
    return kept, _count(deals) - _count(kept)


def _telling(evidence: Sequence[DealEvidence]) -> list[DealEvidence]:
    if len(evidence) <= EVIDENCE:
        return list(evidence)
    surest = sorted(evidence, key=lambda e: -e.score)
    firsts = {id(e) for key in ("status", "language") for e in {getattr(e, key): e for e in reversed(surest)}.values()}
    chosen = {id(e) for e in sorted(surest, key=lambda e: id(e) not in firsts)[:EVIDENCE]}
    return [e for e in evidence if id(e) in chosen]


def _count(deals: Sequence[StoryDeal]) -> int:
    return sum(1 + len(deal.evidence) for deal in deals)
