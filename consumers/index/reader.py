"""The one reader of the indices `PREFIX-articles`, `-stories` and `-alerts`, for pages, interface and commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal

from elastic_transport import TransportError
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from consumers.index.documents import VECTOR_FIELDS, article_of, vector_of
from consumers.index.found import Articles, Document, Found, FoundStory, SearchResult, StoryPage, Variant
from consumers.index.merged import without_folded
from consumers.query.parse import QueryError
from consumers.query.query import Query
from schemas.alerts import Alert
from schemas.articles import ClusteredArticle
from schemas.readings import Deal, Entity
from schemas.stories import Story

MAX_VARIANTS = 200
"""Of one story on one page."""
_SEARCHED = 200
"""Articles looked through for the stories they belong to."""
_SNIPPET = 240
_PAGE = 500
MARK_START, MARK_END = "\ue000", "\ue001"
"""Around what was found: characters no text holds, since nothing may be HTML before it is escaped."""

Dsl = dict[str, Any]


class IndexAway(Exception):
    """Elasticsearch does not answer, or not now."""


class IndexMissing(IndexAway):
    """The indices are not there: nothing has made them yet."""


class IndexReader:
    """Safe to use from several threads.

    Every method raises IndexAway where Elasticsearch does not answer, IndexMissing where there are no indices, and
    QueryError where it refuses a query.
    """

    def __init__(self, es: Elasticsearch, prefix: str, *, missing_is_empty: bool = False) -> None:
        """`missing_is_empty`: the indexer makes the indices; until then there is nothing, and that is no error."""
        self._es = es
        self._prefix = prefix
        self._missing_is_empty = missing_is_empty

    def stories(
        self, *, limit: int, after: str | None = None, deals_only: bool = False, language: str | None = None
    ) -> StoryPage:
        """Stories by the time of their newest article.

        Args:
            after: the `older` of the page before.
        """
        filters: list[Dsl] = [{"range": {"article_count": {"gte": 1}}}]
        if deals_only:
            filters.append({"term": {"arms_deal": True}})
        if language:
            filters.append({"term": {"language": language}})
        body: Dsl = {
            "query": {"bool": {"filter": filters, "must_not": [{"exists": {"field": "merged_into"}}]}},
            "sort": [{"last_seen": {"order": "desc"}}, {"id": {"order": "desc"}}],
            "size": limit + 1,
            "_source": ["story"],
        }
        if after is not None:
            when, _, id_ = after.partition("~")
            if not when.lstrip("-").isdigit() or not id_:
                return StoryPage([], None)
            body["search_after"] = [int(when), id_]
        hits = self._search("stories", body)["hits"]
        stories = [Story.model_validate(hit["_source"]["story"]) for hit in hits[:limit]]
        last = stories[-1] if len(hits) > limit else None
        return StoryPage(stories, f"{round(last.last_seen.timestamp() * 1000)}~{last.id}" if last else None)

    def story(self, story_id: str) -> Story | None:
        """A story; also one that went up in another. None where there is none."""
        hits = self._search("stories", {"query": {"ids": {"values": [story_id]}}, "_source": ["story"], "size": 1})[
            "hits"
        ]
        return Story.model_validate(hits[0]["_source"]["story"]) if hits else None

    def variants(self, story_id: str) -> list[Variant]:
        """The articles of a story, oldest first, at most `MAX_VARIANTS`."""
        body: Dsl = {
            "query": {"bool": {"filter": [{"term": {"story_id": story_id}}]}},
            "sort": [{"when": {"order": "asc"}}, {"id": {"order": "asc"}}],
            "size": MAX_VARIANTS,
            "_source": _VARIANT_FIELDS,
        }
        return [_variant(hit["_source"]) for hit in self._search("articles", body)["hits"]]

    def search(self, text: str, *, limit: int) -> SearchResult:
        """The stories whose articles match a query in Lucene syntax, at most `limit`."""
        query = Query.parse(text).for_elasticsearch(stemmed=True)
        body: Dsl = {
            "query": query,
            "size": _SEARCHED,
            "track_total_hits": True,
            "_source": [*_VARIANT_FIELDS, "story_title", "story_language", "article_count"],
            "highlight": {
                "pre_tags": [MARK_START],
                "post_tags": [MARK_END],
                "require_field_match": False,
                "fields": {
                    "title": {"number_of_fragments": 0},
                    "text": {"fragment_size": _SNIPPET, "number_of_fragments": 1},
                },
            },
        }
        found = self._search("articles", body)
        stories: dict[str, FoundStory] = {}
        for hit in found["hits"]:
            source = hit["_source"]
            if source["story_id"] not in stories and len(stories) == limit:
                continue
            story = stories.setdefault(
                source["story_id"],
                FoundStory(
                    source["story_id"],
                    source.get("story_title", ""),
                    source.get("story_language", []),
                    source.get("article_count", 1),
                    source.get("arms_deal", False),
                ),
            )
            variant = _variant(source)
            marked = hit.get("highlight", {})
            story.articles.append(
                Found(
                    variant,
                    (marked.get("title") or [variant.title])[0],
                    (marked.get("text") or [_lead(variant.text)])[0],
                )
            )
        self._bring_up_to_date(stories)
        return SearchResult(found["total"]["value"], list(stories.values()))

    def _bring_up_to_date(self, stories: Mapping[str, FoundStory]) -> None:
        """An article knows its story as it was when it joined; the story itself may have grown since."""
        if not stories:
            return
        body: Dsl = {"query": {"ids": {"values": list(stories)}}, "size": len(stories), "_source": ["story"]}
        for hit in self._search("stories", body)["hits"]:
            story = Story.model_validate(hit["_source"]["story"])
            if story.article_count:
                found = stories[story.id]
                found.title, found.languages = story.title, story.languages
                found.article_count, found.arms_deal = story.article_count, story.arms_deal

    def articles(
        self, query: Query, *, size: int = 10, language: str | None = None, since: datetime | None = None
    ) -> Articles:
        """Articles that match, best first; also by the stems of their language's words."""
        filters: list[Dsl] = []
        if language:
            filters.append({"term": {"language": {"value": language.lower()}}})
        if since:
            filters.append(_newer("when", since))
        body: Dsl = {
            "query": {"bool": {"must": [query.for_elasticsearch(stemmed=True)], "filter": filters}},
            "sort": [{"_score": "desc"}, {"when": "desc"}],
            "size": size,
            "track_total_hits": True,
            "_source": {"excludes": _LARGE},
        }
        found = self._search("articles", body)
        hits = [{**hit["_source"], "score": hit["_score"]} for hit in found["hits"]]
        return Articles(found["total"]["value"], hits)

    def articles_since(self, query: Query, since: datetime) -> Iterator[Document]:
        """Every article that Elasticsearch takes for a match and that was collected since, in that order."""
        after: list[Any] | None = None
        while True:
            body: Dsl = {
                "query": {"bool": {"must": [query.for_elasticsearch()], "filter": [_newer("collected", since)]}},
                "sort": [{"collected": "asc"}, {"id": "asc"}],
                "size": _PAGE,
                "_source": {"excludes": ["embedding", "reading", "title_i18n", "text_i18n"]},
                **({"search_after": after} if after else {}),
            }
            hits = self._search("articles", body)["hits"]
            yield from (hit["_source"] for hit in hits)
            if len(hits) < _PAGE:
                return
            after = hits[-1]["sort"]

    def ids_beginning(self, kind: Literal["article", "story"], begin: str) -> list[str]:
        """The ids that begin so, three at most, the shortest (which may be `begin` itself) first."""
        name = "articles" if kind == "article" else "stories"
        with self._errors():
            if self._es.exists(index=f"{self._prefix}-{name}", id=begin):  # also where the search does not see it yet
                return [begin]
        body: Dsl = {
            "query": {"prefix": {"id": {"value": begin}}},
            "sort": [{"id": {"order": "asc"}}],
            "size": 3,
            "_source": ["id"],
        }
        return [hit["_source"]["id"] for hit in self._search(name, body)["hits"]]

    def article(self, article_id: str) -> Document | None:
        """An article's document; None where there is none."""
        with self._errors():
            try:
                found = self._es.get(index=f"{self._prefix}-articles", id=article_id, source_excludes=["embedding"])
            except NotFoundError:
                return None
            return dict(found["_source"])

    def newest_articles(self, story_id: str, *, size: int) -> list[ClusteredArticle]:
        """The newest articles of a story as the clusterer takes them, the oldest of them first."""
        body: Dsl = {
            "query": {"term": {"story_id": {"value": story_id}}},
            "sort": [{"when": "desc"}, {"id": "asc"}],
            "size": size,
            "fields": VECTOR_FIELDS,
            "_source": {"excludes": _LARGE},
        }
        hits = self._search("articles", body)["hits"]
        return [article_of(hit["_source"], vector_of(hit)) for hit in reversed(hits)]

    def alerts(
        self,
        *,
        limit: int = 20,
        subscription: str | None = None,
        story_id: str | None = None,
        since: datetime | None = None,
    ) -> list[Alert]:
        """Alerts as they stand now, the newest first. One for stories that have become one, unless a story is named."""
        filters: list[Dsl] = []
        if subscription:
            filters.append({"term": {"subscription_id": {"value": subscription}}})
        if story_id:
            filters.append({"term": {"story_id": {"value": story_id}}})
        if since:
            filters.append(_newer("when", since))
        body: Dsl = {
            "query": {"bool": {"filter": filters}} if filters else {"match_all": {}},
            "sort": [{"when": "desc"}, {"id": "asc"}],
            "size": limit,
            "_source": ["alert"],
        }
        found = [Alert.model_validate(hit["_source"]["alert"]) for hit in self._search("alerts", body)["hits"]]
        return found if story_id else without_folded(found, lambda name, asked: self._search(name, asked)["hits"])

    def _search(self, index: str, body: Mapping[str, Any]) -> Any:
        try:
            with self._errors():
                return self._es.search(index=f"{self._prefix}-{index}", body=dict(body))["hits"]
        except IndexMissing:
            if not self._missing_is_empty:
                raise
            return {"hits": [], "total": {"value": 0}}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except NotFoundError as error:
            raise IndexMissing(f"the indices {self._prefix}-* are not there") from error
        except BadRequestError as error:
            raise QueryError(f"Elasticsearch refuses the query: {error.message}") from error
        except (ApiError, TransportError) as error:
            raise IndexAway(str(error) or type(error).__name__) from error


