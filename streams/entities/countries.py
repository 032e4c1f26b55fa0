"""Countries in the languages of CLDR, and what their people and things are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from babel import Locale, UnknownLocaleError

from streams.entities.entries import countries, curated, read_table
from streams.entities.lexicon import Alias
from streams.entities.morphology import script_of_name
from streams.entities.normalization import normalize_name

_LOCALES = {"zh": ("zh_Hans", "zh_Hant"), "sr": ("sr_Cyrl", "sr_Latn"), "sh": ("hr", "sr_Latn"), "tl": ("fil",)}
_SHORT = 3
"""Letters. Shorter names of places are exact words only."""
_NOT_A_NAME = re.compile(r"\b(?:SAR|RAE|ΕΔΠ|САР)\b.*$|特别行政区$|特別行政區$")


_BESIDES_COUNTRIES: Final = {
    "UN": "Q1065", "EU": "Q458", "002": "Q15", "142": "Q48", "150": "Q46", "419": "Q12585", "143": "Q27275",
    "005": "Q18", "003": "Q49", "035": "Q11708", "151": "Q27468",
}  # fmt: skip
"""What CLDR names in every language besides countries: unions, and parts of the world by their UN codes."""


def country_aliases(language: str) -> Iterator[Alias]:
    """Names of every country in one language: CLDR's, without brackets, and those of the demonyms table."""
    known = {code: entry.id for code, entry in countries().items()} | _BESIDES_COUNTRIES
    for locale in _locales(language):
        for code, name in locale.territories.items():
            if code not in known:
                continue
            for text in _readings(name):
                yield Alias(text, known[code], place=len(text) > _SHORT)
    for country, form in demonyms().get(language, ()):
        if country not in known:
            continue
        stem = form.endswith("-")
        text = form.rstrip("-")
        lower = text[:1].islower()
        yield Alias(text, known[country], stem=stem, place=not stem, capital=False if lower else None)


def city_aliases(language: str) -> Iterator[Alias]:
    """Names of some 300 cities in one language: those that CLDR names time zones after."""
    ids: dict[str, str] = {}
    for entry in curated()[0].values():
        if entry.kind in ("capital", "city"):
            ids.setdefault(normalize_name(entry.name), entry.id)
    english = Locale("en").time_zones
    for locale in _locales(language):
        for zone, names in locale.time_zones.items():
            city = english.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " ")
            identity = ids.get(normalize_name(city))
            if identity is not None and "city" in names:
                yield Alias(names["city"], identity)


def _readings(name: str) -> Iterator[str]:
    """`Myanmar (Burma)` is two names, `Congo - Kinshasa` only itself, and Hong Kong is called without its status."""
    outer, _, inner = name.partition("(")
    yield _NOT_A_NAME.sub("", outer).strip()
    inner = inner.rstrip(") ").strip()
    if len(inner) > _SHORT and script_of_name(inner) == script_of_name(outer):
        yield inner


def _locales(language: str) -> Iterator[Locale]:
    for tag in _LOCALES.get(language, (language,)):
        try:
            yield Locale.parse(tag)
        except (UnknownLocaleError, ValueError):
            continue


@cache
def demonyms() -> dict[str, list[tuple[str, str]]]:
    """By language: country code and form, stems with a trailing hyphen."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in read_table("demonyms.tsv"):
        found.setdefault(row["language"], []).extend((row["country"], form) for form in row["forms"].split(", "))
    return found
