"""What was told, kept in Elasticsearch (`PREFIX-alert-state`), which answers by id in real time and settles races.

Two kinds of documents: one per subscription and story (the alert as last told, and whether Kafka has it), one per
subscription and article told. Each call is for many of them, in as few requests as they fit into.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from elasticsearch import Elasticsearch

from consumers.alerts.updates import ArticleMemory, StoryMemory
from schemas.alerts import Alert
from schemas.ids import alert_id

T = TypeVar("T")
Key = tuple[str, str]
"""The id of a subscription, and that of a story or of an article."""

_AT_ONCE = 500
"""Documents of one request."""
_BAD_REQUEST = 400


@dataclass(frozen=True)
class Write:
    """An alert to be remembered as what was told of its story, in the place of `before` (None: as the first)."""

    alert: Alert
    before: StoryMemory | None
    published: bool


class AlertMemory:
    """Raises what the Elasticsearch client raises, and ConnectionError for what it refused: nothing is decided without
    it. `beat` is called between requests."""

    def __init__(self, es: Elasticsearch, prefix: str, beat: Callable[[], None]) -> None:
        self._es = es
        self._index = f"{prefix}-alert-state"
        self._beat = beat

    def recall(
        self, stories: Collection[Key], articles: Collection[Key]
    ) -> tuple[dict[Key, StoryMemory | None], dict[Key, ArticleMemory | None]]:
        """What is remembered of each story, and of each article; None where it is nothing."""
        ids = [*map(_story_id, stories), *map(_article_id, articles)]
        found: dict[str, Any] = {}
        for some in _slices(ids):
            for document in self._es.mget(index=self._index, ids=some)["docs"]:
                if "error" in document:
                    # An index that is gone must not look like a story never told.
                    raise ConnectionError(f"cannot read {self._index}: {document['error']}")
                if document.get("found"):
                    found[document["_id"]] = document
            self._beat()
        return (
            {key: _story(found[id_]) if (id_ := _story_id(key)) in found else None for key in stories},
            {
                key: ArticleMemory(found[id_]["_source"]["story_id"]) if (id_ := _article_id(key)) in found else None
                for key in articles
            },
        )

    def remember(self, writes: Sequence[Write]) -> list[StoryMemory | None]:
        """Store alerts; None in the place of one that another worker was quicker with."""
        now = datetime.now(UTC)
        operations = []
        for write in writes:
            alert, before = write.alert, write.before
            id_ = _story_id((alert.subscription_id, alert.story_id))
            # Where it was read: after a migration its numbers would be another document's in the new version. The old
            # one refuses the write then, as in an outage, and what is read next comes from the new one.
            action: dict[str, Any] = (
                {"create": {"_index": self._index, "_id": id_, "require_alias": True}}
                if before is None
                else {
                    "index": {
                        "_index": before.index,
                        "_id": id_,
                        "if_seq_no": before.seq_no,
                        "if_primary_term": before.primary_term,
                    }
                }
            )
            body = {
                "kind": "story",
                "subscription_id": alert.subscription_id,
                "story_id": alert.story_id,
                "article_id": alert.article_id,
                "alert_id": alert.id,
                "published": write.published,
                "updated": now,
                "alert": alert.model_dump(mode="json"),
            }
            operations.append((action, body))
        return [
            None
            if item is None
            else StoryMemory(write.alert, write.published, item["_seq_no"], item["_primary_term"], item["_index"])
            for write, item in zip(writes, self._bulk(operations), strict=True)
        ]

    def mark(self, alerts: Sequence[Alert]) -> None:
        """Remember that the alerts' articles were told."""
        now = datetime.now(UTC)
        operations = [
            (
                {"index": {"_index": self._index, "_id": _article_id(_article_key(alert)), "require_alias": True}},
                {
                    "kind": "article",
                    "subscription_id": alert.subscription_id,
                    "story_id": alert.story_id,
                    "article_id": alert.article_id,
                    "alert_id": alert.id,
                    "updated": now,
                },
            )
            for alert in alerts
        ]
        self._bulk(operations)

    def _bulk(self, operations: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> list[dict[str, Any] | None]:
        """The answer to each operation, in their order; None for a conflict."""
        answers: list[dict[str, Any] | None] = []
        for some in _slices(operations):
            lines = [line for operation in some for line in operation]
            # The embedded engine heeds it only for a whole request; an update names the version that it was read from.
            aliased = all("require_alias" in place for action, _ in some for place in action.values())
            items = self._es.bulk(operations=lines, require_alias=aliased or None)["items"]
            for item in items:
                (answer,) = item.values()
                if answer["status"] == _BAD_REQUEST:
                    raise ValueError(f"{self._index} refused {answer['_id']}: {answer['error']}")
                if "error" in answer and answer["status"] != 409:
                    raise ConnectionError(f"cannot write to {self._index}: {answer['error']}")
                answers.append(None if answer["status"] == 409 else answer)
            self._beat()
        return answers

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


def _slices(of: Sequence[T]) -> Iterator[Sequence[T]]:
    return (of[start : start + _AT_ONCE] for start in range(0, len(of), _AT_ONCE))


def _article_key(alert: Alert) -> Key:
    return alert.subscription_id, alert.article_id


def _story_id(key: Key) -> str:
    return f"story:{alert_id(*key)}"


def _article_id(key: Key) -> str:
    return f"article:{alert_id(*key)}"


def _story(document: Any) -> StoryMemory:
    source = document["_source"]
    return StoryMemory(
        Alert.model_validate(source["alert"]),
        bool(source["published"]),
        document["_seq_no"],
        document["_primary_term"],
        document["_index"],
    )
