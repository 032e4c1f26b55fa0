"""Lucene query syntax to a tree. The grammar is luqum's; the meaning is given here, the same for both who use it.

Words side by side are alternatives (Lucene's default operator, OR), unless one is marked: `+` must, `-`, `!` and `NOT`
must not, and beside a must the unmarked ones are not needed. `AND` binds closer than `OR`, and both mean what logic
says, also with `NOT`. Boosts are read and ignored. Regular expressions are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse as luqum_parse

from consumers.query.bounds import parse_date, parse_number
from consumers.query.fields import DEFAULT_FIELDS, FIELDS, unknown_field
from consumers.query.nodes import All, And, Bound, Exists, Flag, Fuzzy, Node, Not, Or, Phrase, Range, Term, Wildcard
from consumers.query.vocabulary import COUNTRY_FIELDS, country_code, why_unknown
from consumers.query.words import fold

MAX_DEPTH = 40
MAX_CLAUSES = 400


class QueryError(ValueError):
    """A query that cannot be used. `position`: where, in characters from 0, or None where it is the whole."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message if position is None else f"{message} (at character {position + 1})")
        self.position = position


def parse(text: str, *, now: datetime) -> Node:
    """The tree of a query. `now` is what relative dates (`now-7d`) count from.

    Raises:
        QueryError: the syntax is wrong, a field is unknown, or a value is not one of its field.
    """
    if not text.strip():
        raise QueryError("the query is empty")
    plain, origin = _spell_operators(text)
    try:
        parsed = luqum_parse(plain)
    except ParseError as error:
        message, position = _explain(str(error), plain)
        raise QueryError(message, None if position is None else origin(position)) from error
    except (ArithmeticError, ValueError) as error:
        raise QueryError("a number after ^ or ~ cannot be read") from error
    return _Reader(now, origin).read(parsed)


_OPERATORS = re.compile(r'"(?:\\.|[^"\\])*"|\\.|(?<=\s)(&&|\|\|)(?=\s)|(?:(?<=^)|(?<=[\s(]))(!)(?=[^\s=])')
_SPELLED = {"&&": "AND", "||": "OR", "!": "NOT "}


def _spell_operators(text: str) -> tuple[str, Callable[[int], int]]:
    """`&&`, `||` and `!` as words, which is how luqum knows them; and where a character of the result came from."""
    moved: list[tuple[int, int]] = []
    result, last = "", 0
    for match in _OPERATORS.finditer(text):
        operator = match.group(1) or match.group(2)
        if operator:
            result += text[last : match.start()] + _SPELLED[operator]
            last = match.end()
            moved.append((len(result), last - len(result)))
    result += text[last:]

    def origin(position: int) -> int:
        shift = 0
        for start, delta in moved:
            if position >= start:
                shift = delta
        return position + shift

    return result, origin


def _explain(message: str, query: str) -> tuple[str, int | None]:
    """luqum's words for an error in ours, and the position where it names one."""
    quote = _open_quote(query)
    if quote is not None:
        return "a quotation mark is not closed", quote
    found = re.search(r"at position (\d+)", message)
    position = int(found.group(1)) if found else None
    if position is None:
        if query.count("(") > query.count(")"):
            return "a parenthesis is not closed", query.rfind("(")
        return "the query ends where a word is expected", len(query)
    unexpected = re.search(r"unexpected\s+'(.*?)'", message)
    return f"did not expect {unexpected.group(1)!r} here" if unexpected else "cannot be read from here on", position


def _open_quote(query: str) -> int | None:
    start: int | None = None
    escaped = False
    for i, character in enumerate(query):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            start = i if start is None else None
    return start


