"""What a value of a field may be, and the names of countries in every language."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, get_args

from babel import Locale, localedata

from consumers.query.words import fold
from schemas.readings import DealAct, DealStatus

ALLOWED: Final = {"act": get_args(DealAct), "status": get_args(DealStatus)}
"""Fields with few values, and those."""
COUNTRY_FIELDS: Final = frozenset({"country", "entity", "supplier", "recipient"})
_CODE = re.compile(r"[a-z]{2,3}")
_SHORT_NAME = 4
"""Letters of a name in Latin script; shorter ones are abbreviations that mean something else elsewhere."""


def why_unknown(field: str, value: str) -> str | None:
    """Why no article can have this value, and which it can; None where one can."""
    if field in ALLOWED:
        if value.lower() in ALLOWED[field]:
            return None
        return f"{field} is one of {', '.join(ALLOWED[field])}; not {value!r}"
    if field == "language" and not _CODE.fullmatch(value.lower()):
        code = _language_codes().get(fold(value))
        hint = f": write language:{code}" if code else ""
        return f"language is an ISO 639 code such as en, ru or zh, not {value!r}{hint}"
    return None


def country_code(name: str) -> str | None:
    """The ISO 3166-1 code of the country that CLDR calls so in any language; None where it is none, or several."""
    folded = fold(name)
    # Most are asked for in English: no need to read two hundred languages for those.
    return _english().get(folded) or _country_codes().get(folded)


@cache
def _country_codes() -> dict[str, str]:
    """By folded name; without names that mean one country here and another there."""
    found: dict[str, set[str]] = {}
    for locale in _locales():
        for code, name in locale.territories.items():
            if _is_country(code):
                # `Myanmar (Burma)` is two names.
                for part in re.split(r"[()（）]", name):
                    found.setdefault(fold(part.strip()), set()).add(code)
    return {
        name: min(codes)
        for name, codes in found.items()
        if len(codes) == 1 and len(name) >= (_SHORT_NAME if name.isascii() else 2)
    }


@cache
def _english() -> dict[str, str]:
    return {fold(name): code for code, name in Locale("en").territories.items() if _is_country(code)}


def _is_country(code: str) -> bool:
    """Not a part of the world, nor a union: CLDR names those, too."""
    return len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "QO", "ZZ"}


@cache
def _language_codes() -> dict[str, str]:
    """By folded name, in English and in the language itself."""
    found: dict[str, str] = {}
    for locale in _locales():
        own = locale.languages.get(locale.language)
        if own:
            found.setdefault(fold(own), locale.language)
    return {**found, **{fold(name): code for code, name in Locale("en").languages.items() if "_" not in code}}


@cache
def _locales() -> tuple[Locale, ...]:
    tags = [tag for tag in localedata.locale_identifiers() if len(tag.split("_")) == 1 or len(tag.split("_")[1]) == 4]
    return tuple(Locale.parse(tag) for tag in tags if len(tag.split("_")) <= 2)
