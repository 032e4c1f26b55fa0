"""Adjectives and inhabitants made from names of places, written small: londoni, канадский, kanadisch, canadian."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from streams.entities.morphology import WordForm, inflects_like, script_of_name

_LEAST: Final = 4
"""Letters of the stem."""
_MADE: Final[dict[str, tuple[str, str]]] = {
    "ru": (
        "ия|ія|ија|ье|а|я|о|е|и|і|ы|ь|й",
        r"(?:[а-яіїєј]{0,3}?(?:ск|ськ|цк|цьк|зьк|шк|чк)[а-яіїєј]{1,4}"
        r"|(?:[ие]?[ея]?ц[аеиоуыія][а-я]{0,2}|[еиі]?ець|(?:[ие]|ан)?ец|[ая]н[иеаі]?н?[аеуиыі]?))",
    ),
    "pl": (
        "ija|ia|ie|ja|a|e|o|y|i",
        r"(?:[a-z]{0,3}?(?:sk|ck|zk)[a-z]{1,4}|(?:ij|i)?(?:an|czy|cz)(?:ec|k|c|in)?[a-z]{0,4})",
    ),
    "hu": ("", r"i(?:ak|[a-z]{0,6})?"),
    "fi": ("", r"(?:la|ma)i[a-z]{2,8}"),
    "lt": ("ija|as|is|us|os|a|e|s", r"(?:ij)?ie[ct][a-z]{1,6}|(?:ij)?iesu|(?:ij)?iski?[a-z]{1,3}"),
    "de": ("ien|ia|a|e|o|en", r"(?:an|ens|es|i|ian)?isch?(?:e|en|er|es|em)?|(?:an|ens|es|i|ian)?isk[aet]?"),
    "ro": ("ia|a|e|o", r"(?:i?an|ez|ean)(?:a|e|i|ul|ului|ii|ilor|elor|o)?"),
}
"""By the language that stands for others: what a name loses at its end, and what it takes instead."""


def adjective(word: str, language: str) -> WordForm | None:
    """How a normalized name of a place becomes an adjective; None where the language writes these as names or the
    word is too short to tell."""
    script = script_of_name(word)
    made = _MADE.get(inflects_like(language, script)) if script in ("latin", "cyrillic") else None
    if made is None or not word.isalpha():
        return None
    lost, taken = made
    stem = re.sub(f"(?:{lost})$", "", word) if lost else word
    return WordForm(stem, _compiled(taken)) if len(stem) >= _LEAST else None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
