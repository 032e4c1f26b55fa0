"""Bytes that are not the message they should be are refused with a reason that a person can act on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.articles import MAX_TEXT, RawArticle
from schemas.codec import MAX_VALUE, InvalidMessage, decode, encode

GOOD: dict[str, Any] = {
    "schema_version": 1,
    "id": "0123456789abcdef",
    "source": "wire.example",
    "title": "A title",
    "text": "A text.",
    "collected": "2026-03-01T00:00:00Z",
}


def changed(**fields: Any) -> bytes:
    return json.dumps({k: v for k, v in {**GOOD, **fields}.items() if v is not ...}).encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty value"),
        (b"", "empty value"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[1, 2]", "not a JSON object but list"),
        (b'"text"', "not a JSON object but str"),
        (changed(schema_version=...), "schema_version is missing"),
        (changed(schema_version=99), "schema_version 99 is not understood"),
        (changed(schema_version="1"), "schema_version '1' is not understood"),
        (changed(schema_version=True), "schema_version True is not understood"),
        (changed(id=...), "id: Field required"),
        (changed(id="short"), "id:"),
        (changed(id="no spaces allowed"), "id:"),
        (changed(source=""), "source:"),
        (changed(collected=...), "collected: Field required"),
        (changed(collected="yesterday"), "collected:"),
        (changed(collected=1772323200), "a time must be ISO 8601 text"),
        (changed(title=["a"]), "title: Input should be a valid string"),
        (changed(text=7), "text: Input should be a valid string"),
        (changed(title="", text=""), "needs a title or a text"),
        (changed(title="  ", text="\n\t"), "needs a title or a text"),
        (changed(text="x" * (MAX_TEXT + 1)), "text: String should have at most"),
        (changed(meta={"a": {"b": 1}}), "meta.a:"),
    ],
)
def test_bad_bytes_are_refused_with_the_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        decode(RawArticle, value)
    assert reason in caught.value.reason
    assert "\n" not in caught.value.reason


@pytest.mark.parametrize(
    "fields",
    [
        {"field_of_the_future": {"a": 1}},
        {"text": "control \u0000\u0007 characters"},
        {"text": "x" * MAX_TEXT},
        {"text": "👩‍👩‍👧 مرحبا नमस्ते"},
        {"title": ...},
        {"text": ...},
        {"published": None},
        {"collected": "2026-03-01T02:00:00+02:00"},
    ],
)
def test_what_is_valid_is_accepted(fields: dict[str, Any]) -> None:
    article = decode(RawArticle, changed(**fields))
    assert decode(RawArticle, encode(article)) == article


def test_a_lone_surrogate_is_replaced_not_carried_along() -> None:
    article = RawArticle.model_validate({**GOOD, "text": "half \ud83d of an emoji"})
    assert "\ufffd" in article.text
    encode(article)


def test_times_become_utc() -> None:
    article = decode(RawArticle, changed(collected="2026-03-01T02:00:00+02:00", published="2026-03-01T00:00:00"))
    assert article.collected == article.published
    assert article.collected.isoformat() == "2026-03-01T00:00:00+00:00"


def test_a_value_longer_than_any_topic_takes_is_not_parsed() -> None:
    with pytest.raises(InvalidMessage, match=f"{MAX_VALUE + 1} bytes"):
        decode(RawArticle, b"[" * (MAX_VALUE + 1))
