"""What the tests of arms deals share: the recognizer, the reader, and a way to read a plain sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.readings import Entity
from streams.deals import DealReader, DealReading
from streams.entities import EntityRecognizer, lookup

CORPUS = Path(__file__).parents[1] / "data" / "deals"
SEEDS = Path(__file__).parents[2] / "seeds"

Read = Callable[[str, str], DealReading]


@pytest.fixture(scope="session")
def recognizer() -> EntityRecognizer:
    return EntityRecognizer()


@pytest.fixture(scope="session")
def read(recognizer: EntityRecognizer) -> Read:
    """A text and its language to what is read of it, without the embedder."""
    reader = DealReader()

    def _read(text: str, language: str) -> DealReading:
        entities: list[Entity] = recognizer.recognize(f"\n{text}", language)
        return reader.read("", text, language, entities)

    return _read


def codes(ids: list[str]) -> set[str]:
    """Country codes of ids."""
    return {lookup.country_code(identity) or identity for identity in ids}
