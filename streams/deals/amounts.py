"""Sums of money, as a sentence states them.

A sum is a number, with the scales that follow it ("4.1 billion", "1조 3000억", "mil millones", "هزار میلیارد"), and a
currency beside it: a sign, a code or a name, before or after it. Scales and names of currencies are in
`tables/amounts.tsv`, by language where a form means different things in different ones (`billion`, `kr`), number words
in `tables/numbers.tsv`. A name that is several states' (peso, dinar) is no currency by itself: no sum is better than a
wrong one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from schemas.readings import Money
from streams.deals.numerals import WRITTEN, code_of, longest_first, number_words, value_of, words_pattern
from streams.words.lexicon import read_table

_STEM = 4
"""Letters from which a form stands for its inflections, too."""
_ENDING = re.compile(r"[\w'’]{0,7}")
_GAP = re.compile(r"[\s\u00a0\u202f-]{0,2}")
_LINK = re.compile(
    r"(?:(?:de|di|of|ng|na|von|an|in|ya|za|din|amerikan|американских|американських|us|u\.s\.|сша|美国|أمريكي)(?!\w)\s?"
    r"|d['’]|元){1,2}",
    re.I,
)
"""What may stand between a number and its currency."""
_DUAL = {"مليارا": 2e9, "ملياري": 2e9, "مليارين": 2e9, "مليوني": 2e6, "مليونا": 2e6, "مليونين": 2e6}
"""Two of a scale, in one word of Arabic."""
_LONGEST = 24
"""Characters of the name of a currency before its number."""
_BESIDE = re.compile(r"\s?([mbtk])(?!\w)", re.I)
_LARGE = 1_000_000
"""What has a scale in it, however it is written: the two millions that are one word."""
_LETTER = {"m": 1e6, "b": 1e9, "t": 1e12, "k": 1e3}
"""Letters that are a scale beside a sign or a code alone: "$5m", "300 M€"."""
_NEVER_BEFORE = frozenset({"won", "try", "all", "mad", "gel", "pen", "rand"})
"""Of those below, the ones that are words before a number."""
_SCALE_FIRST = frozenset({"sw", "ha"})
"""Languages that say "dollars billion 1.3"."""
_AFTER_A_SCALE = frozenset({"won", "try", "all", "mad", "gel", "pen", "sar", "ron", "rand", "lev", "lek", "lei", "cop"})
"""Names that are other words as well, in one language or another."""


@dataclass(frozen=True, slots=True)
class _Forms:
    """What a language's sums are made of: values by form, and the patterns that find the forms."""

    scales: dict[str, float]
    currencies: dict[str, str]
    words: dict[str, float]
    number: re.Pattern[str]
    scale: re.Pattern[str]
    after: re.Pattern[str]
    before: re.Pattern[str]
    scale_before: re.Pattern[str] | None


@lru_cache(maxsize=1)
def _rows() -> list[tuple[str, str, frozenset[str], list[str]]]:
    return [
        (kind, value, frozenset(languages.split(",")), [form.strip().lower() for form in forms.split(", ")])
        for kind, value, languages, forms in read_table(Path(__file__).parent / "tables" / "amounts.tsv")
    ]


@lru_cache(maxsize=64)
def _forms(language: str) -> _Forms:
    code = code_of(language)
    scales: dict[str, float] = {}
    currencies: dict[str, str] = {}
    # Those of all languages first: a language's own replace them.
    for kind, value, languages, forms in sorted(_rows(), key=lambda row: "*" not in row[2]):
        if "*" in languages or code in languages:
            for form in forms:
                if kind == "scale":
                    scales[form] = float(value)
                else:
                    currencies[form] = value
    # "It won 3 billion" is no sum.
    before = [form for form in currencies if form not in _NEVER_BEFORE]
    words = number_words(language) | (_DUAL if code == "ar" else {})
    pattern = words_pattern(language)
    if code == "ar":
        pattern = rf"(?<!\w)(?:{'|'.join(_DUAL)})(?!\w)|{pattern}"
    number = rf"(?<![\d.,٫])(?:{WRITTEN})" + (f"|{pattern}" if pattern else "")
    return _Forms(
        scales,
        currencies,
        words,
        re.compile(number, re.I),
        re.compile(_alternatives(scales), re.I),
        re.compile(_alternatives(currencies), re.I),
        re.compile(rf"(?<![^\W\d_])({_alternatives(before, inflected=False)})\.?[\s\u00a0\u202f]?$", re.I),
        re.compile(rf"(?<!\w)({_alternatives(scales, inflected=False)})\s$", re.I) if code in _SCALE_FIRST else None,
    )


