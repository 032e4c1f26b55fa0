"""Words as the common analyser of the indices makes them, so that a match here is a match there.

The analyser is: Unicode word boundaries (UAX #29, the parts that matter for news), full and half width made one,
lower case, Latin letters without their marks, and Chinese, Japanese and Korean in overlapping pairs of characters.
Thai, Lao, Khmer and Burmese have no spaces between words, and the tokenizer of Elasticsearch takes a whole run of them
for one word: for those, words are overlapping pairs of characters too, kept in fields of their own (`grams`).
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import Final

from anyascii import anyascii

_SPACELESS: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai and Lao, Burmese, Khmer."""
_PAIRED: Final = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
"""Kana, Han, Hangul syllables."""


@cache
def _marks() -> str:
    """Every combining mark as the inside of a character class: `\\w` leaves them out, and words break in Hindi."""
    ranges: list[list[int]] = []
    for code in range(0x300, sys.maxunicode):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in ranges)


@cache
def _token() -> re.Pattern[str]:
    letter = rf"(?![{_SPACELESS}{_PAIRED}])[\w{_marks()}\u200d]"
    # Inside a word: full stop, colon, apostrophes, middle dot between letters; comma, semicolon and full stop between
    # digits.
    inner = r"(?:(?<=[^\W\d_])[.:'’·](?=[^\W\d_])|(?<=\d)[.,;](?=\d))"
    return re.compile(
        rf"[{_SPACELESS}{_marks()}]*[{_SPACELESS}][{_SPACELESS}{_marks()}]*|[{_PAIRED}]+|{letter}(?:{inner}?{letter})*"
    )


_WIDE = re.compile("[\uff00-\uffef]+")
"""Full-width Latin, half-width Katakana."""
_EXACT = {"ə": "a", "Ə": "a", "ı": "i", "İ": "i"}
"""Where Lucene's folding and anyascii differ."""


@cache
def _fold_character(character: str) -> str:
    if character in _EXACT:
        return _EXACT[character]
    lower = character.lower()
    if character.isascii():
        return lower
    if unicodedata.name(character, "").startswith("LATIN "):
        return anyascii(character).lower()
    # One character at a time, as Java does: no final sigma, no letters that grow.
    return lower if len(lower) == 1 else character


def fold(text: str) -> str:
    """Lower case, Latin letters without their marks, one width. Greek, Cyrillic and the rest keep their marks."""
    text = unicodedata.normalize("NFC", text)
    if not text.isascii():
        text = _WIDE.sub(lambda run: unicodedata.normalize("NFKC", run.group()), text)
    return "".join(map(_fold_character, text))


def words(text: str) -> list[str]:
    """The terms of a text, in order, folded."""
    found: list[str] = []
    for match in _token().finditer(fold(text)):
        token = match.group()
        if is_paired(token[0]) or is_spaceless(token):
            found += _pairs(token)
        else:
            found.append(token)
    return found


def _pairs(token: str) -> list[str]:
    return [token] if len(token) == 1 else [token[i : i + 2] for i in range(len(token) - 1)]


def is_paired(character: str) -> bool:
    """Written in pairs of characters: Chinese, Japanese, Korean."""
    return bool(re.match(rf"[{_PAIRED}]", character))


def is_spaceless(text: str) -> bool:
    """Has letters of Thai, Lao, Khmer or Burmese."""
    return bool(re.search(rf"[{_SPACELESS}]", text))


def grams(text: str) -> str:
    """The pairs of characters of what is written without spaces, spelled in letters that every tokenizer keeps whole.

    Empty for a text in any other script. A word is then a phrase of pairs, found wherever it stands in a run.
    """
    if not is_spaceless(text):
        return ""
    runs = [t for match in _token().finditer(fold(text)) if is_spaceless(t := match.group())]
    # A gap between runs, so that no phrase reaches across.
    return " xgapx ".join(" ".join(_spelled(pair) for pair in _pairs(run)) for run in runs)


def _spelled(pair: str) -> str:
    return "x" + "x".join(f"{ord(c):x}" for c in pair)
