"""Decisions per second of the clusterer, on one core, as live stories grow from 1,000 to 100,000.

    .venv/bin/python quality/bench/stories_speed.py [--stories 1000,10000,100000] [--measure 2000]

The articles are invented. Their vectors are perturbed real ones: an event lies near a mixture of the embeddings of
four sentences of the sample, an article near its event (a cosine of .7 between two articles of an event), and what is
added has the covariance of the sentences. Words go by Zipf's law. Each size is reached by the clusterer's own
decisions; then `--measure` more articles, most of them on known events, are decided and timed one by one, in processor
time, so that other work on the machine counts little. `found` is the share of 200 of them whose nearest story of all
was among the candidates, where that is near enough to matter: speed is not to be bought with misses. `brute` is what
comparing with every story's centroid in single precision, by one matrix product and nothing more, comes to in the
same run.
"""

from __future__ import annotations

import argparse
import os
import re
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import psutil

from quality.evaluation.labelled import read
from quality.training.story_sets import SAMPLE
from runtime.settings import Settings
from schemas.articles import AnalyzedArticle
from streams.embedding import Embedder
from streams.stories import ClusterConfig, Clusterer
from streams.stories.vectors import SCALE, quantise

LANGUAGES = ("en", "es", "ar", "ru", "ms", "zh", "fr", "de", "pt", "hi")
TOPICS = 300
NEAR = 0.5
START = datetime(2026, 1, 1, tzinfo=UTC)


class Stream:
    """Invented articles."""

    def __init__(self, seed: int = 5) -> None:
        self._random = np.random.default_rng(seed)
        self._sentences = real_vectors()
        spread = np.cov(self._sentences.T) + 1e-6 * np.eye(384)
        self._spread = np.linalg.cholesky(spread)
        self._events: list[tuple[int, np.ndarray, list[str]]] = []
        self._made = 0

    def articles(self, count: int, *, new: float) -> Iterator[AnalyzedArticle]:
        for _ in range(count):
            if not self._events or self._random.random() < new:
                topic = int(self._random.integers(TOPICS))
                mixture = self._random.dirichlet([0.6] * 4)
                chosen = self._random.integers(len(self._sentences), size=4)
                centre = unit(unit(mixture @ self._sentences[chosen]) + 0.8 * self._noise())
                self._events.append((topic, centre, self._words(14, topic)))
            # Recent events are told of more often.
            back = min(len(self._events) - 1, int(self._random.exponential(len(self._events) / 4)))
            _, centre, words = self._events[len(self._events) - 1 - back]
            yield self._article(centre, words)

    def _noise(self) -> np.ndarray:
        return unit(self._spread @ self._random.normal(size=384))

    def _words(self, count: int, topic: int) -> list[str]:
        ranks = np.minimum(self._random.zipf(1.3, size=count), 50_000)
        return [f"w{rank}" for rank in ranks] + [f"Topic{topic}", f"{int(self._random.integers(2, 999))}"]

    def _article(self, centre: np.ndarray, words: list[str]) -> AnalyzedArticle:
        vector = unit(centre + 0.65 * self._noise())
        self._made += 1
        when = START + timedelta(seconds=self._made)
        own = [f"w{rank}" for rank in np.minimum(self._random.zipf(1.3, size=30), 50_000)]
        return AnalyzedArticle.model_construct(
            id=f"bench-{self._made:09d}", source="bench", title=" ".join(words), text=" ".join(own), published=when,
            collected=when, language=LANGUAGES[self._made % len(LANGUAGES)], language_confidence=1.0,
            embedding=vector.tolist(), entities=[], deals=[],
        )  # fmt: skip


def unit(vector: np.ndarray) -> np.ndarray:
    unit_long: np.ndarray = vector / np.linalg.norm(vector)
    return unit_long


def real_vectors() -> np.ndarray:
    """(n, 384) of the sentences of the sample, less their mean, of unit length."""
    embedder = Embedder.load(Settings().cache_dir)
    texts = [
        (sentence, each.language)
        for each in read(SAMPLE)
        for sentence in re.split(r"(?<=[.!?。])\s+|\n+", each.article.full_text)
        if len(sentence) > 15
    ]
    found: np.ndarray = np.stack([embedder.embed_article("", text, language) for text, language in texts])
    found -= found.mean(axis=0)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    found /= lengths
    return found


def nearest_found(clusterer: Clusterer, articles: list[AnalyzedArticle]) -> float:
    """Share of the articles whose nearest story, by comparing with all, is among the candidates.

    Of articles that have a story at a cosine of NEAR: which of many far ones is the nearest does not matter.
    """
    table, means = clusterer._table, clusterer._means
    stories = list(table.stories.values())
    centroids = np.stack([story.sum / story.length for story in stories])
    found = of = 0
    for article in articles:
        vector = means.center(quantise(article.embedding), article.language)
        cosines = centroids @ vector / SCALE
        nearest = stories[int(cosines.argmax())]
        if cosines.max() < NEAR:
            continue
        of += 1
        found += any(each.story_id == nearest.id for each in clusterer.compare(article))
    return found / max(1, of)


def brute_force(stories: int, times: int = 100) -> float:
    """Nearest centroids per second by comparing with all of them."""
    centroids = np.random.default_rng(1).normal(size=(stories, 384)).astype(np.float32)
    started = time.process_time()
    for row in range(times):
        (centroids @ centroids[row]).argmax()
    return times / (time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", default="1000,10000,100000")
    parser.add_argument("--measure", type=int, default=2_000)
    options = parser.parse_args()
    sizes = [int(size) for size in options.stories.split(",")]
    stream, clusterer = Stream(), Clusterer(ClusterConfig(window_hours=1e6, max_articles=10_000_000))
    columns = f"{'stories':>9} {'decisions/s':>12} {'median ms':>10} {'99% ms':>8} {'found':>7} {'memory MB':>10}"
    print(f"{columns} {'brute/s':>8} {'ratio':>6}")
    for size in sizes:
        while clusterer.stories < size:
            for article in stream.articles(min(500, size - clusterer.stories), new=1.0):
                clusterer.assign(article)
        batch = list(stream.articles(options.measure, new=0.3))
        found = nearest_found(clusterer, batch[:200])
        times = []
        for article in batch:
            started = time.process_time()
            clusterer.assign(article)
            times.append(time.process_time() - started)
        took = np.array(times)
        memory = psutil.Process().memory_info().rss / 1e6
        print(
            f"{clusterer.stories:>9} {len(took) / took.sum():>12.0f} {np.median(took) * 1e3:>10.2f}"
            f" {np.quantile(took, 0.99) * 1e3:>8.2f} {found:>7.3f} {memory:>10.0f}"
            f" {(brute := brute_force(clusterer.stories)):>8.0f} {len(took) / took.sum() / brute:>6.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
