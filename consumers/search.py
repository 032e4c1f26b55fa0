"""Reading the indices for the command line: articles by query, alerts, and what a subscription would have sent.

Stories and their variants are read by `consumers.web.library.Library`. Every function raises what the Elasticsearch
client raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from elasticsearch import Elasticsearch, NotFoundError

from consumers.index.documents import VECTOR_FIELDS, article_of, vector_of
from consumers.merged import without_folded
from consumers.query import Matchable, Query
from schemas.alerts import Alert
from schemas.articles import ClusteredArticle

_PAGE = 500
MAX_BACKTEST = 20_000
"""Articles that a backtest looks at: a query that matches more in a few days is no query to subscribe to."""

Source = dict[str, Any]


@dataclass(frozen=True)
class Articles:
    """Articles found, best first: their documents without embedding."""

    total: int
    articles: list[Source]


@dataclass
class WouldSend:
    """One story of a backtest: a new alert at `at`, and an update for each further article."""

    story_id: str
    title: str
    at: datetime
    language: str
    languages: list[str]
    sources: list[str]
    updates: int = 0


@dataclass(frozen=True)
class Backtest:
    """What a subscription would have sent: one entry a story, in the order of their alerts."""

    stories: list[WouldSend] = field(default_factory=list)
    articles: int = 0
    complete: bool = True
    """False where the query matched more than `MAX_BACKTEST` articles, and only the first were looked at."""

    @property
    def alerts(self) -> int:
        return len(self.stories)

    @property
    def updates(self) -> int:
        return sum(story.updates for story in self.stories)


def search_articles(
    es: Elasticsearch,
    prefix: str,
    query: Query,
    *,
    size: int = 10,
    language: str | None = None,
    since: datetime | None = None,
) -> Articles:
    """Articles that match, best first; also by the stems of their language's words."""
    filters: list[Source] = []
    if language:
        filters.append({"term": {"language": {"value": language.lower()}}})
    if since:
        filters.append({"range": {"when": {"gte": since.isoformat()}}})
    answer = es.search(
        index=f"{prefix}-articles",
        query={"bool": {"must": [query.for_elasticsearch(stemmed=True)], "filter": filters}},
        sort=[{"_score": "desc"}, {"when": "desc"}],
        size=size,
        track_total_hits=True,
        source_excludes=["embedding", "title_grams", "text_grams", "title_i18n", "text_i18n"],
    )
    hits = answer["hits"]
    return Articles(hits["total"]["value"], [{**hit["_source"], "score": hit["_score"]} for hit in hits["hits"]])


def ids_beginning(es: Elasticsearch, prefix: str, kind: Literal["article", "story"], begin: str) -> list[str]:
    """The ids that begin so, three at most, the shortest (which may be `begin` itself) first."""
    index = f"{prefix}-{'articles' if kind == 'article' else 'stories'}"
    if es.exists(index=index, id=begin):  # also where the search does not see it yet
        return [begin]
    sort = [{"id": {"order": "asc"}}]
    hits = es.search(index=index, query={"prefix": {"id": {"value": begin}}}, sort=sort, size=3, source_includes=["id"])
    return [hit["_source"]["id"] for hit in hits["hits"]["hits"]]


def get_article(es: Elasticsearch, prefix: str, article_id: str) -> Source | None:
    """An article's document; None where there is none."""
    try:
        found = es.get(index=f"{prefix}-articles", id=article_id, source_excludes=["embedding"])
    except NotFoundError:
        return None
    return dict(found["_source"])


def members(es: Elasticsearch, prefix: str, story_id: str, *, size: int) -> list[ClusteredArticle]:
    """The newest articles of a story, the oldest of them first."""
    answer = es.search(
        index=f"{prefix}-articles",
        query={"term": {"story_id": {"value": story_id}}},
        sort=[{"when": "desc"}, {"id": "asc"}],
        size=size,
        fields=VECTOR_FIELDS,
        source_excludes=["embedding", "title_grams", "text_grams", "title_i18n", "text_i18n"],
    )
    return [article_of(hit["_source"], vector_of(hit)) for hit in reversed(answer["hits"]["hits"])]


def list_alerts(
    es: Elasticsearch,
    prefix: str,
    *,
    size: int = 20,
    subscription: str | None = None,
    story: str | None = None,
    since: datetime | None = None,
) -> list[Alert]:
    """Alerts as they stand now, the newest first. One for stories that have become one, unless a story is named."""
    filters: list[Source] = []
    if subscription:
        filters.append({"term": {"subscription_id": {"value": subscription}}})
    if story:
        filters.append({"term": {"story_id": {"value": story}}})
    if since:
        filters.append({"range": {"when": {"gte": since.isoformat()}}})
    answer = es.search(
        index=f"{prefix}-alerts",
        query={"bool": {"filter": filters}} if filters else {"match_all": {}},
        sort=[{"when": "desc"}, {"id": "asc"}],
        size=size,
        source_includes=["alert"],
    )
    found = [Alert.model_validate(hit["_source"]["alert"]) for hit in answer["hits"]["hits"]]
    if story:
        return found
    return without_folded(
        found, lambda name, body: es.search(index=f"{prefix}-{name}", body=dict(body))["hits"]["hits"]
    )


def backtest(es: Elasticsearch, prefix: str, query: Query, *, since: datetime) -> Backtest:
    """What a subscription made at `since` would have sent until now: the first article of each story, then updates.

    Elasticsearch finds the candidates, and the alerter's own matcher has the last word on each.
    """
    stories: dict[str, WouldSend] = {}
    articles = seen = 0
    for source in _candidates(es, prefix, query, since):
        if seen == MAX_BACKTEST:
            return Backtest(list(stories.values()), articles, complete=False)
        seen += 1
        if not query.matches(Matchable(source)):
            continue
        articles += 1
        story = stories.get(source["story_id"])
        if story is None:
            stories[source["story_id"]] = WouldSend(
                source["story_id"],
                source.get("story_title") or source.get("title", ""),
                datetime.fromisoformat(source["collected"]),
                source["language"],
                [source["language"]],
                [source["source"]],
            )
            continue
        story.updates += 1
        story.languages = list(dict.fromkeys([*story.languages, source["language"]]))
        story.sources = list(dict.fromkeys([*story.sources, source["source"]]))
    return Backtest(list(stories.values()), articles)


def _candidates(es: Elasticsearch, prefix: str, query: Query, since: datetime) -> Iterator[Source]:
    body = {
        "bool": {
            "must": [query.for_elasticsearch()],
            "filter": [{"range": {"collected": {"gte": since.isoformat()}}}],
        }
    }
    after: list[Any] | None = None
    while True:
        answer = es.search(
            index=f"{prefix}-articles",
            query=body,
            sort=[{"collected": "asc"}, {"id": "asc"}],
            size=_PAGE,
            search_after=after,
            source_excludes=["embedding", "reading", "title_i18n", "text_i18n"],
        )
        hits = answer["hits"]["hits"]
        yield from (hit["_source"] for hit in hits)
        if len(hits) < _PAGE:
            return
        after = hits[-1]["sort"]
