"""The detector on headlines and sentences of news in 106 languages, written for this test (`data/*.jsonl`).

They were not used to fit anything, but who wrote them also wrote the word lists (`function_words.json`): they guard
against what breaks, and are no measure of quality on unseen news.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quality.evaluation.language import LanguageReport, detect_all, evaluate
from streams.language import LanguageDetector

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def articles() -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(DATA.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector()


def _report(articles: list[dict[str, Any]], detector: LanguageDetector, *, headlines: bool) -> LanguageReport:
    found = detect_all(articles, detector.detect, headlines=headlines)
    return evaluate([article["lang"] for article in articles], found)


def test_headlines(articles: list[dict[str, Any]], detector: LanguageDetector) -> None:
    report = _report(articles, detector, headlines=True)
    assert len(report.languages) == 106
    assert report.macro > 0.94
    for language in ("hr", "sr", "ms", "ku", "ckb", "ee", "bem", "nso", "mk", "be", "tg", "ps", "tt", "hmn", "cv"):
        assert report.languages[language].accuracy > 0.85, language


def test_headline_and_sentence(articles: list[dict[str, Any]], detector: LanguageDetector) -> None:
    report = _report(articles, detector, headlines=False)
    assert report.macro > 0.98
    # Of the Bosnian ones every third is good Serbian or Croatian as well.
    assert all(figure.accuracy > (0.5 if name == "bs" else 0.8) for name, figure in report.languages.items())
    assert report.calibration_error < 0.05


def test_three_sentences_are_enough(articles: list[dict[str, Any]], detector: LanguageDetector) -> None:
    told: dict[str, list[str]] = {}
    for article in articles:
        told.setdefault(article["lang"], []).append(f"{article['title']}. {article['text']}")
    texts = [
        {"lang": language, "title": "", "text": " ".join(found[start : start + 3])}
        for language, found in told.items()
        for start in range(0, len(found), 3)
    ]
    report = _report(texts, detector, headlines=False)
    assert report.macro > 0.99
