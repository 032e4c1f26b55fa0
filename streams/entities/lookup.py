"""What is known of an id, and which ids go by a name: for queries, indices and deals."""

from __future__ import annotations

from functools import cache

from streams.entities.countries import demonyms
from streams.entities.entries import Entry, by_id, countries, curated
from streams.entities.normalization import normalize_name


def entry(identity: str) -> Entry | None:
    """All the tables know of an id; None for one they do not know (persons read in texts, say)."""
    return by_id().get(identity)


def name(identity: str) -> str | None:
    """The canonical English name."""
    found = entry(identity)
    return found.name if found else None


def kind(identity: str) -> str | None:
    """country, region, city, capital, alliance, ministry, force, maker, exporter, armed_group, system, class …"""
    found = entry(identity)
    return found.kind if found else None


def country_code(identity: str) -> str | None:
    """ISO 3166-1 alpha-2: of the country itself, or of the one the thing belongs to."""
    found = entry(identity)
    return found.country if found else None


def country_id(code: str) -> str | None:
    """The id of the country with an ISO 3166-1 alpha-2 code."""
    found = countries().get(code.upper())
    return found.id if found else None


def government(identity: str) -> str | None:
    """The country that a place stands for in the news: a country for itself, a capital for its country."""
    found = entry(identity)
    if found is None or found.country is None or found.kind not in ("country", "capital"):
        return None
    return country_id(found.country)


@cache
def _names() -> dict[str, tuple[str, ...]]:
    names: dict[str, list[str]] = {}
    for thing in by_id().values():
        names.setdefault(thing.id, []).append(thing.name)
    for other in curated()[1]:
        names.setdefault(other.id, []).append(other.text)
    for code, country in countries().items():
        names[country.id].append(code)
        names[country.id] += [form.rstrip("-") for c, form in demonyms().get("en", ()) if c == code]
    return {identity: tuple(dict.fromkeys(all_names)) for identity, all_names in names.items()}


@cache
def _ids() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for identity, names in _names().items():
        for text in names:
            for key in {normalize_name(text), normalize_name(text).replace(" ", "")}:
                if identity not in found.setdefault(key, []):
                    found[key].append(identity)
    return {key: tuple(ids) for key, ids in found.items()}


def aliases(identity: str) -> tuple[str, ...]:
    """Every name in the tables, the canonical one first. Of countries the English ones; CLDR has the others."""
    return _names().get(identity, ())


def ids(text: str) -> tuple[str, ...]:
    """What goes by a name, code or id: `Russia`, `RU`, `Q159`, `S-300`, `s300` …; case and accents are ignored."""
    if text in by_id():
        return (text,)
    key = normalize_name(text)
    return _ids().get(key) or _ids().get(key.replace(" ", "")) or ()
