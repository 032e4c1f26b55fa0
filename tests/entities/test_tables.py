"""The tables: one id a thing, every name leads back to it, and no common word passes for a name."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from wordfreq import available_languages, zipf_frequency

from streams.entities import EntityRecognizer, lookup
from streams.entities.entries import by_id, curated, read_table
from streams.entities.morphology import script_of_name
from streams.entities.normalization import normalize_name

TABLES = [
    "organizations.tsv", "makers.tsv", "forces.tsv", "weapons.tsv", "regions.tsv", "persons.tsv", "cities.tsv",
    "countries.tsv",
]  # fmt: skip
LANGUAGE_OF = {"latin": "en", "cyrillic": "ru", "arabic": "ar", "hebrew": "he", "greek": "el", "bengali": "bn"}
COMMON = 5.0
"""Zipf frequency of a word that every text has."""


def test_ids_are_unique_and_well_formed() -> None:
    ids = [row["id"] for table in TABLES for row in read_table(table)]
    assert [i for i, n in Counter(ids).items() if n > 1] == []
    assert [i for i in ids if not re.fullmatch(r"Q[1-9]\d*|pw:(weapon|org|region|city|person):[a-z0-9-]+", i)] == []


def test_there_are_as_many_as_promised() -> None:
    kinds = Counter(record.type + ":" + record.kind for record in by_id().values())
    assert kinds["weapon:system"] + kinds["weapon:class"] >= 600
    assert kinds["organization:maker"] + kinds["organization:exporter"] >= 300
    forces = kinds["organization:force"] + kinds["organization:armed_group"] + kinds["organization:alliance"]
    assert forces >= 200
    assert len({row["language"] for row in read_table("weapon_classes.tsv")}) >= 45


def test_class_words_belong_to_classes() -> None:
    unknown = {row["id"] for row in read_table("weapon_classes.tsv") if row["id"] not in by_id()}
    assert unknown == set()


def test_no_small_name_is_a_common_word() -> None:
    """A one-word name in small letters, or in a script without capitals, is matched wherever it stands."""
    languages = available_languages()
    wrong = []
    for name in curated()[1]:
        record = by_id()[name.id]
        script = script_of_name(name.text)
        language = name.language or LANGUAGE_OF.get(script, "")
        if record.kind == "class" or name.needs or language not in languages or " " in normalize_name(name.text):
            continue
        if script in ("latin", "cyrillic", "greek") and name.text[:1].isupper():
            continue
        well_known = record.kind not in ("system", "maker", "exporter", "force")
        if not well_known and zipf_frequency(name.text, language) >= COMMON:
            wrong.append((name.text, name.id))
    assert wrong == []


@pytest.mark.parametrize("kind", ["system", "maker", "force", "armed_group", "alliance"])
def test_names_lead_back_to_their_ids(kind: str) -> None:
    lost = [r.name for r in by_id().values() if r.kind == kind and r.id not in lookup.ids(r.name)]
    assert lost == []


@pytest.mark.parametrize(
    ("query", "identity"),
    [
        ("Russia", "Q159"), ("RU", "Q159"), ("russian", "Q159"), ("Q159", "Q159"), ("S-300", "pw:weapon:s-300"),
        ("s300", "pw:weapon:s-300"), ("С-300", None), ("Kiev", "Q1899"), ("NATO", "Q7184"), ("drone", None),
    ],
)  # fmt: skip
def test_lookup(query: str, identity: str | None) -> None:
    if identity is not None:
        assert identity in lookup.ids(query)


def test_lookup_facts() -> None:
    assert lookup.name("Q159") == "Russia"
    assert lookup.country_code("pw:weapon:s-300") == "RU"
    assert lookup.kind("Q1899") == "capital"
    assert lookup.government("Q1899") == "Q212"
    assert lookup.country_id("ua") == "Q212"
    assert "Lockheed Martin" in lookup.aliases("Q7240")
    assert lookup.name("pw:person:x-y") is None


@pytest.mark.parametrize("kind", ["system", "maker", "alliance"])
def test_names_are_found_in_text(kind: str) -> None:
    """Every canonical name that is not ambiguous is read back from a sentence."""
    recognizer = EntityRecognizer()
    certain = {name.id for name in curated()[1] if not name.needs and name.text == by_id()[name.id].name}
    lost = []
    for record in by_id().values():
        if record.kind == kind and record.id in certain:
            found = recognizer.recognize(f"\nThey said {record.name} was there.", "en")
            if record.id not in {e.id for e in found}:
                lost.append((record.name, [e.id for e in found]))
    assert lost == []
