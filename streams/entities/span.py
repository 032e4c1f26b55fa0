"""A stretch of text that names something."""

from __future__ import annotations

from typing import Literal, NamedTuple

Needs = Literal["", "weapons", "country"]
"""What a text must name for a name to count: nothing, something military near by, or the thing's country."""


class Span(NamedTuple):
    """Offsets in the original text, the id, and the name where no table has it."""

    start: int
    end: int
    id: str
    name: str | None = None
    needs: Needs = ""
    others: tuple[str, ...] = ()
    """What else has the name."""
    indirect: bool = False
    """An adjective or an inhabitant, or part of a longer name."""
