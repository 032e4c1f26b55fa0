"""The labelled articles that the clustering is fitted on: read, embedded, and compared with each other once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from quality.evaluation.labelled import Labelled, read
from quality.evaluation.stories import measure
from quality.training.vector_cache import VectorCache
from runtime.errors import UserError
from schemas.articles import AnalyzedArticle, RawArticle
from streams.embedding import Embedder
from streams.embedding.embedder import Backend, embed_article
from streams.entities import EntityRecognizer
from streams.stories import Clusterer
from streams.stories.centering import StreamMeans
from streams.stories.linkage import Linkage
from streams.stories.model import Weights
from streams.stories.repair import (
    LEXICAL,
    combine,
    disjoint,
    overlap,
    place_matrix,
    root_of_shared,
    shared_matrix,
    weapon_matrix,
)
from streams.stories.story import AGE_CAP, AGE_UNIT_MS
from streams.stories.vectors import quantise

SPLIT = datetime(2021, 7, 19, tzinfo=UTC)
"""Headlines of events that began before and after: what is fitted on a period is overrated on it."""
FOLDERS = ("headlines-dev", "ntrex-dev", "itn")
SAMPLE = Path(__file__).resolve().parents[2] / "seeds" / "sample.jsonl"
"""Ordinary news, invented for the project: many events at once, each told by a few, in many languages."""
NEAR = Path(__file__).resolve().parents[2] / "tests" / "stories" / "data" / "near_events.jsonl"
"""Invented, too: events as near to each other as two sales of one aircraft, in the first days of a stream. The three
founding documents stand among them, without their times, which would tell them apart."""
FOUNDING = SAMPLE.with_name("documents.jsonl")
OPENING = 400
MEAN_DELAY_HOURS = 12.0
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
        if settle:
            return self.looked_back([weights])[0]
        clusterer = Clusterer(weights=weights)
        return [clusterer.assign(article).story_id for article in self.articles]

    def looked_back(self, weights: Sequence[Weights]) -> list[list[str]]:
        """Story of each article after a last look back with each of the weights; on arrival the first decide."""
        clusterer = Clusterer(weights=weights[0])
        arrival = {article.id: clusterer.assign(article).story_id for article in self.articles}
        found = []
        for each in weights:
            clusterer.weights, stories = each, dict(arrival)
            for correction in clusterer.repairs():
                moving = set(correction.article_ids)
                source, target = correction.story_id, correction.other_story_id
                if correction.kind == "merge":
                    source, target = target, source
                for article, story in stories.items():
                    if story == source and (not moving or article in moving):
                        stories[article] = target
            found.append(list(stories.values()))
        return found

    def half(self) -> StorySet:
        """Every other story, by name."""
        chosen = set(sorted(set(self.stories))[::2])
        return self._chosen([i for i, each in enumerate(self.stories) if each in chosen])


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
        places, weapons = place_matrix(records), weapon_matrix(records)
        self._here, self._elsewhere = overlap(places, places)
        self._other_weapons = disjoint(weapons, weapons)
        self._lexical = [(name, root_of_shared(_own_products(shared_matrix(records, kind)))) for name, kind in LEXICAL]
        self._lengths = np.array([means.length(language) for language in of.languages])
        self._detail = np.array([record.detail for record in records])

    def scores(self, weights: Weights, thresholds: Sequence[float]) -> list[float]:
        """BCubed F1 of the linkage at each of the thresholds, which must fall."""
        evidence = self._here, self._elsewhere, self._other_weapons
        closeness = combine(self._products.copy(), self._gaps, *evidence, weights)
        for name, shared in self._lexical:
            closeness += weights.weight(name) * shared
        np.fill_diagonal(closeness, 1.0)
        linkage = Linkage(closeness.astype(np.float32), self._lengths, self._detail, weights)
        return [self.set.score([str(x) for x in linkage.run(threshold)]) for threshold in thresholds]


def _own_products(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = rows @ rows.T
    return found


def load_sets(data: Path, cache_dir: Path, progress: Progress) -> dict[str, StorySet]:
    """The three development sets, by folder name, and as one `mixed` stream; the project's own `sample` and `near`.

    The gold language stands in for the detector's; entities are the recognizer's. Parallel news in its first OPENING
    characters; `itn` without its times, which are off by months.

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
    labelled |= {"sample": read(SAMPLE), "near": _near()}
    backend, recognizer = VectorCache(cache_dir, Embedder.load(cache_dir)), EntityRecognizer()
    total, done, sets = sum(map(len, labelled.values())), 0, {}
    for folder, items in labelled.items():
        articles = []
        for each in items:
            article = _opening(each) if folder == "ntrex-dev" else each.article
            articles.append(_analyzed(article, each.language, backend, recognizer))
            done += 1
            progress(done, total)
        backend.save()
        sets[folder] = StorySet(folder, articles, [x.story for x in items], [x.language for x in items])
    sets["mixed"] = _mixed(sets["headlines-dev"], [sets["ntrex-dev"], sets["itn"]])
    return sets


def _near() -> list[Labelled]:
    near = read(NEAR)
    when = {"published": near[0].article.when, "collected": near[0].article.when}
    founding = [replace(x, article=x.article.model_copy(update=when)) for x in read(FOUNDING)]
    return [*founding, *near]


def _opening(labelled: Labelled) -> RawArticle:
    """OPENING characters; of every other story without its title: not all feeds have one."""
    article = labelled.article
    titled = hashlib.blake2b(labelled.story.encode(), digest_size=1).digest()[0] % 2 == 0
    title = article.title if titled else ""
    return article.model_copy(update={"title": title, "text": article.text[: max(0, OPENING - len(title))]})


def _mixed(crowded: StorySet, others: Sequence[StorySet]) -> StorySet:
    """One stream: a crowded topic among ordinary news, whose stories get times spread over the same weeks."""
    random = Random(1)
    told = list(zip(crowded.articles, crowded.stories, crowded.languages, strict=True))
    begin, end = crowded.articles[0].when, crowded.articles[-1].when
    for each in others:
        begun: dict[str, datetime] = {}
        for article, story, language in zip(each.articles, each.stories, each.languages, strict=True):
            first = begun.setdefault(story, begin + random.random() * (end - begin))
            when = first + timedelta(hours=random.expovariate(1 / MEAN_DELAY_HOURS))
            told.append((article.model_copy(update={"published": when, "collected": when}), story, language))
    told.sort(key=lambda item: item[0].when)
    return StorySet("mixed", [a for a, _, _ in told], [s for _, s, _ in told], [x for _, _, x in told])


def _analyzed(article: RawArticle, language: str, backend: Backend, recognizer: EntityRecognizer) -> AnalyzedArticle:
    return AnalyzedArticle(
        **{**dict(article), "language": language},
        language_confidence=1.0,
        embedding=embed_article(backend, article.title, article.text, language).tolist(),
        entities=recognizer.recognize(article.full_text[:2_000], language),
    )
