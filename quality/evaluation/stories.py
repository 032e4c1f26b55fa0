"""How well predicted stories agree with true ones: BCubed and pairwise, in all, by language and by language pair.

BCubed (Bagga and Baldwin 1998): the precision of an article is the share of its predicted story that truly is of its
story, its recall the share of its true story that was put with it; both are averaged over articles. Pairwise counts
pairs of articles. Confidence intervals are percentiles over resampled true stories, because articles of one story
are not independent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
CONFIDENCE = 0.95

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """Precision, recall and F1, with the bounds of the confidence interval of F1 (None: not computed)."""

    precision: float
    recall: float
    f1: float
    low: float | None = None
    high: float | None = None

    def dump(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "precision": round(self.precision, 4), "recall": round(self.recall, 4), "f1": round(self.f1, 4),
        }  # fmt: skip
        if self.low is not None and self.high is not None:
            found["f1_interval"] = [round(self.low, 4), round(self.high, 4)]
        return found


@dataclass(frozen=True)
class Part:
    """The figures of a part of the articles."""

    articles: int
    stories: int
    predicted: int
    bcubed: Figure
    pairwise: Figure

    def dump(self) -> dict[str, Any]:
        return {
            "articles": self.articles, "stories": self.stories, "predicted_stories": self.predicted,
            "bcubed": self.bcubed.dump(), "pairwise": self.pairwise.dump(),
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """Everything `polywire evaluate stories` prints."""

    overall: Part
    languages: dict[str, Part]
    pairs: dict[tuple[str, str], Figure]
    """Of pairs of articles in these two languages."""
    pair_counts: dict[tuple[str, str], int]
    """True links between the two languages."""

    def dump(self) -> dict[str, Any]:
        return {
            "overall": self.overall.dump(),
            "languages": {k: v.dump() for k, v in self.languages.items()},
            "language_pairs": {"-".join(k): {"links": self.pair_counts[k], **v.dump()} for k, v in self.pairs.items()},
        }


def evaluate(gold: Sequence[str], predicted: Sequence[str], languages: Sequence[str], *, seed: int = 0) -> Report:
    """Compare true stories with predicted ones; the three sequences are in the same order of articles.

    Raises:
        ValueError: different lengths, or no articles.
    """
    if not gold or not len(gold) == len(predicted) == len(languages):
        raise ValueError(f"{len(gold)} true stories, {len(predicted)} predicted, {len(languages)} languages")
    by_language: dict[str, list[int]] = {}
    for i, language in enumerate(languages):
        by_language.setdefault(language, []).append(i)
    parts = {}
    for language in sorted(by_language, key=lambda x: (-len(by_language[x]), x)):
        chosen = by_language[language]
        parts[language] = measure([gold[i] for i in chosen], [predicted[i] for i in chosen])
    pairs, counts = _language_pairs(gold, predicted, languages)
    return Report(measure(gold, predicted, resamples=RESAMPLES, seed=seed), parts, pairs, counts)


def measure(gold: Sequence[str], predicted: Sequence[str], *, resamples: int = 0, seed: int = 0) -> Part:
    """The figures of these articles alone; intervals where `resamples` is above 0."""
    both = Counter(zip(gold, predicted, strict=True))
    sizes, predicted_sizes = Counter(gold), Counter(predicted)
    together = np.array([both[g, p] for g, p in zip(gold, predicted, strict=True)], np.float64)
    true = np.array([sizes[g] for g in gold], np.float64)
    found = np.array([predicted_sizes[p] for p in predicted], np.float64)
    # Of each article: precision, recall, one; right pairs, predicted pairs, true pairs. Sums of them give all figures.
    columns = np.stack([together / found, together / true, np.ones(len(gold)), together - 1, found - 1, true - 1])
    names = {g: i for i, g in enumerate(sizes)}
    story = np.array([names[g] for g in gold])
    by_story = np.stack([np.bincount(story, column, len(names)) for column in columns])
    totals = by_story.sum(axis=1)
    bcubed, pairwise = _bcubed(totals), _pairwise(totals)
    if resamples:
        random = np.random.default_rng(seed)
        draws = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
        resampled = draws @ by_story.T
        bcubed = _with_interval(bcubed, np.array([_bcubed(row).f1 for row in resampled]))
        pairwise = _with_interval(pairwise, np.array([_pairwise(row).f1 for row in resampled]))
    return Part(len(gold), len(sizes), len(predicted_sizes), bcubed, pairwise)


def _bcubed(totals: Floats) -> Figure:
    return _figure(totals[0], totals[2], totals[1], totals[2])


def _pairwise(totals: Floats) -> Figure:
    return _figure(totals[3], totals[4], totals[3], totals[5])


def _figure(right: float, of_found: float, reached: float, of_true: float) -> Figure:
    """Nothing found among nothing true is no error: 1."""
    precision = float(right / of_found) if of_found else 1.0
    recall = float(reached / of_true) if of_true else 1.0
    return Figure(precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0)


def _with_interval(figure: Figure, values: Floats) -> Figure:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Figure(figure.precision, figure.recall, figure.f1, float(low), float(high))


def _language_pairs(
    gold: Sequence[str], predicted: Sequence[str], languages: Sequence[str]
) -> tuple[dict[tuple[str, str], Figure], dict[tuple[str, str], int]]:
    true = _links(gold, languages)
    found = _links(predicted, languages)
    right = _links([f"{g}\x1f{p}" for g, p in zip(gold, predicted, strict=True)], languages)
    order = sorted(true.keys() | found.keys(), key=lambda pair: (-true[pair], pair))
    figures = {pair: _figure(right[pair], found[pair], right[pair], true[pair]) for pair in order}
    return figures, {pair: true[pair] for pair in order}


def _links(stories: Sequence[str], languages: Sequence[str]) -> Counter[tuple[str, str]]:
    """Pairs of articles of one story, by their two (different) languages."""
    members: dict[str, Counter[str]] = {}
    for story, language in zip(stories, languages, strict=True):
        members.setdefault(story, Counter())[language] += 1
    links: Counter[tuple[str, str]] = Counter()
    for counts in members.values():
        for one, other in combinations(sorted(counts), 2):
            links[one, other] += counts[one] * counts[other]
    return links
