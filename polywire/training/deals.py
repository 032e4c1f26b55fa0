"""Fits the weights of the arms-deal reader from the corpus, and says how well they hold on what they have not seen.

Three models: who is supplier and who recipient (`streams/deals/roles.json`), what act it is and how far it has come
(`acts.json`), and whether a sentence tells of a deal (`weights.json`: over words and structure alone, and with the
sentence's embedding). All are logistic regressions with an L2 penalty, fitted by L-BFGS: the same corpus gives the same
weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polywire.training.deals_items import ARTICLE, Item, prepare, read_corpus
from streams.deals.act import WEIGHTS as ACT_WEIGHTS
from streams.deals.act import Weights, act_features, most_probable
from streams.deals.classifier import WEIGHTS
from streams.deals.features import sentence_features
from streams.deals.lexicon import OTHER_TALK
from streams.deals.reader import Embed
from streams.deals.roles import WEIGHTS as ROLE_WEIGHTS
from streams.deals.roles import assign_roles, role_features

Pairs = Mapping[str, tuple[float, float]]

_ROLE_PENALTY = 0.2
_PENALTY = 1.0
_EMBEDDING_PENALTY = 0.3
_EMBEDDING_SCALE = 8.0
"""Inverse strengths of the L2 penalty, and how much longer vectors are made so that it presses less on them: chosen
by cross-validation over languages."""
_PRIOR_SHIFT = -0.2
"""Added to the logit that knows the embedding: the corpus has a deal in every second sentence, an article is judged by
the best of many."""
_WORDS_SHIFT = 0.3
"""Added to the logit of words alone, which err on the side of caution."""
_ACT_PENALTY = 0.5
_THRESHOLD = 0.47
_FOLDS = 5
_FREE = frozenset({"bias", "gear"})
_CAPPED = {
    **dict.fromkeys(("block", "cancel", "ask", "want", "plan", "deny", "allege"), 0.4),
    **dict.fromkeys(("lease", "licence", "upgrade", "illicit"), 0.8),
}
"""Words that the corpus has in deals far more often than news has: they may say little by themselves."""
_AT_MOST = {"civil_text": -2.4}
"""A text on civil matters that never speaks of the military: too rare among the labelled ones to be learnt."""
_AGAINST = frozenset({"gear_only", "gear_by_neighbours", "name_only", "parties=0", "no_transfer", "no_weapon"})
_UNSURE = (0.04, 0.97)
_DIGITS = 4


@dataclass(slots=True)
class Report:
    """What the fitting printed, as numbers: precision, recall, F1 and role accuracy for each way of folding."""

    figures: dict[str, dict[str, float]]
    articles: dict[str, dict[str, float]]
    """The same of the articles alone, with the recall of main and of passing mentions."""
    threshold: float


def fit_acts(items: Iterable[Item]) -> dict[str, Weights]:
    """Weights of act and status, by answer and feature."""
    from sklearn.linear_model import LogisticRegression

    told = [item for item in items if item.sentence is not None and item.act and item.status]
    rows = [act_features(item.sentence) for item in told if item.sentence is not None]
    names = sorted({name for row in rows for name in row})
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    fitted: dict[str, Weights] = {}
    for question, answers in (("act", [item.act for item in told]), ("status", [item.status for item in told])):
        model = LogisticRegression(C=_ACT_PENALTY, max_iter=3000, fit_intercept=False).fit(matrix, answers)
        fitted[question] = {
            str(answer): {name: round(float(model.coef_[i][k]), _DIGITS) for k, name in enumerate(names)}
            for i, answer in enumerate(model.classes_)
        }
    return fitted


def fit_roles(items: Iterable[Item]) -> Pairs:
    """Weights by feature, against being neither."""
    from sklearn.linear_model import LogisticRegression

    rows, labels = [], []
    for item in items:
        if not item.label or item.sentence is None or not set(item.gold.values()) & {0, 1}:
            continue
        for key in item.sentence.party_keys:
            rows.append(role_features(item.sentence, key))
            labels.append(item.gold[key])
    names = sorted({name for row in rows for name in row})
    matrix = np.array([[float(name in row) for name in names] for row in rows])
    model = LogisticRegression(C=_ROLE_PENALTY, max_iter=2000, fit_intercept=False).fit(matrix, labels)
    by_class = {int(c): model.coef_[i] for i, c in enumerate(model.classes_)}
    none = by_class[2]
    return {
        name: (round(float(by_class[0][i] - none[i]), _DIGITS), round(float(by_class[1][i] - none[i]), _DIGITS))
        for i, name in enumerate(names)
    }


@dataclass(slots=True)
class Fitted:
    """Both models, before they are written."""

    roles: Pairs
    lexical: dict[str, float]
    combined: dict[str, float]
    direction: NDArray[np.float64] | None
    center: NDArray[np.float64] | None

    def features(self, item: Item) -> dict[str, float]:
        assert item.sentence is not None
        return sentence_features(item.sentence, assign_roles(item.sentence, self.roles), item.previous)

    def score(self, item: Item) -> float:
        """Probability that the item's sentence tells of a deal; 0 where it was screened out."""
        if item.sentence is None:
            return 0.0
        features = self.features(item)
        plain = _sigmoid(sum(self.lexical.get(n, 0.0) * v for n, v in features.items()))
        if self.direction is None or self.center is None or item.vector is None:
            return plain
        if not _UNSURE[0] <= plain < _UNSURE[1]:
            return plain
        logit = sum(self.combined.get(n, 0.0) * v for n, v in features.items())
        return _sigmoid(logit + float((item.vector - self.center) @ self.direction))


