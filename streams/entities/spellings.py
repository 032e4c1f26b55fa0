"""Names of the tables, spelled with other vowels than the tables have: in the Arabic, Hebrew and Cyrillic scripts.

Foreign names have no fixed spelling in Arabic and Hebrew: Pennsylvania is written with and without the letter for its
i. What stays are the consonants; where these agree with those of a name in such a script, or of a person's full name in
Latin letters, the spellings are compared letter by letter. Roots of three consonants make most words of these
languages, so a name needs more of them than a root has. Full names of persons are looked for in Cyrillic, too, where
each language has its own way of writing foreign ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import Final, NamedTuple

from streams.entities.entries import by_id, curated, ordinary_words
from streams.entities.morphology import CASED, prefixes, script_of_name
from streams.entities.normalization import normalize_name
from streams.entities.persons import given_names
from streams.entities.skeleton import romanised, skeleton
from streams.entities.span import Span

SCRIPTS: Final = frozenset({"arabic", "hebrew", "cyrillic"})
_WORD: Final = re.compile(
    "[\u0620-\u064a\u0671-\u06d3]+|[\u05d0-\u05ea]+|[\u0410-\u042f\u0401-\u040f\u0490][\u0430-\u045f\u0491]+"
)
_HEBREW_VOWELS: Final = re.compile("[וי]")
_ARTICLE: Final = "ال"
_LEAST: Final = 5
"""Consonants that a name has at least, all its words together."""
_ALIKE: Final = 0.8
_KINDS: Final = frozenset({"person", "region", "capital", "company", "media", "maker"})


class _Name(NamedTuple):
    id: str
    keys: tuple[str, ...]
    """Consonants of each word."""
    text: str
    """In Latin letters."""


def find(text: str, language: str, taken: list[Span]) -> Iterator[Span]:
    """Names that stand outside the spans already taken."""
    words = list(_WORD.finditer(text))
    busy = {position for span in taken for position in range(span.start, span.end)}
    ordinary = ordinary_words().get(language, {})
    done = -1
    for index, word in enumerate(words):
        candidates = _beginning_with(word.group(), words[index + 1].group() if index + 1 < len(words) else "")
        if not candidates or word.start() < done or word.start() in busy or normalize_name(word.group()) in ordinary:
            continue
        for offset, name in candidates:
            last = index + len(name.keys) - 1
            if last >= len(words):
                continue
            end = words[last].end()
            said = text[word.start() + offset : end]
            if _same(said, name) and busy.isdisjoint(range(word.start(), end)):
                yield Span(word.start() + offset, end, name.id)
                done = end
                break


def _same(said: str, name: _Name) -> bool:
    words = said.split()
    if len(words) == 1 and script_of_name(said) in CASED:
        return False
    if len(words) != len(name.keys) or any(_consonants(w) != key for w, key in zip(words, name.keys, strict=True)):
        return False
    if len(words) == 1 and normalize_name(said) in given_names():
        return False
    return SequenceMatcher(None, romanised(said.replace(" ", "")), name.text, autojunk=False).ratio() >= _ALIKE


@lru_cache(maxsize=100_000)
def _beginning_with(word: str, following: str) -> tuple[tuple[int, _Name], ...]:
    """Names that may begin with the two words, and how many letters stand before them in the first."""
    allowed = prefixes(script_of_name(word)) or frozenset()
    offsets = [0, *(n for n in (1, 2, 3, 4) if len(word) > n + 2 and word[:n] in allowed)]
    found = []
    for offset in offsets:
        first = _consonants(word[offset:])
        for keys in ((first,), (first, _consonants(following))):
            found += [(offset, name) for name in _index().get(keys, ())]
    return tuple(found)


@lru_cache(maxsize=100_000)
def _consonants(word: str) -> str:
    word = word[:1] + _HEBREW_VOWELS.sub("", word[1:])
    return skeleton(word.removeprefix(_ARTICLE) if len(word) > 4 else word, fine=True)


@cache
def _index() -> dict[tuple[str, ...], tuple[_Name, ...]]:
    """Names by the consonants of their first two words."""
    found: dict[tuple[str, ...], list[_Name]] = {}
    for name in curated()[1]:
        entry = by_id()[name.id]
        known = entry.kind in _KINDS or (entry.kind == "city" and entry.id[0] == "Q")
        person = entry.type == "person" and name.text == entry.name and " " in name.text
        if not known or name.needs or name.stem or not (person or script_of_name(name.text) in SCRIPTS):
            continue
        words = name.text.split()
        keys = tuple(map(_consonants, words))
        if sum(map(len, keys)) >= _LEAST and all(keys):
            one = _Name(name.id, keys, romanised(name.text.replace(" ", "")))
            if one not in found.setdefault(keys[:2], []):
                found[keys[:2]].append(one)
    return {key: tuple(names) for key, names in found.items()}
