"""What was told, kept in Elasticsearch (`PREFIX-alert-state`), which answers by id in real time and settles races.

Two kinds of documents: one per subscription and story (the alert as last told, and whether Kafka has it), one per
subscription and article told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from elasticsearch import ConflictError, Elasticsearch

from consumers.alerts.folding import ArticleMemory, StoryMemory
from schemas.alerts import Alert
from schemas.ids import alert_id


class AlertMemory:
    """Raises what the Elasticsearch client raises: nothing is decided without it."""

    def __init__(self, es: Elasticsearch, prefix: str) -> None:
        self._es = es
        self._index = f"{prefix}-alert-state"

    def recall(
        self, subscription_id: str, story_id: str, article_id: str
    ) -> tuple[StoryMemory | None, ArticleMemory | None]:
        """What is remembered of the story, and of the article, for this subscription."""
        ids = [_story_key(subscription_id, story_id), _article_key(subscription_id, article_id)]
        story, article = self._es.mget(index=self._index, ids=ids)["docs"]
        for document in (story, article):
            if "error" in document:
                # An index that is gone must not look like a story never told.
                raise ConnectionError(f"cannot read {self._index}: {document['error']}")
        return (
            _story(story) if story.get("found") else None,
            ArticleMemory(article["_source"]["story_id"]) if article.get("found") else None,
        )

    def recall_story(self, subscription_id: str, story_id: str) -> StoryMemory | None:
        document = self._es.mget(index=self._index, ids=[_story_key(subscription_id, story_id)])["docs"][0]
        return _story(document) if document.get("found") else None

    def remember(self, alert: Alert, before: StoryMemory | None, *, published: bool) -> StoryMemory | None:
        """Store the alert of a story in the place of `before` (None: as the first). None: another worker was there."""
        body = {
            "kind": "story",
            "subscription_id": alert.subscription_id,
            "story_id": alert.story_id,
            "article_id": alert.article_id,
            "alert_id": alert.id,
            "published": published,
            "updated": datetime.now(UTC),
            "alert": alert.model_dump(mode="json"),
        }
        key = _story_key(alert.subscription_id, alert.story_id)
        # Where it was read: after a migration its numbers would be another document's in the new version. The old one
        # refuses the write then, as in an outage, and what is read next comes from the new one.
        condition: dict[str, Any] = (
            {"index": self._index, "op_type": "create", "require_alias": True}
            if before is None
            else {"index": before.index, "if_seq_no": before.seq_no, "if_primary_term": before.primary_term}
        )
        try:
            written = self._es.index(id=key, document=body, **condition)
        except ConflictError:
            return None
        return StoryMemory(alert, published, written["_seq_no"], written["_primary_term"], written["_index"])

    def mark(self, alert: Alert) -> None:
        """Remember that the alert's article was told."""
        body = {
            "kind": "article",
            "subscription_id": alert.subscription_id,
            "story_id": alert.story_id,
            "article_id": alert.article_id,
            "alert_id": alert.id,
            "updated": datetime.now(UTC),
        }
        key = _article_key(alert.subscription_id, alert.article_id)
        self._es.index(index=self._index, id=key, document=body, require_alias=True)

    def seen_before(self, place: str) -> bool:
        """Whether a bad subscription that lies at this place of its topic was reported already."""
        return bool(self._es.exists(index=self._index, id=f"bad:{place}"))

    def remember_place(self, place: str) -> None:
        """Note that it was."""
        self._es.index(
            index=self._index,
            id=f"bad:{place}",
            document={"kind": "bad-subscription", "updated": datetime.now(UTC)},
            require_alias=True,
        )


def _story_key(subscription_id: str, story_id: str) -> str:
    return f"story:{alert_id(subscription_id, story_id)}"


def _article_key(subscription_id: str, article_id: str) -> str:
    return f"article:{alert_id(subscription_id, article_id)}"


def _story(document: Any) -> StoryMemory:
    source = document["_source"]
    return StoryMemory(
        Alert.model_validate(source["alert"]),
        bool(source["published"]),
        document["_seq_no"],
        document["_primary_term"],
        document["_index"],
    )