def fit(items: Sequence[Item]) -> Fitted:
    """Both models, from `items`."""
    fitted = Fitted(fit_roles(items), {}, {}, None, None)
    seen = [item for item in items if item.sentence is not None]
    rows = [fitted.features(item) for item in seen]
    labels = np.array([item.label for item in seen])
    names = sorted({name for row in rows for name in row})
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    fitted.lexical = dict(zip(names, map(float, _logistic(matrix, labels, names, _PENALTY)), strict=True))
    fitted.lexical["bias"] += _WORDS_SHIFT
    if all(item.vector is not None for item in seen):
        vectors = np.array([item.vector for item in seen])
        center = vectors.mean(axis=0)
        joined = np.hstack([matrix, (vectors - center) * _EMBEDDING_SCALE])
        weights = _logistic(joined, labels, names, _EMBEDDING_PENALTY)
        fitted.combined = dict(zip(names, map(float, weights[: len(names)]), strict=True))
        fitted.combined["bias"] += _PRIOR_SHIFT
        fitted.direction = weights[len(names) :] * _EMBEDDING_SCALE
        fitted.center = center
    return fitted


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
    return np.round(found.x, _DIGITS)


def _side_of(name: str) -> tuple[float | None, float | None]:
    """Where a weight may lie: talk of fighting never speaks for a deal, a weapon never against one."""
    if name in _FREE:
        return None, None
    if name in _AT_MOST:
        return None, _AT_MOST[name]
    against = name in _AGAINST or any(cls in name for cls in OTHER_TALK)
    return (None, 0.0) if against else (0.0, _CAPPED.get(name))


def _sigmoid(x: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0))))


def cross_validate(items: Sequence[Item], group: Callable[[Item], str]) -> tuple[list[float], list[tuple[bool, bool]]]:
    """Scores of every item by a model that saw none of its group; and for each deal with both sides, whether each was
    found."""
    groups = sorted({group(item) for item in items})
    folds = {name: i % _FOLDS for i, name in enumerate(groups)}
    scores = [0.0] * len(items)
    roles: list[tuple[bool, bool]] = []
    for left_out in range(_FOLDS):
        fitted = fit([item for item in items if folds[group(item)] != left_out])
        for i, item in enumerate(items):
            if folds[group(item)] != left_out:
                continue
            scores[i] = fitted.score(item)
            found = _roles_found(item, fitted.roles)
            if found is not None:
                roles.append(found)
    return scores, roles


def _roles_found(item: Item, weights: Pairs) -> tuple[bool, bool] | None:
    if item.sentence is None or not item.label or not {0, 1} <= set(item.gold.values()):
        return None
    assigned = assign_roles(item.sentence, weights)
    suppliers = {key for key, part in item.gold.items() if part == 0}
    recipients = {key for key, part in item.gold.items() if part == 1}
    return set(assigned.supplier) == suppliers, set(assigned.recipient) == recipients


