"""The fitting of the arms-deal reader's models from labelled sentences: logistic regressions with an L2 penalty, by
L-BFGS, so that the same corpus gives the same weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from quality.training.deals_items import Document, Item, items_of, telling_items
from streams.deals.act import Weights, act_features
from streams.deals.classifier import DealClassifier
from streams.deals.features import sentence_features
from streams.deals.learnt import Learnt
from streams.deals.roles import assign_roles, role_features
from streams.deals.sides import inside_features, outside_features
from streams.words.lexicon import OTHER_TALK

Pairs = Mapping[str, tuple[float, float]]

_ROLE_PENALTY = 0.2
_SIDES_PENALTY = 0.05
_PENALTY = 0.4
_EMBEDDING_PENALTY = 0.3
_EMBEDDING_SCALE = 8.0
"""Inverse strengths of the L2 penalty, and how much longer vectors are made so that it presses less on them: chosen
by cross-validation over languages."""
_PRIOR_SHIFT = -0.2
"""Added to the logit that knows the embedding: the corpus has a deal in every second sentence, an article is judged by
the best of many."""
_WORDS_SHIFT = 0.3
"""Added to the logit of words alone, which err on the side of caution."""
_ARTICLES_COUNT = 3.0
"""How much a party in an article counts beside one in a sentence that stands alone: those are many, and name both."""
_ACT_PENALTY = 0.5
_THRESHOLD = 0.43
_FREE = frozenset({"bias", "gear"})
_CAPPED = {
    **dict.fromkeys(("block", "cancel", "ask", "want", "plan", "deny", "allege"), 0.4),
    **dict.fromkeys(("lease", "licence", "upgrade", "illicit"), 0.8),
}
"""Words that the corpus has in deals far more often than news has: they may say little by themselves."""
_AT_MOST = {"civil_text": -2.4}
"""A text on civil matters that never speaks of the military: too rare among the labelled ones to be learnt."""
_AGAINST = frozenset({"gear_only", "gear_by_neighbours", "name_only", "parties=0", "no_transfer", "no_weapon"})
_UNSURE = (0.12, 0.95)
"""Between these probabilities by words the embedding is asked. Cross-validation finds a wider band no better, and a
sentence embedded costs as much as ten articles read by words."""
DIGITS = 4
"""Of a weight, after the point."""


def fit_acts(items: Iterable[Item]) -> dict[str, Weights]:
    """Weights of act and status, by answer and feature."""
    from sklearn.linear_model import LogisticRegression

    told = [item for item in items if item.act and item.status]
    rows = [act_features(item.sentence) for item in told]
    names = sorted({name for row in rows for name in row})
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    fitted: dict[str, Weights] = {}
    for question, answers in (("act", [item.act for item in told]), ("status", [item.status for item in told])):
        model = LogisticRegression(C=_ACT_PENALTY, max_iter=3000, fit_intercept=False).fit(matrix, answers)
        fitted[question] = {
            str(answer): {name: round(float(model.coef_[i][k]), DIGITS) for k, name in enumerate(names)}
            for i, answer in enumerate(model.classes_)
        }
    return fitted


def fit_roles(items: Iterable[Item]) -> Pairs:
    """Weights by feature of a party in its sentence, against being neither."""
    told = [item for item in items if item.label and {item.gold[key] for key in item.sentence.party_keys} & {0, 1}]
    return _fit_sides(
        ((role_features(item.sentence, key), item.gold[key], 1.0) for item in told for key in item.sentence.party_keys),
        _ROLE_PENALTY,
    )


def fit_sides(tellings: Iterable[Item]) -> Pairs:
    """Weights by feature of a party in its article, against being neither."""
    return _fit_sides(
        (
            (features, item.gold[key], _ARTICLES_COUNT if item.of_article else 1.0)
            for item in tellings
            for of in (inside_features, outside_features)
            for key, features in of(item.sentence, item.article)
        ),
        _SIDES_PENALTY,
    )


def _fit_sides(told: Iterable[tuple[set[str], int, float]], penalty: float) -> Pairs:
    """From the features of each party, its side and how much it counts."""
    from sklearn.linear_model import LogisticRegression

    rows, labels, counts = zip(*told, strict=True)
    names = sorted({name for row in rows for name in row})
    matrix = np.array([[float(name in row) for name in names] for row in rows])
    model = LogisticRegression(C=penalty, max_iter=2000, fit_intercept=False)
    model.fit(matrix, labels, sample_weight=counts)
    by_class = {int(c): model.coef_[i] for i, c in enumerate(model.classes_)}
    none = by_class[2]
    return {
        name: (round(float(by_class[0][i] - none[i]), DIGITS), round(float(by_class[1][i] - none[i]), DIGITS))
        for i, name in enumerate(names)
    }


def fit(documents: Sequence[Document]) -> Learnt:
    """All models; the classifier with the embedding where the documents have them."""
    items = items_of(documents)
    roles = fit_roles(items)
    rows = [sentence_features(item.sentence, assign_roles(item.sentence, roles), item.previous) for item in items]
    labels = np.array([item.label for item in items])
    names = sorted({name for row in rows for name in row})
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    lexical = dict(zip(names, map(float, _logistic(matrix, labels, names, _PENALTY)), strict=True))
    lexical["bias"] += _WORDS_SHIFT
    combined: dict[str, float] = {}
    direction = center = None
    vectors = np.array([item.vector for item in items if item.vector is not None])
    if len(vectors) == len(items):
        center = vectors.mean(axis=0)
        joined = np.hstack([matrix, (vectors - center) * _EMBEDDING_SCALE])
        weights = _logistic(joined, labels, names, _EMBEDDING_PENALTY)
        combined = dict(zip(names, map(float, weights[: len(names)]), strict=True))
        combined["bias"] += _PRIOR_SHIFT
        direction = weights[len(names) :] * _EMBEDDING_SCALE
    found = DealClassifier(lexical, combined, direction, center, _THRESHOLD, *_UNSURE)
    return Learnt(found, roles, fit_sides(telling_items(documents)), fit_acts(items))


def _logistic(
    matrix: NDArray[np.float64], labels: NDArray[np.bool_], names: Sequence[str], penalty: float
) -> NDArray[np.float64]:
    """L2-penalised logistic regression, both classes weighing the same, each named weight kept on its side of zero.

    Columns beyond `names` are free and come last (the embedding). A corpus of short sentences would otherwise teach
    that a second weapon speaks against a deal, which longer sentences then pay for.
    """
    from scipy.optimize import minimize

    signs = np.where(labels, 1.0, -1.0)
    share = np.where(labels, 0.5 / max(labels.sum(), 1), 0.5 / max((~labels).sum(), 1)) * len(labels)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (matrix @ weights)
        value = share @ np.logaddexp(0.0, -margins) + weights @ weights / (2 * penalty)
        pull = -share * signs / (1.0 + np.exp(np.clip(margins, -40.0, 40.0)))
        return float(value), matrix.T @ pull + weights / penalty

    free = (None, None)
    bounds = [_side_of(name) for name in names] + [free] * (matrix.shape[1] - len(names))
    start = np.zeros(matrix.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 3000})
    weights: NDArray[np.float64] = np.round(found.x, DIGITS)
    return weights


def _side_of(name: str) -> tuple[float | None, float | None]:
    """Where a weight may lie: talk of fighting never speaks for a deal, a weapon never against one."""
    if name in _FREE:
        return None, None
    if name in _AT_MOST:
        return None, _AT_MOST[name]
    against = name in _AGAINST or any(cls in name for cls in OTHER_TALK)
    return (None, 0.0) if against else (0.0, _CAPPED.get(name))