_LARGE = ["embedding", "title_grams", "text_grams", "title_i18n", "text_i18n"]
"""What nobody reads."""
_VARIANT_FIELDS = [
    "id", "story_id", "title", "text", "language", "source", "url", "when", "duplicate_of", "arms_deal",
    "reading.entities", "reading.deals",
]  # fmt: skip


def _variant(source: Mapping[str, Any]) -> Variant:
    reading = source.get("reading", {})
    return Variant(
        id=source["id"],
        story_id=source["story_id"],
        title=source.get("title", ""),
        text=source.get("text", ""),
        language=source.get("language", "und"),
        source=source.get("source", ""),
        url=source.get("url"),
        when=datetime.fromisoformat(source["when"]).astimezone(UTC),
        duplicate_of=source.get("duplicate_of"),
        arms_deal=source.get("arms_deal", False),
        entities=[Entity.model_validate(entity) for entity in reading.get("entities", [])],
        deals=[Deal.model_validate(deal) for deal in reading.get("deals", [])],
    )


def _lead(text: str) -> str:
    return text if len(text) <= _SNIPPET else text[:_SNIPPET].rsplit(" ", 1)[0] + " …"


def _newer(field: str, since: datetime) -> Dsl:
    return {"range": {field: {"gte": since.isoformat()}}}
