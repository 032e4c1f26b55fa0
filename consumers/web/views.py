"""What is shown of a story: names, links, paragraphs with what was read in them. Pure; escaping is the templates'."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError

from consumers.index.found import Variant
from consumers.index.reader import MARK_END, MARK_START
from schemas.base import without_user
from schemas.readings import Deal, Entity, Money
from schemas.stories import Story, StoryDeal, StoryEntity

MAX_SHOWN = 20_000
"""Characters of one text on a page."""
_LEAD_PARAGRAPHS = 2
_LEAD_CHARACTERS = 420
_ACTS = {
    "sale": "Sale", "aid": "Aid", "lease": "Lease", "licence": "Licence", "upgrade": "Upgrade",
    "negotiation": "Negotiation", "blocked": "Blocked", "illicit": "Illicit transfer", "other": "Transfer",
}  # fmt: skip
_ENTITY_GROUPS = (("weapon", "Weapons"), ("place", "Places"), ("organization", "Organisations"), ("person", "People"))


@cache
def language_name(code: str) -> str:
    """English name of a language; the code itself where there is none."""
    if code == "und":
        return "Unknown language"
    try:
        return Locale("en").languages.get(code) or Locale.parse(code).get_display_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


@cache
def own_language_name(code: str) -> str | None:
    """What the language calls itself, where that differs from its English name."""
    try:
        name = Locale.parse(code).get_language_name(code)
    except (UnknownLocaleError, ValueError):
        return None
    return name if name and name != language_name(code) else None


def safe_url(url: str | None) -> str | None:
    """An address that may be a link: http(s) only, or somebody's article runs scripts here; without a password."""
    try:
        return without_user(url) if url and urlsplit(url).scheme in {"http", "https"} else None
    except ValueError:
        return None


def day(at: datetime) -> str:
    """22 Nov 2026"""
    return f"{at.astimezone(UTC):%-d %b %Y}"


def minute(at: datetime) -> str:
    """22 Nov 2026, 14:05 UTC"""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M} UTC"


def span(first: datetime, last: datetime) -> str:
    """From when to when a story was told."""
    return minute(first) if day(first) == day(last) else f"{day(first)} – {day(last)}"


def count(number: int, word: str, words: str | None = None) -> str:
    """1 article, 2 articles"""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


@dataclass(frozen=True)
class DealView:
    """A deal in words."""

    act: str
    status: str
    supplier: list[str]
    recipient: list[str]
    weapons: list[str]
    amount: str | None
    quantity: int | None
    percent: int
    disputed: bool


def deal_view(deal: StoryDeal | Deal, entities: Iterable[StoryEntity | Entity]) -> DealView:
    """A deal with names for ids; an id nobody has named is shown as it is."""
    names = {entity.id: entity.name for entity in entities}
    return DealView(
        act=_ACTS.get(deal.act, deal.act),
        status=deal.status,
        supplier=[names.get(id_, id_) for id_ in deal.supplier],
        recipient=[names.get(id_, id_) for id_ in deal.recipient],
        weapons=[names.get(id_, id_) for id_ in deal.weapons],
        amount=_money(deal.amount) if deal.amount else None,
        quantity=deal.quantity,
        percent=round(deal.score * 100),
        disputed=isinstance(deal, StoryDeal) and deal.disputed,
    )


def _money(amount: Money) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(amount.value) >= size:
            return f"{amount.currency} {amount.value / size:,.4g} {word}"
    return f"{amount.currency} {amount.value:,.0f}"


def best_deal(story: Story) -> DealView | None:
    """The deal a list shows of a story: the surest."""
    if not story.arms_deal or not story.deals:
        return None
    return deal_view(max(story.deals, key=lambda deal: deal.score), story.entities)


def other_titles(story: Story, most: int) -> list[tuple[str, str]]:
    """(language, headline) beside the one on top, in order of first appearance."""
    order = [*story.languages, *(code for code in story.titles if code not in story.languages)]
    found = [(code, story.titles[code]) for code in order if story.titles.get(code) not in (None, "", story.title)]
    return found[:most]


def entity_groups(entities: Sequence[StoryEntity]) -> list[tuple[str, list[StoryEntity]]]:
    """Entities by kind, those that most articles name first."""
    groups = []
    for type_, heading in _ENTITY_GROUPS:
        members = sorted((e for e in entities if e.type == type_), key=lambda e: (-e.articles, e.name))
        if members:
            groups.append((heading, members))
    return groups


