"""Runs of capitalised words in Slavic texts, and what the words in them and right before them make them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from streams.entities.bodies import BodyText
from streams.entities.running import ADJECTIVAL, CLOSE, OPEN, ROMAN, Kind, Word, acronym, small_words
from streams.entities.slavic import latinised
from streams.entities.surroundings import ends_like_surname, is_given, is_given_as_listed, is_patronymic, kinds

_LEGAL: Final = re.compile(
    r",?\s(?:spol\.\ss\s?r\.\s?o\.|s\.\s?r\.\s?o\.|a\.\s?s\.|Sp\.\sz\s?o\.\s?o\.|S\.\s?A\.|d\.\s?o\.\s?o\.|d\.\s?d\.|"
    r"GmbH|AG|Ltd\.?|Inc\.?|LLC|PLC|plc|SA|SE|AD|АД|ЕООД|ООД|ЕАД|в\.\s?д\.)(?!\w)"
)
NATIONAL: Final = re.compile(r"(?:sk|ck|zk)(?:i|a|e|o|ego|ogo|eho|omu|emu|im|ih|om|em|ou|oi|u|oga|ega|ata|oto|ia|iat)$")
_MOST_QUOTED: Final = 5
_CYRILLIC: Final = "\u0400"
_SAINTS: Final = frozenset({"san", "santa", "sankt", "los", "las", "sao"})
_NEVER_ALONE: Final = frozenset({"dom", "domu", "front", "blok", "svet", "klub", "zbor", "straz"})


class Found(NamedTuple):
    """A name in the text."""

    start: int
    end: int
    kind: Kind
    sure: bool


class RunText(BodyText):
    """A text in which names in quotation marks, bodies and runs of capitalised words are read, one after the other.

    Single words that nothing near them explains are left open.
    """

    def __init__(self, text: str, known: Iterable[tuple[int, int, Kind]], frequent: frozenset[str]) -> None:
        super().__init__(text, known)
        self._frequent = frequent
        self._found: list[Found] = []
        self._small: set[str] = set()
        """Words that stand without a capital too."""
        self._open: list[int] = []
        """Single words that the rest of the text must explain."""

    def _stays(self, index: int) -> bool:
        """The word belongs to a known name, and nothing says that it is a person's."""
        kind = self._known.get(index)
        if kind is None:
            return False
        alone = self._known.get(index - 1) != kind and self._known.get(index + 1) != kind
        return not (
            kind == "place"
            and alone
            and is_given_as_listed(self._words[index].latin)
            and self._words_capital(index + 1)
            and index + 1 not in self._known
        )

    def _quoted(self, index: int) -> int | None:
        word = self._words[index]
        gap = word.gap
        if not gap or gap[-1] not in OPEN or word.first:
            return None
        last = index
        while last + 1 < len(self._words) and last - index < _MOST_QUOTED:
            following = self._words[last + 1].gap
            if following and following[0] in CLOSE:
                break
            if following.strip(" \u00a0&-–+'’"):
                return None
            last += 1
        end = self._words[last].end
        if self._text[end : end + 1] not in CLOSE or end >= len(self._text):
            return None
        after = self._text[end + 1 : end + 5]
        if re.match(r",?\s*[–—-]\s|,\s", after) and last > index:
            follower = self._lower(last + 1)
            if follower and "says" in kinds(follower):
                return None
        before = self._kinds_before(index, reach=2)
        if "thing" in kinds(word.latin) and not is_given(word.latin):
            return last + 1
        if "thing" in before and "firm" not in before and "body" not in before:
            return last + 1
        if (
            last == index
            and word.latin in self._frequent
            and not (before & {"firm", "body"})
            and not word.text.isupper()
        ):
            return last + 1 if gap.strip(" ")[:1] in ".,;" else self._take(index, last, "organization", sure=False)
        if "place" in before and not before & {"firm", "body"}:
            return self._take(index, last, "place", sure=True)
        return self._take(index, last, "organization", sure=bool(before & {"firm", "body"}))

    def _body(self, index: int) -> int | None:
        head = self._head(index)
        if head is None:
            return None
        last = self._continued(head, adjectives=head > index)
        word = self._words[index]
        if last == index:
            if word.first or word.latin in _NEVER_ALONE or "role" in kinds(word.latin):
                return None
            if "body" not in kinds(word.latin) or "field" in kinds(word.latin):
                return None
            return self._take(index, last, "organization", sure=False)
        return self._take(index, last, "organization", sure=True)

    def _past_particles(self, index: int) -> int | None:
        """The name that one or two particles at `index` lead to ("van der Bellen"), if they do."""
        words = self._words
        for name in (index + 1, index + 2):
            if words[name - 1].capital or words[name - 1].text not in small_words("particle"):
                return None
            if name >= len(words):
                return None
            if words[name].capital:
                joined = name > index + 1 or (words[name].gap in (" ", "-") and not words[name].first)
                return name if words[index].gap == " " and joined else None
        return None

    def _run(self, index: int) -> int:
        last = index
        words = self._words
        while last + 1 < len(words):
            following = words[last + 1]
            if following.capital and self._joins(following, words[last]) and not following.first:
                if last + 1 in self._known and self._stays(last + 1):
                    if not (last == index and self._known[last + 1] == "place" and is_given(words[last].latin)):
                        break
                elif self._parts(index, last + 1) or self._changes_script(last + 1):
                    break
                if self._head(last + 1) is not None and "role" not in kinds(following.latin):
                    break
                last += 1
                continue
            after = self._past_particles(last + 1)
            if after is not None:
                last = after
                continue
            if self._numbered(index, last + 1):
                last += 1
                continue
            break
        if last + 1 in self._known and self._joins_known(index, last):
            while last + 1 in self._known and self._words[last + 1].gap == " ":
                last += 1
            return last + 1
        if last == index and self._place_phrase(index):
            return self._take(index, index + 1, "place", sure=True)
        first = index
        while first <= last and self._dropped(first, last):
            first += 1
        if first == last and self._place_phrase(first):
            return self._take(first, first + 1, "place", sure=True)
        things = any("thing" in kinds(word.latin) for word in words[first : last + 1])
        if first < last and things and not is_given(words[first].latin):
            return last + 1
        if first <= last:
            self._classify(first, last)
        return last + 1

    def _joins_known(self, index: int, last: int) -> bool:
        """Theresa before May, Lower before Austria, Bayern before Munich: one name with the known one after it."""
        following = self._words[last + 1]
        if following.gap != " " or following.first or not following.capital:
            return False
        known, word = self._known[last + 1], self._words[index]
        end = last + 1
        while end + 1 in self._known and self._words[end + 1].gap == " " and self._words[end + 1].capital:
            end += 1
        own = kinds(word.latin)
        if known == "person" and last == index and not acronym(word) and not own & {"role", "club", "body", "firm"}:
            if not is_given(word.latin) and "-" not in word.text:
                return False
            self._take(index, end, "person", sure=True)
        elif known == "place" and last == index and "siting" in own:
            self._take(index, end, "place", sure=True)
        elif (known == "place" and last == index and not word.first and own & {"firm", "ending"}) or (
            known == "place" and last == index and "club" in own
        ):
            self._take(index, end, "organization", sure=True)
        else:
            return False
        return True

    def _place_phrase(self, index: int) -> bool:
        """Краснодарский край: an adjective and a word for a place."""
        word = self._words[index]
        if word.first or index + 1 >= len(self._words) or not NATIONAL.search(word.latin):
            return False
        following = self._words[index + 1]
        return not following.capital and following.gap == " " and "place" in kinds(self._latin(index + 1))

    def _numbered(self, index: int, number: int) -> bool:
        """TOP 09, Nord Stream 2: a short number in a name that is no person's."""
        word = self._words[number]
        return (
            word.text.isdigit()
            and word.gap == " "
            and len(word.text) <= 2
            and (acronym(self._words[number - 1]) or "ending" in kinds(self._words[number - 1].latin))
            and not is_given(self._words[index].latin)
        )

    def _parts(self, index: int, following: int) -> bool:
        """A person's name begins here, after another name: ODS Petr Fiala."""
        return (
            is_given(self._words[following].latin)
            and not is_given(self._words[index].latin)
            and self._words_capital(following + 1)
        )

    @staticmethod
    def _joins(following: Word, before: Word) -> bool:
        if following.gap in (" ", "\u00a0"):
            return True
        if following.gap == " & ":
            return True
        return following.gap in (". ", ".") and len(before.text) == 1

    def _changes_script(self, index: int) -> bool:
        return (self._words[index].text[0] < _CYRILLIC) != (self._words[index - 1].text[0] < _CYRILLIC)

    def _dropped(self, index: int, last: int) -> bool:
        """A title, or a common word that is capitalised only because a sentence begins."""
        word = self._words[index]
        found = kinds(word.latin)
        if "role" in found and index < last and not is_given(word.latin):
            return True
        if index < last and (word.text in small_words("form") or word.text in small_words("not_a_name")):
            return True
        if not word.first:
            return False
        if index == last or (is_given(word.latin) and "place" not in found):
            return False
        return word.latin in self._frequent or bool(found & {"role", "in", "near", "of", "says", "place"})

    def _classify(self, first: int, last: int) -> None:
        words = self._words[first : last + 1]
        legal = _LEGAL.match(self._text, words[-1].end)
        if legal is not None:
            end = legal.end()
            self._found.append(Found(words[0].start, end, "organization", True))
            return
        if len(words) == 1:
            self._single(first)
            return
        text = self._text[words[0].start : words[-1].end]
        before = self._kinds_before(first, reach=1)
        given = is_given(words[0].latin)
        ending = any("ending" in kinds(w.latin or latinised(w.text)) for w in words)
        own = kinds(words[0].latin)
        if "&" in text or any(w.text.isdigit() for w in words):
            kind: Kind = "organization"
        elif "siting" in own and (not is_given_as_listed(words[0].latin) or words[0].latin in _SAINTS):
            kind = "place"
        elif "club" in own and not given:
            kind = "organization"
        elif given and not (ending and "role" not in before):
            kind = "person"
        elif ending:
            kind = "organization"
        elif "role" in before or any(is_patronymic(w.latin) for w in words[1:]):
            kind = "person"
        elif (
            before & {"place"}
            or "place" in own
            or ("place" in kinds(words[-1].latin) and ADJECTIVAL.search(words[0].latin))
        ):
            kind = "place"
        elif before & {"firm", "body"} or foreign(words[0].text, self._text):
            kind = "organization"
        elif "in" in before:
            kind = "place"
        elif acronym(words[0]) or acronym(words[-1]):
            kind = "organization"
        elif NATIONAL.search(words[0].latin) and not ends_like_surname(words[-1].latin):
            kind = "place" if "near" in before else "organization"
        else:
            kind = "person"
        if kind == "person" and len(words) > 4:
            return
        self._take(first, last, kind, sure=given or "role" in before or kind != "person")

    def _single(self, index: int) -> None:
        word = self._words[index]
        if (
            word.text.upper() in small_words("not_a_name")
            or len(word.text) < 2
            or (ROMAN.match(word.text) and len(word.text) < 5)
        ):
            return
        near = self._kinds_before(index, reach=1)
        if acronym(word) and not word.gap.endswith("-"):
            self._take(index, index, "organization", sure="in" not in near)
            return
        if not word.first and "role" in near and not is_given(word.latin):
            self._take(index, index, "person", sure=True)
        elif word.first or "thing" not in near:
            self._open.append(index)

    def _take(self, first: int, last: int, kind: Kind, *, sure: bool) -> int:
        self._found.append(Found(self._words[first].start, self._words[last].end, kind, sure))
        return last + 1


def foreign(word: str, text: str) -> bool:
    """Latin letters in a Cyrillic text."""
    return word[0] < _CYRILLIC and any("\u0400" <= c <= "\u04ff" for c in text[:60])
