"""What an index has beside what is wanted, and documents that it can take. No server needed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from consumers.index import mapping
from consumers.index.documents import alert_document, article_document, article_of, renewed, story_document, vector_of
from consumers.index.shape import LEFT_OUT, additions, differences, known_only, shape
from consumers.index.templates import settings
from tests.consumers.make import alert, article, story

KEYWORD = {"type": "keyword", "ignore_above": 1024}


def of(**properties: Any) -> dict[str, Any]:
    return {"dynamic": "strict", "properties": properties}


def told(has: dict[str, Any], wants: dict[str, Any]) -> list[str]:
    return [str(one) for one in differences(has, wants, settings(), settings())]


def test_every_difference_is_named_by_its_place() -> None:
    has = of(
        a=KEYWORD,
        b={"type": "text", "analyzer": "world"},
        c={"properties": {"en": {"type": "text", "analyzer": "world"}}},
        d={"type": "nested", "properties": {"x": {"type": "long"}}},
        gone=KEYWORD,
    )
    wants = of(
        a={"type": "keyword", "normalizer": "lowercase", "ignore_above": 1024},
        b={"type": "text", "analyzer": "english"},
        c={"properties": {"en": {"type": "text", "analyzer": "english"}, "sr": {"type": "text"}}},
        d={"type": "nested", "properties": {"x": {"type": "double"}}},
        new={"type": "date"},
    )
    assert told(has, wants) == [
        "a has normalizer none and should have normalizer lowercase",
        "b has analyzer world and should have analyzer english",
        "c.en has analyzer world and should have analyzer english",
        "c.sr is not there",
        "d.x has long and should have double",
        "new is not there",
        "gone is no longer used",
    ]
    assert told(wants, wants) == []


def test_a_changed_analysis_is_a_difference_and_replicas_are_the_operators() -> None:
    wants, has = settings(), json.loads(json.dumps(settings()))
    has["index"]["auto_expand_replicas"] = "false"
    has["index"]["number_of_replicas"] = "2"
    assert differences(of(), of(), has, wants) == []
    has["index"]["analysis"]["analyzer"]["world"]["filter"] = ["lowercase"]
    assert [str(one) for one in differences(of(), of(), has, wants)] == [
        "index.analysis.analyzer.world.filter has lowercase and should have "
        "cjk_width, lowercase, asciifolding, cjk_bigram"
    ]


def test_the_options_of_a_vector_are_compared_as_far_as_they_are_asked_for() -> None:
    wants = of(v={"type": "dense_vector", "index_options": {"type": "int8_hnsw", "m": 16}})
    more = of(v={"type": "dense_vector", "index_options": {"type": "int8_hnsw", "m": 16, "stated": "by the server"}})
    other = of(v={"type": "dense_vector", "index_options": {"type": "bbq_hnsw", "m": 16}})
    assert told(more, wants) == []
    assert len(told(other, wants)) == 1
    assert mapping("articles")["properties"]["embedding"]["index_options"]["type"] == "int8_hnsw"


def test_only_what_is_missing_is_added_inside_what_holds_it() -> None:
    has = of(d={"type": "nested", "properties": {"x": KEYWORD}}, o={"properties": {"p": KEYWORD}}, t={"type": "long"})
    wants = of(
        d={"type": "nested", "dynamic": "strict", "properties": {"x": KEYWORD, "y": KEYWORD}},
        o={"properties": {"p": KEYWORD, "q": KEYWORD}},
        t=KEYWORD,
        n=KEYWORD,
    )
    assert additions(has, wants) == {
        "d": {"type": "nested", "properties": {"y": KEYWORD}},
        "o": {"properties": {"q": KEYWORD}},
        "n": KEYWORD,
    }


@pytest.mark.parametrize(
    ("has", "wants", "takes"),
    [
        ({"type": "text"}, {"type": "date"}, True),
        ({"type": "keyword"}, {"type": "text"}, False),
        (KEYWORD, {"type": "text"}, True),
        ({"type": "long"}, {"type": "integer"}, True),
        ({"type": "integer"}, {"type": "long"}, False),
        ({"type": "double"}, {"type": "long"}, True),
        ({"type": "long"}, {"type": "double"}, False),
        ({"type": "date"}, {"type": "keyword"}, False),
        ({"type": "object", "enabled": False}, {"type": "nested", "properties": {}}, True),
        ({"properties": {}}, {"type": "nested", "properties": {}}, True),
        ({"type": "dense_vector", "dims": 384}, {"type": "dense_vector", "dims": 768}, False),
        ({"type": "text", "analyzer": "world"}, {"type": "text", "analyzer": "english"}, True),
    ],
)
def test_a_field_takes_what_cannot_be_refused(has: dict[str, Any], wants: dict[str, Any], takes: bool) -> None:
    assert (shape("i", of(f=has), of(f=wants)).leave_out == frozenset()) is takes


def test_what_is_left_out_is_kept_in_the_reading_and_comes_back() -> None:
    wants = mapping("articles")
    has = json.loads(json.dumps(wants))
    del has["properties"]["deals"]["properties"]["currency"]
    has["properties"]["published"]["type"] = "long"
    has["properties"]["article_count"]["type"] = "date"
    one = article(published=None)
    document = article_document(one) | {"published": one.collected}
    document["deals"][0]["currency"] = "USD"
    fitted, gone = shape("i", has, wants).fitted(document)
    assert gone
    assert "published" not in fitted
    assert "article_count" not in fitted
    assert "currency" not in fitted["deals"][0]
    assert fitted["reading"][LEFT_OUT] == {"published": one.collected, "article_count": 1}
    again = renewed("articles", fitted, one.embedding)
    assert again is not None
    assert (again["published"], again["article_count"]) == (one.collected, 1)
    assert LEFT_OUT not in again["reading"]


def test_a_document_that_fits_is_left_alone() -> None:
    document = article_document(article())
    fitted, gone = shape("i", mapping("articles"), mapping("articles")).fitted(document)
    assert fitted is document
    assert not gone


def test_documents_made_anew_are_the_documents() -> None:
    for name, document in (
        ("articles", article_document(article(meta={"a": "b"}, notes=["cut"], duplicate_of="x", correction_id="c"))),
        ("stories", story_document(story(merged_into="s2"))),
        ("alerts", alert_document(alert())),
    ):
        stored = json.loads(json.dumps(document, default=lambda at: at.isoformat()))
        again = renewed(name, stored, document.get("embedding"))
        assert json.loads(json.dumps(again, default=lambda at: at.isoformat())) == stored
    assert renewed("articles", {"id": "x", "title": "no reading"}, None) is None
    assert renewed("alert-state", {"kind": "story"}, None) is None


def test_a_vector_that_the_server_leaves_out_of_the_source_is_not_taken_for_none() -> None:
    """As Elasticsearch 9.2 answers: the vector among the fields that were asked for, and not in the source."""
    one = article()
    source = article_document(one)
    vector = source.pop("embedding")
    hit = {"_source": source, "fields": {"embedding": vector}}
    assert article_of(hit["_source"], vector_of(hit)).embedding == one.embedding
    assert renewed("articles", source, vector_of(hit)) == article_document(one)
    assert vector_of({"_source": source}) is None


def test_a_document_is_cut_to_what_a_strict_mapping_knows() -> None:
    mappings = of(a=KEYWORD, d={"type": "nested", "properties": {"x": KEYWORD}}, o={"type": "object", "enabled": False})
    document = {"a": "1", "b": 2, "d": [{"x": 1, "y": 2}], "o": {"any": "thing"}}
    assert known_only(document, mappings) == {"a": "1", "d": [{"x": 1}], "o": {"any": "thing"}}
