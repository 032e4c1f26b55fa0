"""The indexer on a real bus and a real index, with what can go wrong between them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import ApiError, Elasticsearch, NotFoundError

import consumers.indexer
from consumers.index import ensure_indices, mapping
from consumers.index.documents import article_document, article_of
from consumers.indexer import Indexer, judge
from runtime.bus.outcomes import Done, Reject, Retry
from runtime.elastic import make_client
from runtime.settings import Settings
from schemas.articles import EnrichedArticle
from schemas.topics import ALERTS, ENRICHED, STORIES
from tests.consumers.conftest import Bus, Start, eventually
from tests.consumers.make import alert, article, story
from tests.consumers.proxy import FaultyProxy

pytestmark = pytest.mark.engine


@pytest.fixture
def proxy(settings: Settings) -> Iterator[FaultyProxy]:
    one = FaultyProxy(settings.elasticsearch_url)
    yield one
    one.close()


@pytest.fixture
def indexer(settings: Settings, proxy: FaultyProxy) -> Indexer:
    through = settings.model_copy(update={"elasticsearch_url": proxy.url})
    return Indexer(make_client(through, request_timeout=10), settings.index_prefix)


class Index:
    def __init__(self, es: Elasticsearch, prefix: str) -> None:
        self.es, self.prefix = es, prefix

    def get(self, kind: str, id_: str) -> dict[str, Any] | None:
        try:
            return dict(self.es.get(index=f"{self.prefix}-{kind}", id=id_)["_source"])
        except NotFoundError:
            return None
        except ApiError as error:
            if error.status_code != 503:  # an index that has just been made, and whose shards are not ready
                raise
            return None

    def has(self, kind: str, *ids: str) -> bool:
        return all(self.get(kind, id_) for id_ in ids)


@pytest.fixture
def index(es: Elasticsearch, settings: Settings) -> Index:
    return Index(es, settings.index_prefix)


def test_articles_stories_and_alerts_arrive(bus: Bus, start: Start, indexer: Indexer, index: Index) -> None:
    start(indexer)
    bus.put(ENRICHED, "s1", article(1), article(2))
    bus.put(STORIES, "s1", story(), story("s2", merged_into="s1"))
    bus.put(ALERTS, "deals", alert())
    eventually("the article", lambda: index.has("articles", article(1).id, article(2).id))
    eventually("the stories", lambda: index.has("stories", "s1", "s2"))
    eventually("the alert", lambda: index.has("alerts", alert().id))
    found = index.get("articles", article(1).id)
    assert found is not None
    assert set(found["supplier"]) == {"Q159", "Russia", "RU"}
    assert found["title_i18n"] == {"en": "Kazakhstan buys S-300 systems"}
    merged = index.get("stories", "s2")
    assert merged is not None
    assert merged["merged_into"] == "s1"


def test_poison_between_good_messages(bus: Bus, start: Start, indexer: Indexer, index: Index) -> None:
    start(indexer)
    bus.put(ENRICHED, "s1", article(1))
    bus.put(ENRICHED, "s1", b"{", b'{"schema_version": 1}', b'{"schema_version": 99}', b"[1]", b"\xff\xfe")
    bus.put(ENRICHED, "s1", article(2))
    bus.put(ENRICHED, None, b'{"schema_version": 1, "id": 7}')
    eventually("both articles", lambda: index.has("articles", article(1).id, article(2).id))
    letters = eventually("six dead letters", lambda: len(found := bus.dead_letters()) >= 6 and found)
    mine = [letter for letter in letters if letter.stage == "indexer"]
    assert len(mine) == 6
    assert all(letter.reason and letter.topic == ENRICHED.name for letter in mine)


def test_a_document_that_elasticsearch_refuses_is_a_dead_letter(
    bus: Bus, start: Start, indexer: Indexer, index: Index, es: Elasticsearch, settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def document(one: EnrichedArticle) -> dict[str, Any]:
        return article_document(one) | ({"of_no_mapping": 1} if one.id == article(1).id else {})

    monkeypatch.setattr(consumers.indexer, "article_document", document)
    ensure_indices(es, settings.index_prefix)
    start(indexer)
    bus.put(ENRICHED, "s1", article(1), article(2))
    eventually("the good one", lambda: index.has("articles", article(2).id))
    letter = eventually("the dead letter", bus.dead_letters)[0]
    assert "Elasticsearch refused it (400)" in letter.reason
    assert index.get("articles", article(1).id) is None


def test_an_older_version_changes_nothing(bus: Bus, start: Start, indexer: Indexer, index: Index) -> None:
    running = start(indexer)
    bus.put(ENRICHED, "s1", article(1, version=5, title="new"), article(1, version=4, title="old"))
    bus.put(ENRICHED, "s1", article(1, version=5, title="new"), article(2))
    eventually("all four", lambda: running.health.report().handled == 4)
    found = index.get("articles", article(1).id)
    assert found is not None
    assert found["title"] == "new"
    assert bus.dead_letters() == []


@pytest.mark.parametrize("order", [0, 1])
def test_a_moved_article_ends_in_its_new_story(
    bus: Bus, start: Start, indexer: Indexer, index: Index, order: int
) -> None:
    """The correction takes it out of one story and puts it in another, on two partitions: in any order."""
    running = start(indexer)
    out = article(1, story="s-old", version=9, retracted=True, correction_id="c1")
    into = article(1, story="s-new", version=9, correction_id="c1")
    bus.put(ENRICHED, "s-old", article(1, story="s-old", version=1))
    eventually("the first place", lambda: index.has("articles", into.id))
    for one in (out, into) if order == 0 else (into, out):
        bus.put(ENRICHED, one.story_id, one)
    eventually("all three", lambda: running.health.report().handled == 3)
    found = index.get("articles", into.id)
    assert found is not None
    assert found["story_id"] == "s-new"


@pytest.mark.parametrize("fault", ["429", "503", "401", "cut off", "answer lost"])
def test_an_outage_loses_nothing(
    bus: Bus, start: Start, indexer: Indexer, index: Index, proxy: FaultyProxy, fault: str
) -> None:
    running = start(indexer)
    bus.put(ENRICHED, "s0", article(100))
    eventually("the first", lambda: running.health.report().handled == 1)
    if fault.isdigit():
        proxy.status = int(fault)
    else:
        proxy.drop = True
        proxy.after = fault == "answer lost"
    bus.put(ENRICHED, "s1", *(article(n) for n in range(1, 21)))
    eventually("several tries", lambda: proxy.refused >= 3)
    report = running.health.report()
    assert report.retries >= 2
    assert report.handled == 1
    assert report.last_error
    proxy.status, proxy.drop, proxy.after = None, False, False
    eventually("all articles", lambda: index.has("articles", *(article(n).id for n in range(1, 21))))
    eventually("all counted", lambda: running.health.report().handled == 21)
    assert bus.dead_letters() == []


def test_a_restart_in_the_middle_loses_nothing(
    bus: Bus, start: Start, settings: Settings, index: Index, proxy: FaultyProxy
) -> None:
    through = settings.model_copy(update={"elasticsearch_url": proxy.url})
    first = start(Indexer(make_client(through), settings.index_prefix))
    bus.put(ENRICHED, "s0", article(100))
    eventually("the first", lambda: index.has("articles", article(100).id))
    eventually("its commit", lambda: first.health.report().handled == 1)
    proxy.drop = True
    bus.put(ENRICHED, "s1", *(article(n) for n in range(1, 11)))
    eventually("tries", lambda: proxy.refused >= 2)
    first.stop()
    proxy.drop = False
    start(Indexer(make_client(through), settings.index_prefix))
    eventually("all articles", lambda: index.has("articles", *(article(n).id for n in range(1, 11))))


def test_an_index_that_was_deleted_is_made_again(
    bus: Bus, start: Start, indexer: Indexer, index: Index, es: Elasticsearch, settings: Settings
) -> None:
    start(indexer)
    bus.put(ENRICHED, "s1", article(1))
    eventually("the first", lambda: index.has("articles", article(1).id))
    es.indices.delete(index=f"{settings.index_prefix}-articles-000001")
    bus.put(ENRICHED, "s1", article(2))
    eventually("the second", lambda: index.has("articles", article(2).id))
    found = es.indices.get_mapping(index=f"{settings.index_prefix}-articles").body
    assert [*found] == [f"{settings.index_prefix}-articles-000001"]
    [properties] = [index["mappings"]["properties"] for index in found.values()]
    assert properties["supplier"]["type"] == "keyword"
    assert bus.dead_letters() == []


def test_hostile_values_do_not_reach_the_mapping(bus: Bus, start: Start, indexer: Indexer, index: Index) -> None:
    start(indexer)
    hostile = article(
        1,
        title="‮\u202e <script>alert(1)</script> \U0001f600" * 20,
        text="x" * 100_000 + "\u0000 \u0007",
        source="s" * 200,
        url="https://daily.example/" + "ä" * 3000,
        meta={f"key.{n}.{'deep.' * 20}": "v" * 2000 for n in range(300)} | {"": "empty", "\0": "null"},
        language="zxx-unknown",
        embedding=[0.0] * 384,
    )
    bus.put(ENRICHED, "s1", hostile, article(2))
    eventually("both", lambda: index.has("articles", article(1).id, article(2).id))
    assert bus.dead_letters() == []


def test_every_field_of_a_document_is_in_the_mapping() -> None:
    def check(document: dict[str, Any], properties: dict[str, Any], at: str = "") -> None:
        for name, value in document.items():
            assert name in properties, f"{at}{name}"
            kind = properties[name]
            if kind.get("type") in {"flattened"} or kind.get("enabled") is False:
                continue
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    check(one, kind["properties"], f"{at}{name}.")

    check(article_document(article(meta={"a": "b"}, duplicate_of="x")), mapping("articles")["properties"])


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"status": 409, "error": {"type": "version_conflict", "reason": "newer"}}, Done),
        ({"status": 429, "error": {"type": "rejected", "reason": "full"}}, Retry),
        ({"status": 503, "error": {"type": "unavailable", "reason": "shards"}}, Retry),
        ({"status": 404, "error": {"type": "index_not_found", "reason": "gone"}}, Retry),
        ({"status": 403, "error": {"type": "cluster_block", "reason": "disk full"}}, Retry),
        ({"status": "N/A", "error": "connection refused"}, Retry),
        ({"status": 400, "error": {"type": "parsing", "reason": "bad", "caused_by": {"reason": "why"}}}, Reject),
        ({"status": 413, "error": {"type": "too_large", "reason": "big"}}, Reject),
    ],
)
def test_items_are_judged_by_their_status(item: dict[str, Any], expected: type) -> None:
    assert isinstance(judge(item), expected)


def test_an_article_comes_back_from_its_document() -> None:
    one = article(
        meta={"a": "b"}, duplicate_of="x", notes=["cut"], external_id="7", moved_from="s0", correction_id="c1"
    )
    again = article_of(json.loads(json.dumps(article_document(one), default=str)), one.embedding)
    left = {"story", "moved_from", "unlinked"}
    assert again.model_dump(exclude=left) == one.model_dump(exclude=left)
    for nothing in ([0.0] * 384, [1e-300] * 384):
        assert "embedding" not in article_document(article(embedding=nothing)), "what points nowhere is refused"
    bare = article(title="", text="only a text", url=None, entities=[], deals=[], embedding=[0.0] * 384)
    assert article_of(article_document(bare), None).model_dump(exclude=left) == bare.model_dump(exclude=left)
