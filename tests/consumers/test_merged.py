"""One alert in the lists for stories that have become one."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch

from consumers.index import ensure_indices
from consumers.index.documents import alert_document, story_document
from consumers.index.reader import IndexReader
from runtime.settings import Settings
from schemas.alerts import Alert
from schemas.ids import alert_id
from tests.consumers.make import alert, story

pytestmark = pytest.mark.engine


def told(subscription: str, story_id: str) -> Alert:
    return alert(subscription, story_id, id=alert_id(subscription, story_id))


def test_an_alert_is_folded_into_that_of_the_story_its_story_became(es: Elasticsearch, settings: Settings) -> None:
    prefix = settings.index_prefix
    ensure_indices(es, prefix)
    empty: dict[str, Any] = {"articles": [], "article_count": 0}
    for each in (
        story("kept"),
        story("first", merged_into="between", **empty),
        story("between", merged_into="kept", **empty),
        story("other"),
    ):
        es.index(index=f"{prefix}-stories", id=each.id, document=story_document(each))
    alerts = [told("a", "kept"), told("a", "first"), told("a", "other"), told("b", "first")]
    for one in alerts:
        es.index(index=f"{prefix}-alerts", id=one.id, document=alert_document(one))
    es.indices.refresh(index=f"{prefix}-*")

    # `b` was never told of the story that was kept: its alert is the only one, and stays.
    expected = {("a", "kept"), ("a", "other"), ("b", "first")}
    reader = IndexReader(es, prefix, missing_is_empty=True)
    assert {(one.subscription_id, one.story_id) for one in reader.alerts(limit=10)} == expected
    assert {one.subscription_id for one in reader.alerts(limit=10, story_id="first")} == {"a", "b"}
