"""One person, many spellings: within a story, names that sound alike are one person's."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from schemas.readings import Entity
from streams.entities.folding import fold_alias
from streams.entities.skeleton import romanised, skeleton

_ALIKE: Final = 0.72
"""Similarity of consonant skeletons from which two surnames are one; chosen on pairs of spellings of one name in two
scripts against pairs of different names."""
_ALIKE_FULL: Final = 0.66
"""The same when the given names agree too."""


class _Spelling(NamedTuple):
    given: str
    surname: str
    letters: str


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
    return [spelling for spelling in map(_spelling, sorted(texts)) if spelling.surname]


def _spelling(name: str) -> _Spelling:
    words = [w for w in fold_alias(name.replace("·", " ")).split(" ") if len(w) > 1 or w.isalpha()]
    if not words:
        return _Spelling("", "", "")
    given = skeleton(words[0]) if len(words) > 1 else ""
    return _Spelling(given, skeleton(words[-1]), romanised(words[-1]))


def _similarity(a: _Spelling, b: _Spelling) -> float:
    """1 and more: the same person."""
    if not a.surname or not b.surname or (len(a.surname) < 2 and a.letters != b.letters):
        return 0.0
    surname = 1.0 if a.surname == b.surname else _ratio(a.surname, b.surname)
    if surname < 1.0 and min(len(a.surname), len(b.surname)) < 3:
        return 0.0
    letters = _ratio(a.letters, b.letters)
    if a.given and b.given:
        given = _ratio(a.given, b.given)
        if a.given[:1] != b.given[:1] or given < 0.5:
            return 0.0
        return 1.0 + surname if surname >= _ALIKE_FULL else 0.0
    return surname + letters / 2 if surname >= _ALIKE and letters >= 0.4 else 0.0


def _ratio(a: Sequence[str], b: Sequence[str]) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()
