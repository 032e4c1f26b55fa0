"""Fits the weights of the arms-deal reader from the corpus, and says how well they hold on what they have not seen.

Three models: who is supplier and who recipient (`streams/deals/roles.json`), what act it is and how far it has come
(`acts.json`), and whether a sentence tells of a deal (`weights.json`: over words and structure alone, and with the
sentence's embedding). All are logistic regressions with an L2 penalty, fitted by L-BFGS: the same corpus gives the same
weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.deals.act import WEIGHTS as ACT_WEIGHTS
from streams.deals.act import Weights, act_features, most_probable
from streams.deals.classifier import WEIGHTS
from streams.deals.features import sentence_features
from streams.deals.folding import fold
from streams.deals.lexicon import OTHER_TALK
from streams.deals.parties import PartyMention
from streams.deals.reader import Candidate, Embed, find_candidates
from streams.deals.roles import WEIGHTS as ROLE_WEIGHTS
from streams.deals.roles import assign_roles, role_features
from streams.deals.sentence import ReadSentence
from streams.entities import EntityRecognizer

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
_AT_MOST = {"civil_text": -1.5}
"""A text on civil matters that never speaks of the military: too rare among the labelled ones to be learnt."""
_AGAINST = frozenset({"gear_only", "gear_by_neighbours", "name_only", "parties=0", "no_transfer", "no_weapon"})
_UNSURE = (0.04, 0.97)
_DIGITS = 4


@dataclass(slots=True)
class Item:
    """An item of the corpus, with the sentence of it that was screened as most likely to tell of its deal."""

    id: str
    language: str
    family: str
    label: bool
    sentence: ReadSentence | None
    previous: ReadSentence | None
    gold: dict[str, int] = field(default_factory=dict)
    """Party key: 0 supplier, 1 recipient, 2 neither."""
    vector: NDArray[np.float64] | None = None
    act: str | None = None
    status: str | None = None


@dataclass(slots=True)
class Report:
    """What the fitting printed, as numbers: precision, recall, F1 and role accuracy for each way of folding."""

    figures: dict[str, dict[str, float]]
    threshold: float


def read_corpus(*folders: Path) -> list[dict[str, object]]:
    """All items under `folders` (`*.jsonl`), in the order of their ids."""
    rows = [
        json.loads(line)
        for folder in folders
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    return sorted(rows, key=lambda row: str(row["id"]))


def prepare(rows: Sequence[Mapping[str, object]], embed: Embed | None) -> list[Item]:
    """Each item read as the reader would, up to the models' own decisions.

    Of a text with a deal only the sentence that most likely tells of it is kept, of one without all that passed.
    """
    recognizer = EntityRecognizer()
    items: list[Item] = []
    for row in rows:
        language = str(row["lang"]).split("-")[0]
        full = f"{row.get('title', '')}\n{row['text']}"
        entities = recognizer.recognize(full, language)
        names = {e.id: e.name for e in entities}
        candidates = find_candidates(full, language, entities)
        base = (str(row["id"]), language, _family(row), bool(row["arms_deal"]))
        told = _Told(row, names)
        if row["arms_deal"]:
            best = max(candidates, key=told.rank, default=None)
            candidates = [best] if best is not None else []
        if not candidates:
            items.append(Item(*base, None, None))
        for candidate in candidates:
            item = Item(*base, candidate.sentence, candidate.previous)
            item.gold = {p.key: told.side(p) for p in candidate.sentence.parties}
            item.act, item.status = told.act, told.status
            items.append(item)
    if embed is not None:
        seen = [item for item in items if item.sentence is not None]
        vectors = embed([item.sentence.text for item in seen if item.sentence is not None])
        for item, vector in zip(seen, vectors, strict=True):
            item.vector = np.asarray(vector, dtype=np.float64)
    return items


def _family(row: Mapping[str, object]) -> str:
    """The phrasing of a sentence; of an article what it is about, and whether a deal is its matter."""
    return str(row.get("family") or f"article: {row.get('kind')}, {row.get('strength')}")


class _Told:
    """What is said of an item's deals, to find the sentence that tells of them."""

    def __init__(self, row: Mapping[str, object], names: Mapping[str, str]) -> None:
        deals = row["deals"]
        assert isinstance(deals, list)
        self._names = names
        self.act: str | None = deals[0].get("act") if deals else None
        self.status: str | None = deals[0].get("status") if deals else None
        self._sides = ({s for d in deals for s in d["supplier"]}, {r for d in deals for r in d["recipient"]})
        weapons = (w for d in deals for w in d.get("weapons", ()))
        self._weapons = {part for w in weapons for part in re.split(r"[\s()«»„“”\"]+", fold(w)) if _telling(part)}

    def side(self, party: PartyMention) -> int:
        """0 supplier, 1 recipient, 2 neither; a maker supplies where its country does."""
        if party.home in self._sides[0]:
            return 0
        alike = {party.key, self._names.get(party.key, "")}
        return 0 if alike & self._sides[0] else 1 if alike & self._sides[1] else 2

    def rank(self, candidate: Candidate) -> tuple[float, int]:
        """Both sides in it, then one of them, then its weapons, then a verb of transfer; the earliest of equals."""
        sentence = candidate.sentence
        sides = {self.side(party) for party in sentence.parties} - {2}
        inside = sentence.folded[sentence.start : sentence.end]
        weapon = any(part in inside for part in self._weapons)
        strong = sentence.has("give", "sell", "buy", "get")
        return (2 * len(sides) + 1.5 * weapon + strong, -sentence.start)


def _telling(part: str) -> bool:
    return len(part) >= 4 or any(c.isdigit() for c in part) or (bool(part) and part[0] > "\u0e00")


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


def train_deals(corpus: Sequence[Path], embed: Embed | None, *, write: bool = True) -> Report:
    """Cross-validate by language and by phrasing family, then fit on everything and write both files of weights.

    Without `embed` the reader judges by words alone. Needs scikit-learn (the `dev` extra).
    """
    items = prepare(read_corpus(*corpus), embed)
    figures: dict[str, dict[str, float]] = {}
    for name, group in (("language", lambda i: i.language), ("family", lambda i: i.family)):
        sentence_scores, roles = cross_validate(items, group)
        scores, labels = _by_item(items, sentence_scores)
        figures[name] = _figures(scores, labels, _THRESHOLD)
        figures[name]["both_roles"] = sum(s and r for s, r in roles) / max(len(roles), 1)
        figures[name]["act"], figures[name]["status"] = _acts_found(items, group)
    if write:
        _write(fit(items), fit_acts(items))
    return Report(figures, _THRESHOLD)


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
