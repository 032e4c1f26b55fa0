"""A text as words, for reading names in it: where sentences begin, what stands before a word, what is in quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final, Literal, NamedTuple

import wordfreq

from streams.entities.entries import read_table
from streams.entities.slavic import latinised
from streams.entities.surroundings import kinds

Kind = Literal["person", "place", "organization"]

WORD: Final = re.compile(r"[^\W_]+(?:['’ʼ‑-][^\W_]+)*")
OPEN: Final = "«„“\"»‚”'"
CLOSE: Final = "»“”\"«'"
ROMAN: Final = re.compile(r"^[IVXLCМХІ]+$")
_MOST_QUOTED: Final = 5
"""Words of a name in quotation marks."""
_COMMON: Final = 600
"""wordfreq's groups are a centibel apart: the words down to one in a million."""
_SHOUTED: Final = (12, 0.6)
"""Letters of a line, and the share of capitals among them, from which capitals say nothing."""


ADJECTIVAL: Final = re.compile(
    r"(?:sk|ck|n|ov|ev|zk|rn|ln|sn|vn|tn|ij)(?:i|a|e|o|ego|eho|iho|ogo|omu|emu|im|ih|om|em|ou|oi|u|oga|ega|ata|oto|ia|iat)$"
)
_ENDS: Final = ".!?…"
_BEGIN: Final = 12
"""Characters a line in capitals begins with."""


class Word(NamedTuple):
    """A word and what stands before it. `latin` is empty for words without a capital."""

    start: int
    end: int
    text: str
    latin: str
    capital: bool
    first: bool
    """Begins a sentence, a title or a quotation."""
    gap: str
    """What stands between the word before and this one."""


@cache
def small_words(kind: str) -> frozenset[str]:
    """The words of one kind of tables/small_words.tsv."""
    return frozenset(next(row["words"] for row in read_table("small_words.tsv") if row["kind"] == kind).split())


@cache
def frequent(language: str) -> frozenset[str]:
    """Words so common in the language that at a sentence's start they are no name, latinised."""
    source = {"hr": "sh", "bs": "sh", "sr": "sh", "be": "ru"}.get(language, language)
    listed = wordfreq.get_frequency_list(source, "small")
    return frozenset(latinised(word) for group in listed[:_COMMON] for word in group)


def split(text: str) -> list[Word]:
    words: list[Word] = []
    last = 0
    for match in WORD.finditer(text):
        start = match.start()
        word = match.group()
        capital = word[0].isupper()
        gap = text[last:start]
        first = False
        if capital:
            first = _begins(gap, words[-1] if words else None)
        words.append(Word(start, match.end(), word, latinised(word) if capital else "", capital, first, gap))
        last = match.end()
    return words


def _begins(gap: str, before: Word | None) -> bool:
    if before is None or "\n" in gap:
        return True
    stripped = gap.strip(" \u00a0")
    if not any(c in _ENDS for c in stripped):
        return ":" in stripped
    if stripped[0] != "." or stripped.strip(OPEN + " ") != ".":
        return True
    if len(before.text) == 1 and before.capital:
        return False
    return before.text.lower() not in small_words("abbreviation")


def acronym(word: Word) -> bool:
    """Two to seven letters, most of them capitals, that stand for a name."""
    text = word.text.split("-")[0]
    capitals = sum(c.isupper() for c in text)
    return (
        2 <= len(text) <= 7
        and capitals >= 2
        and capitals * 2 >= len(text)
        and text not in small_words("not_a_name")
        and not ROMAN.match(text)
    )


class RunningText:
    """The words of a text, and which of them belong to names that the tables know."""

    def __init__(self, text: str, known: Iterable[tuple[int, int, Kind]]) -> None:
        self._text = text
        self._words = split(text)
        self._known = self._covered(known)
        self._shouting = self._lines_in_capitals()

    def _covered(self, known: Iterable[tuple[int, int, Kind]]) -> dict[int, Kind]:
        """Known names by the words they cover."""
        at = {word.start: index for index, word in enumerate(self._words)}
        covered: dict[int, Kind] = {}
        for start, end, kind in known:
            index = at.get(start)
            while index is not None and index < len(self._words) and self._words[index].start < end:
                covered[index] = kind
                index += 1
        return covered

    def _lines_in_capitals(self) -> list[tuple[int, int]]:
        found = []
        start = 0
        for line in self._text.split("\n"):
            letters = [c for c in line if c.isalpha()] if line[:_BEGIN].upper() == line[:_BEGIN] else []
            if len(letters) > _SHOUTED[0] and sum(c.isupper() for c in letters) > len(letters) * _SHOUTED[1]:
                found.append((start, start + len(line)))
            start += len(line) + 1
        return found

    def _shouted(self, word: Word) -> bool:
        return any(start <= word.start < end for start, end in self._shouting)

    def _words_capital(self, index: int) -> bool:
        return index < len(self._words) and self._words[index].capital and self._words[index].gap == " "

    def _closing(self, index: int) -> int | None:
        for last in range(index, min(index + _MOST_QUOTED, len(self._words))):
            end = self._words[last].end
            if self._text[end : end + 1] in CLOSE and end < len(self._text):
                return last
        return None

    def _latin(self, index: int) -> str:
        word = self._words[index]
        return word.latin or latinised(word.text)

    def _lower(self, index: int) -> str | None:
        if index >= len(self._words) or self._words[index].capital:
            return None
        return latinised(self._words[index].text)

    def _kinds_before(self, index: int, *, reach: int) -> frozenset[str]:
        """Kinds of the words right before: of the nearest, or with more reach of those before it in one phrase."""
        found: frozenset[str] = frozenset()
        at = index
        while at > 0 and reach:
            gap = self._words[at].gap.strip(' \u00a0«„“"»')
            if gap and not (gap == "." and self._words[at - 1].text.lower() in small_words("abbreviation")):
                break
            at -= 1
            here = kinds(self._latin(at))
            found |= here
            if self._words[at].capital and not self._words[at].first:
                break
            if here & {"field"} and not here & {"role", "firm", "place"}:
                continue
            if not here and not self._words[at].capital and ADJECTIVAL.search(self._latin(at)):
                continue
            reach -= 1
        return found
