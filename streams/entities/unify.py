"""One person, many spellings: within a story, names that sound alike are one person's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from schemas.readings import Entity
from streams.entities.morphology import script_of_name
from streams.entities.normalization import normalize_name
from streams.entities.skeleton import romanised, skeleton
from streams.entities.slavic import latinised, same

_ALIKE: Final = 0.72
"""Similarity of consonant skeletons from which two surnames are one; chosen on pairs of spellings of one name in two
scripts against pairs of different names."""
_ALIKE_FULL: Final = 0.66
"""The same when the given names agree too."""


_ALIKE_WRITTEN: Final = 0.75
"""Similarity in letters from which surnames in one script are one, if their consonants agree too."""
_ALIKE_CONSONANTS: Final = 0.85
_GIVEN: Final = 0.5
_GIVEN_SURELY: Final = 0.66
"""Of given names in two scripts: when they begin with the same consonant, and when they do not."""
_UNVOCALISED: Final = frozenset({"arabic", "hebrew", "han", "hangul", "kana"})
"""Scripts in which a letter more or less is another name."""
_INITIAL: Final = re.compile("^(?:dzh|dj|j|y|w|v|u)+(?=.)")
"""What one language begins a name with, another may not hear: Jens and Енс, Wayde and Уэйд."""
_ARTICLE: Final = re.compile("^ال(?=..)")


class _Name(NamedTuple):
    letters: str
    consonants: str
    fine: str


class _Spelling(NamedTuple):
    given: _Name | None
    surname: _Name
    script: str


def unify_persons(known: list[Entity], new: list[Entity], language: str) -> dict[str, str]:
    """Which of the story's persons each newly read one is.

    Args:
        known: the story's persons so far, each with its spellings as mentions, in order of first appearance.
        new: the persons read in one article.
        language: the article's; names of one language must be closer to be one than those of two.

    Returns:
        For every id in `new` the id it goes by in this story: that of a known person, of another new one, or its own.
    """
    del language  # one threshold has proved enough for all pairs of languages
    result: dict[str, str] = {}
    settled = [(entity.id, _spellings(entity)) for entity in known]
    known_ids = {entity.id for entity in known}
    # Persons with full names first: those called by surname alone then find them.
    for entity in sorted(new, key=lambda e: (not _is_full(e), e.id)):
        spellings = _spellings(entity)
        if entity.id in known_ids:
            result[entity.id] = entity.id
            continue
        best, best_id = 0.0, entity.id
        for other_id, others in settled:
            if entity.id.startswith("Q") and other_id.startswith("Q"):
                continue
            score = max((_similarity(a, b) for a in spellings for b in others), default=0.0)
            if score > best:
                best, best_id = score, other_id
        result[entity.id] = best_id if best >= 1.0 else entity.id
        if result[entity.id] == entity.id:
            settled.append((entity.id, spellings))
        else:
            settled = [(i, [*s, *spellings]) if i == best_id else (i, s) for i, s in settled]
    return result


def _is_full(entity: Entity) -> bool:
    return any(" " in s for s in (entity.name, *(m.text for m in entity.mentions)))


def _spellings(entity: Entity) -> list[_Spelling]:
    texts = {entity.name, *(mention.text for mention in entity.mentions)}
    return [spelling for text in sorted(texts) if (spelling := _spelling(text)) is not None]


def _spelling(name: str) -> _Spelling | None:
    words = [w for w in normalize_name(name.replace("·", " ")).split(" ") if len(w) > 1 or w.isalpha()]
    if not words:
        return None
    surname = _name(_ARTICLE.sub("", words[-1]))
    if not surname.consonants and not surname.letters:
        return None
    return _Spelling(_name(words[0]) if len(words) > 1 else None, surname, script_of_name(words[-1]))


def _name(word: str) -> _Name:
    return _Name(romanised(word), skeleton(word), skeleton(word, fine=True))


def _similarity(a: _Spelling, b: _Spelling) -> float:
    """1 and more: the same person."""
    if a.script == b.script:
        surname = _in_one_script(a.surname, b.surname, a.script)
        if surname and a.given and b.given:
            return 1.0 + surname if _in_one_script(a.given, b.given, a.script) else 0.0
        return 1.0 + surname if surname else 0.0
    return _in_two_scripts(a, b)


def _in_one_script(a: _Name, b: _Name, script: str) -> float:
    if a.letters == b.letters:
        return 1.0
    if script in _UNVOCALISED or min(len(a.letters), len(b.letters)) < 2:
        return 0.0
    if same(latinised(a.letters), latinised(b.letters)):
        return 0.95
    if not (_may_reach(a.letters, b.letters, _ALIKE_WRITTEN) and _may_reach(a.fine, b.fine, _ALIKE_CONSONANTS)):
        return 0.0
    letters = _ratio(a.letters, b.letters)
    consonants = _ratio(a.fine, b.fine)
    return letters if letters >= _ALIKE_WRITTEN and consonants >= _ALIKE_CONSONANTS else 0.0


def _in_two_scripts(a: _Spelling, b: _Spelling) -> float:
    one, other = a.surname, b.surname
    if not one.consonants or not other.consonants:
        return 0.0
    if min(len(one.consonants), len(other.consonants)) < 2 and one.letters != other.letters:
        return 0.0
    if not _may_reach(one.consonants, other.consonants, min(_ALIKE, _ALIKE_FULL)):
        return 0.0
    surname = 1.0 if one.consonants == other.consonants else _ratio(one.consonants, other.consonants)
    if surname < 1.0 and min(len(one.consonants), len(other.consonants)) < 3:
        return 0.0
    if a.given and b.given:
        return 1.0 + surname if surname >= _ALIKE_FULL and _given_alike(a.given, b.given) else 0.0
    letters = _ratio(one.letters, other.letters)
    return surname + letters / 2 if surname >= _ALIKE and letters >= 0.4 else 0.0


def _given_alike(a: _Name, b: _Name) -> bool:
    one = skeleton(_INITIAL.sub("", a.letters)) or a.consonants
    other = skeleton(_INITIAL.sub("", b.letters)) or b.consonants
    alike = max(_ratio(one, other), _ratio(a.consonants, b.consonants))
    begins = a.consonants[:1] == b.consonants[:1]
    return alike >= (_GIVEN if begins else _GIVEN_SURELY)


def _may_reach(a: Sequence[str], b: Sequence[str], limit: float) -> bool:
    """False where `_ratio` is surely less, by the letters that both have: most names are not each other's by far."""
    both, rest = 0, list(b)
    for letter in a:
        if letter in rest:
            rest.remove(letter)
            both += 1
    return 2.0 * both >= limit * (len(a) + len(b))


def _ratio(a: Sequence[str], b: Sequence[str]) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()
