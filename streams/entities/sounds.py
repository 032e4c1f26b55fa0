"""Names of the tables, recognised by their sound in scripts that the tables do not have them in.

A word is spelled in Latin letters and brought down to its consonants, as are the names; where these agree, the
spellings are compared letter by letter. Ordinary words that sound like a name are listed in ordinary_words.tsv.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import Final, NamedTuple

from anyascii import anyascii

from streams.entities.entries import by_id, curated, ordinary_words
from streams.entities.morphology import CASED, prefixes, script_of, script_of_name
from streams.entities.normalization import normalize_name
from streams.entities.span import Span

_WORD: Final = re.compile(
    "[\u0370-\u03ff\u1f00-\u1fff]+|[\u0531-\u0587]+|[\u0900-\u097f]+|[\u0980-\u09ff]+"
    "|[\u0a00-\u0a7f]+|[\u0a80-\u0aff]+|[\u0b80-\u0bff]+|[\u0c00-\u0c7f]+|[\u0c80-\u0cff]+|[\u0d00-\u0d7f]+"
    "|[\u0d80-\u0dff]+|[\u10d0-\u10ff]+|[\u1200-\u137f]+|[\u30a1-\u30f4\u30fc]+"
)
SCRIPTS: Final = frozenset(
    {"greek", "armenian", "devanagari", "bengali", "gurmukhi", "gujarati", "tamil", "telugu", "kannada", "malayalam"}
    | {"sinhala", "georgian", "ethiopic", "kana"}
)
"""Scripts that write vowels, and words apart; Katakana does by keeping to foreign words."""
_ONE_LIQUID: Final = frozenset({"kana"})
_SUFFIXING: Final = frozenset(
    {"tamil", "telugu", "kannada", "malayalam", "sinhala", "georgian", "armenian", "bengali", "ethiopic", "greek"}
)
_LEAST_LETTERS: Final = 5
_LEAST_CONSONANTS: Final = 4
_LEAST_OF_SEVERAL: Final = 6
"""Consonants, of all words of a name together."""
_ALIKE: Final = 0.8
_ALIKE_INFLECTED: Final = 0.86
_ALIKE_WORD: Final = 0.66
"""Of each word of a name that has several."""
_REGIONS_OF: Final = frozenset({None, "US", "CA", "AU", "GB", "DE", "FR", "ES", "IT", "IN", "ID", "SY", "IQ"})
_TOWNS_OF: Final = frozenset({"US", "CA", "AU", "NZ", "GB", "IE", "DE"})
"""Countries of which smaller towns are looked for, too, if their names are long."""
_SHORT_SYLLABLES: Final = frozenset({"CN", "KR", "JP", "VN", "TW"})
"""Countries of short syllables: their towns sound like anything."""
_KINDS: Final = frozenset({"person", "region", "company", "media", "capital"})

_LATIN: Final = (
    ("sch", "s"), ("tch", "s"), ("sh", "s"), ("ch", "s"), ("zh", "s"), ("ph", "f"), ("th", "t"), ("gh", "g"),
    ("kh", "k"), ("ck", "k"), ("dg", "g"), ("ts", "s"), ("tz", "s"), ("qu", "kv"), ("ce", "se"),
    ("ci", "si"), ("cy", "si"), ("x", "ks"), ("c", "k"), ("q", "k"), ("z", "s"), ("j", "g"),
)  # fmt: skip
_DIGRAPHS: Final = (("sh", "s"), ("ch", "s"), ("zh", "s"), ("ph", "f"), ("th", "t"), ("gh", "g"), ("kh", "k"))
_ONE_SOUND: Final = str.maketrans("cqzj", "sksg")
_NASAL: Final = re.compile("m(?=[tdkgs])")
_CLASSES: Final = str.maketrans("bpvdgz", "ffftks")
_NO_LETTER: Final = re.compile("[^a-z]+")


class _Name(NamedTuple):
    id: str
    words: tuple[str, ...]
    """As they sound."""


def find(text: str, language: str, taken: list[Span]) -> Iterator[Span]:
    """Names that stand outside the spans already taken."""
    words = list(_WORD.finditer(text))
    if not words:
        return
    busy = {position for span in taken for position in range(span.start, span.end)}
    ordinary = ordinary_words().get(language, {})
    done = -1
    for index, word in enumerate(words):
        if word.start() < done or word.start() in busy or len(word.group()) < 3:
            continue
        candidates = _candidates(word.group())
        if not candidates or normalize_name(word.group()) in ordinary:
            continue
        for name, offset in candidates:
            end = _follow(text, words, index, name)
            if end > 0 and busy.isdisjoint(range(word.start(), end)):
                yield Span(word.start() + offset, end, name.id)
                done = end
                break


def _follow(text: str, words: list[re.Match[str]], index: int, name: _Name) -> int:
    """Where the name ends whose first word is the one at `index`; -1 if other words follow."""
    for wanted in name.words[1:]:
        index += 1
        if index >= len(words) or text[words[index - 1].end() : words[index].start()] not in (" ", "-", "・", "\u00a0"):
            return -1
        script = script_of(words[index].group()[0])
        if not any(
            _alike(heard, wanted, script) >= _ALIKE_WORD for heard, _ in _readings(words[index].group(), script)
        ):
            return -1
    return words[index].end()


def _least_single(script: str) -> float:
    return _ALIKE_INFLECTED if script in _SUFFIXING and script != "bengali" else _ALIKE


@lru_cache(maxsize=200_000)
def _candidates(word: str) -> tuple[tuple[_Name, int], ...]:
    """Names that may begin with the word, the most alike first, and how many letters stand before them in it."""
    script = script_of_name(word)
    if script in CASED and not word[0].isupper():
        return ()
    found: list[tuple[float, _Name, int]] = []
    index = _index(script in _ONE_LIQUID)
    for heard, offset in _readings(word, script):
        key = _consonants(heard, script)
        for length in range(len(key), max(len(key) - (2 if script in _SUFFIXING else 0), 2) - 1, -1):
            for name in index.get(key[:length], ()):
                single = len(name.words) == 1
                if single and (len(name.words[0]) < _LEAST_LETTERS or length < _LEAST_CONSONANTS):
                    continue
                alike = _alike(heard, name.words[0], script)
                if alike >= (_least_single(script) if single else _ALIKE_WORD):
                    found.append((alike + len(name.words), name, offset))
    found.sort(key=lambda candidate: -candidate[0])
    return tuple((name, offset) for _, name, offset in found)


def _readings(word: str, script: str) -> list[tuple[str, int]]:
    """How the word sounds, as it is and without what may be written together with it, and how much that is."""
    readings = [(_heard(word), 0)]
    allowed = prefixes(script)
    if allowed is not None:
        for length in (1, 2, 3):
            if len(word) > length + 2 and word[:length] in allowed:
                readings.append((_heard(word[length:]), length))
    return readings


def _heard(word: str) -> str:
    """`Leicester` as lesester: letters that sound alike made one."""
    text = _NO_LETTER.sub("", anyascii(word).lower())
    if word.isascii():
        for letters, one in _LATIN:
            text = text.replace(letters, one)
    else:
        if "h" in text:
            for letters, one in _DIGRAPHS:
                text = text.replace(letters, one)
        text = text.translate(_ONE_SOUND)
    return _NASAL.sub("n", text)


def _consonants(heard: str, script: str) -> str:
    if script in _ONE_LIQUID:
        heard = heard.replace("l", "r")
    found = ""
    for letter in heard.replace("w", "v").translate(_CLASSES):
        if letter not in "aeiouyh" and not found.endswith(letter):
            found += letter
    return found


def _alike(heard: str, name: str, script: str) -> float:
    if script in _SUFFIXING:
        heard = heard[: len(name) + 1]
    if script in _ONE_LIQUID:
        heard, name = heard.replace("l", "r"), name.replace("l", "r")
    return SequenceMatcher(None, heard, name, autojunk=False).ratio()


@cache
def _index(one_liquid: bool) -> dict[str, tuple[_Name, ...]]:
    """Names by the consonants of their first word."""
    script = "kana" if one_liquid else "latin"
    found: dict[str, list[_Name]] = {}
    for identity, text in _sought():
        words = tuple(_heard(word) for word in normalize_name(text).split(" "))
        several = sum(len(_consonants(word, "latin")) for word in words)
        if not all(words) or (len(words) > 1 and several < _LEAST_OF_SEVERAL):
            continue
        if len(words) > 1 and by_id()[identity].type == "place":
            continue
        name = _Name(identity, words)
        keys = {_consonants(words[0], script), _consonants(words[0].replace("w", ""), script)}
        for key in keys:
            if len(key) >= 2 and name not in found.setdefault(key, []):
                found[key].append(name)
    return {key: tuple(names) for key, names in found.items()}


def _sought() -> Iterator[tuple[str, str]]:
    """Ids and Latin names of persons, regions, towns, companies and media."""
    for entry in curated()[0].values():
        if entry.kind == "region" and entry.country not in _REGIONS_OF:
            continue
        if entry.country in _SHORT_SYLLABLES and entry.type == "place":
            continue
        known = entry.kind in _KINDS or (entry.kind == "city" and entry.id[0] == "Q")
        town = entry.kind == "city" and entry.country in _TOWNS_OF
        if known or (town and len(_consonants(_heard(entry.name), "latin")) > _LEAST_CONSONANTS):
            yield entry.id, entry.name
