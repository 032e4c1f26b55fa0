"""Fits the n-gram tables from word counts of each language."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streams.language.ngrams import STEP, NgramModel, ScriptTable, features, order
from streams.language.words import letters_by_script, script

KEPT = 1_500
"""Features each language may name as its most telling; a table holds the union."""
SMOOTHING = 600.0
"""Counts' worth of belief in the mean of the script's languages."""
SMALLEST, LARGEST = -2.5, 5.0
"""Of a log-likelihood ratio: no single feature decides, and a language with little text is not punished for it."""
MAIN_SCRIPT = 0.15
"""A language is in a script's table where at least this share of its letters is."""


def fit(counts: Mapping[str, Mapping[str, float]]) -> NgramModel:
    """Tables for every script that two or more languages share.

    Args:
        counts: by language, its words in lower case with their (weighted) numbers of occurrence.
    """
    by_script: dict[str, dict[str, Counter[str]]] = defaultdict(dict)
    for language, found in sorted(counts.items()):
        letters = letters_by_script({word: 1 for word in found})
        for name, share in letters.items():
            if share >= MAIN_SCRIPT * sum(letters.values()):
                by_script[name][language] = _feature_counts(found, name)
    return NgramModel({name: _table(told) for name, told in sorted(by_script.items()) if len(told) > 1})


def _feature_counts(found: Mapping[str, float], name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word, count in found.items():
        if script(word[0]) == name:
            for feature in features(word):
                counts[feature] += count  # type: ignore[assignment]
    return counts


def _table(told: Mapping[str, Counter[str]]) -> ScriptTable:
    languages = sorted(told)
    totals = {language: _totals(told[language]) for language in languages}
    mean: dict[str, float] = defaultdict(float)
    for language in languages:
        for feature, count in told[language].items():
            mean[feature] += count / totals[language][order(feature)] / len(languages)
    kept = sorted({f for language in languages for f in _most_telling(told[language], totals[language], mean)})
    values: NDArray[np.float64] = np.empty((len(kept), len(languages)))
    for column, language in enumerate(languages):
        counts, total = told[language], totals[language]
        for row, feature in enumerate(kept):
            values[row, column] = _ratio(counts.get(feature, 0), total[order(feature)], mean[feature])
    stored = np.rint(values.clip(SMALLEST, LARGEST) / STEP).astype(np.int8)
    return ScriptTable(languages, {feature: row for row, feature in enumerate(kept)}, stored)


def _totals(counts: Mapping[str, float]) -> dict[int, float]:
    totals: dict[int, float] = defaultdict(float)
    for feature, count in counts.items():
        totals[order(feature)] += count
    return totals


def _ratio(count: float, total: float, mean: float) -> float:
    return math.log((count + SMOOTHING * mean) / (total + SMOOTHING) / mean)


def _most_telling(counts: Mapping[str, float], totals: Mapping[int, float], mean: Mapping[str, float]) -> list[str]:
    worth = {
        feature: count / totals[order(feature)] * abs(_ratio(count, totals[order(feature)], mean[feature]))
        for feature, count in counts.items()
        if count >= 2
    }
    return sorted(worth, key=lambda feature: (-worth[feature], feature))[:KEPT]
