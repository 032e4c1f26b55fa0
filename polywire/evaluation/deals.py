"""How well arms deals are read: mentions (precision, recall, F1 in all and by language), parties, calibration.

Gold lines carry `id, lang, arms_deal, deals` and `title` and `text`; a party is an ISO 3166-1 alpha-2 code or a name.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from polywire.evaluation.labelled import UNDATED
from polywire.runtime.errors import UserError
from schemas.articles import RawArticle
from schemas.codec import explain
from schemas.ids import article_id
from streams.analysis import Analyzer
from streams.embedding import ModelMissing
from streams.entities import lookup

RESAMPLES = 1000
CONFIDENCE = 0.95
_BINS = 10

Parties = frozenset[str]


@dataclass(frozen=True)
class Transfer:
    """Who to whom, each side by every name it goes by (codes in capitals, names in lower case)."""

    supplier: Parties
    recipient: Parties


@dataclass(frozen=True)
class Judged:
    """What is true of an article, and what was read."""

    id: str
    language: str
    arms_deal: bool
    transfers: tuple[Transfer, ...]
    found: bool
    score: float
    found_transfers: tuple[Transfer, ...]


@dataclass(frozen=True)
class Figure:
    """Precision, recall and F1 of mentions over `articles`, `deals` of which tell of one."""

    articles: int
    deals: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float


@dataclass(frozen=True)
class DealReport:
    """All figures; `roles` counts articles that were missed as wrong, `roles_when_found` leaves them out."""

    overall: Figure
    languages: Mapping[str, Figure]
    roles: float
    roles_stated: int
    roles_when_found: float
    brier: float
    calibration_error: float
    wrong: Sequence[tuple[str, str, float]] = field(default=())
    """(id, "missed" or "false alarm", score)."""

    def dump(self) -> dict[str, Any]:
        """As plain values, rounded."""
        return {
            "overall": _dumped(self.overall),
            "languages": {name: _dumped(figure) for name, figure in self.languages.items()},
            "roles": round(self.roles, 4),
            "roles_stated": self.roles_stated,
            "roles_when_found": round(self.roles_when_found, 4),
            "brier": round(self.brier, 4),
            "calibration_error": round(self.calibration_error, 4),
            "wrong": [list(one) for one in self.wrong],
        }


def _dumped(figure: Figure) -> dict[str, Any]:
    return {
        "articles": figure.articles,
        "deals": figure.deals,
        "precision": round(figure.precision, 4),
        "recall": round(figure.recall, 4),
        "f1": round(figure.f1, 4),
        "f1_interval": [round(figure.low, 4), round(figure.high, 4)],
    }


Prediction = Mapping[str, Any]
"""A line of `polywire process`: `arms_deal`, `arms_deal_score`, `deals` with ids, `entities`."""


def evaluate_deals(
    path: Path, *, predictions: Path | None = None, read: Callable[[Mapping[str, Any]], Prediction] | None = None
) -> DealReport:
    """Figures on the labelled articles of `path`, by what `polywire process` wrote or by `read`, article by article.

    Raises:
        UserError: a file cannot be read, a line is not JSON or lacks a field, or an article has no prediction.
    """
    gold = _lines(path)
    if predictions is not None:
        told = {str(line["id"]): line for line in _lines(predictions)}
        missing = [str(row["id"]) for row in gold if str(row["id"]) not in told]
        if missing:
            raise UserError(f"{predictions} says nothing of {len(missing)} articles, the first is {missing[0]}")
        return evaluate(judge(row, told[str(row["id"])]) for row in gold)
    if read is None:
        raise ValueError("either predictions or read")
    return evaluate(judge(row, read(row)) for row in gold)


def reader(cache_dir: Path) -> Callable[[Mapping[str, Any]], Prediction]:
    """Reads an article as the analyze stage does.

    Raises:
        UserError: the embedding model has not been built.
    """
    try:
        analyzer = Analyzer.load(cache_dir)
    except ModelMissing as error:
        raise UserError(str(error)) from error

    def read(row: Mapping[str, Any]) -> Prediction:
        try:
            article = RawArticle(
                id=article_id(source="labelled", external_id=str(row["id"])),
                source="labelled",
                title=str(row.get("title", "")),
                text=str(row.get("text", "")),
                collected=UNDATED,
            )
        except ValidationError as error:
            raise UserError(f"{row['id']}: {explain(error)}") from error
        return analyzer.analyze(article).model_dump(include={"arms_deal", "arms_deal_score", "deals", "entities"})

    return read


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}") from error
        if not isinstance(row, dict) or "id" not in row or "arms_deal" not in row:
            raise UserError(f"{path}, line {number}: `id` and `arms_deal` are needed")
        rows.append(row)
    return rows


def judge(gold: Mapping[str, Any], told: Prediction) -> Judged:
    """One article's truth beside what was read of it."""
    names = {str(e["id"]): str(e["name"]) for e in told.get("entities", [])}
    return Judged(
        id=str(gold["id"]),
        language=str(gold.get("lang", "und")),
        arms_deal=bool(gold["arms_deal"]),
        transfers=tuple(
            Transfer(_gold_side(deal["supplier"]), _gold_side(deal["recipient"])) for deal in gold.get("deals", [])
        ),
        found=bool(told["arms_deal"]),
        score=float(told.get("arms_deal_score", told["arms_deal"])),
        found_transfers=tuple(
            Transfer(_found_side(deal["supplier"], names), _found_side(deal["recipient"], names))
            for deal in told.get("deals", [])
        ),
    )


