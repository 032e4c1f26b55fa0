"""Text as the matcher sees it: one character for every letter that reads the same, and blanks where words end.

Case, accents and pointing go; letters that Arabic, Persian and Urdu keyboards write differently become one; so do long
and short vowels of Indian scripts and traditional and simplified Han characters, which names are spelled with freely;
Thai and Lao tone marks go; digits of every script become 0-9; whatever is not a letter, a digit or a vowel sign becomes
a blank.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

_DELETED: Final = "\0"
"""Stands for characters that have no place of their own: pointing, joiners, soft hyphens."""
_DELETED_RANGES: Final = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670),
    (0x06D6, 0x06ED), (0x0E47, 0x0E4B), (0x0EC8, 0x0ECB), (0x200B, 0x200F), (0x202A, 0x202E),
    (0x2060, 0x206F), (0xFE00, 0xFE0F),
)  # fmt: skip
_DELETED_SINGLE: Final = frozenset(
    "\u00ad\u0640\u02bc\u02bb\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc\ufeff\u1cd0\u0e4c\u0e4d"
)
_EXPLICIT: Final = {
    "ı": "i", "İ": "i", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ł": "l", "Ł": "l", "æ": "a", "Æ": "a", "œ": "o",
    "Œ": "o", "ß": "s", "þ": "t", "Þ": "t", "ð": "d", "Ð": "d", "ə": "a", "Ə": "a", "ŋ": "n", "ħ": "h", "Ħ": "h",
    "ё": "е", "Ё": "е", "ґ": "г", "Ґ": "г", "ς": "σ",
    # Arabic script: hamza seats, the two yehs and kafs, the hehs, the teh marbuta
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ی": "ي", "ې": "ي", "ے": "ي",
    "ۓ": "ي", "ک": "ك", "ڪ": "ك", "ہ": "ه", "ۂ": "ه", "ۃ": "ه", "ھ": "ه", "ە": "ه", "ۀ": "ه", "ء": _DELETED,
    "ڤ": "ف", "ٹ": "ت", "ڈ": "د", "ڑ": "ر", "ں": "ن", "ټ": "ت", "ډ": "د", "ړ": "ر",
    # Indian scripts: long i and u, and in the south e and o, as the short ones; open o as a, candrabindu as anusvara
    "ी": "ि", "ू": "ु", "ई": "इ", "ऊ": "उ", "ँ": "ं", "ॉ": "ा", "ऑ": "आ", "ॅ": "ै", "ऍ": "ऐ",
    "ী": "ি", "ূ": "ু", "ঈ": "ই", "ঊ": "উ", "ঁ": "ং", "ી": "િ", "ૂ": "ુ", "ઈ": "ઇ", "ઊ": "ઉ", "ૉ": "ા", "ઑ": "આ",
    "ૅ": "ૈ", "ઍ": "ઐ", "ੀ": "ਿ", "ੂ": "ੁ", "ਈ": "ਇ", "ਊ": "ਉ", "ੰ": "ਂ", "ీ": "ి", "ూ": "ు", "ే": "ె", "ో": "ొ", "ఈ": "ఇ",
    "ఊ": "ఉ", "ఏ": "ఎ", "ఓ": "ఒ", "ೀ": "ಿ", "ೂ": "ು", "ೇ": "ೆ", "ೋ": "ೊ", "ಈ": "ಇ", "ಊ": "ಉ", "ಏ": "ಎ", "ಓ": "ಒ", "ീ": "ി",
    "ൂ": "ു", "േ": "െ", "ോ": "ൊ", "ഈ": "ഇ", "ഊ": "ഉ", "ഏ": "എ", "ഓ": "ഒ",
    "ൻ": "ന", "ർ": "ര", "ൽ": "ല", "ൾ": "ള", "ൺ": "ണ",
}  # fmt: skip
_MARKS_STRIPPED: Final = ((0x00C0, 0x024F), (0x1E00, 0x1FFF), (0x0370, 0x03FF))
"""Latin and Greek: letters are taken without their accents. In Cyrillic й and ї are letters, in Kana the sound marks
are."""
_NASALS: Final = {
    "\u094d": (re.compile("[ङञणनम]\u094d(?=[क-ह])"), "ं"),
    "\u09cd": (re.compile("[ঙঞণনম]\u09cd(?=[ক-হ])"), "ং"),
    "\u0acd": (re.compile("[ઙઞણનમ]\u0acd(?=[ક-હ])"), "ં"),
}
_WIDE: Final = (0xFF00, 0xFFEF)
_HAN: Final = (0x3400, 0x9FFF)


@cache
def _simplified() -> dict[str, str]:
    lines = (Path(__file__).parent / "tables" / "han_variants.txt").read_text(encoding="utf-8").splitlines()
    return {other: line[0] for line in lines if not line.startswith("#") for other in line[1:]}


class Normalized(NamedTuple):
    """The normalized text between two blanks, and where each of its characters stands in the original."""

    text: str
    offsets: list[int] | None
    """None when character i+1 is character i of the original."""

    def original(self, position: int) -> int:
        """The offset in the original text of a character of `text`; one past the end is allowed."""
        if self.offsets is None:
            return max(position - 1, 0)
        return self.offsets[position]


def _normalized_letter(character: str) -> str:
    explicit = _EXPLICIT.get(character)
    if explicit is not None:
        return explicit
    code = ord(character)
    if code < 128:
        return character.lower() if character.isalnum() else " "
    if character in _DELETED_SINGLE or any(low <= code <= high for low, high in _DELETED_RANGES):
        return _DELETED
    if _HAN[0] <= code <= _HAN[1]:
        return _simplified().get(character, character)
    if _WIDE[0] <= code <= _WIDE[1]:
        wide = unicodedata.normalize("NFKC", character)
        return _normalized_letter(wide) if len(wide) == 1 else character
    category = unicodedata.category(character)
    if category[0] == "N":
        digit = unicodedata.digit(character, None)
        return str(digit) if digit is not None else character
    if category[0] not in "LM":
        return " "
    base = unicodedata.normalize("NFD", character)
    if any(low <= code <= high for low, high in _MARKS_STRIPPED) or (len(base) == 2 and base[1] in _DELETED_SINGLE):
        character = base[0]
    lower = character.lower()
    return _EXPLICIT.get(lower, lower) if len(lower) == 1 else lower[0]


class _Table(dict[int, str]):
    """Fills itself: str.translate asks for characters not met before."""

    def __missing__(self, code: int) -> str:
        value = self[code] = _normalized_letter(chr(code))
        return value


_TABLE: Final = _Table()


def _translated(text: str) -> str:
    """Character for character; a nasal before another consonant becomes the sign for it, as it is written as often."""
    normalized = text.translate(_TABLE)
    for virama, (nasal, sign) in _NASALS.items():
        if virama in normalized:
            normalized = nasal.sub(sign + _DELETED, normalized)
    return normalized


def normalize_name(name: str) -> str:
    """A name as it is stored in the matcher: normalized, words a blank apart, none around."""
    return " ".join(_translated(name).replace(_DELETED, "").split())


def normalize(text: str) -> Normalized:
    """The text for the matcher, with its way back to the original's offsets."""
    normalized = _translated(text)
    if _DELETED not in normalized:
        return Normalized(f" {normalized} ", None)
    offsets = [0]
    offsets += [i for i, c in enumerate(normalized) if c != _DELETED]
    offsets += [len(text), len(text)]
    return Normalized(f" {normalized.replace(_DELETED, '')} ", offsets)
