"""The founding documents 000 (Malay) and 001 (Arabic) tell one story: the same entities under the same ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.readings import Entity
from streams.entities import EntityRecognizer, unify_persons

SEEDS = Path(__file__).parents[2] / "seeds" / "documents.jsonl"
IN_BOTH = {
    "Kazakhstan": "Q232", "Ukraine": "Q212", "Russia": "Q159", "Israel": "Q801", "South Africa": "Q258",
    "Kyiv": "Q1899", "Astana": "Q1520", "CSTO": "Q318693", "NATO": "Q7184", "S-300": "pw:weapon:s-300",
}  # fmt: skip


def read(language: str) -> tuple[str, list[Entity]]:
    for line in SEEDS.read_text("utf-8").splitlines():
        document = json.loads(line)
        if document["lang"] == language:
            text = f"{document['title']}\n{document['text']}"
            return text, EntityRecognizer().recognize(text, language)
    raise LookupError(language)


@pytest.mark.parametrize("language", ["ms", "ar"])
def test_what_both_variants_name(language: str) -> None:
    _, entities = read(language)
    found = {e.name: e.id for e in entities}
    assert {name: found.get(name) for name in IN_BOTH} == IN_BOTH


def test_persons_get_one_id_in_the_story() -> None:
    malay = [e for e in read("ms")[1] if e.type == "person"]
    arabic = [e for e in read("ar")[1] if e.type == "person"]
    same = unify_persons(malay, arabic, "ar")
    by_name = {e.name: e.id for e in malay}
    assert {same[e.id] for e in arabic} == {by_name["Sergei Zgurets"], by_name["Oleksandr Kuzmuk"]}


def test_the_two_variants_name_nothing_else() -> None:
    malay, arabic = read("ms")[1], read("ar")[1]
    same = unify_persons([e for e in malay if e.type == "person"], [e for e in arabic if e.type == "person"], "ar")
    assert {e.id for e in malay} == {same.get(e.id, e.id) for e in arabic}


@pytest.mark.parametrize("language", ["ms", "ar", "en"])
def test_mentions_are_where_they_say(language: str) -> None:
    text, entities = read(language)
    for entity in entities:
        assert entity.mentions
        starts = [m.start for m in entity.mentions]
        assert starts == sorted(starts)
        for mention in entity.mentions:
            assert text[mention.start : mention.end] == mention.text
