"""A stretch of text that names something."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Offsets in the original text, the id, and the name where no table has it."""

    start: int
    end: int
    id: str
    name: str | None = None
    ambiguous: bool = False