def _acts_found(items: Sequence[Item], group: Callable[[Item], str]) -> tuple[float, float]:
    """Share of deals whose act, and whose status, is found by weights that saw none of their group."""
    groups = sorted({group(item) for item in items})
    folds = {name: i % _FOLDS for i, name in enumerate(groups)}
    right = {"act": 0, "status": 0}
    told = [item for item in items if item.sentence is not None and item.act and item.status]
    for left_out in range(_FOLDS):
        fitted = fit_acts([item for item in told if folds[group(item)] != left_out])
        for item in told:
            if folds[group(item)] == left_out and item.sentence is not None:
                features = act_features(item.sentence)
                right["act"] += most_probable(fitted["act"], features) == item.act
                right["status"] += most_probable(fitted["status"], features) == item.status
    return right["act"] / max(len(told), 1), right["status"] / max(len(told), 1)


def _by_item(items: Sequence[Item], scores: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    best: dict[str, float] = {}
    labels: dict[str, bool] = {}
    for item, score in zip(items, scores, strict=True):
        best[item.id] = max(best.get(item.id, 0.0), score)
        labels[item.id] = item.label
    ids = sorted(best)
    return np.array([best[i] for i in ids]), np.array([labels[i] for i in ids])


def _figures(scores: NDArray[np.float64], labels: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    found = scores >= threshold
    true = int((found & labels).sum())
    precision = true / max(int(found.sum()), 1)
    recall = true / max(int(labels.sum()), 1)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(precision + recall, 1e-9)}


def _article_figures(items: Sequence[Item], scores: Sequence[float]) -> dict[str, float]:
    told = [(item, score) for item, score in zip(items, scores, strict=True) if item.family.startswith(ARTICLE)]
    parts = {"": told}
    for strength in ("main", "passing"):
        parts[strength] = [(item, score) for item, score in told if item.family.endswith(strength)]
    figures: dict[str, float] = {}
    for strength, part in parts.items():
        part_figures = _figures(*_by_item([i for i, _ in part], [s for _, s in part]), _THRESHOLD)
        figures |= {strength: part_figures["recall"]} if strength else part_figures
    return figures


def train_deals(corpus: Sequence[Path], embed: Embed | None, *, write: bool = True) -> Report:
    """Cross-validate by language and by phrasing family, then fit on everything and write both files of weights.

    Without `embed` the reader judges by words alone. Needs scikit-learn (the `dev` extra).
    """
    items = prepare(read_corpus(*corpus), embed)
    figures: dict[str, dict[str, float]] = {}
    articles: dict[str, dict[str, float]] = {}
    for name, group in (("language", lambda i: i.language), ("family", lambda i: i.family)):
        sentence_scores, roles = cross_validate(items, group)
        figures[name] = _figures(*_by_item(items, sentence_scores), _THRESHOLD)
        articles[name] = _article_figures(items, sentence_scores)
        figures[name]["both_roles"] = sum(s and r for s, r in roles) / max(len(roles), 1)
        figures[name]["act"], figures[name]["status"] = _acts_found(items, group)
    if write:
        _write(fit(items), fit_acts(items))
    return Report(figures, articles, _THRESHOLD)


def _write(fitted: Fitted, acts: Mapping[str, Weights]) -> None:
    act_note = "by question, answer and feature; written by `polywire train deals`"
    _dump(ACT_WEIGHTS, {"note": act_note, "weights": acts})
    note = "by feature: weight for supplier and for recipient, against neither; written by `polywire train deals`"
    _dump(ROLE_WEIGHTS, {"note": note, "weights": {k: list(v) for k, v in sorted(fitted.roles.items())}})
    _dump(
        WEIGHTS,
        {
            "note": "logistic regression, see streams/deals/classifier.py; written by `polywire train deals`",
            "threshold": _THRESHOLD,
            "unsure_low": _UNSURE[0],
            "unsure_high": _UNSURE[1],
            "lexical": dict(sorted(fitted.lexical.items())),
            "combined": dict(sorted(fitted.combined.items())),
            "direction": _rounded(fitted.direction),
            "center": _rounded(fitted.center),
        },
    )


def _rounded(vector: NDArray[np.float64] | None) -> list[float] | None:
    return None if vector is None else [round(float(x), _DIGITS) for x in vector]


def _dump(path: Path, stored: Mapping[str, object]) -> None:
    lines = []
    for name, value in stored.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            lines.append(f"{json.dumps(name)}: {{\n{inner}\n}}")
        else:
            lines.append(f"{json.dumps(name)}: {json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
