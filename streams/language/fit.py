"""Fits the n-gram tables from word counts of each language."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streams.language.ngrams import LONGEST, STEP, NgramModel, ScriptTable, features, order
from streams.language.words import UNSPACED, letters_by_script, script

KEPT, KEPT_AMONG_KIN = 900, 900
"""Features each language may name as most telling, against all languages and against its kin; a table holds the
union."""
KIN = (
    ("id", "ms"), ("bs", "hr", "sl", "sr"), ("da", "nn", "no", "sv"), ("ca", "es", "gl", "it", "pt"), ("cs", "sk"),
    ("nso", "st", "tn"), ("nd", "nr", "ss", "xh", "zu"), ("rn", "rw"), ("bem", "lg", "ln", "ny", "sn", "sw"),
    ("be", "bg", "mk", "ru", "sr", "uk"), ("ba", "kk", "ky", "tt"), ("az", "tk", "tr", "uz"), ("fo", "is"),
    ("af", "nl"), ("de", "lb"), ("hi", "mr", "ne"), ("ar", "ckb", "fa", "ps", "sd", "ug", "ur"), ("am", "ti"),
    ("et", "fi"), ("ga", "gd"), ("ceb", "tl"), ("jv", "su"), ("haw", "mi", "sm", "to", "ty"), ("lt", "lv"),
)  # fmt: skip
"""Languages that are hard to tell apart."""
BLUR = 0.6
"""Difference of a log-likelihood ratio from its mean among kin that says nothing."""
SMOOTHING, WORD_SMOOTHING = 600.0, 150.0
"""Counts' worth of belief in the mean of the script's languages: for n-grams, and for whole words."""
SMALLEST, LARGEST = -2.5, 5.0
"""Of a log-likelihood ratio: no single feature decides, and a language with little text is not punished for it."""
SMALLEST_WORD = -4.0
"""The same for whole words: the absence of a common word says more than that of a combination of letters."""
MAIN_SCRIPT = 0.15
"""A language is in a script's table where at least this share of its letters is."""


def fit(counts: Mapping[str, Mapping[str, float]]) -> NgramModel:
    """Tables for every script with spaces that two or more languages share; the others are told by rule.

    Args:
        counts: by language, its words in lower case with their (weighted) numbers of occurrence.
    """
    by_script: dict[str, dict[str, Counter[str]]] = defaultdict(dict)
    for language, found in sorted(counts.items()):
        letters = letters_by_script(dict.fromkeys(found, 1))
        for name, share in letters.items():
            if share >= MAIN_SCRIPT * sum(letters.values()):
                by_script[name][language] = _feature_counts(found, name)
    shared = {name: told for name, told in sorted(by_script.items()) if len(told) > 1 and name not in UNSPACED}
    return NgramModel({name: _table(told) for name, told in shared.items()})


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
    mean = _mean(told, totals, languages)
    kept_set = {f for name in languages for f in _most_telling(told[name], totals[name], mean, KEPT)}
    for group in KIN:
        present = [name for name in group if name in told]
        if len(present) > 1:
            among = _mean(told, totals, present)
            kept_set |= {f for name in present for f in _most_telling(told[name], totals[name], among, KEPT_AMONG_KIN)}
    kept = sorted(kept_set)
    values: NDArray[np.float64] = np.empty((len(kept), len(languages)))
    for column, language in enumerate(languages):
        counts, total = told[language], totals[language]
        for row, feature in enumerate(kept):
            values[row, column] = _ratio(feature, counts.get(feature, 0), total[order(feature)], mean[feature])
    for group in KIN:
        columns = [column for column, language in enumerate(languages) if language in group]
        if len(columns) > 1:
            values[:, columns] = _blur(values[:, columns])
    smallest = [[SMALLEST_WORD if order(feature) > LONGEST else SMALLEST] for feature in kept]
    stored = np.rint(values.clip(smallest, LARGEST) / STEP).astype(np.int8)
    return ScriptTable(languages, {feature: row for row, feature in enumerate(kept)}, stored)


def _blur(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(features, kin) with small differences taken out, large ones made smaller by as much.

    How often a word that kin share occurs depends on what a source is about; that one of them lacks it does not.
    """
    mean = values.mean(axis=1, keepdims=True)
    away = values - mean
    blurred: NDArray[np.float64] = mean + np.sign(away) * np.maximum(np.abs(away) - BLUR, 0.0)
    return blurred


def _totals(counts: Mapping[str, float]) -> dict[int, float]:
    totals: dict[int, float] = defaultdict(float)
    for feature, count in counts.items():
        totals[order(feature)] += count
    return totals


def _mean(
    told: Mapping[str, Counter[str]], totals: Mapping[str, Mapping[int, float]], languages: list[str]
) -> dict[str, float]:
    """The features' probabilities, averaged over languages."""
    mean: dict[str, float] = defaultdict(float)
    for language in languages:
        for feature, count in told[language].items():
            mean[feature] += count / totals[language][order(feature)] / len(languages)
    return mean


def _ratio(feature: str, count: float, total: float, mean: float) -> float:
    smoothing = WORD_SMOOTHING if order(feature) > LONGEST else SMOOTHING
    return math.log((count + smoothing * mean) / (total + smoothing) / mean)


def _most_telling(
    counts: Mapping[str, float], totals: Mapping[int, float], mean: Mapping[str, float], most: int
) -> list[str]:
    worth = {
        feature: count / totals[order(feature)] * abs(_ratio(feature, count, totals[order(feature)], mean[feature]))
        for feature, count in counts.items()
        if count >= 2
    }
    return sorted(worth, key=lambda feature: (-worth[feature], feature))[:most]
