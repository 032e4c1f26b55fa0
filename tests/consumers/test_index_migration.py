"""A new version of an index in the place of the old one: while articles come in, while people search, killed and run
again."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from elasticsearch import AuthorizationException, BadRequestError, Elasticsearch, helpers

from consumers.alerts.memory import AlertMemory, Write
from consumers.alerts.updates import StoryMemory
from consumers.index import INDICES, ensure_indices, migration, ready, templates
from consumers.index.documents import article_document
from consumers.index.migration import Migrated, Migration, remove_old
from consumers.index.versions import current, versions
from consumers.indexer import Indexer, index_action
from consumers.notify.outbox import Delivery, Origin, Outbox
from runtime.bus.outcomes import Done, Outcome, Received, Retry
from runtime.bus.source import Record
from runtime.elastic import make_client
from runtime.errors import UserError
from runtime.settings import Settings
from schemas.alerts import Alert, Channel
from schemas.base import Message
from schemas.codec import encode
from tests.consumers.conftest import eventually
from tests.consumers.make import alert, article, story
from tests.consumers.test_templates import Change, change

pytestmark = pytest.mark.engine

__all__ = ["change"]


@pytest.fixture
def prefix(es: Elasticsearch, settings: Settings) -> str:
    ensure_indices(es, settings.index_prefix)
    return settings.index_prefix


def migrate(es: Elasticsearch, prefix: str, name: str = "articles", *, rebuild: bool = True) -> Migrated | None:
    return Migration(es, prefix, name, lambda _count, _total: None).run(rebuild=rebuild)


def write(es: Elasticsearch, prefix: str, *messages: Message) -> None:
    helpers.bulk(es, [index_action(message, prefix) for message in messages], refresh=True)


def received(message: Message) -> Received:
    return Received(Record("t", 0, 0, 0, b"k", encode(message), ()), message)


def sources(es: Elasticsearch, index: str) -> dict[str, dict[str, Any]]:
    es.indices.refresh(index=index)
    hits = es.search(index=index, size=1_000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def assert_all_there(es: Elasticsearch, prefix: str, expected: dict[str, int]) -> None:
    """The version of each article, by its id."""
    es.indices.refresh(index=f"{prefix}-articles")
    found = helpers.scan(es, index=f"{prefix}-articles", query={"_source": ["version"]})
    assert {hit["_id"]: hit["_source"]["version"] for hit in found} == expected


class Writer:
    """An indexer in its loop: articles come in without end, and revisions of those before; what is told to wait is
    written again."""

    def __init__(self, settings: Settings) -> None:
        self._indexer = Indexer(make_client(settings), settings.index_prefix)
        self._stop = threading.Event()
        self.told_to_wait = 0
        self.written: dict[str, int] = {}
        """The version of each article that was confirmed."""
        self.outcomes: set[Outcome] = set()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for number in itertools.count(1_000):
                if self._stop.is_set():
                    return
                self._stop.wait(0.1)
                known = list(self.written)[: number % 3]
                self._settle([article(number), *(article(int(id_[8:]), version=number) for id_ in known)])
        except BaseException as error:
            self.failure = error

    def _settle(self, articles: list[Any]) -> None:
        while articles:
            outcomes = self._indexer.handle([received(one) for one in articles])
            for one, outcome in zip(articles, outcomes, strict=True):
                assert isinstance(outcome, Done | Retry), outcome
                if isinstance(outcome, Done):
                    self.written[one.id] = one.version
                    self.outcomes.add(outcome)
            articles = [one for one, outcome in zip(articles, outcomes, strict=True) if isinstance(outcome, Retry)]
            self.told_to_wait += len(articles)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self._indexer.close()
        if self.failure:
            raise self.failure


class Searcher:
    """Asks for articles that have been there from the beginning, without end."""

    def __init__(self, settings: Settings, ids: set[str]) -> None:
        self._es = make_client(settings)
        self._alias = f"{settings.index_prefix}-articles"
        self._ids = ids
        self._stop = threading.Event()
        self.answers = 0
        self.wrong: list[object] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        query = {"bool": {"must": [{"match": {"title": "kazakhstan"}}], "filter": [{"term": {"story_id": "first"}}]}}
        while not self._stop.is_set():
            try:
                answer = self._es.search(index=self._alias, query=query, size=1_000, source=False)
                found = [hit["_id"] for hit in answer["hits"]["hits"]]
                if sorted(found) != sorted(self._ids):
                    self.wrong.append((len(found), len(set(found))))
            except Exception as error:
                self.wrong.append(error)
            self.answers += 1
            self._stop.wait(0.1)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        self._es.close()


@pytest.fixture
def writer(settings: Settings, prefix: str) -> Iterator[Writer]:
    one = Writer(settings)
    yield one
    one.stop()


def test_a_migration_under_load_loses_no_article_and_fails_no_search(
    es: Elasticsearch, settings: Settings, prefix: str, writer: Writer
) -> None:
    old = [article(number, story="first") for number in range(1, 81)]
    write(es, prefix, *old)
    searcher = Searcher(settings, {one.id for one in old})
    eventually("articles come in and are found", lambda: len(writer.written) > 5 and searcher.answers > 5)
    for turn in (2, 3):
        done = migrate(es, prefix)
        assert done is not None
        assert done.new == f"{prefix}-articles-{turn:06d}"
        assert remove_old(es, prefix, "articles") == [done.old]
        before = len(writer.written)
        eventually("more articles come in", lambda before=before: len(writer.written) > before + 5)
    writer.stop()
    searcher.stop()
    assert searcher.wrong == []
    assert list(es.indices.get_alias(name=f"{prefix}-articles").body) == [f"{prefix}-articles-000003"]
    assert_all_there(es, prefix, {one.id: 1 for one in old} | writer.written)


def test_documents_are_made_anew_with_the_fields_of_today(es: Elasticsearch, prefix: str, change: Change) -> None:
    """A field that came later is filled, and one that nothing fills any more is gone."""
    write(es, prefix, article(1, meta={"a": "b"}), story(), alert())
    es.indices.put_mapping(index=f"{prefix}-articles-000001", properties={"once": {"type": "keyword"}})
    es.update(index=f"{prefix}-articles", id=article(1).id, script=None, doc={"once": "x", "supplier": ["nobody"]})
    for name in ("articles", "stories", "alerts"):
        done = migrate(es, prefix, name)
        assert done is not None
        assert (done.documents, done.as_they_were) == (1, 0)
    expected = json.loads(json.dumps(article_document(article(1, meta={"a": "b"})), default=lambda at: at.isoformat()))
    [found] = sources(es, f"{prefix}-articles").values()
    assert {**found, "embedding": None} == {**expected, "embedding": None}
    assert found["embedding"] == pytest.approx(expected["embedding"])


def test_what_cannot_be_made_anew_is_copied_as_it_is(es: Elasticsearch, prefix: str) -> None:
    es.index(index=f"{prefix}-articles", id="x", document={"id": "x", "title": "from elsewhere", "story_id": "s"})
    done = migrate(es, prefix)
    assert done is not None
    assert done.as_they_were == 1
    assert sources(es, f"{prefix}-articles") == {"x": {"id": "x", "title": "from elsewhere", "story_id": "s"}}


def test_nothing_is_done_where_nothing_differs(es: Elasticsearch, prefix: str) -> None:
    assert [migrate(es, prefix, name, rebuild=False) for name in INDICES] == [None] * len(INDICES)
    assert {each.index for there in versions(es, prefix).values() for each in there} == {
        f"{prefix}-{name}-000001" for name in INDICES
    }


def test_a_changed_analyser_is_used_after_the_migration(es: Elasticsearch, prefix: str, change: Change) -> None:
    write(es, prefix, article(1, title="Deals of the ministries"))
    change("articles", {"title": {"type": "text", "analyzer": "english"}})
    if templates.missing_analysers(es, ["english"]):
        pytest.skip("no English analyser")

    def finds() -> int:
        query = {"match": {"title": "deal ministry"}}
        return int(es.search(index=f"{prefix}-articles", query=query)["hits"]["total"]["value"])

    assert finds() == 0
    done = migrate(es, prefix, rebuild=False)
    assert done is not None
    assert finds() == 1
    assert migrate(es, prefix, rebuild=False) is None


def test_a_stand_in_gives_way_to_the_analyser_when_the_server_has_it(
    es: Elasticsearch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if templates.missing_analysers(es, ["english"]):
        pytest.skip("no English analyser")
    prefix = settings.index_prefix
    with monkeypatch.context() as without:
        missing = set(templates.analysers().values())
        without.setattr(ready, "missing_analysers", lambda _es, names: missing & set(names))
        ensure_indices(es, prefix)
    version = current(versions(es, prefix)["articles"])
    assert version is not None
    assert version.mappings["properties"]["title_i18n"]["properties"]["en"]["analyzer"] == "world"
    assert migrate(es, prefix, rebuild=False) is not None
    version = current(versions(es, prefix)["articles"])
    assert version is not None
    assert version.mappings["properties"]["title_i18n"]["properties"]["en"]["analyzer"] == "english"


def test_consumers_go_on_before_a_migration_and_after_it_nothing_is_missing(
    es: Elasticsearch, settings: Settings, prefix: str, writer: Writer, change: Change
) -> None:
    """The next release has other types: the index takes what it can, keeps the rest, and gives it back."""
    change("articles", {"article_count": {"type": "keyword"}, "source": {"type": "long"}, "url": {"type": "boolean"}})
    indexer = Indexer(make_client(settings), prefix)
    assert indexer.handle([received(article(1))]) == [Done("without_fields")]
    found = sources(es, f"{prefix}-articles")[article(1).id]
    assert "article_count" not in found
    assert found["title"]
    change("articles", {"article_count": {"type": "keyword"}})
    assert migrate(es, prefix, rebuild=False) is not None
    assert sources(es, f"{prefix}-articles")[article(1).id]["article_count"] == 1
    # It still takes the old version for what is there, and finds out.
    [outcome] = indexer.handle([received(article(2))])
    assert isinstance(outcome, Retry)
    assert indexer.handle([received(article(2))]) == [Done()]
    assert sources(es, f"{prefix}-articles")[article(2).id]["article_count"] == 1
    indexer.close()


def test_what_is_deleted_while_it_is_copied_stays_deleted(
    es: Elasticsearch, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(es, prefix, *(article(number) for number in range(1, 6)))
    whole = migration.Migration._switch

    def switch(self: Migration, copier: Any, old: Any, new: Any) -> bool:
        assert copier.count(new.index) == 5
        for number in (1, 2):
            # With its version: a plain delete has a higher one, which refuses what comes back.
            place = {"index": f"{prefix}-articles", "id": article(number).id}
            es.delete(**place, version=1, version_type="external_gte", refresh=True)
        write(es, prefix, article(2, title="it is back", version=1), article(6))
        return whole(self, copier, old, new)

    monkeypatch.setattr(Migration, "_switch", switch)
    migrate(es, prefix)
    assert sources(es, f"{prefix}-articles").keys() == {article(number).id for number in range(2, 7)}
    assert sources(es, f"{prefix}-articles")[article(2).id]["title"] == "it is back"


_KILLED = """
import os, signal, sys
from consumers.index import changes, migration
from runtime.elastic import make_client
from runtime.settings import Settings

