"""Fitting is deterministic, and the shipped weights are worth what is said of them."""

from __future__ import annotations

import pytest

from tests.deals.conftest import CORPUS, Read

pytest.importorskip("sklearn", reason="fitting needs scikit-learn: pip install -e '.[dev]'")

from polywire.training.deals import fit
from polywire.training.deals_items import prepare, read_corpus


def test_the_same_corpus_gives_the_same_weights() -> None:
    rows = [row for row in read_corpus(CORPUS) if row["lang"] in ("en", "fr")]
    items = prepare(rows, None)
    one, two = fit(items), fit(list(items))
    assert one.lexical == two.lexical
    assert one.roles == two.roles
    assert one.lexical["weapon_named"] >= 0 >= one.lexical["civil"]


def test_the_shipped_weights_hold_on_the_corpus(read: Read) -> None:
    """A floor, not a measure: they were fitted on it. Falls when tables or features drift from the weights."""
    rows = read_corpus(CORPUS)
    found = [read(str(row["text"]), str(row["lang"]).split("-")[0]).arms_deal for row in rows]
    hits = sum(f and bool(row["arms_deal"]) for f, row in zip(found, rows, strict=True))
    precision = hits / sum(found)
    recall = hits / sum(bool(row["arms_deal"]) for row in rows)
    assert precision > 0.85
    assert recall > 0.8
