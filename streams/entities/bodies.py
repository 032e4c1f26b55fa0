"""Bodies by their names in Slavic languages: ministries, courts, banks, parties, universities."""

from __future__ import annotations

import re
from typing import Final

from streams.entities.running import ADJECTIVAL, OPEN, RunningText, acronym
from streams.entities.surroundings import is_given, is_given_as_listed, kinds

_ADJECTIVE: Final = re.compile(
    r"(?:[aieo]|ego|ogo|omu|emu|im|ih|iem|om|em|oga|ou|oi|ata|oto|ite|iat|ia|ie|ii|o[gm]a|ega|emu|at)$"
)
_AND: Final = frozenset({"i", "a", "ta", "in", "oraz"})
_PREPOSITION_OF_PLACE: Final = frozenset({"v", "ve", "vo", "vav"})


class BodyText(RunningText):
    """A text in which names of bodies are looked for: adjectives, the word for the body, what it is for and where."""

    def _head(self, index: int) -> int | None:
        """The word for a body that a name beginning here has: this word, or one after adjectives."""
        word = self._words[index]
        known = self._known.get(index)
        if known is not None and not (known == "place" and ADJECTIVAL.search(word.latin)):
            return None
        own = kinds(word.latin)
        if "body" in own and not (own & {"field"} and self._next_is_body(index)):
            return None if "firm" in own and self._names_itself(index + 1) else index
        if is_given(word.latin) and "field" not in own and not self._next_is_body(index):
            return None
        if not _ADJECTIVE.search(word.latin):
            return None
        if (
            word.first
            and "field" not in own
            and not self._words_capital(index + 1)
            and not (index + 1 < len(self._words) and "state" in kinds(self._latin(index + 1)))
        ):
            return None
        for step in (1, 2, 3):
            at = index + step
            if at >= len(self._words) or self._words[at].gap not in (" ", "\u00a0"):
                return None
            latin = self._latin(at)
            if "body" in kinds(latin) and not ("field" in kinds(latin) and step < 3 and self._next_is_body(at)):
                adjectival = ADJECTIVAL.search(word.latin) or "field" in own
                return at if adjectival and "role" not in own else None
            if (
                len(latin) < 4
                or not _ADJECTIVE.search(latin)
                or not (ADJECTIVAL.search(latin) or "field" in kinds(latin))
            ):
                return None
        return None

    def _names_itself(self, index: int) -> bool:
        """What follows the word for a party or company is its whole name: hnutí ANO, firma Huawei."""
        return self._words_capital(index) and (acronym(self._words[index]) or self._known.get(index) == "organization")

    def _next_is_body(self, index: int) -> bool:
        return (
            index + 1 < len(self._words)
            and self._words[index + 1].gap == " "
            and "body" in kinds(self._latin(index + 1))
        )

    def _continued(self, head: int, *, adjectives: bool) -> int:
        """The last word of a body's name whose word for it is `head`; adjectives stand before that, or not."""
        last = head
        while last + 1 < len(self._words):
            following = self._words[last + 1]
            if following.first:
                break
            if following.gap and following.gap[-1] in OPEN and following.gap[:-1] == " " and following.capital:
                close = self._closing(last + 1)
                if close is None:
                    break
                return close
            if following.gap not in (" ", "\u00a0"):
                break
            latin = self._latin(last + 1)
            found = kinds(latin)
            if following.capital:
                if "role" in found and not found & {"body", "field"}:
                    break
                if ((is_given(latin) and last == head) or is_given_as_listed(latin)) and self._words_capital(last + 2):
                    break
                last += 1
                continue
            if "field" in found and "says" not in found:
                last += 1
                continue
            if "body" in found and last == head and self._reaches(last + 1):
                last += 1
                continue
            if "of" in found and self._goes_on(head, last + 1, adjectives=adjectives):
                last += 2
                continue
            break
        return last

    def _goes_on(self, head: int, index: int, *, adjectives: bool) -> bool:
        """The preposition and the word after it belong to the name: soud v Ostravě, ústav pro výzkum."""
        latin = self._latin(index)
        if latin not in _PREPOSITION_OF_PLACE:
            return self._reaches(index)
        taught = self._latin(head).startswith(("univer", "fakult"))
        return adjectives != taught and self._reaches(index, prepositions=True)

    def _reaches(self, index: int, *, prepositions: bool = False) -> bool:
        """The word after a preposition belongs to the body's name."""
        at = index + 1
        if at >= len(self._words) or self._words[at].gap not in (" ", "\u00a0"):
            return False
        word = self._words[at]
        found = kinds(self._latin(at))
        if word.capital:
            return prepositions or self._latin(index) in ("imeni", "im", "imena") or "field" in found
        joins = not (self._latin(index) in _AND and ADJECTIVAL.search(self._latin(at)))
        return not prepositions and joins and "field" in found and "says" not in found