url, prefix, owner, name, after, skip = sys.argv[1:]
place = {"Migration": migration.Migration, "Copier": migration.Copier, "changes": changes}[owner]
whole, left = getattr(place, name), int(skip)

def die():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def killed(*arguments, **options):
    if after == "False":
        die()
    result = whole(*arguments, **options)
    if after == "True":
        die()
    return result

setattr(place, name, killed)
migration.Migration(make_client(Settings(elasticsearch_url=url)), prefix, "articles", lambda *_: None).run(rebuild=True)
"""


@pytest.mark.parametrize(
    ("owner", "name", "after", "skip"),
    [
        ("Migration", "_target", True, 0),
        ("Copier", "note", True, 0),
        ("Copier", "drop_deleted", False, 1),
        ("Migration", "_holds", False, 0),
        ("Migration", "_switch", True, 0),
    ],
)
def test_killed_anywhere_it_goes_on_when_run_again(
    es: Elasticsearch, settings: Settings, prefix: str, writer: Writer, owner: str, name: str, after: bool, skip: int
) -> None:
    write(es, prefix, *(article(number) for number in range(1, 31)))
    arguments = [settings.elasticsearch_url, prefix, owner, name, str(after), str(skip)]
    killed = subprocess.run([sys.executable, "-c", _KILLED, *arguments], timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert es.count(index=f"{prefix}-articles")["count"] >= 30, "searchable"
    done = migrate(es, prefix)
    assert done is not None
    assert done.new == f"{prefix}-articles-000002"
    before = len(writer.written)
    eventually("articles come in", lambda: len(writer.written) > before + 5)
    writer.stop()
    assert_all_there(es, prefix, {article(number).id: 1 for number in range(1, 31)} | writer.written)


def test_two_at_once_do_each_other_no_harm(es: Elasticsearch, prefix: str, writer: Writer) -> None:
    write(es, prefix, *(article(number) for number in range(1, 31)))
    results: list[object] = []

    def run() -> None:
        try:
            results.append(migrate(es, prefix))
        except (UserError, BadRequestError) as error:  # the other one has made the version, or has switched
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any(isinstance(result, Migrated) for result in results), results
    before = len(writer.written)
    eventually("articles come in", lambda: len(writer.written) > before + 5)
    writer.stop()
    assert_all_there(es, prefix, {article(number).id: 1 for number in range(1, 31)} | writer.written)


def test_consumers_go_on_where_a_migration_has_died_with_writing_stopped(
    es: Elasticsearch, settings: Settings, prefix: str, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "ABANDONED_SECONDS", 2.0)
    eventually("articles come in", lambda: len(writer.written) > 5)
    arguments = [settings.elasticsearch_url, prefix, "Migration", "_holds", "False", "0"]
    killed = subprocess.run([sys.executable, "-c", _KILLED, *arguments], timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    before = len(writer.written)
    eventually("articles come in again", lambda: len(writer.written) > before + 5)
    assert writer.told_to_wait


def test_a_stop_of_an_operators_own_is_respected(es: Elasticsearch, prefix: str) -> None:
    es.indices.add_block(index=f"{prefix}-articles-000001", block="write")
    with pytest.raises(UserError, match="lift that first"):
        migrate(es, prefix)


def test_writing_goes_on_when_the_rest_takes_too_long(
    es: Elasticsearch, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "STOP_SECONDS", -1.0)
    with pytest.raises(UserError, match="run it again"):
        migrate(es, prefix)
    write(es, prefix, article(1))
    monkeypatch.setattr(migration, "STOP_SECONDS", 20.0)
    assert migrate(es, prefix) is not None
    assert sources(es, f"{prefix}-articles").keys() == {article(1).id}


def test_what_came_to_the_old_version_after_it_was_taken_for_dead_is_copied_too(
    es: Elasticsearch, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration frozen just before the switch: consumers lift its stop and write, and then it wakes."""
    write(es, prefix, article(1), article(2))
    whole = Migration._holds

    def frozen(self: Migration, old: Any, holder: str) -> bool:
        held = whole(self, old, holder)
        ready.let_go(es, old)
        write(es, prefix, article(1, title="newer", version=2), article(3))
        return held

    monkeypatch.setattr(Migration, "_holds", frozen)
    migrate(es, prefix)
    found = sources(es, f"{prefix}-articles")
    assert found.keys() == {article(number).id for number in (1, 2, 3)}
    assert found[article(1).id]["title"] == "newer"


