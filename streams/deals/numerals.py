"""Numbers as they are written: digits of any script, with the marks of the language, and number words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol

from streams.words.lexicon import language_info, read_table

_SPACES = " \u00a0\u202f\u2009"
_GROUPS = rf"[.,'’٬٫،{_SPACES}]"
WRITTEN = rf"\d{{1,3}}(?:{_GROUPS}\d{{2,3}})*{_GROUPS}\d{{3}}(?:[.,٫]\d{{1,2}})?(?!\d)|\d+(?:[.,٫·]\d+)?"
"""A pattern for a number in digits."""
_JOINED = frozenset(["zh", "ja", "ko", "th", "km", "my", "lo"])


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for language, value, forms in read_table(Path(__file__).parent / "tables" / "numbers.tsv"):
        for form in forms.split(", "):
            found.setdefault(language, {})[form] = float(value)
    return found


def code_of(language: str) -> str:
    """The name that the tables of deals give a language; as it came where they do not know it."""
    info = language_info(language)
    return info.code if info else language.lower()


def is_joined(language: str) -> bool:
    """Whether the language is written without spaces, or with its counters at the number."""
    return code_of(language) in _JOINED


def longest_first(forms: Iterable[str]) -> list[str]:
    """Forms in the order in which a pattern has to try them."""
    return sorted(forms, key=lambda form: (-len(form), form))


@lru_cache(maxsize=64)
def number_words(language: str) -> dict[str, float]:
    """Values of the number words of a language, in small letters; empty where none are known."""
    return _words().get(code_of(language), {})


@lru_cache(maxsize=64)
def words_pattern(language: str) -> str | None:
    """A pattern for the number words of a language, the longest first; None where none are known."""
    words = number_words(language)
    if not words:
        return None
    alternatives = "|".join(map(re.escape, longest_first(words)))
    return f"(?:{alternatives})" if is_joined(language) else rf"(?<!\w)(?:{alternatives})(?!\w)"


@lru_cache(maxsize=64)
def _decimal_mark(language: str) -> str:
    try:
        mark = get_decimal_symbol(Locale.parse(language.replace("-", "_"), sep="_"))
    except (UnknownLocaleError, ValueError):
        return "."
    return mark if mark in ".,٫" else "."


def value_of(written: str, language: str) -> float:
    """The value of a number in digits. One mark before three digits parts thousands, unless it is the language's
    decimal mark."""
    digits = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in written)
    digits = re.sub(rf"['’٬{_SPACES}]", "", digits).replace("٫", ".").replace("·", ".").replace("،", ",")
    marks = re.findall(r"[.,]", digits)
    if not marks:
        return float(digits)
    if len(set(marks)) > 1:  # the last one is the decimal mark
        whole, _, fraction = digits.rpartition(marks[-1])
        return float(re.sub(r"[.,]", "", whole) + "." + fraction)
    if len(marks) > 1:
        return float(re.sub(r"[.,]", "", digits))
    whole, fraction = re.split(r"[.,]", digits)
    decimal = _decimal_mark(language)
    if len(fraction) == 3 and (marks[0] != ("," if decimal in ",٫" else ".")) and whole != "0":
        return float(whole + fraction)
    return float(f"{whole}.{fraction}")
