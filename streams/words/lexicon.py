"""What words say of a transfer, in each language: the tables in `tables/words/`, compiled for one pass over a text.

A row is a language, a class and its forms, separated by commas. A bare form begins a word, so that it stands for all
its inflections; `tables/languages.tsv` names the languages written without spaces, where it may stand anywhere.
`=form` is a whole word, `*form` may stand anywhere, which is how compounds are reached (`*lieferung`).

Classes: what the supplier does (give, sell), what the recipient does (buy, get), what either does (aid, deal, lease,
licence, upgrade, illicit), in what state it is (block, cancel, ask, of which want is the recipient's part, plan, deny,
allege, neg), what is transferred (arms; gear, which is military only beside mil), and what else talks of weapons
(fight, test, civil, own, treaty). A form of class `none` hides what stands in it: it only looks like one of the others.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import ahocorasick

from streams.words.folding import fold, in_word, without_marks

TABLES = Path(__file__).parent / "tables"

CLASSES = (
    "give", "sell", "buy", "get", "aid", "deal", "lease", "licence", "upgrade", "illicit",
    "block", "cancel", "ask", "want", "plan", "deny", "allege", "neg",
    "arms", "gear", "mil", "fight", "test", "civil", "own", "treaty",
)  # fmt: skip
LOOKALIKE = "none"
_ANY_LANGUAGE = "mul"
TRANSFER = frozenset({"give", "sell", "buy", "get", "aid", "deal", "lease", "licence", "upgrade", "illicit"})
OTHER_TALK = frozenset({"fight", "test", "civil", "own", "treaty"})

Order = Literal["svo", "sov", "vso"]

_CLITICS = {
    "ar": re.compile(r"[وف]?(?:[بكل]?ال|لل|[بكلس]|س?[يتن])?"),
    "he": re.compile(r"[והבלמשכ]{1,3}"),
    "fa": re.compile(r"ن?مي|[نب]"),
}


_ELSEWHERE = frozenset({"bs", "sr", "sh", "cnr", "zh-hant", "zh-tw", "zh-yue", "yue", "prs", "pnb", "as", "mo"})
"""Languages that share a table, but not its country."""

_SERBIAN = str.maketrans("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш")


@dataclass(frozen=True, slots=True)
class Hit:
    """A form found in a text: offsets count characters, end exclusive (of the form, not of its word)."""

    start: int
    end: int
    cls: str


@dataclass(frozen=True, slots=True)
class _Form:
    text: str
    cls: str
    start_bound: bool
    end_bound: bool


def read_table(path: Path) -> Iterator[list[str]]:
    """The rows of a table, without comments."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row and not row[0].startswith("#"):
                yield row


@dataclass(frozen=True, slots=True)
class LanguageInfo:
    """How a language is matched, where its subject and verb stand, and the one country where most read it."""

    code: str
    anywhere: bool
    order: Order
    home: str | None = None


@lru_cache(maxsize=1)
def languages() -> dict[str, LanguageInfo]:
    """By every name a language goes by."""
    found: dict[str, LanguageInfo] = {}
    for row in read_table(TABLES / "languages.tsv"):
        order: Order = "sov" if row[2] == "sov" else "vso" if row[2] == "vso" else "svo"
        home = row[4] if len(row) > 4 else None
        info = LanguageInfo(row[0], row[1] == "anywhere", order, home)
        for name in [row[0], *filter(None, row[3].split(",") if len(row) > 3 else [])]:
            found[name] = replace(info, home=None) if name in _ELSEWHERE else info
    return found


def language_info(language: str) -> LanguageInfo | None:
    """What is known of `language`, under the name other stages give it (`zh-Hant`, `nb`, `sr` …)."""
    tag = language.lower().replace("_", "-")
    known = languages()
    return known.get(tag) or known.get(tag.split("-")[0])