def test_a_story_is_not_told_twice_over_a_migration_of_what_the_alerter_remembers(
    es: Elasticsearch, prefix: str
) -> None:
    """Read before the switch and written after it: in the new version the same numbers are another document's state."""
    memory = AlertMemory(es, prefix, lambda: None)
    key = ("deals", "s1")

    def remember(one: Alert, before: StoryMemory | None, *, published: bool) -> StoryMemory | None:
        return memory.remember([Write(one, before, published)])[0]

    assert remember(alert(), None, published=True) is not None
    # Another worker writes, and two more documents give the new version numbers to meet.
    read = memory.recall([key], [])[0][key]
    assert read is not None
    assert remember(alert(revision=2, kind="update"), read, published=True) is not None
    migrate(es, prefix, "alert-state")
    found = memory.recall([key], [])[0][key]
    assert found is not None
    assert found.alert.revision == 2
    assert found.index == f"{prefix}-alert-state-000002"
    assert (found.seq_no, found.primary_term) == (read.seq_no, read.primary_term), "that is the danger"
    with pytest.raises(ConnectionError, match="block"):
        remember(alert(revision=2, kind="update", title="told again"), read, published=False)
    assert remember(alert(revision=3, kind="update"), found, published=True) is not None
    assert remember(alert(), None, published=False) is None, "it is known"


def test_a_delivery_is_not_claimed_twice_over_a_migration(es: Elasticsearch, prefix: str) -> None:
    outbox = Outbox(es, prefix)
    channel = Channel(kind="webhook", url="https://hook.example/x")
    delivery = Delivery(alert(), channel, Origin("alerts", 0, 1, "k"), datetime.now(UTC))
    outbox.record([delivery], lease=False)
    es.indices.refresh(index=f"{prefix}-deliveries")
    [hit] = es.search(index=f"{prefix}-deliveries", seq_no_primary_term=True)["hits"]["hits"]
    migrate(es, prefix, "deliveries")
    [again] = es.search(index=f"{prefix}-deliveries", seq_no_primary_term=True)["hits"]["hits"]
    assert (hit["_seq_no"], hit["_id"]) == (again["_seq_no"], again["_id"]), "that is the danger"
    assert [one.id for one in outbox.claim()] == [delivery.id]
    with pytest.raises(AuthorizationException):
        outbox._change(hit, {"lease_until": datetime.now(UTC)})
    assert outbox.claim() == []
    outbox.delivered(delivery, 200)
    [state] = [one["state"] for one in sources(es, f"{prefix}-deliveries").values()]
    assert state == "delivered"
