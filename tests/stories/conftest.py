"""Streams of invented articles whose embeddings are known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from schemas.articles import AnalyzedArticle

START = datetime(2026, 3, 1, tzinfo=UTC)
MakeArticle = Callable[..., AnalyzedArticle]


def article(
    article_id: str,
    vector: np.ndarray,
    *,
    title: str = "",
    text: str = "",
    language: str = "en",
    hours: float = 0.0,
    collected_hours: float | None = None,
) -> AnalyzedArticle:
    when = START + timedelta(hours=hours)
    return AnalyzedArticle(
        id=article_id,
        source="example.org",
        title=title or f"Report {article_id}",
        text=text,
        published=when,
        collected=START + timedelta(hours=hours if collected_hours is None else collected_hours),
        language=language,
        language_confidence=0.99,
        embedding=(vector / np.linalg.norm(vector)).tolist(),
    )


def stream(events: int, per_event: int, *, seed: int = 7, noise: float = 0.5) -> list[AnalyzedArticle]:
    """Articles of `events` events in three languages, mixed in time; `title` begins with the event's number."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(events, 384))
    made = []
    for number in range(events * per_event):
        event = int(random.integers(events))
        vector = centres[event] + noise * random.normal(size=384)
        made.append(
            article(
                f"article-{number:05d}",
                vector,
                title=f"{event} Meldung {number} Zeta{event}",
                language=("en", "ar", "ms")[number % 3],
                hours=number * 0.2,
            )
        )
    return made


@pytest.fixture
def start() -> datetime:
    return START
