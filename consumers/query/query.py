"""A query: parsed once, then matched in memory or handed to Elasticsearch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from consumers.query.elastic import to_dsl
from consumers.query.match import Matchable, matches
from consumers.query.nodes import Node
from consumers.query.parse import parse


@dataclass(frozen=True)
class Query:
    """A query that is known to be good."""

    text: str
    node: Node
    relative: bool
    """Has dates that count from now, so it is parsed again each time it is used."""

    @classmethod
    def parse(cls, text: str) -> Query:
        """The query in `text`.

        Raises:
            QueryError: with what is wrong and where.
        """
        return cls(text, parse(text, now=datetime.now(UTC)), "now" in text)

    def _current(self) -> Node:
        return parse(self.text, now=datetime.now(UTC)) if self.relative else self.node

    def matches(self, document: Matchable) -> bool:
        """Whether an article's document (consumers.index.documents) is one that the query asks for."""
        return matches(self._current(), document)

    def for_elasticsearch(self, *, stemmed: bool = False) -> dict[str, Any]:
        """The same as an Elasticsearch query; see `consumers.query.elastic.to_dsl`."""
        return to_dsl(self._current(), stemmed=stemmed)
