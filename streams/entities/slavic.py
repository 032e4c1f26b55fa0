"""Slavic words in one spelling, and names in different cases told to be one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from streams.entities.normalization import normalize_name

SLAVIC: Final = frozenset({"ru", "uk", "be", "bg", "mk", "sr", "hr", "bs", "sh", "sl", "cs", "sk", "pl"})
_CYRILLIC: Final = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "ѓ": "g", "ђ": "d", "е": "e", "є": "e", "ж": "z", "з": "z",
        "ѕ": "z", "и": "i", "і": "i", "ї": "i", "й": "", "ј": "", "к": "k", "ќ": "k", "л": "l", "љ": "l", "м": "m",
        "н": "n", "њ": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "ћ": "c", "у": "u", "ў": "u", "ф": "f",
        "х": "h", "ц": "c", "ч": "c", "џ": "z", "ш": "s", "щ": "s", "ъ": "a", "ы": "i", "ь": "", "э": "e", "ю": "u",
        "я": "a", "w": "v", "y": "i", "j": "", "q": "k", "x": "ks", "'": "", "’": "", "-": "",
    }
)  # fmt: skip
_DIGRAPHS: Final = re.compile("sz|cz|ch")
_ONE: Final = {"sz": "s", "cz": "c", "ch": "h"}
_ENDING: Final = re.compile(
    r"(?:ovima|ovoi|ovom|ovih|ovim|ovem|ovega|ovemu|iego|iemu|ego|emu|ogo|omu|ovi|evi|ami|ama|imi|iem|iom|oga|"
    r"ou|oi|om|em|im|ih|ah|am|ov|ev|ei|ia|iu|ie|ii|oe|io|[aeiou])$"
)
_LEAST: Final = 3


@lru_cache(maxsize=50_000)
def latinised(word: str) -> str:
    """A word in small letters a to z as all Slavic languages could spell it: no accents, no soft signs, no j, one
    letter for sz, ш and š."""
    normalized = normalize_name(word).replace(" ", "").translate(_CYRILLIC)
    return _DIGRAPHS.sub(lambda m: _ONE[m.group()], normalized)


@lru_cache(maxsize=20_000)
def stem(latin: str) -> str:
    """A latinised name without its case ending; the `e` that comes and goes (Štrukelj, Štruklja) goes."""
    cut = _ENDING.sub("", latin) if len(latin) > _LEAST + 1 else latin
    cut = cut if len(cut) >= _LEAST else latin
    if len(cut) > 4 and cut[-2] in "eoa" and cut[-3] not in "aeiou" and cut[-1] in "cklrn":
        cut = cut[:-2] + cut[-1]
    return cut


def same(one: str, other: str) -> bool:
    """Two latinised words may be one name in two cases, or a man's and a woman's: Kupka, Kupkovi; May, Mayová."""
    a, b = stem(one), stem(other)
    if a == b:
        return True
    if len(a) > len(b):
        a, b = b, a
    return len(a) >= _LEAST and b.startswith(a) and b[len(a) :] in ("ov", "ev", "ova", "eva", "n", "in", "sk")
