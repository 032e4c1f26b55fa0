"""The figures of `polywire evaluate deals`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quality.evaluation.deals import evaluate_deals
from runtime.errors import UserError
from streams.entities import lookup


def _id(code: str) -> str:
    found = lookup.country_id(code)
    assert found
    return found


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


GOLD = [
    {"id": "1", "lang": "en", "arms_deal": True, "deals": [{"supplier": ["FR"], "recipient": ["EG"]}]},
    {"id": "2", "lang": "en", "arms_deal": True, "deals": [{"supplier": ["Saab"], "recipient": ["BR"]}]},
    {"id": "3", "lang": "de", "arms_deal": False, "deals": []},
    {"id": "4", "lang": "de", "arms_deal": False, "deals": []},
]


def _told(identity: str, found: bool, score: float, *sides: list[str]) -> dict[str, Any]:
    deals = [{"supplier": sides[0], "recipient": sides[1]}] if sides else []
    return {"id": identity, "arms_deal": found, "arms_deal_score": score, "deals": deals, "entities": []}


def test_figures(tmp_path: Path) -> None:
    predictions = [
        _told("1", True, 0.9, [_id("FR")], [_id("EG")]),
        _told("2", False, 0.2),
        _told("3", True, 0.7, [_id("FR")], []),
        _told("4", False, 0.1),
    ]
    report = evaluate_deals(_write(tmp_path / "g", GOLD), predictions=_write(tmp_path / "p", predictions))
    assert (report.overall.precision, report.overall.recall, report.overall.f1) == (0.5, 0.5, 0.5)
    assert report.languages["de"].precision == 0
    assert (report.roles, report.roles_stated, report.roles_when_found) == (0.5, 2, 1.0)
    assert report.wrong == [("2", "missed", 0.2), ("3", "false alarm", 0.7)]
    assert report.brier == pytest.approx((0.01 + 0.64 + 0.49 + 0.01) / 4)


def test_sides_the_wrong_way_round_are_wrong(tmp_path: Path) -> None:
    predictions = [_told("1", True, 1.0, [_id("EG")], [_id("FR")])]
    report = evaluate_deals(_write(tmp_path / "g", GOLD[:1]), predictions=_write(tmp_path / "p", predictions))
    assert report.roles == 0


def test_a_missing_prediction_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="says nothing of 4"):
        evaluate_deals(_write(tmp_path / "g", GOLD), predictions=_write(tmp_path / "p", []))


def test_main_and_passing_mentions_kinds_and_acts_are_told_apart(tmp_path: Path) -> None:
    deal = {"supplier": ["FR"], "recipient": ["EG"], "act": "sale", "status": "planned"}
    gold = [
        {"id": "1", "lang": "en", "arms_deal": True, "strength": "main", "kind": "sale", "deals": [deal]},
        {"id": "2", "lang": "en", "arms_deal": True, "strength": "passing", "kind": "trial", "deals": [deal]},
        {"id": "3", "lang": "de", "arms_deal": False, "strength": None, "kind": "parade", "deals": []},
    ]
    read = {"supplier": [_id("FR")], "recipient": [_id("EG")], "act": "sale", "status": "reported"}
    told = [{**_told("1", True, 0.9), "deals": [read]}, _told("2", False, 0.2), _told("3", True, 0.8)]
    report = evaluate_deals(_write(tmp_path / "g", gold), predictions=_write(tmp_path / "p", told))
    assert report.groups == {"deal, main": (1, 1), "deal, passing": (1, 0), "parade": (1, 1)}
    assert (report.acts, report.statuses) == ((1, 1), (0, 1))
    assert report.confusions == {"status: reported for planned": 1}


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "gold"
    folder.mkdir()
    _write(folder / "a.jsonl", GOLD[:2])
    _write(folder / "b.jsonl", GOLD[2:])
    predictions = [_told(row["id"], False, 0.1) for row in GOLD]
    assert evaluate_deals(folder, predictions=_write(tmp_path / "p", predictions)).overall.articles == len(GOLD)
