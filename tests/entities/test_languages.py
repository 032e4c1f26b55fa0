"""Countries, their people, capitals and world bodies, inflected as the language inflects them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.entities import EntityRecognizer
from streams.entities.lookup import country_id

RECOGNIZER = EntityRecognizer()
BESIDES_COUNTRIES = {
    "London": "Q84", "Paris": "Q90", "Moscow": "Q649", "Berlin": "Q64", "White-House": "Q35525", "UN": "Q1065",
    "EU": "Q458",
}  # fmt: skip


def sentences() -> list[tuple[str, str, set[str]]]:
    """Language, text, ids."""
    found = []
    for line in (Path(__file__).parent / "sentences.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, names, text = line.split("\t")
            ids = {BESIDES_COUNTRIES.get(name) or country_id(name) or name for name in names.split(" ")}
            found.append((language, text, ids))
    return found


SENTENCES = sentences()


def test_there_are_many_languages() -> None:
    assert len({language for language, _, _ in SENTENCES}) >= 60


@pytest.mark.parametrize(("language", "text", "expected"), SENTENCES)
def test_reads_what_is_named(language: str, text: str, expected: set[str]) -> None:
    found = {e.id for e in RECOGNIZER.recognize(f"\n{text}", language)}
    assert expected - found == set()


def test_reads_nothing_else() -> None:
    spare = [
        (language, entity.name, entity.mentions[0].text)
        for language, text, expected in SENTENCES
        for entity in RECOGNIZER.recognize(f"\n{text}", language)
        if entity.id not in expected
    ]
    assert spare == []


def ordinary() -> list[tuple[str, str]]:
    lines = (Path(__file__).parent / "ordinary.tsv").read_text(encoding="utf-8").splitlines()
    return [(language, text) for language, text in (line.split("\t") for line in lines if not line.startswith("#"))]


@pytest.mark.parametrize(("language", "text"), ordinary())
def test_ordinary_words_are_no_names(language: str, text: str) -> None:
    assert [(e.name, e.mentions[0].text) for e in RECOGNIZER.recognize(f"\n{text}", language)] == []
