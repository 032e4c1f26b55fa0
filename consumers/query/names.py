"""What a person may type for an entity: its id, its name, its country's code."""

from __future__ import annotations

from functools import cache
from typing import Protocol

from babel import Locale

from consumers.query.words import fold


class Named(Protocol):
    """An entity of an article or of a story."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def country(self) -> str | None: ...


def labels(entity: Named) -> list[str]:
    """Id, name, and the name without accents; for a country also its ISO 3166-1 code."""
    found = [entity.id, *_spellings(entity.name)]
    if entity.kind == "country" and entity.country:
        found += country_labels(entity.country)
    return found


@cache
def _country_labels(code: str) -> tuple[str, ...]:
    name = Locale("en").territories.get(code.upper())
    return (code.upper(), *_spellings(name)) if name else (code.upper(),)


def country_labels(code: str) -> list[str]:
    """The ISO 3166-1 code and the English name of a country (CLDR); the name last."""
    return list(_country_labels(code))


def _spellings(name: str) -> list[str]:
    folded = fold(name)
    return [name] if folded == name.lower() else [folded, name]