def by_language(variants: Sequence[Variant]) -> list[tuple[str, list[Variant]]]:
    """Variants side by side: a column a language, in order of first appearance."""
    columns: dict[str, list[Variant]] = {}
    for variant in variants:
        columns.setdefault(variant.language, []).append(variant)
    return list(columns.items())


@dataclass(frozen=True)
class Piece:
    """A run of text that is all of one kind."""

    text: str
    evidence: bool = False
    """It says that there is a deal."""
    entity: str | None = None
    """Name of what it mentions."""
    kind: str | None = None
    """Type of that entity."""


Paragraph = list[Piece]


@dataclass(frozen=True)
class Body:
    """A text as it is shown: a beginning, and the rest to be opened."""

    title: Paragraph
    lead: list[Paragraph]
    rest: list[Paragraph]
    cut: int
    """Characters left out."""


def body(variant: Variant) -> Body:
    """A variant's title and paragraphs, with its mentions and evidence marked."""
    full = f"{variant.title}\n{variant.text}"
    cut = max(0, len(full) - MAX_SHOWN)
    full = full[:MAX_SHOWN]
    evidence = [_locate(full, deal.evidence.start, deal.evidence.end, deal.evidence.text) for deal in variant.deals]
    mentions = [
        (_locate(full, mention.start, mention.end, mention.text), entity)
        for entity in variant.entities
        for mention in entity.mentions
    ]
    edges = {0, len(full), *(i for span_ in evidence if span_ for i in span_)}
    edges.update(i for span_, _ in mentions if span_ for i in span_)
    labels: dict[int, Entity] = {}
    for span_, entity in mentions:
        if span_:
            labels.update((start, entity) for start in edges if span_[0] <= start < span_[1])
    told = {start for span_ in evidence if span_ for start in edges if span_[0] <= start < span_[1]}
    paragraphs: list[Paragraph] = [[]]
    ordered = sorted(edges)
    for start, end in pairwise(ordered):
        named = labels.get(start)
        for i, line in enumerate(full[start:end].split("\n")):
            if i:
                paragraphs.append([])
            if line:
                piece = Piece(line, start in told, named.name if named else None, named.type if named else None)
                paragraphs[-1].append(piece)
    title, *rest = paragraphs
    shown = [paragraph for paragraph in rest if any(piece.text.strip() for piece in paragraph)]
    opened = _opened(shown)
    return Body(title, shown[:opened], shown[opened:], cut)


def _opened(paragraphs: Sequence[Paragraph]) -> int:
    """How many paragraphs make a beginning."""
    characters = 0
    for number, paragraph in enumerate(paragraphs[:_LEAD_PARAGRAPHS], 1):
        characters += sum(len(piece.text) for piece in paragraph)
        if characters >= _LEAD_CHARACTERS:
            return number
    return min(len(paragraphs), _LEAD_PARAGRAPHS)


def _locate(full: str, start: int, end: int, text: str) -> tuple[int, int] | None:
    """Where a quoted text stands. The index composes characters (NFC), which moves offsets."""
    wanted = unicodedata.normalize("NFC", text)
    if full[start:end] == wanted:
        return start, end
    found = full.find(wanted, max(0, start - len(full) // 4)) if wanted else -1
    return (found, found + len(wanted)) if found >= 0 else None


def marked(text: str) -> Paragraph:
    """A search's title or snippet as pieces; what was found counts as evidence."""
    pieces = []
    for number, part in enumerate(text.split(MARK_START)):
        found, separator, after = part.partition(MARK_END)
        if number and separator:
            pieces.append(Piece(found, evidence=True))
            pieces.append(Piece(after))
        else:
            pieces.append(Piece(part.replace(MARK_END, "")))
    return [piece for piece in pieces if piece.text]


def spellings(entity: StoryEntity) -> list[tuple[str, str]]:
    """(language, how it is written there) where that is not the canonical name."""
    return [
        (language, ", ".join(forms[:3]))
        for language, forms in entity.spellings.items()
        if forms and forms != [entity.name]
    ]


def story_json(story: Story) -> Mapping[str, object]:
    """A story for programs: all of it, with the address of its page."""
    return {**story.model_dump(mode="json"), "page": f"/stories/{story.id}"}
