"""Events as near to each other as two sales of one aircraft, told by the whole way from text to story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quality.evaluation.labelled import Labelled, read
from quality.evaluation.stories import measure
from runtime.settings import Settings
from schemas.articles import AnalyzedArticle
from streams.analysis import Analyzer
from streams.embedding import build_model
from streams.stories import Clusterer

NEAR = Path(__file__).parent / "data" / "near_events.jsonl"
SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    folder = Settings().cache_dir
    build_model(folder, None)
    return Analyzer.load(folder)


def settled(articles: list[AnalyzedArticle]) -> list[str]:
    clusterer = Clusterer()
    for article in articles:
        clusterer.assign(article)
    for correction in clusterer.repairs():
        clusterer.correct(correction)
    return [clusterer.story_of(article.id) or "" for article in articles]


def analyzed(analyzer: Analyzer, items: list[Labelled], at: datetime | None = None) -> list[AnalyzedArticle]:
    """With `at`: all published from then on, a minute apart, whatever their own times."""
    articles = []
    for i, item in enumerate(items):
        when = {} if at is None else {"published": at + timedelta(minutes=i), "collected": at + timedelta(minutes=i)}
        articles.append(analyzer.analyze(item.article.model_copy(update=when)))
    return articles


def test_near_events_are_told_apart_and_their_variants_joined(analyzer: Analyzer) -> None:
    items = read(NEAR)
    found = measure([item.story for item in items], settled(analyzed(analyzer, items)))
    assert found.bcubed.precision > 0.9
    assert found.bcubed.recall > 0.95


def test_the_founding_stories_are_told_apart_without_their_dates(analyzer: Analyzer) -> None:
    items = read(SEEDS / "documents.jsonl")
    found = settled(analyzed(analyzer, items, datetime(2026, 11, 15, tzinfo=UTC)))
    assert measure([item.story for item in items], found).bcubed.f1 == 1.0


def test_an_archive_that_comes_first_does_not_hold_up_the_clock(analyzer: Analyzer) -> None:
    old, sample = read(SEEDS / "documents.jsonl"), read(SEEDS / "sample.jsonl")
    items = [*old, *sample]
    found = measure([item.story for item in items], settled(analyzed(analyzer, items)))
    assert found.bcubed.f1 > 0.97
