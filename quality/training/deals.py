"""`polywire train deals`: says how well the arms-deal reader holds on what it has not seen, and writes its weights.

Three models: who is supplier and who recipient (`streams/deals/roles.json`), what act it is and how far it has come
(`acts.json`), and whether a sentence tells of a deal (`weights.json`: over words and structure alone, and with the
sentence's embedding).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.evaluation.deals import DealReport, Judged, evaluate, judge
from quality.training.deals_fit import DIGITS, fit
from quality.training.deals_items import Document, prepare, read_corpus
from quality.training.deals_stages import losses
from streams.deals.act import WEIGHTS as ACT_WEIGHTS
from streams.deals.classifier import WEIGHTS
from streams.deals.learnt import Learnt
from streams.deals.reader import DealReader, DealReading, Embed
from streams.deals.roles import WEIGHTS as ROLE_WEIGHTS

_FOLDS = 5


@dataclass(slots=True)
class HeldOut:
    """What is read of sentences and of articles by models that saw none of their group."""

    sentences: DealReport
    articles: DealReport
    losses: Counter[str]
    """Of articles: how many were lost where."""


def train_deals(corpus: Sequence[Path], embed: Embed | None, *, write: bool = True) -> dict[str, HeldOut]:
    """Cross-validate by language and by phrasing family, then fit on everything and write all files of weights.

    Without `embed` the reader judges by words alone. Needs scikit-learn (the `dev` extra).
    """
    documents = prepare(read_corpus(*corpus), embed)
    report = {}
    for name, group in (("language", lambda d: d.language), ("family", lambda d: d.family)):
        read = cross_validate(documents, group)
        articles = [one for one in read if one[0].is_article]
        report[name] = HeldOut(
            sentences=evaluate(judged for document, _, judged in read if not document.is_article),
            articles=evaluate(judged for _, _, judged in articles),
            losses=losses(articles),
        )
    if write:
        _write(fit(documents))
    return report


def cross_validate(
    documents: Sequence[Document], group: Callable[[Document], str]
) -> list[tuple[Document, DealReading, Judged]]:
    """Every text read as a whole by models that saw none of its group."""
    folds = {name: i % _FOLDS for i, name in enumerate(sorted({group(d) for d in documents}))}
    read: dict[str, tuple[Document, DealReading, Judged]] = {}
    for left_out in range(_FOLDS):
        reader = DealReader(fit([d for d in documents if folds[group(d)] != left_out]))
        for document in documents:
            if folds[group(document)] == left_out:
                reading = _read(reader, document)
                read[document.id] = (document, reading, _judge(document, reading))
    return [read[document.id] for document in documents]


def _read(reader: DealReader, document: Document) -> DealReading:
    embed = document.embed if document.vectors else None
    return reader.judge(document.screened, document.title_end, document.parties, embed)


def _judge(document: Document, reading: DealReading) -> Judged:
    told = {
        "arms_deal": reading.arms_deal,
        "arms_deal_score": reading.score,
        "deals": [deal.model_dump() for deal in reading.deals],
        "entities": [{"id": identity, "name": name} for identity, name in document.names.items()],
    }
    return judge(document.row, told)


def _write(learnt: Learnt) -> None:
    act_note = "by question, answer and feature; written by `polywire train deals`"
    _dump(ACT_WEIGHTS, {"note": act_note, "weights": learnt.acts})
    note = "by feature: weight for supplier and for recipient, against neither; written by `polywire train deals`"
    roles = {"sentence": learnt.roles, "article": learnt.sides}
    weights = {question: {k: list(v) for k, v in sorted(pairs.items())} for question, pairs in roles.items()}
    _dump(ROLE_WEIGHTS, {"note": note, "weights": weights})
    fitted = learnt.classifier
    _dump(
        WEIGHTS,
        {
            "note": "logistic regression, see streams/deals/classifier.py; written by `polywire train deals`",
            "threshold": fitted.threshold,
            "unsure_low": fitted.unsure_low,
            "unsure_high": fitted.unsure_high,
            "lexical": dict(sorted(fitted.lexical.items())),
            "combined": dict(sorted(fitted.combined.items())),
            "direction": _rounded(fitted.direction),
            "center": _rounded(fitted.center),
        },
    )


def _rounded(vector: NDArray[np.float64] | None) -> list[float] | None:
    return None if vector is None else [round(float(x), DIGITS) for x in vector]


def _dump(path: Path, stored: Mapping[str, object]) -> None:
    lines = []
    for name, value in stored.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            lines.append(f"{json.dumps(name)}: {{\n{inner}\n}}")
        else:
            lines.append(f"{json.dumps(name)}: {json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
