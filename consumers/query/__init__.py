"""Subscription queries: Lucene's syntax, matched against one article in memory. Pure.

`Query.parse(text)`, then `query.matches(Matchable(article_document(article)))`, or `query.for_elasticsearch()`, which
finds the same articles in the index.
"""

from consumers.query.match import Matchable
from consumers.query.parse import QueryError
from consumers.query.query import Query

__all__ = ["Matchable", "Query", "QueryError"]
