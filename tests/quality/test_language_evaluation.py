"""The figures of `polywire evaluate language`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polywire.commands.evaluate import app
from quality.evaluation.language import detect_all, evaluate, is_right
from streams.language import Detection


@pytest.mark.parametrize(
    ("gold", "found"),
    [
        ("nb", "no"), ("nob", "no"), ("zh-Hant", "zh"), ("zho", "zh"), ("cmn", "zh"), ("zh-yue", "yue"), ("fil", "tl"),
        ("prs", "fa"), ("pes", "fa"), ("pt_BR", "pt"), ("sh", "hr"), ("cnr", "sr"), ("srp", "sr"), ("sr-Latn", "sr"),
        ("iw", "he"), ("in", "id"), ("kmr", "ku"), ("msa", "ms"), ("fuc", "ff"), ("swa", "sw"), ("khk", "mn"),
        ("be-tarask", "be"), ("shi", "tzm"), ("nde", "nd"), ("en-GB", "en"),
    ],
)  # fmt: skip
def test_documented_equivalents_are_right(gold: str, found: str) -> None:
    assert is_right(gold, found)


@pytest.mark.parametrize(
    ("gold", "found"), [("nn", "no"), ("sh", "sl"), ("en", "und"), ("yue", "zh"), ("ckb", "ku"), ("hr", "sr")]
)
def test_different_languages_are_not(gold: str, found: str) -> None:
    assert not is_right(gold, found)


def test_figures_by_hand() -> None:
    gold = ["en"] * 4 + ["ms"] * 2
    found = [Detection("en", 0.95)] * 3 + [Detection("und", 0.2), Detection("id", 0.65), Detection("ms", 0.65)]
    report = evaluate(gold, found)
    assert report.languages["en"].accuracy == 0.75
    assert report.languages["en"].undetermined == 1
    assert report.macro == pytest.approx((0.75 + 0.5) / 2)
    assert report.accuracy == pytest.approx(4 / 6)
    assert report.low <= report.macro <= report.high
    assert report.confusions == [("en", "und", 1), ("ms", "id", 1)]
    middle = next(each for each in report.calibration if each.low == 0.6)
    assert (middle.articles, middle.accuracy) == (2, 0.5)
    assert report.calibration_error == pytest.approx((1 * 0.2 + 2 * 0.15 + 3 * 0.05) / 6)


def test_nothing_to_evaluate() -> None:
    with pytest.raises(ValueError, match="0 labels"):
        evaluate([], [])


def test_headlines_and_length_limit_what_is_seen() -> None:
    seen: list[tuple[str, str]] = []

    def detect(title: str, text: str) -> Detection:
        seen.append((title, text))
        return Detection("en", 1.0)

    articles = [{"title": "abc", "text": "defgh"}, {"title": "", "text": "one\ntwo"}]
    detect_all(articles, detect, headlines=True)
    detect_all(articles, detect, length=5)
    assert seen == [("abc", ""), ("", "one"), ("abc", "de"), ("", "one\nt")]


def test_command(tmp_path: Path) -> None:
    data = tmp_path / "gold.jsonl"
    rows = [{"lang": "en", "title": "The government has said that it will not sign", "text": ""}]
    rows.append({"lang": "ru", "title": "Правительство заявило, что не подпишет договор", "text": ""})
    data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    result = CliRunner().invoke(app, ["language", "--data", str(data), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["macro"] == 1.0
