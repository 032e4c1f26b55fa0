"""How many pieces a sentence says are transferred.

The number of a weapon stands before it, with nothing but words that describe it in between ("twelve new Barracuda
submarines"), or beside it with a counter ("護衛艦3隻", "K9 자주포 54대", "1059 adet Cobra II"). Calibres, dates,
crews and prices are numbers of something else: what follows them says so (`tables/counters.tsv`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from streams.deals.numerals import WRITTEN, code_of, is_joined, longest_first, number_words, value_of, words_pattern
from streams.words.lexicon import read_table

_REACH = 45
"""Characters between a number and its weapon, at most."""
_BEHIND = 14
"""Characters between a weapon and a number with a counter behind it, at most."""
_LARGEST = 10_000_000
"""Pieces: more are rounds of ammunition at most, and mostly something else."""
_BREAK = re.compile(r"[,;:()!?«»、，。；：（）]|\.\s|\d")
"""What a number does not reach over to its weapon."""


@dataclass(frozen=True, slots=True)
class _Forms:
    number: re.Pattern[str]
    counter: re.Pattern[str] | None
    unit: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Number:
    value: int
    start: int
    end: int
    """Behind its counter, where it has one."""
    counted: bool


@lru_cache(maxsize=64)
def _forms(language: str) -> _Forms:
    code = code_of(language)
    counters: list[str] = []
    units: list[str] = []
    for of, kind, forms in read_table(Path(__file__).parent / "tables" / "counters.tsv"):
        if of in {"*", code}:
            (counters if kind == "counter" else units).extend(form.strip() for form in forms.split(","))
    words = words_pattern(language)
    number = (
        rf"(?<![\w.,$€£¥₩₹#№/-])(?:{WRITTEN})" if not is_joined(language) else rf"(?<![A-Za-z\d.,$€£¥₩₹-])(?:{WRITTEN})"
    )
    return _Forms(
        re.compile(number + (f"|{words}" if words else ""), re.I),
        re.compile(_beside(counters, language), re.I) if counters else None,
        re.compile(rf"{_beside(units, language)}|\s?-", re.I),
    )


def _beside(forms: Iterable[str], language: str) -> str:
    """What stands behind a number: one of the forms, as a word of its own where words have spaces."""
    joined = is_joined(language)
    alternatives = "|".join(map(re.escape, longest_first(forms)))
    return rf"[\s\u00a0\u202f-]?(?:{alternatives})" + ("" if joined else r"(?!\w)")


def stated_quantity(
    text: str, start: int, spans: Sequence[tuple[int, int]], language: str = "en", sums: Sequence[str] = ()
) -> int | None:
    """The number of pieces of the first of the weapons at `spans` that has one; None where none has.

    Args:
        spans: offsets of the whole text, in which `text` begins at `start`.
        sums: sums of money as they are written in `text`; their numbers count no pieces.
    """
    forms = _forms(language)
    local = [(begin - start, end - start) for begin, end in spans]
    numbers = [
        number
        for number in _numbers(text, forms, language)
        if not any(begin <= number.start < end for begin, end in local) and not _is_within(text, number, sums)
    ]
    for begin, end in local:
        behind = [
            n for n in numbers if n.counted and 0 <= n.start - end <= _BEHIND and not _breaks(text[end : n.start])
        ]
        before = [n for n in numbers if n.end <= begin and begin - n.end <= _REACH and not _breaks(text[n.end : begin])]
        # A counter says of itself that it counts; without one, the number of a weapon stands before it.
        best = [n for n in before if n.counted][-1:] or behind[:1] or before[-1:]
        if best:
            return best[0].value
    return None


def _numbers(text: str, forms: _Forms, language: str) -> list[_Number]:
    found = []
    for match in forms.number.finditer(text):
        written = match.group().lower()
        value = number_words(language).get(written)
        worded = value is not None
        if value is None:
            value = value_of(match.group(), language)
        counter = forms.counter.match(text, match.end()) if forms.counter else None
        # "One" is an article in most languages; and a number in digits of four places is a year.
        if worded and value <= 1 and not counter:
            continue
        if not counter and (forms.unit.match(text, match.end()) or (1900 <= value <= 2100 and len(written) == 4)):
            continue
        if value == int(value) and 0 < value <= _LARGEST:
            found.append(_Number(int(value), match.start(), counter.end() if counter else match.end(), bool(counter)))
    return found


def _is_within(text: str, number: _Number, sums: Sequence[str]) -> bool:
    return any(at <= number.start < at + len(sum_) for sum_ in sums if (at := text.find(sum_)) >= 0)


def _breaks(between: str) -> bool:
    return bool(_BREAK.search(between))
