"""A parsed query as a tree of plain values, with every word already in its field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class All:
    """Every article: `*` or `*:*`."""


@dataclass(frozen=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    part: Node


@dataclass(frozen=True)
class Exists:
    """`field:*` or `_exists_:field`."""

    field: str


@dataclass(frozen=True)
class Phrase:
    """Words of a text field in this order; `slop`: how far they may be moved in all."""

    field: str
    text: str
    slop: int = 0


@dataclass(frozen=True)
class Term:
    """A whole value of a keyword field."""

    field: str
    value: str


@dataclass(frozen=True)
class Flag:
    """A boolean field."""

    field: str
    value: bool


@dataclass(frozen=True)
class Wildcard:
    """A word (text) or a whole value (keyword) with `*` and `?`; a backslash takes their meaning away."""

    field: str
    pattern: str


@dataclass(frozen=True)
class Fuzzy:
    """A word (text) or a whole value (keyword), give or take `edits` letters."""

    field: str
    value: str
    edits: int


@dataclass(frozen=True)
class Range:
    """Between two values; None is open. A bound is part of the range where it is included."""

    field: str
    start: Bound | None
    end: Bound | None
    from_included: bool = True
    to_included: bool = True


Bound = datetime | float | str
Node = All | And | Or | Not | Exists | Phrase | Term | Flag | Wildcard | Fuzzy | Range
