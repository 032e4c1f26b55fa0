"""Letters made alike where spelling varies, one for one, so that offsets stay those of the text."""

from __future__ import annotations

import re
import unicodedata

_PAIRS = {
    "İ": "i", "ı": "i", "ё": "е", "ѐ": "е", "ѝ": "и", "ς": "σ", "ß": "s", "ẞ": "s", "ş": "ș", "ţ": "ț",
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه",
    "ۀ": "ه", "ە": "ه",
    "ک": "ك", "ہ": "ه", "ھ": "ه", "ۃ": "ه", "ێ": "ي", "ۆ": "و", "ڵ": "ل", "ڕ": "ر",
    "ʻ": "'", "ʼ": "'", "‘": "'", "’": "'", "\u00a0": " ", "\u200c": " ", "\u202f": " ", "\u2011": "-",
    "״": '"', "׳": "'",
}  # fmt: skip
for _code in (*range(0x0958, 0x0960), 0x09DC, 0x09DD, 0x09DF, 0x0A33, 0x0A36, 0x0A59, 0x0A5A, 0x0A5B, 0x0A5E):
    _PAIRS[chr(_code)] = unicodedata.normalize("NFD", chr(_code))[0]
for _letter in "άέήίόύώΐΰϊϋ":
    _PAIRS[_letter] = unicodedata.normalize("NFD", _letter)[0]

# Capitals too, so that one pass before lowering is enough.
_TABLE = {ord(k): v for k, v in _PAIRS.items()}
_TABLE |= {ord(k.upper()): v for k, v in _PAIRS.items() if len(k.upper()) == 1 and k.upper().lower() == k}
_FOLDED = re.compile("[" + "".join(re.escape(chr(code)) for code in sorted(_TABLE)) + "]")


def fold(text: str) -> str:
    """`text` in lower case with variant letters folded; as long as `text`."""
    folded = text.translate(_TABLE) if _FOLDED.search(text) else text
    lowered = folded.lower()
    if len(lowered) != len(text):
        lowered = "".join(c if len(low := c.lower()) != 1 else low for c in folded)
    return lowered


_SKIPPED = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u093c\u09bc\u0a3c\u0abc\u00ad\u200d]"
)
"""Marks that some write and some leave out: accents apart from their letters, pointing, the dots of Indic scripts."""


def without_marks(folded: str) -> tuple[str, list[int] | None]:
    """`folded` without optional marks, and for each of its characters the place in `folded` (None: the same)."""
    plain = _SKIPPED.sub("", folded)
    if len(plain) == len(folded):
        return folded, None
    places: list[int] = []
    begin = 0
    for mark in _SKIPPED.finditer(folded):
        places.extend(range(begin, mark.start()))
        begin = mark.end()
    places.extend(range(begin, len(folded) + 1))
    return plain, places


def in_word(char: str) -> bool:
    """Whether `char` belongs to a word: letters, digits, and the vowel signs of Indic and other scripts."""
    return char.isalnum() or unicodedata.category(char)[0] == "M"
