"""Making sure of the indices: at the first start, at every other, after a change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from consumers.index import INDICES, ensure_indices, make_ready, mapping, ready, templates
from consumers.index.versions import current, noted, versions
from runtime.settings import Settings

pytestmark = pytest.mark.engine

Change = Callable[[str, dict[str, Any]], None]
"""Changes the properties of an index, by its name."""


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Change:
    """The next release wants some fields of an index otherwise; None takes one away."""
    known = templates._load
    changed: dict[str, dict[str, Any]] = {}

    def load(name: str) -> Any:
        found = known(name)
        if name not in changed:
            return found
        properties = {field: how for field, how in (found["properties"] | changed[name]).items() if how is not None}
        return found | {"properties": properties}

    monkeypatch.setattr(templates, "_load", load)
    return changed.__setitem__


def test_again_and_at_once(es: Elasticsearch, settings: Settings) -> None:
    prefix = settings.index_prefix
    failures: list[BaseException] = []

    def run() -> None:
        try:
            ensure_indices(es, prefix)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    ensure_indices(es, prefix)
    for name in INDICES:
        assert list(es.indices.get_alias(name=f"{prefix}-{name}").body) == [f"{prefix}-{name}-000001"]


def test_the_second_time_asks_only_for_analysers_that_were_missing(
    es: Elasticsearch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[str]] = []

    def without_serbian(_: Elasticsearch, names: Any) -> set[str]:
        asked.append(set(names))
        return {"serbian"}

    monkeypatch.setattr(ready, "missing_analysers", without_serbian)
    ensure_indices(es, settings.index_prefix)
    ensure_indices(es, settings.index_prefix)
    assert asked == [set(templates.analysers().values()), {"serbian"}]


def test_what_is_made_has_nothing_that_differs(es: Elasticsearch, settings: Settings) -> None:
    ensure_indices(es, settings.index_prefix)
    missing = templates.missing_analysers(es, templates.analysers().values())
    for name, there in versions(es, settings.index_prefix).items():
        version = current(there)
        assert version is not None
        assert ready.compare(version, mapping(name, missing)) == []


def test_an_index_that_is_gone_is_made_again_under_templates_that_are_there(
    es: Elasticsearch, settings: Settings
) -> None:
    ensure_indices(es, settings.index_prefix)
    es.indices.delete(index=f"{settings.index_prefix}-alerts-000001")
    ensure_indices(es, settings.index_prefix)
    assert es.indices.exists_alias(name=f"{settings.index_prefix}-alerts")


def test_an_index_that_has_lost_its_alias_gets_it_back(es: Elasticsearch, settings: Settings) -> None:
    ensure_indices(es, settings.index_prefix)
    index, alias = f"{settings.index_prefix}-alerts-000001", f"{settings.index_prefix}-alerts"
    es.index(index=index, id="1", document={"id": "1"})
    es.indices.delete_alias(index=index, name=alias)
    ensure_indices(es, settings.index_prefix)
    assert es.get(index=alias, id="1")["found"]


def test_the_first_look_into_an_index_finds_what_was_written_before(es: Elasticsearch, settings: Settings) -> None:
    make_ready(es, settings.index_prefix)
    alias = f"{settings.index_prefix}-alert-state"
    es.index(index=alias, id="1", document={})
    time.sleep(4)  # the refresh interval, with some to spare
    assert es.count(index=alias)["count"] == 1


def test_a_new_field_reaches_an_index_that_is_there(es: Elasticsearch, settings: Settings, change: Change) -> None:
    ensure_indices(es, settings.index_prefix)
    es.index(index=f"{settings.index_prefix}-alerts", id="1", document={"id": "1"}, refresh=True)
    change("alerts", {"brand_new": {"type": "keyword"}})
    shapes = ensure_indices(es, settings.index_prefix)
    found = es.indices.get_mapping(index=f"{settings.index_prefix}-alerts").body
    [properties] = [one["mappings"]["properties"] for one in found.values()]
    assert properties["brand_new"]["type"] == "keyword"
    assert properties["title"]["type"] == "text"
    assert shapes["alerts"].leave_out == frozenset()
    version = current(versions(es, settings.index_prefix)["alerts"])
    assert version is not None
    assert [str(one) for one in ready.compare(version, mapping("alerts"))] == [
        "brand_new came later and is missing in older documents"
    ]


def test_a_changed_type_stops_nobody_and_adds_the_new_fields_all_the_same(
    es: Elasticsearch, settings: Settings, change: Change
) -> None:
    ensure_indices(es, settings.index_prefix)
    change("alerts", {"article_count": {"type": "keyword"}, "title": {"type": "long"}, "new": {"type": "date"}})
    shapes = make_ready(es, settings.index_prefix)
    assert shapes["alerts"].leave_out == {"article_count"}, "a text takes a number"
    found = es.indices.get_mapping(index=f"{settings.index_prefix}-alerts-000001").body
    [properties] = [one["mappings"]["properties"] for one in found.values()]
    assert "new" in properties


def test_a_changed_index_is_noticed_though_the_template_is_as_it_should_be(
    es: Elasticsearch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The templates say what will be made, not what is there."""
    ensure_indices(es, settings.index_prefix)
    index, alias = f"{settings.index_prefix}-alerts-000001", f"{settings.index_prefix}-alerts"
    es.indices.delete(index=index)
    properties = mapping("alerts")["properties"] | {"title": {"type": "text", "analyzer": "standard"}}
    es.indices.create(
        index=index,
        settings=templates.settings(),
        mappings={"dynamic": "strict", "properties": properties},
        aliases={alias: {"is_write_index": True}},
    )
    warnings: list[tuple[str, tuple[str, ...]]] = []
    monkeypatch.setattr(ready, "_warn", lambda index, what: warnings.append((index, what)))
    ensure_indices(es, settings.index_prefix)
    assert warnings == [(index, ("title has analyzer standard and should have analyzer world",))]


def test_the_stop_of_a_dead_migration_is_lifted_and_an_operators_own_is_not(
    es: Elasticsearch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_indices(es, settings.index_prefix)
    mine, theirs = f"{settings.index_prefix}-alerts-000001", f"{settings.index_prefix}-stories-000001"
    es.indices.put_mapping(index=mine, meta=noted({}, holder=settings.index_prefix))
    for index in (mine, theirs):
        es.indices.add_block(index=index, block="write")

    def blocked() -> set[str]:
        found = versions(es, settings.index_prefix).values()
        return {version.index for there in found for version in there if version.blocked}

    ensure_indices(es, settings.index_prefix)
    assert blocked() == {mine, theirs}, "it may be alive"
    monkeypatch.setattr(ready, "ABANDONED_SECONDS", 0.0)
    ensure_indices(es, settings.index_prefix)
    assert blocked() == {theirs}


@pytest.mark.parametrize("name", INDICES)
def test_mappings_are_strict(name: str) -> None:
    assert mapping(name)["dynamic"] == "strict"
