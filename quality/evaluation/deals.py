"""How well arms deals are read: mentions (precision, recall, F1 in all and by language), parties, act, calibration.

Gold lines carry `id, lang, arms_deal, deals` and `title` and `text`; a party is an ISO 3166-1 alpha-2 code or a name.
Where they carry `strength` (main, passing) and `kind` (what a text is about), recall and false alarms are told by them.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from quality.evaluation.labelled import UNDATED
from runtime.errors import UserError
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
    act: str | None = None
    status: str | None = None


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
    group: str | None = None
    """Main or passing where there is a deal, the kind of text where there is none."""


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
    groups: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Main and passing mentions: (articles, found); other kinds of text: (articles, false alarms)."""
    acts: tuple[int, int] = (0, 0)
    statuses: tuple[int, int] = (0, 0)
    """(right, all) over the deals read with the right parties whose gold says it."""
    confusions: Mapping[str, int] = field(default_factory=dict)
    """"act: sale for aid", "status: reported for planned": what was read for what is true, how often."""
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
            "groups": {name: list(counts) for name, counts in self.groups.items()},
            "acts": list(self.acts),
            "statuses": list(self.statuses),
            "confusions": dict(self.confusions),
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
    """The lines of a file, or of all `*.jsonl` in a folder."""
    if path.is_dir():
        return [row for part in sorted(path.glob("*.jsonl")) for row in _lines(part)]
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
            Transfer(_gold_side(deal["supplier"]), _gold_side(deal["recipient"]), deal.get("act"), deal.get("status"))
            for deal in gold.get("deals", [])
        ),
        found=bool(told["arms_deal"]),
        score=float(told.get("arms_deal_score", told["arms_deal"])),
        found_transfers=tuple(
            Transfer(
                _found_side(deal["supplier"], names),
                _found_side(deal["recipient"], names),
                deal.get("act"),
                deal.get("status"),
            )
            for deal in told.get("deals", [])
        ),
        group=gold.get("strength") or gold.get("kind"),
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
    matched = [pair for row in rows for pair in _matched(row)]
    confusions = Counter(
        f"{field_name}: {told} for {true}"
        for field_name in ("act", "status")
        for true, told in ((getattr(t, field_name), getattr(r, field_name)) for t, r in matched)
        if true and told and true != told
    )
    return DealReport(
        overall=_figure(rows),
        languages={name: _figure(part) for name, part in sorted(by_language.items())},
        roles=len(right) / max(len(stated), 1),
        roles_stated=len(stated),
        roles_when_found=len(right) / max(len(found), 1),
        brier=sum((row.score - row.arms_deal) ** 2 for row in rows) / max(len(rows), 1),
        calibration_error=_calibration_error(rows),
        groups=_groups(rows),
        acts=_agreement([(true.act, read.act) for true, read in matched]),
        statuses=_agreement([(true.status, read.status) for true, read in matched]),
        confusions=dict(confusions.most_common()),
        wrong=[
            (row.id, "missed" if row.arms_deal else "false alarm", row.score)
            for row in rows
            if row.arms_deal != row.found
        ],
    )


def _parties_right(row: Judged) -> bool:
    """Whether one of the deals read has both sides of one of the true ones."""
    return row.found and bool(_matched(row))


def _matched(row: Judged) -> list[tuple[Transfer, Transfer]]:
    """True deals with both sides stated, each with the first one read that has both of them."""
    pairs = []
    for true in row.transfers:
        if true.supplier and true.recipient:
            alike = (r for r in row.found_transfers if true.supplier & r.supplier and true.recipient & r.recipient)
            read = next(alike, None)
            if read is not None:
                pairs.append((true, read))
    return pairs


def _agreement(pairs: Sequence[tuple[str | None, str | None]]) -> tuple[int, int]:
    told = [(true, read) for true, read in pairs if true and read]
    return sum(true == read for true, read in told), len(told)


def _groups(rows: Sequence[Judged]) -> dict[str, tuple[int, int]]:
    counts: dict[tuple[bool, str], tuple[int, int]] = {}
    for row in rows:
        if row.group:
            key = (not row.arms_deal, row.group)
            articles, found = counts.get(key, (0, 0))
            counts[key] = (articles + 1, found + row.found)
    return {name if without else f"deal, {name}": counts[without, name] for without, name in sorted(counts)}


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
