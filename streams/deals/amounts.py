"""Sums and numbers of pieces, as a sentence states them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache

from schemas.readings import Money
from streams.deals.lexicon import TABLES, read_table

_NUMBER = r"(\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?)"


@lru_cache(maxsize=1)
def _forms() -> tuple[dict[str, float], dict[str, str]]:
    """Scales by their word, and currency codes by their word or sign."""
    scales: dict[str, float] = {}
    currencies: dict[str, str] = {}
    for kind, value, forms in read_table(TABLES / "amounts.tsv"):
        for form in forms.split(","):
            if kind == "scale":
                scales[form.strip().lower()] = float(value)
            else:
                currencies[form.strip().lower()] = value
    return scales, currencies


@lru_cache(maxsize=1)
def _sum_pattern() -> re.Pattern[str]:
    scales, currencies = (_alternatives(forms) for forms in _forms())
    return re.compile(
        rf"(?P<before>us\$|\$|€|£|¥|₹|₩|usd|eur|gbp)?\s?{_NUMBER}\s?(?P<scale>{scales})?"
        rf"(?:\w{{0,4}}?[\s-]?(?:de |d'|di |of |ـ)?(?:us |u\.s\. |сша |美国)?(?P<after>{currencies}))?",
        re.I,
    )


def _alternatives(forms: Iterable[str]) -> str:
    return "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))


_PIECES = re.compile(r"(?<![\w.,$€£-])(\d{1,3}(?:[.,  ]\d{3})+|\d{1,6})(?![\w.,]*\d|\s?%|-)")


def stated_sum(text: str) -> Money | None:
    """The largest sum of money in `text`; None where there is none."""
    if not any(c.isdigit() for c in text):
        return None
    scales, currencies = _forms()
    best: Money | None = None
    for match in _sum_pattern().finditer(text):
        named = match.group("before") or match.group("after")
        if not named:
            continue
        currency = currencies.get(named.lower())
        if currency is None:
            continue
        scale = scales[match.group("scale").lower()] if match.group("scale") else 1.0
        value = _number(match.group(2)) * scale
        if 0 < value < math.inf and (best is None or value > best.value):
            best = Money(value=value, currency=currency, text=match.group().strip())
    return best


def stated_quantity(text: str, start: int, spans: list[tuple[int, int]], reach: int = 18) -> int | None:
    """The number that stands closest before one of `spans` (offsets of the whole text; `text` begins at `start`)."""
    for span_start, _ in spans:
        local = span_start - start
        candidates = list(_PIECES.finditer(text, max(0, local - reach), local))
        for match in reversed(candidates):
            value = int(re.sub(r"\D", "", match.group(1)))
            looks_like_year = 1900 <= value <= 2100 and len(match.group(1)) == 4
            if value > 0 and not looks_like_year:
                return value
    return None


def _number(written: str) -> float:
    digits = re.sub(r"[   ]", "", written)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits):
        return float(re.sub(r"[.,]", "", digits))
    *whole, fraction = re.split(r"[.,]", digits)
    return float(("".join(whole) + "." + fraction) if whole else fraction)
