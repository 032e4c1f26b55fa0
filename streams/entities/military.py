"""Whether the words around a name speak of armies and arms, which makes "Gripen" a weapon's name and no griffin's.

The words are those by which deals are read (`streams/words/tables`): one table of them is enough.
"""

from __future__ import annotations

from streams.words.folding import fold
from streams.words.lexicon import lexicon

_REACH = 120
"""Characters to either side."""
_MILITARY = frozenset({"mil", "arms"})


def is_said_near(text: str, start: int, end: int, language: str) -> bool:
    """A word for the military or for weapons stands near by, and none of sports, films or civil trade."""
    words = lexicon(language)
    if words is None:
        return False
    classes = {hit.cls for hit in words.hits(fold(text[max(0, start - _REACH) : end + _REACH]))}
    return not _MILITARY.isdisjoint(classes) and "civil" not in classes
