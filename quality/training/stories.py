"""Fits the clustering's weights by what they are for: BCubed F1 of whole clusterings, not the odds of single pairs.

A pair classifier learns what most pairs are like, and most pairs are of the largest stories; fitted that way, the
clustering of later headlines came out worse than one plain threshold. So the dozen weights are searched one after
the other, each over a short list of values, and the value is taken that gives the best mean over the sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from quality.training.story_sets import Pairs, StorySet
from streams.stories import Clusterer
from streams.stories.model import SIGNALS, Weights

SHARES = {"headlines-dev": 0.25, "ntrex-dev": 0.3, "sample": 0.1, "near": 0.1, "itn": 0.1}
"""Of each set (the headlines are two) in what is maximised; `itn` is old blurbs without times, the farthest from
news as it comes."""
THRESHOLDS = [round(0.74 - 0.02 * i, 2) for i in range(13)]
_SMOOTH = 1
"""The score at a threshold is the mean over so many on either side: a peak that is one value wide is luck."""
GRID: dict[str, Sequence[float]] = {
    "grown": (0.2, 0.3, 0.4, 0.5),
    "common": (0.4, 0.55, 0.7, 0.85, 1.0),
    "age": (0.06, 0.1, 0.15, 0.2),
    "width": (0.5, 0.55, 0.6, 0.65),
    "cohesion": (0.8, 0.9, 1.0, 1.1),
    "places": (0.0, 0.05, 0.1, 0.15),
    "elsewhere": (0.0, 0.1, 0.2, 0.3),
    "weapons": (0.1, 0.2, 0.3),
    "entities": (0.0, 0.01, 0.02, 0.04),
    "names": (0.0, 0.015, 0.03),
}
SHAPE = ("cohesion", "width", "grown")
"""Of the weights, those that are not of a signal."""
LEXICAL: dict[str, Sequence[float]] = {"numbers": (0.0, 0.01, 0.02), "words": (0.0, 0.01, 0.02)}
"""Signals that count on arrival alone."""
MIN_GAIN = 2e-3
"""A weight leaves its value for no less."""
JOIN = tuple(round(0.6 + 0.02 * i, 2) for i in range(8))
SECOND = tuple(round(-0.04 + 0.02 * i, 2) for i in range(5))
"""Tried beside the threshold of the linkage: a real second look knows the stream's means less well."""
SLOPES = tuple(float(x) for x in range(6, 42, 2))
Say = Callable[[str], None]


def with_weight(weights: Weights, name: str, value: float) -> Weights:
    """The same weights but for one, which is a signal's or one of SHAPE."""
    if name == "cohesion":
        return replace(weights, cohesion=value)
    if name == "width":
        return replace(weights, width=value)
    if name == "grown":
        return replace(weights, grown=value)
    values = dict(zip(SIGNALS, weights.signals, strict=True)) | {name: value}
    return replace(weights, signals=tuple(values[signal] for signal in SIGNALS))


def _share(of: StorySet) -> float:
    return next(share for folder, share in SHARES.items() if of.name.startswith(folder))


def mean_scores(pairs: Iterable[Pairs], weights: Weights) -> list[float]:
    """At each of THRESHOLDS: the weighted mean over the sets, smoothed."""
    total, of = np.zeros(len(THRESHOLDS)), 0.0
    for each in pairs:
        total += _share(each.set) * np.array(each.scores(weights, THRESHOLDS))
        of += _share(each.set)
    smooth = [total[max(0, i - _SMOOTH) : i + _SMOOTH + 1].mean() for i in range(len(total))]
    return [float(x / of) for x in smooth]


def fit_repair(pairs: Sequence[Pairs], start: Weights, *, rounds: int, say: Say) -> Weights:
    """The weights of looking back, and its threshold."""

    def score(weights: Weights) -> tuple[float, float]:
        values = mean_scores(pairs, weights)
        best = int(np.argmax(values))
        return values[best], THRESHOLDS[best]

    best, (value, threshold) = start, score(start)
    for _ in range(rounds):
        before = best
        for name, values in GRID.items():
            for tried in values:
                candidate = with_weight(best, name, tried)
                if candidate == best:
                    continue
                reached, at = score(candidate)
                if reached > value + MIN_GAIN:
                    best, value, threshold = candidate, reached, at
            say(f"  {name} {getattr(best, name) if name in SHAPE else best.weight(name):g}: {value:.4f}")
        if best == before:
            break
    return replace(best, repair=threshold)


def fit_arrival(sets: Sequence[StorySet], start: Weights, *, say: Say) -> Weights:
    """The threshold of joining on arrival, then the signals that only count there."""

    def score(weights: Weights) -> float:
        return float(np.mean([each.score(each.run(weights, settle=False)) for each in sets]))

    best = max((replace(start, join=join) for join in JOIN), key=score)
    value = score(best)
    say(f"  join {best.join:g}: {value:.4f}")
    for name, values in LEXICAL.items():
        for tried in values:
            candidate = with_weight(best, name, tried)
            if candidate != best and (reached := score(candidate)) > value + MIN_GAIN:
                best, value = candidate, reached
        say(f"  {name} {best.weight(name):g}: {value:.4f}")
    return best


def fit_second(sets: Sequence[StorySet], start: Weights, *, say: Say) -> Weights:
    """The threshold of looking back, by what the clusterer itself comes to with it."""
    tried = [round(start.repair + step, 2) for step in SECOND]
    scores = np.zeros(len(tried))
    for each in sets:
        found = each.looked_back([replace(start, repair=threshold) for threshold in tried])
        scores += [_share(each) * each.score(stories) for stories in found]
    scores /= sum(map(_share, sets))
    best = int(scores.argmax())
    say(f"  repair {tried[best]:g}: {scores[best]:.4f}")
    return replace(start, repair=tried[best])


def fit_slope(sets: Sequence[StorySet], weights: Weights) -> Weights:
    """From closeness to probability: the slope under which what happened was most likely."""
    margins, right = [], []
    for each in sets:
        clusterer = Clusterer(weights=weights)
        majority: dict[str, dict[str, int]] = {}
        for article, truth in zip(each.articles, each.stories, strict=True):
            compared = clusterer.compare(article)
            if compared:
                told = majority[compared[0].story_id]
                margins.append(compared[0].closeness - weights.join)
                right.append(max(told, key=told.__getitem__) == truth)
            story = clusterer.assign(article).story_id
            counts = majority.setdefault(story, {})
            counts[truth] = counts.get(truth, 0) + 1
    closeness, truth_of = np.array(margins), np.array(right)

    def likelihood(slope: float) -> float:
        p = np.clip(1 / (1 + np.exp(-slope * closeness)), 1e-6, 1 - 1e-6)
        return float(np.log(np.where(truth_of, p, 1 - p)).mean())

    return replace(weights, slope=max(SLOPES, key=likelihood))
