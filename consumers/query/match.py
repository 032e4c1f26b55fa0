"""Does a query match a document? The document is the one that goes into the index, so both look at the same fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from consumers.query.fields import EXACT_CASE, FIELDS
from consumers.query.nodes import All, And, Bound, Exists, Flag, Fuzzy, Node, Not, Or, Phrase, Range, Term, Wildcard
from consumers.query.words import fold, words


class Matchable:
    """A document, with its words split once for any number of queries."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._positions: dict[str, dict[str, list[int]]] = {}
        self._values: dict[str, tuple[str, ...]] = {}

    def raw(self, field: str) -> list[Any]:
        value = self._document.get(field)
        return value if isinstance(value, list) else [] if value is None else [value]

    def positions(self, field: str) -> dict[str, list[int]]:
        """Of each word of a text field."""
        found = self._positions.get(field)
        if found is None:
            found = {}
            position = 0
            for value in self.raw(field):
                for word in words(value):
                    found.setdefault(word, []).append(position)
                    position += 1
                position += 100  # no phrase reaches from one value into the next
            self._positions[field] = found
        return found

    def values(self, field: str) -> tuple[str, ...]:
        """Of a keyword field, as compared."""
        found = self._values.get(field)
        if found is None:
            found = tuple(v if field in EXACT_CASE else v.lower() for v in map(str, self.raw(field)))
            self._values[field] = found
        return found


def matches(node: Node, document: Matchable) -> bool:
    """Whether the document is one that the query asks for."""
    match node:
        case All():
            return True
        case And(parts):
            return all(matches(part, document) for part in parts)
        case Or(parts):
            return any(matches(part, document) for part in parts)
        case Not(part):
            return not matches(part, document)
        case Exists(field):
            return bool(document.raw(field))
        case Flag(field, value):
            return any(found is value for found in document.raw(field)) or (not value and not document.raw(field))
        case Phrase(field, text, slop):
            return _phrase(document.positions(field), words(text), slop)
        case Term(field, value):
            return any(candidate in document.values(field) for candidate in keyword_forms(field, value))
        case Wildcard(field, pattern):
            found = _wildcard(pattern if field in EXACT_CASE else pattern.lower())
            return any(found(candidate) for candidate in _candidates(document, field))
        case Fuzzy(field, value, edits):
            wanted = value if field in EXACT_CASE else value.lower()
            return any(within(wanted, candidate, edits) for candidate in _candidates(document, field))
        case Range():
            return any(_in_range(node, value) for value in _comparable(document, node))


def keyword_forms(field: str, value: str) -> tuple[str, ...]:
    """The values that a term of a keyword field stands for: as typed, and without accents."""
    if field in EXACT_CASE:
        return (value,)
    return tuple(dict.fromkeys((value.lower(), fold(value))))


def _candidates(document: Matchable, field: str) -> Sequence[str]:
    return tuple(document.positions(field)) if FIELDS[field] == "text" else document.values(field)


def _phrase(positions: dict[str, list[int]], wanted: list[str], slop: int) -> bool:
    if not wanted or any(word not in positions for word in wanted):
        return False
    if len(wanted) == 1:
        return True
    if slop == 0:
        rest = [set(positions[word]) for word in wanted[1:]]
        return any(all(start + i + 1 in places for i, places in enumerate(rest)) for start in positions[wanted[0]])
    # Where each word would put the start of the phrase: the spread of those is how far words were moved.
    starts = sorted((place - i, i) for i, word in enumerate(wanted) for place in positions[word])
    latest: dict[int, int] = {}
    for start, i in starts:
        latest[i] = start
        if len(latest) == len(wanted) and start - min(latest.values()) <= slop:
            return True
    return False


@cache
def _wildcard(pattern: str) -> Callable[[str], bool]:
    parts = re.findall(r"\\.|.", pattern, re.S)
    regex = "".join(".*" if p == "*" else "." if p == "?" else re.escape(p[1:] if len(p) == 2 else p) for p in parts)
    compiled = re.compile(regex, re.S)
    return lambda value: compiled.fullmatch(value) is not None


def within(a: str, b: str, edits: int) -> bool:
    """Whether `a` becomes `b` by so many insertions, deletions, replacements and swaps of neighbours, or fewer."""
    if abs(len(a) - len(b)) > edits:
        return False
    if edits == 0:
        return a == b
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > edits:
            return False
    return row[-1] <= edits


def _comparable(document: Matchable, node: Range) -> list[Bound]:
    if FIELDS[node.field] == "date":
        return [_moment(value) for value in document.raw(node.field)]
    if FIELDS[node.field] == "number":
        return [float(value) for value in document.raw(node.field)]
    return list(document.values(node.field))


def _moment(value: Any) -> datetime:
    moment: datetime = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_range(node: Range, value: Bound) -> bool:
    start, end = node.start, node.end
    if isinstance(value, str) and node.field not in EXACT_CASE:
        start = start.lower() if isinstance(start, str) else start
        end = end.lower() if isinstance(end, str) else end
    # All three are of the field's one type; a checker cannot see it.
    if start is not None and not (value >= start if node.from_included else value > start):  # type: ignore[operator]
        return False
    return end is None or bool(value <= end if node.to_included else value < end)  # type: ignore[operator]