class _Reader:
    def __init__(self, now: datetime, origin: Callable[[int], int]) -> None:
        self._now = now
        self._origin = origin
        self._clauses = 0

    def read(self, item: tree.Item, field: str | None = None, depth: int = 0) -> Node:
        if depth > MAX_DEPTH:
            raise self._error("nested too deeply", item)
        if isinstance(item, tree.Group | tree.FieldGroup | tree.Boost):
            return self.read(item.children[0], field, depth + 1)
        if isinstance(item, tree.SearchField):
            return self._search_field(item, field, depth)
        if isinstance(item, tree.AndOperation):
            return And(tuple(self.read(part, field, depth + 1) for part in item.operands))
        if isinstance(item, tree.OrOperation):
            return Or(tuple(self.read(part, field, depth + 1) for part in item.operands))
        if isinstance(item, tree.UnknownOperation | tree.BoolOperation):
            return self._side_by_side(item.operands, field, depth)
        if isinstance(item, tree.Plus):
            return self.read(item.a, field, depth + 1)
        if isinstance(item, tree.Not | tree.Prohibit):
            return Not(self.read(item.a, field, depth + 1))
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise self._error(f"more than {MAX_CLAUSES} words", item)
        if field is not None:
            return self._leaf(item, field)
        if isinstance(item, tree.Word) and item.value == "*":
            return All()
        return Or(tuple(self._leaf(item, name) for name in DEFAULT_FIELDS))

    def _search_field(self, item: tree.SearchField, field: str | None, depth: int) -> Node:
        name, value = item.name, item.expr
        if field is not None:
            raise self._error(f"a field inside a field ({field}:…{name}:…); write {name}\\: for the plain text", item)
        if name == "*" and isinstance(value, tree.Word) and value.value == "*":
            return All()
        if name == "_exists_" and isinstance(value, tree.Word):
            if value.value not in FIELDS:
                raise self._error(unknown_field(value.value), item)
            return Exists(value.value)
        if name not in FIELDS:
            raise self._error(unknown_field(name), item)
        return self.read(value, name, depth + 1)

    def _side_by_side(self, items: tuple[tree.Item, ...], field: str | None, depth: int) -> Node:
        must = [self.read(i, field, depth + 1) for i in items if isinstance(i, tree.Plus)]
        must_not = [self.read(i, field, depth + 1) for i in items if isinstance(i, tree.Not | tree.Prohibit)]
        may = [self.read(i, field, depth + 1) for i in items if not isinstance(i, tree.Plus | tree.Not | tree.Prohibit)]
        if not must and may:
            must = [Or(tuple(may)) if len(may) > 1 else may[0]]
        parts = (*must, *must_not)
        return parts[0] if len(parts) == 1 else And(parts)

    def _leaf(self, item: tree.Item, field: str) -> Node:
        if isinstance(item, tree.Regex):
            raise self._error("regular expressions are not supported; use * and ?", item)
        if isinstance(item, tree.Range):
            return self._range(item, field, item.low, item.high, item.include_low, item.include_high)
        if isinstance(item, tree.From):
            return self._range(item, field, item.a, None, item.include, True)
        if isinstance(item, tree.To):
            return self._range(item, field, None, item.a, True, item.include)
        if isinstance(item, tree.Proximity):
            return self._value(item, field, _inside(item.term), slop=int(item.degree))
        if isinstance(item, tree.Phrase):
            return self._value(item, field, _inside(item))
        if isinstance(item, tree.Fuzzy):
            return self._fuzzy(item, field)
        if isinstance(item, tree.Word):
            if item.value == "*":
                return Exists(field)
            if item.has_wildcard():
                return self._wildcard(item, field)
            return self._value(item, field, _unescape(item.value))
        raise self._error("cannot be used here", item)

    def _value(self, item: tree.Item, field: str, value: str, slop: int = 0) -> Node:
        kind = FIELDS[field]
        if kind == "text":
            return Phrase(field, value, slop)
        if kind == "keyword":
            return self._keyword(item, field, value)
        if kind == "boolean":
            if value.lower() not in {"true", "false"}:
                raise self._error(f"{field} is true or false, not {value!r}", item)
            return Flag(field, value.lower() == "true")
        if kind == "number":
            number = self._bound(item, field, value)
            return Range(field, number, number)
        try:
            start, end = parse_date(value, self._now)
        except ValueError as error:
            raise self._error(f"{field}: {error}", item) from error
        return Range(field, start, end, True, False)

    def _keyword(self, item: tree.Item, field: str, value: str) -> Node:
        reason = why_unknown(field, value)
        if reason:
            raise self._error(reason, item)
        term = Term(field, value)
        code = country_code(value) if field in COUNTRY_FIELDS else None
        # The index has the code and the English name of every country; people know it by others, too.
        return term if code is None else Or((term, Term(field, code)))

    def _wildcard(self, item: tree.Word, field: str) -> Node:
        if FIELDS[field] not in {"text", "keyword"}:
            raise self._error(f"{field} takes no * or ?", item)
        pattern = re.sub(r"\*+", "*", item.value)
        if pattern.count("*") > 8:
            raise self._error("too many * in one word", item)
        return Wildcard(field, fold(pattern) if FIELDS[field] == "text" else pattern)

    def _fuzzy(self, item: tree.Fuzzy, field: str) -> Node:
        if FIELDS[field] not in {"text", "keyword"} or not isinstance(item.term, tree.Word):
            raise self._error(f"{field} takes no ~ here", item)
        value = _unescape(item.term.value)
        # Without a number it goes by the length, as in Elasticsearch.
        by_length = 0 if len(value) < 3 else 1 if len(value) < 6 else 2
        edits = by_length if str(item).rstrip().endswith("~") else int(item.degree)
        return Fuzzy(field, fold(value) if FIELDS[field] == "text" else value, min(edits, 2))

    def _range(
        self, item: tree.Item, field: str, low: tree.Item | None, high: tree.Item | None, low_in: bool, high_in: bool
    ) -> Node:
        kind = FIELDS[field]
        if kind in {"text", "boolean"}:
            raise self._error(f"{field} takes no range", item)
        start, end = self._end(low), self._end(high)
        if kind == "date":
            try:
                first = parse_date(start, self._now) if start is not None else None
                last = parse_date(end, self._now) if end is not None else None
            except ValueError as error:
                raise self._error(f"{field}: {error}", item) from error
            # A day as a bound is the whole day: from its start where it is included, else from its end.
            return Range(
                field,
                None if first is None else first[0] if low_in else first[1],
                None if last is None else last[1] if high_in else last[0],
                True,
                False,
            )
        return Range(
            field,
            None if start is None else self._bound(item, field, start),
            None if end is None else self._bound(item, field, end),
            low_in,
            high_in,
        )

    @staticmethod
    def _end(item: tree.Item | None) -> str | None:
        if item is None:
            return None
        value = _inside(item) if isinstance(item, tree.Phrase) else _unescape(str(item.value))
        return None if value == "*" else value

    def _bound(self, item: tree.Item, field: str, value: str) -> Bound:
        if FIELDS[field] == "keyword":
            return value
        try:
            return parse_number(value)
        except ValueError as error:
            raise self._error(f"{field}: {error}", item) from error

    def _error(self, message: str, item: tree.Item) -> QueryError:
        return QueryError(message, None if item.pos is None else self._origin(item.pos))


def _unescape(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def _inside(phrase: tree.Phrase) -> str:
    return _unescape(phrase.value[1:-1])
