"""Letters made alike where spelling varies, one for one, so that offsets stay those of the text."""

from __future__ import annotations

import unicodedata

_PAIRS = {
    "İ": "i", "ı": "i", "ё": "е", "ѐ": "е", "ѝ": "и", "ς": "σ", "ß": "s", "ş": "ș", "ţ": "ț",
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه",
    "ۀ": "ه", "ە": "ه",
    "ک": "ك", "ہ": "ه", "ھ": "ه", "ۃ": "ه", "ێ": "ي", "ۆ": "و", "ڵ": "ل", "ڕ": "ر",
    "ʻ": "'", "ʼ": "'", "‘": "'", "’": "'", "\u00a0": " ", "\u200c": " ", "\u202f": " ", "\u2011": "-",
    "״": '"', "׳": "'",
}  # fmt: skip
for _letter in "άέήίόύώΐΰϊϋ":
    _PAIRS[_letter] = unicodedata.normalize("NFD", _letter)[0]

_TABLE = {ord(k): v for k, v in _PAIRS.items()}


def fold(text: str) -> str:
    """`text` in lower case with variant letters folded; as long as `text`."""
    lowered = text.translate(_TABLE).lower()
    if len(lowered) != len(text):
        lowered = "".join(c if len(low := c.lower()) != 1 else low for c in text.translate(_TABLE))
    return lowered.translate(_TABLE)


def in_word(char: str) -> bool:
    """Whether `char` belongs to a word: letters, digits, and the vowel signs of Indic and other scripts."""
    return char.isalnum() or unicodedata.category(char)[0] == "M"
