"""`polywire index`, as a person or a program calls it."""

from __future__ import annotations

import json

import pytest
from elasticsearch import Elasticsearch, helpers

from consumers.index import INDICES
from consumers.indexer import index_action
from runtime.errors import UserError
from runtime.settings import Settings
from tests.commands.test_reading_commands import Run, run
from tests.consumers.conftest import es
from tests.consumers.make import article
from tests.consumers.test_templates import Change, change

__all__ = ["change", "es", "run"]
pytestmark = pytest.mark.engine


def test_create_makes_what_is_missing_and_says_what_there_is(run: Run, settings: Settings) -> None:
    expected = {f"{settings.index_prefix}-{name}": f"{settings.index_prefix}-{name}-000001" for name in INDICES}
    assert json.loads(run("index", "create", "--json")) == expected
    assert run("index", "create").splitlines() == [f"{alias} is {index}" for alias, index in expected.items()]


def test_status_before_there_is_anything(run: Run, settings: Settings) -> None:
    found = json.loads(run("index", "status", "--json"))
    assert [(one["name"], one["index"]) for one in found] == [(name, None) for name in INDICES]
    assert f"{settings.index_prefix}-articles is not there: polywire index create makes it" in run("index", "status")


def test_from_a_changed_analyser_over_status_and_migrate_to_nothing_left_to_do(
    run: Run, es: Elasticsearch, settings: Settings, change: Change
) -> None:
    run("index", "create")
    alias = f"{settings.index_prefix}-articles"
    helpers.bulk(es, [index_action(article(n), settings.index_prefix) for n in (1, 2)], refresh=True)
    change("articles", {"title": {"type": "text", "analyzer": "standard"}, "later": {"type": "keyword"}})
    told = run("index", "status")
    assert f"{alias}: title has analyzer world and should have analyzer standard" in told
    assert f"{alias}: later is not there" in told
    assert "polywire index migrate articles" in told
    [found] = [one for one in json.loads(run("index", "status", "--json")) if one["name"] == "articles"]
    assert (found["index"], found["documents"]) == (f"{alias}-000001", 2)
    assert found["bytes"] > 0
    assert {one["kind"] for one in found["differences"]} == {"analyzer", "missing"}

    said = run("index", "migrate", "articles")
    assert f"{alias} is {alias}-000002 now: 2 documents" in said
    assert f"{alias}-000001 is kept and closed to writing" in said
    assert "should have" not in run("index", "status")
    assert f"{alias}-000001 has been replaced" in run("index", "status")

    assert json.loads(run("index", "migrate", "articles", "--remove-old", "--json")) == [
        {"name": "articles", "migrated": None, "removed": [f"{alias}-000001"]}
    ]
    assert not es.indices.exists(index=f"{alias}-000001")
    assert "replaced" not in run("index", "status")


def test_an_index_that_is_none_is_named(run: Run) -> None:
    with pytest.raises(UserError, match="there are articles, stories"):
        run("index", "migrate", "artikles")


@pytest.mark.parametrize("block", ["read_only_allow_delete", "read_only", "write"])
def test_a_block_is_named_with_what_to_do(run: Run, es: Elasticsearch, settings: Settings, block: str) -> None:
    run("index", "create")
    index = f"{settings.index_prefix}-stories-000001"
    es.indices.put_settings(index=index, settings={f"index.blocks.{block}": True})
    try:
        [found] = [one for one in json.loads(run("index", "status", "--json")) if one["name"] == "stories"]
        assert f"index.blocks.{block}" in found["blocked"]
        told = run("index", "status")
        assert "closed to writing" in told
        assert f"writing to {index} is stopped: {found['blocked']}" in told
    finally:
        es.indices.put_settings(index=index, settings={f"index.blocks.{block}": None})


def test_a_plain_index_in_the_place_of_an_alias_is_named_and_mended(
    run: Run, es: Elasticsearch, settings: Settings
) -> None:
    run("index", "create")
    alias = f"{settings.index_prefix}-articles"
    es.indices.delete(index=f"{alias}-000001")
    es.index(index=alias, id="1", document={"id": "1"})  # as somebody else may write
    assert f"{alias} is a plain index" in run("index", "status")
    with pytest.raises(UserError, match=f"{alias} is a plain index"):
        run("index", "create")
    es.indices.delete(index=alias)
    assert f"{alias} is {alias}-000001" in run("index", "create")
    assert "plain index" not in run("index", "status")
