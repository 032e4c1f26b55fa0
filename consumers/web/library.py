"""What the pages show, out of Elasticsearch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from consumers.merged import without_folded
from consumers.query.parse import QueryError
from consumers.query.query import Query
from schemas.alerts import Alert
from schemas.readings import Deal, Entity
from schemas.stories import Story

MAX_VARIANTS = 200
"""Of one story on one page."""
_SEARCHED = 200
"""Articles looked through for the stories they belong to."""
_SNIPPET = 240
MARK_START, MARK_END = "\ue000", "\ue001"
"""Around what was found: characters no text holds, since nothing may be HTML before it is escaped."""

Dsl = dict[str, Any]


class LibraryAway(Exception):
    """Elasticsearch does not answer, or not now."""


@dataclass(frozen=True)
class Variant:
    """One article of a story, with what was read in it."""

    id: str
    story_id: str
    title: str
    text: str
    language: str
    source: str
    url: str | None
    when: datetime
    duplicate_of: str | None
    arms_deal: bool
    entities: Sequence[Entity]
    deals: Sequence[Deal]


@dataclass(frozen=True)
class Found:
    """An article that a search found."""

    variant: Variant
    title: str
    """With marks around what was found, where the index gives them."""
    snippet: str


@dataclass
class FoundStory:
    """A story that a search found, as it stands now, with the articles it was found by, best first."""

    id: str
    title: str
    languages: list[str]
    article_count: int
    arms_deal: bool
    articles: list[Found] = field(default_factory=list)


@dataclass(frozen=True)
class SearchResult:
    """What a search found: best first."""

    total: int
    """Articles."""
    stories: list[FoundStory]


@dataclass(frozen=True)
class StoryPage:
    """Some stories, the newest first."""

    stories: list[Story]
    older: str | None
    """Where the next page starts, if there is one."""


class Library:
    """Reads the indices `PREFIX-articles`, `-stories` and `-alerts`. Safe to use from several threads."""

    def __init__(self, es: Elasticsearch, prefix: str) -> None:
        self._es = es
        self._prefix = prefix

    def stories(
        self, *, limit: int, after: str | None = None, deals_only: bool = False, language: str | None = None
    ) -> StoryPage:
        """Stories by the time of their newest article.

        Args:
            after: the `older` of the page before.

        Raises:
            LibraryAway
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
        """A story; also one that went up in another. None where there is none.

        Raises:
            LibraryAway
        """
        hits = self._search("stories", {"query": {"ids": {"values": [story_id]}}, "_source": ["story"], "size": 1})[
            "hits"
        ]
        return Story.model_validate(hits[0]["_source"]["story"]) if hits else None

    def variants(self, story_id: str) -> list[Variant]:
        """The articles of a story, oldest first, at most `MAX_VARIANTS`.

        Raises:
            LibraryAway
        """
        body: Dsl = {
            "query": {"bool": {"filter": [{"term": {"story_id": story_id}}]}},
            "sort": [{"when": {"order": "asc"}}, {"id": {"order": "asc"}}],
            "size": MAX_VARIANTS,
            "_source": _VARIANT_FIELDS,
        }
        return [_variant(hit["_source"]) for hit in self._search("articles", body)["hits"]]

    def search(self, text: str, *, limit: int) -> SearchResult:
        """The stories whose articles match a query in Lucene syntax, at most `limit`.

        Raises:
            QueryError: the query cannot be used.
            LibraryAway
        """
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

    def alerts(self, *, limit: int, story_id: str | None = None) -> list[Alert]:
        """Alerts as they stand now, the newest first. One for stories that have become one, unless a story is named.

        Raises:
            LibraryAway
        """
        query: Dsl = {"bool": {"filter": [{"term": {"story_id": story_id}}]}} if story_id else {"match_all": {}}
        body: Dsl = {"query": query, "sort": [{"when": {"order": "desc"}}], "size": limit, "_source": ["alert"]}
        found = [Alert.model_validate(hit["_source"]["alert"]) for hit in self._search("alerts", body)["hits"]]
        return found if story_id else without_folded(found, lambda name, asked: self._search(name, asked)["hits"])

    def _search(self, index: str, body: Mapping[str, Any]) -> Any:
        try:
            return self._es.search(index=f"{self._prefix}-{index}", body=dict(body))["hits"]
        except NotFoundError:
            # The indexer makes the indices; until then there is nothing.
            return {"hits": [], "total": {"value": 0}}
        except BadRequestError as error:
            raise QueryError(f"Elasticsearch refuses the query: {error.message}") from error
        except (ApiError, TransportError) as error:
            raise LibraryAway(str(error)) from error


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