def _gold_side(parties: Iterable[str]) -> Parties:
    return frozenset(p if len(p) == 2 and p.isupper() else p.casefold() for p in parties)


def _found_side(ids: Iterable[str], names: Mapping[str, str]) -> Parties:
    found: set[str] = set()
    for identity in ids:
        found.add((names.get(identity) or lookup.name(identity) or identity).casefold())
        code = lookup.country_code(identity)
        if code and lookup.kind(identity) in ("country", "capital"):
            found.add(code)
    return frozenset(found)


def evaluate(judged: Iterable[Judged]) -> DealReport:
    """The figures of all judged articles."""
    rows = list(judged)
    by_language: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        by_language[row.language].append(row)
    stated = [row for row in rows if row.arms_deal and any(t.supplier and t.recipient for t in row.transfers)]
    right = [row for row in stated if _parties_right(row)]
    found = [row for row in stated if row.found]
    return DealReport(
        overall=_figure(rows),
        languages={name: _figure(part) for name, part in sorted(by_language.items())},
        roles=len(right) / max(len(stated), 1),
        roles_stated=len(stated),
        roles_when_found=len(right) / max(len(found), 1),
        brier=sum((row.score - row.arms_deal) ** 2 for row in rows) / max(len(rows), 1),
        calibration_error=_calibration_error(rows),
        wrong=[
            (row.id, "missed" if row.arms_deal else "false alarm", row.score)
            for row in rows
            if row.arms_deal != row.found
        ],
    )


def _parties_right(row: Judged) -> bool:
    """Whether one of the deals read has both sides of one of the true ones."""
    return row.found and any(
        true.supplier & read.supplier and true.recipient & read.recipient
        for true in row.transfers
        if true.supplier and true.recipient
        for read in row.found_transfers
    )


def _figure(rows: Sequence[Judged]) -> Figure:
    truth = np.array([row.arms_deal for row in rows], dtype=bool)
    found = np.array([row.found for row in rows], dtype=bool)
    precision, recall, f1 = _scores(truth, found)
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES if len(rows) > 1 else 0):
        picks = random.integers(0, len(rows), len(rows))
        drawn.append(_scores(truth[picks], found[picks])[2])
    tail = (1 - CONFIDENCE) / 2
    low, high = (np.quantile(drawn, tail), np.quantile(drawn, 1 - tail)) if drawn else (f1, f1)
    return Figure(len(rows), int(truth.sum()), precision, recall, f1, float(low), float(high))


def _scores(truth: Any, found: Any) -> tuple[float, float, float]:
    hits = int((truth & found).sum())
    precision = hits / int(found.sum()) if found.any() else 0.0
    recall = hits / int(truth.sum()) if truth.any() else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return precision, recall, f1


def _calibration_error(rows: Sequence[Judged]) -> float:
    """Mean distance of a bin's mean score from its share of true deals, weighted by its size (ECE, ten bins)."""
    bins: dict[int, list[Judged]] = defaultdict(list)
    for row in rows:
        bins[min(int(row.score * _BINS), _BINS - 1)].append(row)
    gaps = (
        len(part) * abs(math.fsum(r.score for r in part) - sum(r.arms_deal for r in part)) / len(part)
        for part in bins.values()
    )
    return math.fsum(gaps) / max(len(rows), 1)
