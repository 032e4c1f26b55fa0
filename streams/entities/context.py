"""What the rest of a text tells of a name that may mean several things, or nothing of ours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

from schemas.readings import Entity
from streams.entities.entries import by_id, homonyms
from streams.entities.lookup import aliases
from streams.entities.military import is_said_near
from streams.entities.normalization import normalize_name
from streams.entities.persons import given_names
from streams.entities.span import Span

NEARBY: Final = 250
"""Characters within which something military makes an ambiguous name (Leopard, Patriot) a weapon's."""
_MILITARY: Final = frozenset({"force", "armed_group", "maker", "exporter"})
ON_WEAPONS: Final = 4
"""Mentions of classes of weapons that make a text one on military matters."""
_NEIGHBOURS: Final = {"GE": ("RU", "AM", "AZ", "TR")}
"""Countries whose mention speaks for this one, where its name has another meaning."""
_LEADING_SHARE: Final = 0.5
"""A body called by a general word (Senate, Supreme Court) is that of a country mentioned at least this often, as a
share of the country mentioned most."""
_WORD_BEFORE: Final = re.compile(r"([^\W\d_]+) $")
_WORD_AFTER: Final = re.compile(r" ([^\W\d_]+)")
_COUNTRIES_AND_GIVEN_NAMES: Final = frozenset({"jordan", "chad"})
_OFFICES: Final = frozenset(
    {"king", "queen", "prince", "princess", "president", "prime", "foreign", "defence", "defense", "crown", "army"}
    | {"minister", "government", "national", "premier", "river", "valley", "airlines", "airport", "police", "city"}
)
"""What follows the name of a country or city, and is no surname."""
_CIVIL: Final = frozenset(
    {"act", "air", "airline", "airlines", "airways", "bank", "boats", "capital", "church", "club", "estate"}
    | {"football", "gallery", "hotel", "insurance", "mall", "pharma", "records", "resort", "school", "skyways"}
    | {"stadium", "theater", "theatre", "tours", "travel"}
)
"""What follows an ambiguous name that is a civil company's or law's and no weapon's (Aegis Skyways, Patriot Act)."""


def is_military(identity: str) -> bool:
    """A weapon, a force, an armed group or a maker of arms."""
    entry = by_id().get(identity)
    return identity.startswith("pw:weapon:") or (entry is not None and entry.kind in _MILITARY)


def without_passing_words(entities: list[Entity]) -> list[Entity]:
    """Without the classes of weapons in a text on other matters, where a gun or a bomb is a word and not a subject.

    A text is on military matters if it names a system, a force or a maker, or has `ON_WEAPONS` words for classes.
    Which of these words a crime report uses differs from language to language.
    """
    classes = [e for e in entities if e.kind == "class"]
    if len(classes) < len([e for e in entities if is_military(e.id)]):
        return entities
    if sum(len(e.mentions) for e in classes) >= ON_WEAPONS:
        return entities
    return [e for e in entities if e.kind != "class"]


def settle(spans: Sequence[Span], text: str, language: str) -> list[Span]:
    """The spans that mean something in this text, each with one id."""
    sure = [s for s in spans if not s.needs and len(_meanings(s)) == 1]
    military = [s.start for s in sure if is_military(s.id)]
    countries = Counter(_country(s.id) for s in sure)
    del countries[None]
    most = max(countries.values(), default=0)
    result = []
    for span in spans:
        if span.needs == "weapons" and (
            _is_civil(span, text)
            or not (
                any(abs(span.start - at) <= NEARBY for at in military)
                or is_said_near(text, span.start, span.end, language)
            )
        ):
            continue
        if span.needs == "country" and countries[_country(span.id)] < max(1, most * _LEADING_SHARE):
            continue
        if _is_part_of_a_persons_name(span, text):
            continue
        meanings = _meanings(span)
        if len(meanings) > 1:
            span = span._replace(id=_likeliest(meanings, countries, text[span.start : span.end]))
        result.append(span)
    return result


def _meanings(span: Span) -> tuple[str, ...]:
    """All things that have the name: those of the tables under it, and the towns that share its English name."""
    found = dict.fromkeys((span.id, *span.others))
    for identity in list(found):
        found.update(dict.fromkeys(homonyms().get(identity, ())))
    return tuple(found)


def _is_civil(span: Span, text: str) -> bool:
    after = _WORD_AFTER.match(text, span.end)
    return bool(after and after[1][0].isupper() and normalize_name(after[1]) in _CIVIL)


def _likeliest(meanings: tuple[str, ...], countries: Counter[str | None], written: str) -> str:
    """That of the country the text speaks of most; else the one that needs no ending to be called so (Bayern is no case
    of Bayer); else the more prominent one, as the tables are ordered.
    """
    normalized = normalize_name(written)

    def weight(identity: str) -> tuple[int, bool, bool, int]:
        entry = by_id().get(identity)
        country = entry.country if entry else None
        exact = normalized in _called(identity)
        near = sum(countries[c] for c in _NEIGHBOURS.get(country or "", ()))
        return countries[country] + near, bool(entry and entry.kind == "country"), exact, -_place_in_tables(identity)

    return max(meanings, key=weight)


@cache
def _called(identity: str) -> frozenset[str]:
    return frozenset(normalize_name(name) for name in aliases(identity))


@cache
def _order() -> dict[str, int]:
    return {identity: number for number, identity in enumerate(by_id())}


def _place_in_tables(identity: str) -> int:
    return _order().get(identity, 0)


def _country(identity: str) -> str | None:
    entry = by_id().get(identity)
    return entry.country if entry else None


def _is_part_of_a_persons_name(span: Span, text: str) -> bool:
    """`Lewis Hamilton`, `Jordan Henderson`: a place that stands after a given name, or is one and a name follows."""
    entry = by_id().get(span.id)
    if entry is None or entry.type != "place" or " " in text[span.start : span.end]:
        return False
    before = _WORD_BEFORE.search(text, max(0, span.start - 30), span.start)
    if before and entry.kind != "country" and _is_given(before[1]):
        return True
    after = _WORD_AFTER.match(text, span.end)
    return bool(
        after
        and after[1][0].isupper()
        and not after[1].isupper()
        and normalize_name(after[1]) not in _OFFICES
        and _is_given(text[span.start : span.end])
    )


def _is_given(word: str) -> bool:
    if word[0].islower():
        return False
    normalized = normalize_name(word)
    return normalized in given_names() or normalized in _COUNTRIES_AND_GIVEN_NAMES
