"""Persons that no table knows: a given name and what follows it.

In scripts with capitals a known given name opens a run of capitalised words; in Arabic, Persian and Hebrew the word
after it is taken; in Japanese, foreign names are known by the dot inside them. Later mentions by the surname alone
belong to the same person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from streams.entities.entries import TABLES
from streams.entities.morphology import script_of
from streams.entities.normalization import normalize_name
from streams.entities.skeleton import romanised, skeleton
from streams.entities.span import Span

_CASED_RANGES: Final = ((0x41, 0x250), (0x370, 0x557), (0x1E00, 0x2000))
_UPPER: Final = "".join(chr(c) for low, high in _CASED_RANGES for c in range(low, high) if chr(c).isupper())
_CAPITALISED: Final = re.compile(rf"(?<!\w)[{re.escape(_UPPER)}][^\W\d_]*(?:['’-][^\W\d_]+)*\.?")
_PARTICLES: Final = frozenset(
    [
        "van", "von", "de", "der", "den", "del", "della", "di", "da", "dos", "das", "du", "la", "le", "al", "el",
        "bin", "ibn", "ben", "ter", "ten", "zu", "af", "av", "y",
    ]
)  # fmt: skip
_TELLING: Final = 3
"""Consonants that tell one name from others without the vowels."""
_MOST_WORDS: Final = 4
_UNCASED_NAME: Final = re.compile(r"[\u0590-\u05ff\u0600-\u06ff]+(?:['\"-][\u0590-\u05ff\u0600-\u06ff]+)*")
_KATAKANA_NAME: Final = re.compile(r"[ァ-ヴー]{2,8}[・＝=][ァ-ヴー]{2,12}")
_NOT_SURNAMES: Final = frozenset(
    normalize_name(word)
    for word in [
        "في", "من", "على", "إلى", "عن", "أن", "قال", "قالت", "الذي", "التي", "و", "كان", "هو", "هي",
        "إن", "بعد", "قبل", "مع", "بين", "هذا", "هذه", "قد", "لن", "لا", "ما", "كما", "حيث", "رئيس",
        "وزير", "از", "در", "به", "که", "را", "با", "این", "آن", "بود", "است", "شد", "گفت", "وزیر",
        "رئیس", "برای", "تا", "של", "את", "על", "עם", "כי", "לא", "הוא", "היא", "אמר", "אמרה",
        "לפני", "אחרי", "גם", "או", "אם", "נשיא", "שר",
    ]
)  # fmt: skip
_CASE_ENDING: Final = re.compile(
    r"(?<=\w{4})(?:ого|его|ому|ему|ові|еві|ою|ею|ым|им|ом|ем|ой|ей|ів|ов[аиі]?|[ауюяеиіыь])$"
)


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    dotted: bool


@cache
def given_names() -> frozenset[str]:
    """Normalized given names, of every script."""
    lines = (TABLES / "given_names.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(normalize_name(line) for line in lines if line and not line.startswith("#"))


def person_id(name: str) -> str:
    """An id of ours: the consonants of the first and the last name, so that other scripts come close to it."""
    words = normalize_name(name.replace("・", " ")).split(" ")
    parts = [words[0], _base(words[-1])] if len(words) > 1 else words
    return "pw:person:" + "-".join(_part(part) for part in parts)


def _part(word: str) -> str:
    """Of a word with few consonants the vowels count too: Wang Yi is not Wang Yu."""
    consonants = skeleton(word, fine=True)
    return consonants if len(consonants) >= _TELLING else romanised(word) or "x"


def find(text: str, language: str, taken: list[Span]) -> list[Span]:
    """Persons outside the spans already taken."""
    busy = _Busy(taken)
    found = [*_in_cased(text, busy), *_in_uncased(text, busy)]
    if language == "ja":
        found += [
            Span(m.start(), m.end(), person_id(m.group()), m.group())
            for m in _KATAKANA_NAME.finditer(text)
            if busy.free(m.start(), m.end())
        ]
    return found


class _Busy:
    """Which characters already belong to something."""

    def __init__(self, spans: list[Span]) -> None:
        self._taken = {position for span in spans for position in range(span.start, span.end)}

    def free(self, start: int, end: int) -> bool:
        return self._taken.isdisjoint(range(start, end))


def _in_cased(text: str, busy: _Busy) -> Iterator[Span]:
    words = [
        _Word(m.start(), m.end() - m.group().endswith("."), m.group().rstrip("."), m.group().endswith("."))
        for m in _CAPITALISED.finditer(text)
    ]
    surnames: dict[str, tuple[str, str]] = {}
    used: set[int] = set()
    for index, word in enumerate(words):
        if index in used or not busy.free(word.start, word.end) or not _is_given(word.text):
            continue
        last = index
        while last + 1 < len(words) and last - index < _MOST_WORDS - 1:
            if not _joined(text, words[last], words[last + 1]) or not busy.free(
                words[last + 1].start, words[last + 1].end
            ):
                break
            last += 1
        if last == index or (words[last].text.isupper() and len(words[last].text) > 1 and not word.text.isupper()):
            continue
        name = text[word.start : words[last].end]
        identity = person_id(name)
        used.update(range(index, last + 1))
        surnames.setdefault(_base(normalize_name(words[last].text)), (identity, name))
        yield Span(word.start, words[last].end, identity, name)
    if surnames:
        for index, word in enumerate(words):
            free = index not in used and len(word.text) > 2
            person = surnames.get(_base(normalize_name(word.text))) if free else None
            if person is not None and busy.free(word.start, word.end):
                yield Span(word.start, word.end, person[0], person[1])


def _is_given(word: str) -> bool:
    normalized = normalize_name(word)
    names = given_names()
    if normalized in names or normalized.split(" ")[0] in names:
        return len(normalized) > 2
    if script_of(word[0]) == "cyrillic" or script_of(word[0]) == "latin":
        # Case endings: Сергея, Сергею, Donalda, Andrzejem
        for cut in (1, 2):
            stem = normalized[:-cut]
            if len(stem) > 3 and normalized[-cut:] in _NAME_ENDINGS and (stem in names or stem + "й" in names):
                return True
    return False


_NAME_ENDINGS: Final = frozenset(
    {"а", "у", "я", "ю", "ом", "ем", "ові", "a", "u", "em", "om", "owi", "ovi", "е", "и", "ы"}
)


def _joined(text: str, one: _Word, other: _Word) -> bool:
    between = text[one.end : other.start]
    if between == " " or between == "\u00a0":
        return True
    if between == ". ":
        return one.dotted and len(one.text) <= 2
    particles = between.split()
    return (
        bool(particles)
        and len(particles) <= 2
        and between[0] == between[-1] == " "
        and _PARTICLES.issuperset(particles)
    )


def _base(word: str) -> str:
    """A normalized surname without its Cyrillic case ending."""
    return _CASE_ENDING.sub("", word) if word and script_of(word[0]) == "cyrillic" else word


def _in_uncased(text: str, busy: _Busy) -> Iterator[Span]:
    words = list(_UNCASED_NAME.finditer(text))
    names = given_names() if words else frozenset()
    skip = -1
    for index, word in enumerate(words[:-1]):
        following = words[index + 1]
        if index <= skip or normalize_name(word.group()) not in names or text[word.end() : following.start()] != " ":
            continue
        if normalize_name(following.group()) in _NOT_SURNAMES or len(following.group()) < 3:
            continue
        if busy.free(word.start(), following.end()):
            skip = index + 1
            name = text[word.start() : following.end()]
            yield Span(word.start(), following.end(), person_id(name), name)