def _alternatives(forms: Iterable[str], *, inflected: bool = True) -> str:
    """The forms, longest first; a short one where it is the whole of its word. Scripts without spaces have no words."""

    def pattern(form: str) -> str:
        whole = form[-1].isalnum() and _spaced(form) and (len(form) < _STEM or not inflected)
        return re.escape(form) + (r"(?![^\W\d_])" if whole and inflected else "")

    return "|".join(map(pattern, longest_first(forms)))


def _spaced(form: str) -> bool:
    """Whether the script of `form` parts words by spaces: below the Thai block, and not Khmer, Han, kana or Hangul."""
    return max(form) < "\u0e00" or "\u10a0" <= max(form) < "\u1380"


def stated_sum(text: str, language: str = "en") -> Money | None:
    """The largest sum of money in `text`; None where there is none.

    Args:
        language: ISO 639, as the article's; words and decimal marks are read as that language has them.
    """
    forms = _forms(language)
    best: Money | None = None
    end = 0
    for match in forms.number.finditer(text):
        if match.start() < end:
            continue  # inside of the sum before
        found = _sum_at(text, match, forms, language)
        if found is None:
            continue
        money, end = found
        if best is None or money.value > best.value:
            best = money
    return best


def _sum_at(text: str, match: re.Match[str], forms: _Forms, language: str) -> tuple[Money, int] | None:
    value, end, scaled = _scaled(text, match, forms, language)
    begin = match.start()
    if forms.scale_before and (first := _before(text, begin, forms.scale_before)):
        value, begin, scaled = value * Decimal(int(forms.scales[first.group(1).lower()])), first.start(), True
    before = _before(text, begin, forms.before)
    currency, stop = None, end
    if before and (scaled or before.group(1).lower() not in _AFTER_A_SCALE):
        currency = forms.currencies[before.group(1).lower()]
        letter = _BESIDE.match(text, end)
        if letter and not scaled:
            value, stop = value * Decimal(int(_LETTER[letter.group(1).lower()])), letter.end()
    if currency is None:
        letter = None if scaled else _BESIDE.match(text, end)
        if letter and _name_after(text, letter.end(), forms):
            value, end = value * Decimal(int(_LETTER[letter.group(1).lower()])), letter.end()
        after = _name_after(text, end, forms)
        if after and (scaled or after.group().lower() not in _AFTER_A_SCALE):
            currency, stop = forms.currencies[after.group().lower()], _end_of_word(text, after)
    # A number word without a scale ("two euros") is no sum that anybody sells arms for.
    if currency is None or not 0 < float(value) < math.inf or not (scaled or any(c.isdigit() for c in match.group())):
        return None
    begin = before.start() if before else begin
    return Money(value=float(value), currency=currency, text=text[begin:stop].strip()), stop


def _scaled(text: str, match: re.Match[str], forms: _Forms, language: str) -> tuple[Decimal, int, bool]:
    """A number with its scales: its value, where it ends, whether it has any.

    Scales in a row multiply ("mil millones"); a further number with a smaller scale adds ("1조 3000억").
    """
    total, scaled = Decimal(0), False
    smallest = float("inf")
    current: re.Match[str] | None = match
    end = match.end()
    while current is not None:
        value, scale, stop = _value(current, forms, language), 1.0, current.end()
        while found := _next(text, stop, forms.scale):
            scale *= forms.scales[found.group().lower()]
            stop = _end_of_word(text, found)
            stop += text.startswith(".", stop) and len(found.group()) <= _STEM  # "Mio.", "Mrd."
        if current is not match and not 1.0 < scale < smallest:
            break
        total += value * Decimal(int(scale))
        scaled, smallest, end = scaled or scale > 1.0 or value >= _LARGE, scale, stop
        if scale <= 1.0:
            break
        current = _next(text, end, forms.number)
    return total, end, scaled


def _value(match: re.Match[str], forms: _Forms, language: str) -> Decimal:
    written = match.group().lower()
    value = forms.words.get(written)
    # By way of its digits: 4.1 billion is 4,100,000,000 and nothing beside it.
    return Decimal(repr(value if value is not None else value_of(written, language)))


def _before(text: str, at: int, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """What ends at `at`, with the space behind it."""
    return pattern.search(text, max(0, at - _LONGEST), at)


def _next(text: str, at: int, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """What stands at `at`, behind a space or a hyphen."""
    gap = _GAP.match(text, at)
    return pattern.match(text, gap.end() if gap else at)


def _name_after(text: str, at: int, forms: _Forms) -> re.Match[str] | None:
    gap = _GAP.match(text, at)
    at = gap.end() if gap else at
    link = _LINK.match(text, at)
    return forms.after.match(text, at) or (forms.after.match(text, link.end()) if link else None)


def _end_of_word(text: str, found: re.Match[str]) -> int:
    """Where the word ends whose stem was found."""
    stem = found.group()
    if len(stem) < _STEM or not stem[-1].isalpha() or not _spaced(stem):
        return found.end()
    ending = _ENDING.match(text, found.end())
    return ending.end() if ending else found.end()
