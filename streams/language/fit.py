"""Fits the n-gram tables from word counts of each language."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from streams.language.kin import KIN
from streams.language.ngrams import LONGEST, STEP, NgramModel, ScriptTable, features, order
from streams.language.words import UNSPACED, letters_by_script, script

KEPT, KEPT_WORDS = 600, 250
"""N-grams and words each language may name as most telling against all languages; a table holds the union."""
KEPT_AMONG_KIN, KEPT_WORDS_AMONG_KIN = 800, 4_000
"""N-grams and words that tell most between the languages of a group of kin."""
LEAST, LEAST_WORD = 2.0, 0.05
"""Count of an n-gram, and of a word, that is looked at. Words from frequency lists have small ones."""
BLUR = 0.6
"""Difference of a log-likelihood ratio from its mean among kin that says nothing."""
SMOOTHING, WORD_SMOOTHING = 600.0, 150.0
"""Counts' worth of belief in the mean of the script's languages: for n-grams, and for whole words."""
SMALLEST, LARGEST = -2.5, 5.0
"""Of a log-likelihood ratio: no single feature decides, and a language with little text is not punished for it."""
SMALLEST_WORD, ENOUGH_WORDS = -4.0, 12_000.0
"""The same for whole words: the absence of a common word says more than that of a combination of letters, where
so many different words are known that it would be among them; in proportion less where there are fewer."""
MAIN_SCRIPT = 0.15
"""A language is in a script's table where at least this share of its letters is."""


def fit(counts: Mapping[str, Mapping[str, float]], telling: Collection[str] = ()) -> NgramModel:
    """Tables for every script with spaces that two or more languages share; the others are told by rule.

    Args:
        counts: by language, its words in lower case with their (weighted) numbers of occurrence.
        telling: words that are kept however rare they are.
    """
    always = {"#" + word for word in telling}
    by_script: dict[str, dict[str, Counter[str]]] = defaultdict(dict)
    for language, found in sorted(counts.items()):
        letters = letters_by_script(found)
        for name, share in letters.items():
            if share >= MAIN_SCRIPT * sum(letters.values()):
                by_script[name][language] = _feature_counts(found, name)
    shared = {name: told for name, told in sorted(by_script.items()) if len(told) > 1 and name not in UNSPACED}
    return NgramModel({name: _table(told, always) for name, told in shared.items()})


def _feature_counts(found: Mapping[str, float], name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word, count in found.items():
        if script(word[0]) == name:
            for feature in features(word):
                counts[feature] += count  # type: ignore[assignment]
    return counts


def _table(told: Mapping[str, Counter[str]], always: Collection[str]) -> ScriptTable:
    languages = sorted(told)
    totals = {language: _totals(told[language]) for language in languages}
    mean = _mean(told, totals, languages)
    kept_set = {f for name in languages for f in _most_telling(told[name], totals[name], mean, KEPT, KEPT_WORDS)}
    for group in KIN:
        present = [name for name in group if name in told]
        if len(present) > 1:
            among = _mean(told, totals, present)
            kept_set |= set(_telling_apart(told, totals, among, present))
    kept_set |= mean.keys() & set(always)
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
    smallest_word = [_smallest_word(told[language]) for language in languages]
    is_word = np.array([order(feature) > LONGEST for feature in kept])
    smallest = np.where(is_word[:, None], smallest_word, SMALLEST)
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


def _smallest_word(counts: Mapping[str, float]) -> float:
    known = sum(order(feature) > LONGEST for feature in counts)
    return SMALLEST_WORD * min(1.0, known / ENOUGH_WORDS)


def _most_telling(
    counts: Mapping[str, float], totals: Mapping[int, float], mean: Mapping[str, float], most: int, most_words: int
) -> list[str]:
    """What tells a language from all others."""
    worth: dict[str, float] = {}
    for feature, count in counts.items():
        if count >= _least(feature):
            total = totals[order(feature)]
            worth[feature] = count / total * abs(_ratio(feature, count, total, mean[feature]))
    return _best(worth, most, most_words)


def _telling_apart(
    told: Mapping[str, Counter[str]],
    totals: Mapping[str, Mapping[int, float]],
    mean: Mapping[str, float],
    kin: list[str],
) -> list[str]:
    """What tells a language from its kin: what is common in one and missed in another."""
    smallest = {language: _smallest_word(told[language]) for language in kin}
    worth: dict[str, float] = {}
    for feature, share in mean.items():
        counts = [told[language].get(feature, 0.0) for language in kin]
        if max(counts) >= _least(feature):
            is_word = order(feature) > LONGEST
            ratios = [
                max(
                    _ratio(feature, count, totals[language][order(feature)], share),
                    smallest[language] if is_word else SMALLEST,
                )
                for language, count in zip(kin, counts, strict=True)
            ]
            worth[feature] = share * (max(ratios) - min(ratios))
    return _best(worth, KEPT_AMONG_KIN, KEPT_WORDS_AMONG_KIN)


def _least(feature: str) -> float:
    return LEAST_WORD if order(feature) > LONGEST else LEAST


def _best(worth: Mapping[str, float], most: int, most_words: int) -> list[str]:
    ordered = sorted(worth, key=lambda feature: (-worth[feature], feature))
    whole = [feature for feature in ordered if order(feature) > LONGEST]
    parts = [feature for feature in ordered if order(feature) <= LONGEST]
    return parts[:most] + whole[:most_words]
