"""articles.enriched, stories and alerts into Elasticsearch.

A document's id and version come from its message, and it is written with `external_gte`: a replay writes the same
again, a message that is older than what is there changes nothing. So the order of arrival does not matter, and several
workers never undo each other.

A retracted article (a correction took it out of a story) is not written: the same correction has put the article into
another story with the same or a higher version, and that message writes the document anew, whichever of the two comes
first. A story that went up in another stays, with `merged_into`, so that its links lead on.

What the present version of an index cannot take is left out of the document and counted (`without_fields`). When the
answers come from another version than the one that was asked for its shape, the documents are fitted and written anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elasticsearch import Elasticsearch, helpers

from consumers.index.documents import alert_document, article_document, story_document
from consumers.index.ready import make_ready
from consumers.index.shape import Shape
from runtime.bus.outcomes import Done, Outcome, Received, Reject, Retry, is_infrastructure
from runtime.logs import get_logger
from schemas.alerts import Alert
from schemas.articles import EnrichedArticle
from schemas.stories import Story
from schemas.topics import ALERTS, ENRICHED, STORIES

log = get_logger(__name__)

BULK_ACTIONS, BULK_BYTES = 250, 8 * 1024 * 1024
"""Of one request."""
_TRY_AGAIN = frozenset({401, 403, 404, 408, 429})
"""Status of an item: 404 is the index (an index operation finds no fault in a missing document), the others are our
credentials or our haste. With 5xx, what is waited for and never given up."""


class Indexer:
    """The handler of `polywire consume indexer`."""

    stage = "indexer"
    topics = (ENRICHED, STORIES, ALERTS)
    gather = 0.5
    """Elasticsearch itself shows what was written only after a second."""

    def __init__(self, es: Elasticsearch, prefix: str) -> None:
        self._es = es
        self._prefix = prefix
        self._shapes: dict[str, Shape] | None = None

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        """Write the batch in as few requests as it fits into.

        Raises:
            Unavailable: the indices could not be made ready.
        """
        shapes = self._make_ready()
        outcomes: list[Outcome | None] = [None] * len(batch)
        actions, places = [], []
        for place, received in enumerate(batch):
            action = index_action(received.message, self._prefix)
            if action is None:
                outcomes[place] = Done("skipped")
                continue
            shape = shapes[action["_index"].removeprefix(f"{self._prefix}-")]
            action["_source"], fitted = shape.fitted(action["_source"])
            actions.append(action)
            places.append((place, shape.index, fitted))
        results = helpers.streaming_bulk(
            self._es,
            actions,
            chunk_size=BULK_ACTIONS,
            max_chunk_bytes=BULK_BYTES,
            max_retries=0,
            raise_on_error=False,
            raise_on_exception=False,
            require_alias=True,  # the embedded engine heeds it only for a whole request
        )
        for (place, index, fitted), (_, result) in zip(places, results, strict=True):
            outcomes[place] = self._judge(next(iter(result.values())), index, fitted)
        return [outcome for outcome in outcomes if outcome is not None]

    def tick(self) -> None:
        """The indices are there before the first message is, for those who search."""
        self._make_ready()

    def close(self) -> None:
        self._es.close()

    def _make_ready(self) -> dict[str, Shape]:
        if self._shapes is None:
            self._shapes = make_ready(self._es, self._prefix)
        return self._shapes

    def _judge(self, item: dict[str, Any], index: str, fitted: bool) -> Outcome:
        """`index`: the version that the document was made for; `fitted`: fields were left out for it."""
        outcome = judge(item)
        if isinstance(outcome, Retry) and item.get("status") in {403, 404}:
            self._shapes = None  # it is gone, or a migration has stopped writing to it
        elif item.get("_index", index) != index and (fitted or isinstance(outcome, Reject)):
            self._shapes = None
            return Retry(f"{item['_index']} has taken the place of {index}")
        elif isinstance(outcome, Done) and fitted:
            return Done("without_fields")
        return outcome


def index_action(message: object, prefix: str) -> dict[str, Any] | None:
    """The bulk action that writes a message; None where nothing is to be written.

    Raises:
        TypeError: a message that has no index.
    """
    if isinstance(message, EnrichedArticle):
        if message.retracted:
            return None
        name, version, source = "articles", message.rank, article_document(message)
    elif isinstance(message, Story):
        name, version, source = "stories", message.version, story_document(message)
    elif isinstance(message, Alert):
        name, version, source = "alerts", message.revision, alert_document(message)
    else:
        raise TypeError(f"{type(message).__name__} has no index")
    return {
        "_op_type": "index",
        "_index": f"{prefix}-{name}",
        "_id": message.id,
        "version": version,
        "version_type": "external_gte",
        # Without its alias the name would become an index of its own, with a guessed mapping.
        "require_alias": True,
        "_source": source,
    }


def judge(item: dict[str, Any]) -> Outcome:
    """What became of one item of a bulk request."""
    status, error = item.get("status"), item.get("error")
    if error is None and isinstance(status, int) and status < 300:
        return Done()
    cause = item.get("exception")
    reason = _reason(error)
    if status == 409:
        return Done("stale")  # a newer version is there
    if isinstance(cause, Exception) and is_infrastructure(cause):
        return Retry(reason)
    if not isinstance(status, int):
        return Retry(reason)  # the request did not come through
    if status in _TRY_AGAIN or status >= 500:
        return Retry(f"{status}: {reason}")
    return Reject(f"Elasticsearch refused it ({status}): {reason}")


def _reason(error: object) -> str:
    if not isinstance(error, dict):
        return str(error or "no reason given")
    reason = f"{error.get('type')}: {error.get('reason')}"
    cause = error.get("caused_by")
    return f"{reason} ({cause.get('reason')})" if isinstance(cause, dict) and cause.get("reason") else reason
