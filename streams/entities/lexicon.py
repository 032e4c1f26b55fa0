"""Names, found in text: an Aho-Corasick automaton over first words, checked word by word.

The automaton holds the part of each name's first word that never changes. Where it strikes, the rest of the word and
the words after it are compared with what the language lets a name end in, and the start with what it lets stand before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import ahocorasick

from streams.entities.adjectives import adjective
from streams.entities.morphology import (
    CASED,
    ENDS_INFLECTED,
    UNSPACED,
    Rest,
    WordForm,
    prefixes,
    script_of_name,
    stem_form,
    word_form,
)
from streams.entities.normalization import Normalized, normalize_name
from streams.entities.span import Needs

_MAX_REST: Final = 18
_SHORT: Final = 6
_TONED: Final = frozenset({"thai", "lao"})
_SHORT_TONED: Final = 6
"""Letters. Shorter names must have the tones of the table."""
_ARTICLE: Final = "ال"
_GAP: Final = 2
"""Blanks more than one that may stand between two words of a name: an ampersand, a quotation mark, a dash."""


class Alias(NamedTuple):
    """A name of something, as a table has it."""

    text: str
    id: str
    stem: bool = False
    """The last word goes on with any ending."""
    place: bool = False
    """Adjectives and compounds of the name stand for it too."""
    capital: bool | None = None
    """Must be capitalised in the text. None: if it is here."""
    needs: Needs = ""
    fixed: bool = False
    """Never takes an ending."""
    adjective: bool = False
    """Stands for the adjectives and inhabitants of a place of this name, not for the name."""


class Hit(NamedTuple):
    """A name in the text. Offsets count in the normalized text."""

    start: int
    end: int
    ids: tuple[str, ...]
    """More than one where several things have the name."""
    needs: Needs


_How = tuple[Rest | None, tuple[WordForm, ...], int, str, Needs]


class _Entry(NamedTuple):
    first: Rest | None
    others: tuple[WordForm, ...]
    case: int
    """0 any, 1 capitalised, 2 all capitals."""
    accents: str
    """How a short name is spelled with its accents, in small letters; empty where they do not matter."""
    needs: Needs
    ids: tuple[str, ...]


class Lexicon:
    """Names of one script or one language."""

    def __init__(self, aliases: Iterable[Alias], language: str) -> None:
        """`language` decides on endings; `und` allows those that are common to the script."""
        entries: dict[str, dict[_How, list[str]]] = {}
        for alias in aliases:
            prepared = _prepare(alias, language)
            if prepared is None:
                continue
            key, how = prepared
            ids = entries.setdefault(key, {}).setdefault((*how, alias.needs), [])
            if alias.id not in ids:
                ids.append(alias.id)
        self._automaton = ahocorasick.Automaton()
        for key, variants in entries.items():
            every = tuple(_Entry(*how, tuple(ids)) for how, ids in variants.items())
            inflected = tuple(entry for entry in every if entry.first is not None)
            self._automaton.add_word(key, (len(key), every, inflected))
        self._empty = not entries
        if not self._empty:
            self._automaton.make_automaton()

    def find(self, normalized: Normalized, original: str) -> Iterator[Hit]:
        """Every name that stands in the text; they may overlap."""
        if self._empty:
            return
        text = normalized.text
        for last, (length, every, inflected) in self._automaton.iter(text):
            start = last - length + 1
            end = last + 1
            if text[start] == " ":
                start += 1
                word_start = start
            else:
                script = script_of_name(text[start:end])
                word_start = start
                if script not in UNSPACED:
                    word_start = text.rfind(" ", 0, start) + 1
                    allowed = prefixes(script)
                    if allowed is None or text[word_start:start] not in allowed:
                        continue
                else:
                    for entry in every:
                        if not entry.accents or _accented(normalized, original, start, entry.accents):
                            yield Hit(start, end, entry.ids, entry.needs)
                    continue
                if text[start - len(_ARTICLE) : start] == _ARTICLE:  # one place, with the article or without
                    start -= len(_ARTICLE)
            stop = text.find(" ", end)
            rest = text[end:stop]
            if len(rest) > _MAX_REST:
                continue
            for entry in inflected if rest else every:
                finish = stop
                if entry.others:
                    # Most names end here, so it comes before everything that takes longer.
                    if not text.startswith(entry.others[0].stem, stop + 1) and text[stop + 1 : stop + 2] != " ":
                        continue
                    finish = _follow(text, stop, entry.others)
                    if finish < 0:
                        continue
                if entry.first is not None and not entry.first.fullmatch(rest):
                    continue
                if entry.case and not _cased(normalized, original, start, finish, entry.case):
                    continue
                if entry.accents and not _accented(normalized, original, start, entry.accents):
                    continue
                yield Hit(start, finish, entry.ids, entry.needs)


def _follow(text: str, position: int, forms: tuple[WordForm, ...]) -> int:
    """Where the last of the words ends that begin after the blank at `position`; -1 if they are others."""
    for form in forms:
        begin = position + 1
        while text[begin : begin + 1] == " " and begin - position <= _GAP:
            begin += 1
        if not text.startswith(form.stem, begin):
            return -1
        end = begin + len(form.stem)
        position = text.find(" ", end)
        rest = text[end:position]
        if rest:
            if form.rest is None or len(rest) > _MAX_REST or not form.rest.fullmatch(rest):
                return -1
        elif form.rest is not None and not form.rest.fullmatch(""):
            return -1
    return position


def _cased(normalized: Normalized, original: str, start: int, end: int, case: int) -> bool:
    span = original[normalized.original(start) : normalized.original(end)]
    if case == 1:
        return next((c.isupper() for c in span if c.isalpha()), False)
    letters = [c for c in span if c.isalpha()]
    return all(c.isupper() for c in letters[:2]) and sum(c.isupper() for c in letters) * 3 >= len(letters) * 2 - 1


def _accented(normalized: Normalized, original: str, start: int, accents: str) -> bool:
    begin = normalized.original(start)
    return _small(original[begin : begin + len(accents)]) == accents


def _small(name: str) -> str:
    return name.replace("İ", "i").replace("I", "i").replace("ı", "i").lower()


def _prepare(alias: Alias, language: str) -> tuple[str, tuple[Rest | None, tuple[WordForm, ...], int, str]] | None:
    name = normalize_name(alias.text)
    if not name:
        return None
    script = script_of_name(name)
    if script in UNSPACED:
        return name, (None, (), 0, alias.text if script in _TONED and len(name) <= _SHORT_TONED else "")
    words = name.split(" ")
    case = 0
    if script in CASED:
        letters = [c for c in alias.text if c.isalpha()]
        acronym = len(letters) <= 6 and len(words) <= 2 and all(c.isupper() for c in letters) and len(letters) > 1
        capital = letters[:1] != [] and letters[0].isupper() if alias.capital is None else alias.capital
        case = 2 if acronym and alias.capital is not False else int(capital)
    if alias.adjective:
        form = adjective(name, language)
        if form is None:
            return None
        forms, case = [form], 0
    elif case == 2 or alias.fixed:
        forms = [WordForm(w, None) for w in words]
    else:
        single = alias.place and len(words) == 1
        forms = [word_form(w, language, adjectives=single, compounds=alias.place) for w in words]
        if script == "latin" and language in ENDS_INFLECTED:
            forms[:-1] = [WordForm(w, None) for w in words[:-1]]
    if alias.stem:
        forms = [*forms[:-1], stem_form(words[-1], language)]
    first = forms[0]
    key = first.stem
    allowed = prefixes(script)
    if allowed is None:
        key = f" {key}"
    elif script == "arabic" and alias.place and key.startswith(_ARTICLE) and len(key) > 5:
        key = key[2:]
    # Länder is not Lander, and dän not Dan: short Latin words must have the accents of the name.
    short = script == "latin" and len(name) <= _SHORT and " " not in name and alias.id != ""
    accents = _small(alias.text)[: len(first.stem)] if short and not alias.adjective else ""
    return key, (first.rest, tuple(forms[1:]), case, accents)
