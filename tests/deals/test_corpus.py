"""The corpus is what it says it is."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, get_args

import pytest

from schemas.readings import DealAct, DealStatus
from streams.entities import lookup
from streams.words.lexicon import language_info
from tests.deals.conftest import CORPUS


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [
        json.loads(line) for path in sorted(CORPUS.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]


def test_every_item_has_all_fields_and_known_values(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert set(row) == {"id", "lang", "family", "text", "arms_deal", "deals"}, row["id"]
        assert row["text"].strip() == row["text"]
        assert row["text"]
        assert row["arms_deal"] == bool(row["deals"]), row["id"]
        assert language_info(row["lang"]) is not None, row["lang"]
        for deal in row["deals"]:
            assert deal["act"] in get_args(DealAct), row["id"]
            assert deal["status"] in get_args(DealStatus), row["id"]
            for party in deal["supplier"] + deal["recipient"]:
                if len(party) == 2:
                    assert lookup.country_id(party), (row["id"], party)


def test_it_is_as_large_and_as_varied_as_promised(rows: list[dict[str, Any]]) -> None:
    assert len(rows) >= 1200
    assert len({row["id"] for row in rows}) == len(rows)
    languages = Counter(row["lang"] for row in rows)
    assert len([code for code, count in languages.items() if count >= 6]) >= 40
    positive = sum(row["arms_deal"] for row in rows)
    assert 0.4 <= positive / len(rows) <= 0.6
    assert len({row["family"] for row in rows if row["arms_deal"]}) >= 12
    assert len({row["family"] for row in rows if not row["arms_deal"]}) >= 15


def test_no_text_stands_twice(rows: list[dict[str, Any]]) -> None:
    repeated = [text for text, count in Counter(row["text"] for row in rows).items() if count > 1]
    assert repeated == []


def test_it_stays_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < 1_000_000
