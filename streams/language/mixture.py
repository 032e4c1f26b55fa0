"""Fits the weights of the signals: a conditional logit over the languages of a text's script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from streams.language.evidence import SIGNALS, Evidence, gather
from streams.language.ngrams import NgramModel

_STEPS, _RATE, _RIDGE = 400, 0.05, 1e-3


def fit_mixture(model: NgramModel, labelled: Iterable[tuple[str, str, str]]) -> dict[str, float]:
    """Weights that make the labels most probable; every language counts the same in each source.

    Args:
        labelled: (source, language, text).

    Raises:
        ValueError: no text is in a language of a script that several languages share.
    """
    cases: list[tuple[Evidence, int]] = []
    groups: list[tuple[str, str]] = []
    for source, language, text in labelled:
        evidence = gather(model, text, "")
        if evidence and len(evidence.languages) > 1 and language in evidence.languages:
            cases.append((evidence, evidence.languages.index(language)))
            groups.append((source, language))
    if not cases:
        raise ValueError("no labelled text is in a language to be told from another")
    sizes = Counter(groups)
    importance = np.array([1 / sizes[group] for group in groups])
    importance /= importance.sum()
    weights = np.zeros(len(SIGNALS))
    mean, variance = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, _STEPS + 1):
        gradient = _RIDGE * weights
        for (evidence, right), share in zip(cases, importance, strict=True):
            odds = evidence.signals @ weights
            odds = np.exp(odds - odds.max())
            expected = (odds / odds.sum()) @ evidence.signals
            gradient += share * (expected - evidence.signals[right])
        # Adam (Kingma and Ba 2015): the signals' scales differ by orders of magnitude.
        mean = 0.9 * mean + 0.1 * gradient
        variance = 0.99 * variance + 0.01 * gradient**2
        corrected = np.sqrt(variance / (1 - 0.99**step)) + 1e-9
        weights -= _RATE * (mean / (1 - 0.9**step)) / corrected
    return {name: round(float(weight), 4) for name, weight in zip(SIGNALS, weights, strict=True)}
