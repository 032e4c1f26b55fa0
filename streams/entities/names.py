"""Names that no table knows, in Slavic languages: runs of capitalised words, and what the words around make them.

A body begins with or around a word for one (Krajský soud v Ostravě, Министерство обороны); a run of two capitalised
words is a person unless something says otherwise; a single word is what its neighbours make it, or what a longer name
in the same text says it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from streams.entities.running import ADJECTIVAL, WORD, Kind, frequent
from streams.entities.runs import NATIONAL, Found, RunText, foreign
from streams.entities.slavic import latinised, same
from streams.entities.surroundings import ends_like_surname, is_given, is_given_as_listed, kinds

_SUFFIX_OF_PLACE: Final = re.compile(
    r"(?:grad|gorod|burg|berg|abad|polis|pol|sk|ck|ice|icah|icih|icim|any|ovo|evo|ovce|ovcih|hrad|stan|land|nia|sina|zzia|ia|iia)"
    r"(?:a|u|e|i|em|om|ou|oi|ie|ii|iu|ah|ih)?$"
)
_LIKE_A_BODY: Final = re.compile(
    r"(?:bank|centr|centar|gaz|prom|naft|neft|energo|eksport|telekom|trans|holding|invest|aviat?|stroi|nadzor|stat|min|fin)"
    r"(?:a|u|e|i|om|em|ou)?$|^(?:min|ukr|ros|bel|bulgar|gos|derz|oblast)(?!k)[a-z]{3,}(?:nadzor|or[og]n[ai]?|bud|gaz|prom|zaliznic[ai]?|post|kom|servis|fond|agro)"
)
_WITH: Final = frozenset({"z", "ze", "s", "so", "sa", "zi", "iz"})
_INSTRUMENTAL: Final = ("im", "em", "om")
_AND: Final = frozenset({"i", "a", "ta", "in", "oraz", "ili", "abo", "nebo", "alebo", "ale"})


def find(text: str, language: str, known: Iterable[tuple[int, int, Kind]]) -> list[Found]:
    """Names of persons, places and bodies in a text of a Slavic language.

    Args:
        text: title, newline, body.
        language: one of streams.entities.slavic.SLAVIC.
        known: names that the tables know. What is found does not touch them, or holds them, or says that they are
            something else here (a surname that is a town's name too).
    """
    return _Reader(text, known, frequent(language)).read()


class _Reader(RunText):
    def read(self) -> list[Found]:
        index = 0
        while index < len(self._words):
            word = self._words[index]
            if not word.capital or self._shouted(word):
                index += 1
                continue
            index = (
                self._quoted(index)
                or self._body(index)
                or (index + 1 if self._stays(index) else None)
                or self._run(index)
            )
        self._settle()
        return sorted(self._found)

    def _settle(self) -> None:
        persons = [self._words[i].latin for i, kind in self._known.items() if kind == "person"]
        persons = [latin for latin in persons if len(latin) > 2]
        others: dict[Kind, list[str]] = {"organization": [], "place": []}
        self._small = {w.text for w in self._words if not w.capital}
        overridden = self._surnames_known_as_places()
        middle: list[str] = [w.latin for w in self._words if w.capital and not w.first]
        for name in self._found:
            latins = [latinised(m.group()) for m in WORD.finditer(self._text[name.start : name.end])]
            if name.kind == "person":
                persons += [x for x in latins if len(x) > 2]
            elif name.sure and len(latins) <= 2:
                others[name.kind] += [x for x in latins if len(x) > 2]
        for index, known in self._known.items():
            word = self._words[index]
            if known == "place" and word.capital and any(same(word.latin, x) for x in overridden):
                self._take(index, index, "person", sure=True)
        for first in self._open:
            word = self._words[first]
            near = self._kinds_before(first, reach=1)
            if any(same(word.latin, x) for x in persons):
                self._take(first, first, "person", sure=True)
                continue
            kind: Kind | None = next(
                (k for k, names in others.items() if any(same(word.latin, x) for x in names)), None
            )
            if kind is None and self._is_no_name(first):
                continue
            if (
                kind is None
                and word.first
                and (word.latin in self._frequent or not any(same(word.latin, x) for x in middle))
            ):
                kind = self._at_start(first)
                if kind is None:
                    continue
            kind = kind or self._by_context(first, near)
            if kind is not None:
                self._take(first, self._with_river(first, kind), kind, sure=False)

    def _surnames_known_as_places(self) -> list[str]:
        persons = [(f.start, f.end) for f in self._found if f.kind == "person"]
        return [
            self._words[index].latin
            for index in self._known
            if any(start < self._words[index].start < end for start, end in persons)
        ]

    def _with_river(self, index: int, kind: Kind) -> int:
        """The last word of a place whose name goes on after a preposition: Ústí nad Labem."""
        over = self._lower(index + 1) == "nad" and self._words_capital(index + 2)
        return index + 2 if kind == "place" and over else index

    def _is_no_name(self, index: int) -> bool:
        """Part of the name of an event or of a body that ends in a word not known, or a common word."""
        word = self._words[index]
        found = kinds(word.latin)
        if found & {"event", "thing"}:
            return True
        following = self._lower(index + 1)
        joined = following is not None and self._words[index + 1].gap == " "
        if joined and NATIONAL.search(word.latin) and "thing" in kinds(following or ""):
            return True
        if joined and found & {"field", "siting"} and ADJECTIVAL.search(word.latin):
            return True
        return word.latin in self._frequent and word.text.lower() in self._small

    def _coordinated(self, index: int) -> Kind | None:
        """What the name before this one in a list is: in Utah and Sonora."""
        word = self._words[index]
        at = index - 1
        if word.gap == " " and at > 0 and self._lower(at) in _AND and self._words[at].gap == " ":
            at -= 1
        elif word.gap != ", ":
            return None
        if at < 0 or not self._words[at].capital:
            return None
        known = self._known.get(at)
        end = self._words[at].end
        return known or next((f.kind for f in self._found if f.end == end), None)

    def _at_start(self, index: int) -> Kind | None:
        """A single word that begins a sentence and stands nowhere else: only what is clear."""
        word = self._words[index]
        following = self._lower(index + 1)
        if word.latin in self._frequent or len(word.latin) < 4 or following is None or "role" in kinds(word.latin):
            return None
        if len(word.latin) > 5 and _LIKE_A_BODY.search(word.latin):
            return "organization"
        if is_given_as_listed(word.latin) or ("says" in kinds(following) and ends_like_surname(word.latin)):
            return "person"
        return None

    def _by_context(self, index: int, near: frozenset[str]) -> Kind | None:
        word = self._words[index]
        if "place" in near:
            return "place"
        if index > 1 and self._lower(index - 1) == "nad" and self._known.get(index - 2) == "place":
            return None
        if "club" in kinds(word.latin) or near & {"body", "firm"}:
            return "organization"
        if "in" in near:
            return "place"
        alike = self._coordinated(index)
        if alike is not None:
            return alike
        following = self._lower(index + 1)
        if following and "says" in kinds(following):
            return "person"
        if len(word.latin) > 5 and _LIKE_A_BODY.search(word.latin):
            return "organization"
        if is_given(word.latin):
            return "person"
        if "near" in near:
            with_somebody = self._latin(index - 1) in _WITH and ends_like_surname(word.latin)
            return "person" if with_somebody and word.latin.endswith(_INSTRUMENTAL) else "place"
        if foreign(word.text, self._text):
            return "organization"
        if ends_like_surname(word.latin):
            return "person"
        if _SUFFIX_OF_PLACE.search(word.latin):
            return "place"
        return "organization"
