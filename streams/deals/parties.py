"""Who can be party to a transfer: states (also by their capitals and forces), armed groups, companies, alliances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.readings import Entity
from streams.entities.lookup import country_id
from streams.words.folding import in_word

_GROUP_KINDS = frozenset({"armed_group", "alliance"})
_COMPANY_KINDS = frozenset({"maker", "exporter", "company"})
_ADJOINING = 16
"""Characters between a maker and the country it is of."""
_NO_PARTIES = frozenset({"Q1065"})
"""The United Nations: named in every second article on a war, for what its experts found."""
_STATE_PLACES = frozenset({"country", "former_country", "capital"})
_STATE_KINDS = frozenset({"force", "ministry", "government", "agency"})


@dataclass(frozen=True, slots=True)
class PartyMention:
    """One mention of a possible party.

    `key` is the same for all mentions of one party: a country's code, or the entity's id. `word_end` is the end of
    the word the mention stands in: what lies between `end` and it is an inflection the recognizer left out.
    """

    key: str
    entity_id: str
    start: int
    end: int
    word_start: int
    word_end: int
    is_state: bool
    home: str | None = None
    """Where a maker is at home: a country's code."""


@dataclass(frozen=True, slots=True)
class WeaponMention:
    """One mention of a weapon: a named system, or a class of them. `country` makes it (a code), where that is known."""

    entity_id: str
    start: int
    end: int
    named: bool
    country: str | None = None


def country_ids(entities: Sequence[Entity]) -> dict[str, str]:
    """Ids of the countries named in the text, by their ISO 3166-1 alpha-2 codes."""
    return {e.country: e.id for e in reversed(entities) if e.kind == "country" and e.country}


def find_parties(entities: Sequence[Entity], text: str) -> list[PartyMention]:
    """All mentions of possible parties, in order."""
    ids = country_ids(entities)
    found: list[PartyMention] = []
    for entity in entities:
        key, is_state = _party_key(entity)
        if key is None:
            continue
        entity_id = (ids.get(key) or country_id(key) or entity.id) if is_state else entity.id
        for mention in entity.mentions:
            found.append(
                PartyMention(
                    key,
                    entity_id,
                    mention.start,
                    mention.end,
                    _word_start(text, mention.start),
                    _word_end(text, mention.end),
                    is_state,
                    entity.country if entity.kind in _COMPANY_KINDS else None,
                )
            )
    found.sort(key=lambda m: (m.start, -m.end, m.key))
    return _without_homes(_outermost(found), text)


def _without_homes(mentions: list[PartyMention], text: str) -> list[PartyMention]:
    """Without states that only say whose a maker is ("the German company Diehl", "Brazil's Embraer")."""
    kept: list[PartyMention] = []
    for i, mention in enumerate(mentions):
        beside = mentions[max(0, i - 1) : i] + mentions[i + 1 : i + 2]
        if not (mention.is_state and any(m.home == mention.key and _adjoin(mention, m, text) for m in beside)):
            kept.append(mention)
    return kept


def _adjoin(one: PartyMention, two: PartyMention, text: str) -> bool:
    first, second = sorted((one, two), key=lambda m: m.start)
    between = text[first.word_end : second.word_start]
    return len(between) <= _ADJOINING and len(between.split()) <= 2 and "\n" not in between


def _party_key(entity: Entity) -> tuple[str | None, bool]:
    if entity.type == "place":
        if entity.kind in _STATE_PLACES:
            return entity.country or entity.id, True
        return None, False
    if entity.type == "organization":
        if entity.kind in _STATE_KINDS and entity.country:
            return entity.country, True
        if entity.id in _NO_PARTIES:
            return None, False
        if entity.kind in _GROUP_KINDS or entity.kind in _COMPANY_KINDS:
            return entity.id, False
    return None, False


def find_weapons(entities: Sequence[Entity]) -> list[WeaponMention]:
    """All mentions of weapons, in order."""
    found = [
        WeaponMention(e.id, m.start, m.end, e.kind != "class", e.country)
        for e in entities
        if e.type == "weapon"
        for m in e.mentions
    ]
    return sorted(found, key=lambda m: (m.start, -m.end, m.entity_id))


def _outermost(mentions: list[PartyMention]) -> list[PartyMention]:
    kept: list[PartyMention] = []
    for mention in mentions:
        if kept and mention.start < kept[-1].end:
            continue
        kept.append(mention)
    return kept


def _word_start(text: str, at: int) -> int:
    while at > 0 and in_word(text[at - 1]):
        at -= 1
    return at


def _word_end(text: str, at: int) -> int:
    limit = min(len(text), at + 24)
    while at < limit and (in_word(text[at]) or (text[at] in "'’" and at + 1 < limit and in_word(text[at + 1]))):
        at += 1
    return at
