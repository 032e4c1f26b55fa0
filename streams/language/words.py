"""Text to words, and each word's script."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u07a6-\u07b0\u0900-\u0dff\u0e30-\u0e4e"
    "\u0eb0-\u0ecd\u0f18-\u0fbc\u102b-\u109d\u135d-\u135f\u17b4-\u17dd\u200c"
)
"""Vowel signs and other marks: parts of words, although Python's `\\w` does not take them."""
_WORD = re.compile(rf"(?:[^\W\d_]|[{_MARKS}])(?:[^\W\d_]|[{_MARKS}'])*")
_NOISE = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+\.\S+|[@#]\w+|\b[\w-]+\.(?:com|net|org|info|co|ru|de|tv|html?|php)\b\S*",
    re.IGNORECASE,
)
_NOISE_MARKS = re.compile(r"://|www\.|[@#]|\.(?:com|net|org|info|co|ru|de|tv|html?|php)\b", re.IGNORECASE)
"""In every match of `_NOISE`, and found in a tenth of the time."""
_NOT_TEXT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]+"
)
_APOSTROPHES = "’ʻʼ‘`ʹ"

_BLOCKS = (
    (0x0041, 0x0250, "Latn"), (0x0250, 0x02B0, "Latn"), (0x0370, 0x0400, "Grek"), (0x0400, 0x0530, "Cyrl"),
    (0x0530, 0x0590, "Armn"), (0x0590, 0x0600, "Hebr"), (0x0600, 0x0700, "Arab"), (0x0700, 0x0750, "Syrc"),
    (0x0750, 0x0780, "Arab"), (0x0780, 0x07C0, "Thaa"), (0x07C0, 0x0800, "Nkoo"), (0x08A0, 0x0900, "Arab"),
    (0x0900, 0x0980, "Deva"), (0x0980, 0x0A00, "Beng"), (0x0A00, 0x0A80, "Guru"), (0x0A80, 0x0B00, "Gujr"),
    (0x0B00, 0x0B80, "Orya"), (0x0B80, 0x0C00, "Taml"), (0x0C00, 0x0C80, "Telu"), (0x0C80, 0x0D00, "Knda"),
    (0x0D00, 0x0D80, "Mlym"), (0x0D80, 0x0E00, "Sinh"), (0x0E00, 0x0E80, "Thai"), (0x0E80, 0x0F00, "Laoo"),
    (0x0F00, 0x1000, "Tibt"), (0x1000, 0x10A0, "Mymr"), (0x10A0, 0x1100, "Geor"), (0x1100, 0x1200, "Hang"),
    (0x1200, 0x13A0, "Ethi"), (0x13A0, 0x1400, "Cher"), (0x1400, 0x1680, "Cans"), (0x1780, 0x1800, "Khmr"),
    (0x1800, 0x18B0, "Mong"), (0x1C50, 0x1C80, "Olck"), (0x1C90, 0x1CC0, "Geor"), (0x1E00, 0x1F00, "Latn"),
    (0x1F00, 0x2000, "Grek"), (0x2C60, 0x2C80, "Latn"), (0x2D30, 0x2D80, "Tfng"), (0x3040, 0x3100, "Kana"),
    (0x3100, 0x3130, "Bopo"), (0x3130, 0x3190, "Hang"), (0x31F0, 0x3200, "Kana"), (0x3400, 0xA000, "Hani"),
    (0xA000, 0xA4D0, "Yiii"), (0xA720, 0xA800, "Latn"), (0xAB30, 0xAB70, "Latn"), (0xABC0, 0xAC00, "Mtei"),
    (0xAC00, 0xD7B0, "Hang"), (0xF900, 0xFB00, "Hani"), (0xFB00, 0xFB07, "Latn"), (0xFB1D, 0xFB50, "Hebr"),
    (0xFB50, 0xFE00, "Arab"), (0xFE70, 0xFF00, "Arab"), (0xFF66, 0xFFA0, "Kana"), (0x20000, 0x30000, "Hani"),
)  # fmt: skip
UNSPACED = frozenset({"Hani", "Kana"})
"""Scripts written without spaces, and beside one another."""
_PAGE = 16
_SCRIPTS = {
    page: name for first, end, name in _BLOCKS for page in range(first // _PAGE, -(-end // _PAGE)) if end <= 0x10000
}


def script(character: str) -> str | None:
    """ISO 15924 code of a letter's script; None for what no language of ours is written in."""
    code = ord(character)
    if code >= 0x20000:
        return "Hani"
    return _SCRIPTS.get(code // _PAGE)


def clean(text: str) -> str:
    """Without control characters, lone surrogates, addresses, handles; composed (NFC); one kind of apostrophe."""
    text = _NOT_TEXT.sub(" ", text)
    if _NOISE_MARKS.search(text):
        text = _NOISE.sub(" ", text)
    if text.isascii():
        return text.replace("`", "'")
    text = unicodedata.normalize("NFC", text).replace("\u200c", "")
    for apostrophe in _APOSTROPHES:
        text = text.replace(apostrophe, "'")
    return text


def words(cleaned: str) -> list[str]:
    """The words of a text that went through `clean`, as they are written."""
    return _WORD.findall(cleaned)


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word, in lower case, occurs."""
    return Counter(word.lower() for text in texts for word in words(clean(text)))


def letters_by_script(found: Iterable[str]) -> dict[str, int]:
    """Letters of each script in words."""
    # By first letter first, of which there are few.
    beginnings: dict[str, int] = {}
    letters: Counter[str] = Counter()
    for word in found:
        first = word[0]
        if first >= "\u3040":
            name = script(first)
            if name in UNSPACED:
                # What is found as one word may be a whole clause, in two scripts.
                for character in word:
                    letters[script(character) or name] += 1
                continue
        beginnings[first] = beginnings.get(first, 0) + len(word)
    for first, count in beginnings.items():
        name = script(first)
        if name:
            letters[name] += count
    return dict(letters)