class Lexicon:
    """One language's forms, found in one pass (Aho and Corasick 1975)."""

    def __init__(self, info: LanguageInfo, rows: list[tuple[str, list[str]]]) -> None:
        self.info = info
        self._clitics = _CLITICS.get(info.code)
        by_text: dict[str, list[_Form]] = {}
        for cls, forms in rows:
            for written in forms:
                form = _parse_form(written, cls, info.anywhere)
                by_text.setdefault(form.text, []).append(form)
        self._automaton = ahocorasick.Automaton()
        for text, alike in by_text.items():
            self._automaton.add_word(text, tuple(alike))
        self._automaton.make_automaton()

    def hits(self, folded: str) -> list[Hit]:
        """All forms in `folded` (see `folding.fold`), in order of their start.

        A form inside a longer one of other talk goes ("weapons" in "chemical weapons", which is a treaty's matter).
        """
        plain, places = without_marks(folded)
        found: list[Hit] = []
        for last, forms in self._automaton.iter(plain):
            end = last + 1
            for form in forms:
                start = end - len(form.text)
                if form.start_bound and not self._begins_word(plain, start):
                    continue
                if form.end_bound and end < len(plain) and in_word(plain[end]):
                    continue
                if places is None:
                    found.append(Hit(start, end, form.cls))
                else:
                    found.append(Hit(places[start], places[end - 1] + 1, form.cls))
        found.sort(key=lambda hit: (hit.start, -hit.end, hit.cls))
        return _without_covered(found)

    def _begins_word(self, text: str, start: int) -> bool:
        if start == 0 or not in_word(text[start - 1]):
            return True
        if self._clitics is None:
            return False
        begin = start
        while begin > 0 and start - begin <= 5 and in_word(text[begin - 1]):
            begin -= 1
        return self._clitics.fullmatch(text, begin, start) is not None


def _parse_form(written: str, cls: str, anywhere: bool) -> _Form:
    if written.startswith("="):
        return _Form(_plain(written[1:]), cls, True, True)
    if written.startswith("*"):
        return _Form(_plain(written[1:]), cls, False, False)
    return _Form(_plain(written), cls, not anywhere, False)


def _plain(written: str) -> str:
    return without_marks(fold(written))[0]


def _without_covered(hits: list[Hit]) -> list[Hit]:
    """Without forms inside a longer one of other talk or a lookalike, without other talk inside a weapon (Hungarian
    harckocsi), and without a transfer inside a longer one (a delivery that is taken)."""
    kept: list[Hit] = []
    cover = armed = moved = Hit(-1, -1, "")
    for hit in hits:
        if _inside(hit, cover) or (hit.cls in OTHER_TALK and _inside(hit, armed)):
            continue
        if hit.cls in TRANSFER:
            if _inside(hit, moved):
                continue
            if hit.end > moved.end:
                moved = hit
        if hit.cls != LOOKALIKE:
            kept.append(hit)
        if (hit.cls == LOOKALIKE or hit.cls in OTHER_TALK) and hit.end > cover.end:
            cover = hit
        elif hit.cls == "arms" and hit.end > armed.end:
            armed = hit
    return kept


def _inside(hit: Hit, other: Hit) -> bool:
    return other.start <= hit.start and hit.end <= other.end and hit.end - hit.start < other.end - other.start


@lru_cache(maxsize=1)
def _rows() -> dict[str, list[tuple[str, list[str]]]]:
    rows: dict[str, list[tuple[str, list[str]]]] = {}
    for path in sorted((TABLES / "words").glob("*.tsv")):
        for row in read_table(path):
            forms = [form.strip() for form in row[2].split(",")]
            rows.setdefault(row[0], []).append((row[1], [form for form in forms if form]))
    rows["hr"] = [(cls, [*forms, *map(_in_cyrillic, forms)]) for cls, forms in rows["hr"]]
    return rows


def _in_cyrillic(form: str) -> str:
    """Serbian is written in both alphabets, letter for letter."""
    for latin, cyrillic in (("lj", "љ"), ("nj", "њ"), ("dž", "џ")):
        form = form.replace(latin, cyrillic)
    return form.translate(_SERBIAN)


@lru_cache(maxsize=80)
def _lexicon(code: str) -> Lexicon:
    return Lexicon(languages()[code], _rows()[code] + _rows()[_ANY_LANGUAGE])


def lexicon(language: str) -> Lexicon | None:
    """The lexicon of a language, built on first use; None where there is none."""
    info = language_info(language)
    return _lexicon(info.code) if info else None
