"""Making sure of the indices: at the first start, at every other, after a change."""

from __future__ import annotations

import threading
import time

import pytest
from elasticsearch import Elasticsearch

from consumers.index import INDICES, ensure_indices, mapping, templates
from consumers.index.templates import make_ready
from polywire.runtime.settings import Settings

pytestmark = pytest.mark.engine


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


def test_the_second_time_asks_little(es: Elasticsearch, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_indices(es, settings.index_prefix)

    def never(*_: object) -> None:
        raise AssertionError("the analysers were asked for again")

    monkeypatch.setattr(templates, "_missing_analysers", never)
    ensure_indices(es, settings.index_prefix)
    es.indices.delete(index=f"{settings.index_prefix}-alerts-000001")
    with pytest.raises(AssertionError, match="asked for again"):
        ensure_indices(es, settings.index_prefix)


def test_the_first_look_into_an_index_finds_what_was_written_before(es: Elasticsearch, settings: Settings) -> None:
    make_ready(es, settings.index_prefix)
    alias = f"{settings.index_prefix}-alert-state"
    es.index(index=alias, id="1", document={})
    time.sleep(4)  # the refresh interval, with some to spare
    assert es.count(index=alias)["count"] == 1


def test_a_new_field_reaches_an_index_that_is_there(
    es: Elasticsearch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_indices(es, settings.index_prefix)
    known = templates._load

    def with_new_field(name: str) -> object:
        found = known(name)
        if name != "alerts":
            return found
        return found | {"properties": found["properties"] | {"brand_new": {"type": "keyword"}}}

    monkeypatch.setattr(templates, "_load", with_new_field)
    ensure_indices(es, settings.index_prefix)
    found = es.indices.get_mapping(index=f"{settings.index_prefix}-alerts").body
    [properties] = [one["mappings"]["properties"] for one in found.values()]
    assert properties["brand_new"]["type"] == "keyword"
    assert properties["title"]["type"] == "text"


@pytest.mark.parametrize("name", INDICES)
def test_mappings_are_strict(name: str) -> None:
    assert mapping(name)["dynamic"] == "strict"
