"""Weapon designators in any script: letters, a hyphen or a blank or nothing, digits, letters.

`С-300`, `إس-300` and `S300` are spelled one way (`S-300`), and that spelling is looked up in the weapons table. What is
not in the table is taken only under letters that nothing but weapons carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from streams.entities.entries import curated, read_table

_DASH: Final = "[-‐‑‒–—−־ ]?"
_NUMBER: Final = re.compile(r"\d+")
_BEFORE, _AFTER = 16, 12
"""Characters of a designator before its number (the longest letters of the table have 9), and after it."""
_CANONICAL: Final = re.compile(r"^([A-Za-z]{1,5})[- ]?(\d{1,4})([A-Za-z]{0,3})(?:[-/ ]?(\d{1,3}[A-Z]?))?$")
_LETTERS_OF_WEAPONS_ONLY: Final = {
    "mig": (15, 35), "su": (7, 75), "mi": (2, 38), "ka": (25, 62), "tu": (16, 160), "btr": (40, 100), "bmp": (1, 3),
    "rpg": (2, 32), "ah": (1, 64), "uh": (1, 145), "ch": (46, 53), "mq": (1, 28), "rq": (1, 180), "aim": (4, 260),
    "agm": (12, 183), "bgm": (71, 109), "fim": (43, 92), "fgm": (77, 148), "mim": (23, 104), "uss": (0, -1),
    "rim": (7, 174), "kh": (15, 101), "fab": (100, 9000), "kab": (250, 1500), "wz": (7, 10), "kc": (10, 767),
    "f": (4, 47), "jf": (17, 17), "gbu": (10, 57), "cbu": (24, 105), "ach": (0, -1), "mh": (6, 139), "sh": (60, 60),
    "nh": (90, 90), "brdm": (1, 2), "bmd": (1, 4), "zsu": (23, 57), "akm": (0, -1),
}  # fmt: skip
"""Letters and the range of numbers that follow them in weapons known by name; F-1 is a race, B-52 needs the table."""
_CIVIL: Final = frozenset({"tu134", "tu144", "tu154", "tu204", "tu214", "mi1", "ka1"})
_LETTER_AFTER: Final = {"А": "A", "Б": "B", "В": "V", "М": "M", "С": "S", "К": "K", "Е": "E", "Т": "T", "Х": "Kh"}


class Designator(NamedTuple):
    """Where in the original text, and what."""

    start: int
    end: int
    id: str
    name: str


@cache
def _spellings() -> dict[str, str]:
    found: dict[str, str] = {}
    for row in read_table("designator_letters.tsv"):
        for spelling in (row["letters"], *(row["spellings"] or "").split(", ")):
            if spelling.strip():
                found[spelling.strip()] = row["letters"]
    return found


@cache
def _known() -> dict[str, str]:
    """Spelled without hyphen and in small letters: the weapon's id."""
    entries, names = curated()
    found: dict[str, str] = {}
    for name in names:
        if entries[name.id].type == "weapon" and _CANONICAL.match(name.text):
            found.setdefault(_key(name.text), name.id)
    return found


def _key(text: str) -> str:
    return re.sub(r"[-/ ]", "", text).lower()


@cache
def _pattern() -> re.Pattern[str]:
    spelled = sorted((s for s in _spellings() if not s.isascii()), key=len, reverse=True)
    foreign = "|".join(re.escape(s) for s in spelled)
    latin = r"(?<![A-Za-z0-9_./@&-])[A-Z][A-Za-z]{0,4}"
    before = r"(?:(?<!\w)|(?<=[بلوفكהבלמ])|(?<=[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]))"
    return re.compile(
        rf"(?:({latin})|{before}({foreign})){_DASH}(\d{{1,4}})(?![\d%]|[.,:]\d)"
        rf"([A-Za-zА-Я]{{1,3}}(?![a-zа-я])(?:{_DASH}\d{{1,2}}(?!\d))?)?",
    )


def find(text: str) -> list[Designator]:
    """All designators of weapons in a text."""
    found = []
    for start, end in _around_digits(text):
        for match in _pattern().finditer(text, start, end):
            latin, foreign, number, suffix = match.groups()
            letters = latin if latin else _spellings()[foreign]
            letters = _spellings().get(letters, letters)
            found += _resolve(match, letters, number, suffix or "", bool(latin))
    return found


def _around_digits(text: str) -> Iterator[tuple[int, int]]:
    """The stretches in which a designator can stand: the pattern is slow, and most of a text has no number."""
    begin = end = -1
    for match in _NUMBER.finditer(text):
        if begin >= 0 and match.start() - _BEFORE > end:
            yield begin, end
            begin = -1
        begin = max(0, match.start() - _BEFORE) if begin < 0 else begin
        end = match.end() + _AFTER
    if begin >= 0:
        yield begin, end


def _resolve(match: re.Match[str], letters: str, number: str, suffix: str, latin: bool) -> list[Designator]:
    suffix = "".join(_LETTER_AFTER.get(c, c) for c in suffix)
    known = _known()
    end = match.end()
    spaced = " " in match.group()[: match.start(3) - match.start()]
    for tail in (suffix, suffix[:1], ""):
        identity = known.get(_key(letters + number + tail))
        if identity is not None:
            if spaced and len(letters) == 1 and latin:  # "A 10 percent rise"
                continue
            stop = end if tail == suffix else match.end(3) + len(tail)
            return [Designator(match.start(), stop, identity, curated()[0][identity].name)]
    bounds = _LETTERS_OF_WEAPONS_ONLY.get(letters.lower())
    key = _key(letters + number)
    hyphenated = not spaced and match.start(3) - match.start() > len(match.group(1) or match.group(2))
    if bounds is None or not hyphenated or key in _CIVIL or not bounds[0] <= int(number) <= bounds[1]:
        return []
    if latin and letters.islower():
        return []
    name = f"{letters}-{number}"
    return [Designator(match.start(), match.end(3), f"pw:weapon:{name.lower()}", name)]
