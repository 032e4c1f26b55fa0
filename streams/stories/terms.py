"""What two texts can share besides their meaning: words, names, numbers, entities.

Each is a 32-bit number, its kind in the top three bits, so that an article's terms fit a compact record and sets of
them intersect quickly.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from anyascii import anyascii

from schemas.articles import AnalyzedArticle

WORD, NAME, NUMBER, ENTITY, PLACE, WEAPON = 0, 1, 2, 3, 4, 5
"""PLACE: the country of a place or institution named; WEAPON: a weapon system; ENTITY: anything named, by its id."""
_SYSTEMS = ("system", "family")
LEAD = 600
"""Characters of title and text that are read for terms: the news is in its lead."""
LIMITS = {WORD: 80, NAME: 40, NUMBER: 20, ENTITY: 40, PLACE: 20, WEAPON: 8}

Terms = npt.NDArray[np.uint32]
"""Of one article: ascending, each once."""

KIND_SHIFT = 29
_TOKEN = re.compile(r"[^\W_]+")
# Scripts written without spaces: their words are taken as overlapping pairs of characters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_NOT_LATIN = re.compile(r"[^a-z0-9]+")
_DIGRAPHS = (
    ("sch", "s"), ("sh", "s"), ("ch", "k"), ("kh", "k"), ("ck", "k"), ("ph", "f"), ("th", "t"), ("gh", "g"),
    ("dzh", "j"), ("zh", "s"), ("ts", "s"),
)  # fmt: skip
_SAME_SOUND = str.maketrans("qcxzwpjv", "kkksfbgf")
_VOWELS = frozenset("aeiouyh")


def _hash(kind: int, text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 3 | kind << KIND_SHIFT


def kind_of(term: int) -> int:
    return term >> KIND_SHIFT


@lru_cache(maxsize=200_000)
def skeleton(word: str) -> str:
    """The consonants of a word in Latin letters, alike sounds made one: Putin, Путин and بوتين are `btn`.

    Vowels go (Arabic and Hebrew do not write most of them), doubled letters become one, and letters that one sound
    is written with in different scripts (c k q; s z; v w f; p b; g j) fall together.
    """
    text = _NOT_LATIN.sub("", anyascii(word).lower())
    if not word.isascii():
        text = text[:1] + text[1:].replace("w", "")  # Arabic and Hebrew write a long u with it
    for digraph, one in _DIGRAPHS:
        text = text.replace(digraph, one)
    kept: list[str] = []
    for c in text.translate(_SAME_SOUND):
        if c not in _VOWELS and (not kept or kept[-1] != c):
            kept.append(c)
    return "".join(kept)


@lru_cache(maxsize=200_000)
def _word_terms(token: str) -> tuple[int, ...]:
    """The terms of one token of running text, in any script."""
    word = token.casefold()
    if word.isdecimal():
        number = str(int(word)) if len(word) <= 18 else word
        return (_hash(NUMBER, number),)
    if _UNSPACED.search(word):
        return tuple(_hash(WORD, word[i : i + 2]) for i in range(max(1, len(word) - 1)))
    found = [_hash(WORD, word)] if len(word) > 1 else []
    # A name begins with a capital, where the script has capitals.
    if token[:1].isupper() or token[:1].lower() == token[:1].upper():
        bones = skeleton(token)
        if len(bones) >= 3:
            found.append(_hash(NAME, bones))
    return tuple(found)


def read_terms(article: AnalyzedArticle) -> Terms:
    """The terms of an article's title and lead and of its entities."""
    text = unicodedata.normalize("NFKC", article.full_text[:LEAD])
    room = dict(LIMITS)
    found: set[int] = set()
    for token in _TOKEN.findall(text):
        _take(_word_terms(token), found, room)
    named = [e for e in article.entities if not e.mentions or e.mentions[0].start < LEAD]
    _take((_hash(ENTITY, entity.id) for entity in named), found, room)
    _take((_hash(PLACE, e.country) for e in named if e.country and e.type == "place"), found, room)
    _take((_hash(WEAPON, e.id) for e in named if e.type == "weapon" and e.kind in _SYSTEMS), found, room)
    return np.array(sorted(found), np.uint32)


def _take(terms: Iterable[int], found: set[int], room: dict[int, int]) -> None:
    for term in terms:
        kind = term >> KIND_SHIFT
        if room[kind] and term not in found:
            found.add(term)
            room[kind] -= 1


def pack_terms(terms: Terms) -> str:
    return base64.b64encode(terms.astype("<u4").tobytes()).decode("ascii")


def unpack_terms(text: str) -> Terms:
    return np.frombuffer(base64.b64decode(text, validate=True), "<u4").astype(np.uint32)
