"""Articles per second of analyze + cluster, as a share of what the bare embedder does with the same texts.

    .venv/bin/python quality/bench/analyze.py [--data FILE.jsonl] [--texts 200] [--rounds 3]

Analyze is what the stage does with an article: language, embedding, entities, deals; cluster is the decision on
arrival. One core; the ways take turns, round by round, on the same articles, so that a busy machine slows all of
them. Processor time is shown, too: it does not see the other work of the machine. Without a file the sample is read.
The bare embedder is the fixed one of `quality/bench/reference.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from quality.bench.reference import Reference
from quality.evaluation.labelled import read
from runtime.settings import Settings
from schemas.articles import AnalyzedArticle, RawArticle
from streams.analysis import Analyzer
from streams.deals import DealReader
from streams.embedding import Embedder
from streams.entities import EntityRecognizer
from streams.language import LanguageDetector
from streams.stories import Clusterer

SAMPLE = Path(__file__).parents[2] / "seeds" / "sample.jsonl"


class Ways:
    """What is timed. Every way takes the articles one at a time, as they would come."""

    def __init__(self, articles: list[RawArticle]) -> None:
        cache_dir = Settings().cache_dir
        self._bare = Reference(cache_dir / "models" / "bench-reference")
        self._embedder, self._analyzer = Embedder.load(cache_dir), Analyzer.load(cache_dir)
        self._detector, self._recognizer, self._deals = LanguageDetector(), EntityRecognizer(), DealReader()
        self._articles = articles
        self._analyzed = [self._analyzer.analyze(article) for article in articles]
        self._entities = [self._recognizer.recognize(a.full_text, a.language) for a in self._analyzed]

    def bare(self) -> None:
        for article in self._articles:
            self._bare.embed_article(article.title, article.text)

    def both(self) -> None:
        clusterer = Clusterer()
        for article in self._articles:
            clusterer.assign(self._analyzer.analyze(article))

    def without_deals(self) -> None:
        clusterer = Clusterer()
        for article in self._articles:
            language = self._detector.detect(article.title, article.text, hint=article.language).language
            vector = self._embedder.embed_article(article.title, article.text, language)
            fields = article.model_dump() | {
                "language": language,
                "language_confidence": 1.0,
                "embedding": vector.tolist(),
                "entities": self._recognizer.recognize(article.full_text, language),
            }
            clusterer.assign(AnalyzedArticle.model_validate(fields))

    def language(self) -> None:
        for article in self._articles:
            self._detector.detect(article.title, article.text, hint=article.language)

    def entities(self) -> None:
        for article in self._analyzed:
            self._recognizer.recognize(article.full_text, article.language)

    def deals(self) -> None:
        for article, entities in zip(self._analyzed, self._entities, strict=True):
            self._deals.read(article.title, article.text, article.language, entities, self._embedder.embed)

    def cluster(self) -> None:
        clusterer = Clusterer()
        for article in self._analyzed:
            clusterer.assign(article)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SAMPLE)
    parser.add_argument("--texts", type=int, default=200, help="spread over the file")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not options.data.exists():
        sys.exit(f"{options.data} is not there")
    labelled = read(options.data)
    articles = [each.article for each in labelled[:: max(1, len(labelled) // options.texts)][: options.texts]]
    ways = Ways(articles)
    timed: dict[str, Callable[[], None]] = {
        "bare embedder": ways.bare,
        "analyze + cluster": ways.both,
        "but for deals": ways.without_deals,
        "  language": ways.language,
        "  entities": ways.entities,
        "  deals": ways.deals,
        "  cluster": ways.cluster,
    }
    wall: dict[str, list[float]] = {name: [] for name in timed}
    cpu: dict[str, list[float]] = {name: [] for name in timed}
    for run in timed.values():
        run()  # what is read or compiled at first use
    for _ in range(options.rounds):
        for name, run in timed.items():
            started, worked = time.perf_counter(), time.process_time()
            run()
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(time.process_time() - worked)
    characters = np.mean([len(article.full_text) for article in articles])
    print(f"{len(articles)} articles, {characters:.0f} characters, one core, median of {options.rounds} rounds")
    print(f"{'':18} {'articles/s':>10} {'ms each':>8} {'processor ms':>13}")
    for name in timed:
        took, worked = np.median(wall[name]) / len(articles), np.median(cpu[name]) / len(articles)
        print(f"{name:18} {1 / took:10.1f} {took * 1e3:8.2f} {worked * 1e3:13.2f}")
    for what, times in (("time", wall), ("processor time", cpu)):
        for name in ("analyze + cluster", "but for deals"):
            shares = [b / a for b, a in zip(times["bare embedder"], times[name], strict=True)]
            each = ", ".join(f"{share:.3f}" for share in shares)
            print(f"{name}, share of the bare embedder by {what}: {np.median(shares):.3f}  (rounds: {each}; goal .85)")


if __name__ == "__main__":
    main()
