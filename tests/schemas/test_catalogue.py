"""The catalogue, its examples and the docs generated from it agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.codec import decode, encode
from schemas.docs import asyncapi_json, topics_markdown
from schemas.topics import BY_NAME, CATALOGUE

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "schemas" / "examples").glob("*/*.json"))

# DESIGN fixes these; other work relies on them.
FIXED = {
    "articles.raw": (6, "delete"),
    "articles.analyzed": (1, "delete"),
    "articles.clustered": (6, "delete"),
    "articles.enriched": (6, "delete"),
    "stories": (6, "compact"),
    "stories.corrections": (1, "delete"),
    "subscriptions": (1, "compact"),
    "alerts": (6, "delete"),
    "deadletters": (3, "delete"),
}


def test_names_and_partitions_are_the_agreed_ones() -> None:
    assert {t.name: (t.partitions, t.cleanup) for t in CATALOGUE} == FIXED


def test_corrections_are_kept_for_ever() -> None:
    assert BY_NAME["stories.corrections"].config["retention.ms"] == "-1"


def test_every_topic_with_a_model_has_an_example() -> None:
    assert {t.name for t in CATALOGUE if t.model} == {path.parent.name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_example_is_valid_and_survives_a_round_trip(path: Path) -> None:
    model = BY_NAME[path.parent.name].model
    assert model is not None
    message = decode(model, path.read_bytes())
    assert decode(model, encode(message)) == message


def test_docs_are_fresh() -> None:
    assert (ROOT / "docs" / "topics.md").read_text(encoding="utf-8") == topics_markdown(), "run: make docs"
    assert (ROOT / "docs" / "asyncapi.json").read_text(encoding="utf-8") == asyncapi_json(), "run: make docs"


def test_asyncapi_references_resolve() -> None:
    document = json.loads(asyncapi_json())

    def walk(node: object) -> None:
        if isinstance(node, dict):
            target = node.get("$ref")
            if isinstance(target, str):
                found: object = document
                for part in target.removeprefix("#/").split("/"):
                    assert isinstance(found, dict)
                    assert part in found, target
                    found = found[part]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert len(document["channels"]) == len(CATALOGUE)
