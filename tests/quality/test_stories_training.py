"""`polywire evaluate stories` on given predictions, and training where there is no data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polywire.commands.evaluate import app
from quality.evaluation.labelled import cluster, read
from quality.training.stories import fit_repair
from quality.training.story_sets import Pairs, StorySet, load_sets
from runtime.errors import UserError
from streams.stories import Clusterer
from streams.stories.model import START
from tests.stories.conftest import stream


def _write(path: Path, lines: list[dict]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    languages = ["en", "ar", "en", "ms"]
    return _write(
        tmp_path / "gold.jsonl",
        [{"id": str(i), "lang": x, "story": "ab"[i // 2], "title": f"t{i}"} for i, x in enumerate(languages)],
    )


def test_figures_of_given_predictions(gold: Path, tmp_path: Path) -> None:
    found = _write(tmp_path / "out.jsonl", [{"id": str(i), "story_id": s} for i, s in enumerate("xxxy")])
    result = CliRunner().invoke(app, ["stories", "--data", str(gold), "--predictions", str(found), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["overall"]["articles"] == 4
    assert report["overall"]["pairwise"]["precision"] == pytest.approx(1 / 3, abs=1e-4)
    assert report["language_pairs"]["ar-en"] == {"links": 1, "precision": 0.5, "recall": 1.0, "f1": 0.6667}
    shown = CliRunner().invoke(app, ["stories", "--data", str(gold), "--predictions", str(found)])
    assert "BCubed" in shown.stdout


def test_predictions_that_lack_an_article_are_refused(gold: Path, tmp_path: Path) -> None:
    found = _write(tmp_path / "out.jsonl", [{"id": "0", "story_id": "x"}])
    with pytest.raises(UserError, match="nothing of 3 articles"):
        CliRunner().invoke(app, ["stories", "--data", str(gold), "--predictions", str(found)], catch_exceptions=False)


def test_a_line_without_its_story_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path / "bad.jsonl", [{"id": "1", "lang": "en", "title": "x"}])
    with pytest.raises(UserError, match="line 1: field 'story' is missing"):
        read(path)


def test_training_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not part of the repository"):
        load_sets(tmp_path, tmp_path, lambda _done, _of: None)


def test_the_fit_recovers_from_a_bad_start() -> None:
    articles = stream(12, 8, noise=0.9)
    events = [a.title.split()[0] for a in articles]
    pairs = Pairs(StorySet("headlines-dev", articles, events, [a.language for a in articles]))
    bad = replace(START, cohesion=0.0, repair=0.64)
    fitted = fit_repair([pairs], bad, rounds=1, say=lambda _: None)
    assert pairs.scores(fitted, [fitted.repair])[0] > pairs.scores(bad, [bad.repair])[0]


def test_the_last_look_back_is_part_of_the_evaluation() -> None:
    articles = stream(25, 8, noise=1.15)
    decided = cluster(articles, Clusterer())
    assert any(arrival != final for arrival, final in decided.values())
    only_arrival = cluster(articles, Clusterer(), settle=False)
    assert all(arrival == final for arrival, final in only_arrival.values())
