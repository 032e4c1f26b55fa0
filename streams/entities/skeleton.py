"""What of a name survives its way from one script into another: the consonants, alike sounds made one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from anyascii import anyascii

_NOT_LATIN: Final = re.compile(r"[^a-z]+")
_DIGRAPHS: Final = (
    ("shch", "s"), ("tsch", "s"), ("sch", "s"), ("dzh", "j"), ("dsch", "j"), ("tch", "s"), ("kh", "k"),
    ("zh", "s"), ("sh", "s"),
    ("ch", "s"), ("ck", "k"), ("ph", "f"), ("th", "t"), ("gh", "g"), ("ts", "s"), ("tz", "s"), ("cz", "s"), ("sz", "s"),
    ("qu", "k"), ("ks", "k"), ("x", "k"),
)  # fmt: skip
_SAME_SOUND: Final = str.maketrans("qczpjvwbd", "kksfgffft")
_SAME_SPELLING: Final = str.maketrans("qczjw", "kksgv")
_WRITES_FEW_VOWELS: Final = re.compile("[\u0590-\u077f]")
_ALEF: Final = frozenset("اأإآעא")
_SILENT: Final = frozenset("aeiouyh")


@lru_cache(maxsize=100_000)
def skeleton(name: str, *, fine: bool = False) -> str:
    """The consonants of a word: `Zgurets`, `Zgurts`, `Згурец` and `زغوريتس` become the same or nearly.

    `fine` keeps the lips' and the tongue's sounds apart, which names in one script differ by: Pavel is not Fiala.
    """
    text = _NOT_LATIN.sub("", anyascii(name).lower())
    if name and _WRITES_FEW_VOWELS.match(name):
        # Waw and yod inside a word are mostly vowels there.
        text = text.replace("w", "") if name[0] in _ALEF else text[:1] + text[1:].replace("w", "")
    for digraph, one in _DIGRAPHS:
        text = text.replace(digraph, one)
    text = text.translate(_SAME_SPELLING if fine else _SAME_SOUND)
    found: list[str] = []
    for character in text:
        if character not in _SILENT and (not found or found[-1] != character):
            found.append(character)
    return "".join(found)


@lru_cache(maxsize=100_000)
def romanised(name: str) -> str:
    """A word in small Latin letters."""
    return _NOT_LATIN.sub("", anyascii(name).lower())
