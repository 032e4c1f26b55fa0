"""Ids follow from content: the same page gives the same id, whatever way it was reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import alert_id, article_id, canonical_url, story_id


@pytest.mark.parametrize(
    "other",
    [
        "http://wire.example/a/b?x=1&y=2",
        "https://www.wire.example/a/b/?y=2&x=1",
        "https://WIRE.example:443/a//b?x=1&y=2#part",
        "https://wire.example/a/b?utm_source=feed&x=1&y=2&fbclid=z",
        "  https://wire.example/a/b?x=1&y=2  ",
    ],
)
def test_one_page_has_one_address(other: str) -> None:
    assert canonical_url(other) == canonical_url("https://wire.example/a/b?x=1&y=2")


@pytest.mark.parametrize(
    "other", ["https://wire.example/a/c", "https://wire.example/a/b?x=2", "https://wire.example:8080/a/b"]
)
def test_other_pages_have_other_addresses(other: str) -> None:
    assert canonical_url(other) != canonical_url("https://wire.example/a/b")


def test_article_ids_by_url_then_external_id_then_content() -> None:
    by_url = article_id(url="https://wire.example/a", source="x", external_id="1")
    assert by_url == article_id(url="http://www.wire.example/a/")
    assert article_id(source="x", external_id="1") != article_id(source="y", external_id="1")
    assert article_id(source="x", content="a") != article_id(source="x", content="b")


def test_ids_of_stories_and_alerts_are_repeatable_and_apart() -> None:
    assert story_id("a" * 24) == story_id("a" * 24)
    assert story_id("a" * 24) != story_id("b" * 24)
    assert alert_id("sub", "s1") != alert_id("sub", "s2")
    assert alert_id("ab", "c") != alert_id("a", "bc")


@given(st.text(max_size=60))
def test_no_address_is_too_odd(path: str) -> None:
    try:
        canonical = canonical_url("https://wire.example/" + path)
    except ValueError:
        return
    assert canonical_url(canonical) == canonical
