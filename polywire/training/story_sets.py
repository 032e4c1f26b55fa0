"""The labelled articles that the clustering is fitted on: read, embedded, and compared with each other once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from polywire.evaluation.labelled import Labelled, read
from polywire.evaluation.stories import measure
from polywire.runtime.errors import UserError
from schemas.articles import AnalyzedArticle, RawArticle
from streams.embedding import Embedder
from streams.entities import EntityRecognizer
from streams.stories import Clusterer
from streams.stories.centering import StreamMeans
from streams.stories.linkage import Linkage
from streams.stories.model import Weights
from streams.stories.repair import LEXICAL, combine, place_matrix, root_of_shared, shared_matrix
from streams.stories.story import AGE_CAP, AGE_UNIT_MS
from streams.stories.vectors import quantise

SPLIT = datetime(2021, 7, 19, tzinfo=UTC)
"""Headlines of events that began before and after: what is fitted on a period is overrated on it."""
FOLDERS = ("headlines-dev", "ntrex-dev", "itn")
SAMPLE = Path(__file__).resolve().parents[2] / "seeds" / "sample.jsonl"
"""Ordinary news, invented for the project: many events at once, each told by a few, in many languages."""
Progress = Callable[[int, int], None]


@dataclass
class StorySet:
    """Labelled articles, analyzed, in the order of time."""

    name: str
    articles: list[AnalyzedArticle]
    stories: list[str]
    languages: list[str]

    def without(self, language: str) -> StorySet:
        return self._chosen([i for i, each in enumerate(self.languages) if each != language], f" without {language}")

    def _chosen(self, rows: Sequence[int], suffix: str = "") -> StorySet:
        return StorySet(
            self.name + suffix,
            [self.articles[i] for i in rows],
            [self.stories[i] for i in rows],
            [self.languages[i] for i in rows],
        )

    def split(self, at: datetime) -> tuple[StorySet, StorySet]:
        """Stories that began before a time, as told before it, and stories that began later."""
        begun: dict[str, datetime] = {}
        for article, story in zip(self.articles, self.stories, strict=True):
            begun.setdefault(story, article.when)
        numbers = range(len(self.articles))
        early = [i for i in numbers if begun[self.stories[i]] < at]
        late = [i for i in numbers if begun[self.stories[i]] >= at]
        return self._chosen(early, " early"), self._chosen(late, " late")

    def score(self, predicted: Sequence[str], language: str | None = None) -> float:
        """BCubed F1, of all articles or of those in one language."""
        rows = [i for i, each in enumerate(self.languages) if language in (None, each)]
        return measure([self.stories[i] for i in rows], [predicted[i] for i in rows]).bcubed.f1

    def run(self, weights: Weights, *, settle: bool) -> list[str]:
        """Story of each article by the clusterer itself, one by one; after a last look back, or as on arrival."""
        clusterer = Clusterer(weights=weights)
        arrival = [clusterer.assign(article).story_id for article in self.articles]
        if not settle:
            return arrival
        for correction in clusterer.repairs():
            clusterer.correct(correction)
        return [clusterer.story_of(a.id) or story for a, story in zip(self.articles, arrival, strict=True)]


class Pairs:
    """All pairs of a set's articles, compared; only weighing them is left."""

    def __init__(self, of: StorySet) -> None:
        self.set = of
        reader = Clusterer()
        records = [reader.read(article) for article in of.articles]
        for record, story in zip(records, of.stories, strict=True):
            record.story = story
        vectors = np.stack([quantise(article.embedding) for article in of.articles])
        # Centred with the true stories: what the second pass of a repair comes close to.
        means = StreamMeans.estimate(zip(of.languages, of.stories, vectors, strict=True))
        centred = means.center_rows(vectors, of.languages)
        when = np.array([record.when for record in records], np.float64)
        self._products: npt.NDArray[np.float32] = centred @ centred.T
        self._gaps = np.minimum(np.abs(when[:, None] - when[None, :]) / AGE_UNIT_MS, AGE_CAP).astype(np.float32)
        places = place_matrix(records)
        placed: npt.NDArray[np.bool_] = places.sum(axis=1) > 0
        self._here: npt.NDArray[np.bool_] = places @ places.T > 0
        self._elsewhere: npt.NDArray[np.bool_] = placed[:, None] & placed[None, :] & ~self._here
        self._lexical = [(name, root_of_shared(_own_products(shared_matrix(records, kind)))) for name, kind in LEXICAL]
        self._lengths = np.array([means.length(language) for language in of.languages])
        self._detail = np.array([record.detail for record in records])

    def scores(self, weights: Weights, thresholds: Sequence[float]) -> list[float]:
        """BCubed F1 of the linkage at each of the thresholds, which must fall."""
        closeness = combine(self._products.copy(), self._gaps, self._here, self._elsewhere, weights)
        for name, shared in self._lexical:
            closeness += weights.weight(name) * shared
        np.fill_diagonal(closeness, 1.0)
        linkage = Linkage(closeness.astype(np.float32), self._lengths, self._detail, weights)
        return [self.set.score([str(x) for x in linkage.run(threshold)]) for threshold in thresholds]


def _own_products(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = rows @ rows.T
    return found


def load_sets(data: Path, cache_dir: Path, progress: Progress) -> dict[str, StorySet]:
    """The three development sets, by folder name, and the project's own `sample`.

    The gold language stands in for the detector's; entities are the recognizer's. `itn` without its times, which
    are off by months.

    Raises:
        UserError: a set is not there.
        ModelMissing: the embedding model is not built.
    """
    labelled: dict[str, list[Labelled]] = {}
    for folder in FOLDERS:
        path = data / folder / "articles.jsonl"
        if not path.exists():
            raise UserError(
                f"{path} is not there. Training needs the development data (headlines-dev, ntrex-dev, itn); "
                "it is not part of the repository. Say where it is with --data."
            )
        labelled[folder] = read(path, dated=folder != "itn")
    labelled["sample"] = read(SAMPLE)
    embedder, recognizer = Embedder.load(cache_dir), EntityRecognizer()
    total, done, sets = sum(map(len, labelled.values())), 0, {}
    for folder, items in labelled.items():
        articles = []
        for each in items:
            articles.append(_analyzed(each.article, each.language, embedder, recognizer))
            done += 1
            progress(done, total)
        sets[folder] = StorySet(folder, articles, [x.story for x in items], [x.language for x in items])
    return sets


def _analyzed(article: RawArticle, language: str, embedder: Embedder, recognizer: EntityRecognizer) -> AnalyzedArticle:
    return AnalyzedArticle(
        **{**dict(article), "language": language},
        language_confidence=1.0,
        embedding=embedder.embed_article(article.title, article.text, language).tolist(),
        entities=recognizer.recognize(article.full_text[:2_000], language),
    )
