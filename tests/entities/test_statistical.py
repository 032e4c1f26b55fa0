"""What a statistical model adds to the names that tables and rules find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pytest

from streams.analysis import Analyzer
from streams.embedding import ModelMissing
from streams.entities import EntityRecognizer
from streams.entities import statistical as models
from streams.entities.names import Kind
from streams.entities.persons import person_id
from streams.entities.span import Span
from streams.entities.statistical import Named, further


class Marked:
    """A model that names what stands in brackets of three kinds: (person), [organisation], {place}."""

    KINDS: ClassVar[dict[str, Kind]] = {"(": "person", "[": "organization", "{": "place"}

    def read(self, text: str) -> Sequence[Named]:
        return list(self._names(text))

    def _names(self, text: str) -> Iterator[Named]:
        for start, character in enumerate(text):
            if character in self.KINDS:
                end = min(text.index(close, start) for close in ")]}" if close in text[start:])
                yield Named(start + 1, end, self.KINDS[character])


def read(text: str, known: Sequence[Span] = ()) -> tuple[list[str], list[tuple[str, str]]]:
    persons, others = further(text, Marked(), known)
    for other in others:
        assert all(text[m.start : m.end] == m.text for m in other.mentions)
    return [text[p.start : p.end] for p in persons], [(o.type, o.name) for o in others]


@pytest.mark.parametrize(
    ("text", "persons"),
    [
        ("(Orrin Hatch) spoke.", ["Orrin Hatch"]),
        ("(Mr Orrin Hatch's) speech", ["Orrin Hatch"]),
        ("dit (M.\u00a0Staffan de Mistura), l'envoyé", ["Staffan de Mistura"]),
        ("(Ri Yong-ho.) And then", ["Ri Yong-ho"]),
        ("(Hatch) alone is not enough", []),
        ("(ELDEST SON) in a headline", []),
        ("(Eldest son) is no name", []),
        ("(Near Palmyra), soldiers", []),
        ("(a Geiger Counter) is a thing", []),
        ("(Two\nLines) are two things", []),
        ("() (,) (')", []),
    ],
)
def test_persons_by_full_names(text: str, persons: list[str]) -> None:
    assert read(text) == (persons, [])


def test_a_surname_is_the_person_named_in_full_and_has_that_id() -> None:
    text = "(Orrin Hatch) spoke. (Mr Hatch) left, and (Hatch's) car, but (Smith) stayed."
    found, _ = further(text, Marked(), [])
    assert [text[p.start : p.end] for p in found] == ["Orrin Hatch", "Hatch", "Hatch"]
    assert {p.id for p in found} == {person_id("Orrin Hatch")}


def test_bodies_and_places_are_names_without_an_id_once_each() -> None:
    text = "[National Trust] and [the National Trust] in {Lake Titicaca}; [Trust], {Padang}"
    assert read(text) == ([], [("organization", "National Trust"), ("place", "Lake Titicaca")])
    _, (trust, _lake) = further(text, Marked(), [])
    assert len(trust.mentions) == 2


def test_what_is_known_is_left_alone() -> None:
    text = "(Vladimir Putin) and [Air Force]"
    assert read(text, [Span(1, 15, "Q7747"), Span(26, 31, "x")]) == ([], [])


def test_persons_get_ids_in_military_texts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "load", lambda language: Marked() if language == "en" else None)
    recognizer = EntityRecognizer(name_models=True)
    peace = "(Zorvald Quintrel) opened the fair. " * 6
    war = "(Zorvald Quintrel) spoke of the T-72 tanks, the F-16 fighters and the S-300 missiles."
    assert not [e for e in recognizer.read(peace, "en").entities if e.type == "person"]
    assert [n.name for n in recognizer.read(peace, "en").unlinked] == ["Zorvald Quintrel"]
    (person,) = [e for e in recognizer.read(war, "en").entities if e.type == "person"]
    assert (person.name, person.id) == ("Zorvald Quintrel", person_id("Zorvald Quintrel"))
    assert not EntityRecognizer().read(war, "en").unlinked
    assert not recognizer.read(war, "de").unlinked


def test_a_model_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    models.load.cache_clear()
    monkeypatch.setattr(models, "PACKAGES", {"en": "no_such_model"})
    with pytest.raises(ModelMissing, match=r"name_models needs no_such_model: .*make names"):
        Analyzer.load(None, name_models=True)  # type: ignore[arg-type]
    assert models.load("de") is None


@pytest.mark.names
@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("en", "Officials said that Jeane Freeman met Holly Snyder in Edinburgh on Tuesday.", "Jeane Freeman"),
        ("fr", "Selon le ministre, Jay Berzofsky a rencontré Gus Poyet mardi à Paris.", "Gus Poyet"),
    ],
)
def test_the_models_themselves(language: str, text: str, name: str) -> None:
    models.load.cache_clear()
    model = models.load(language)
    assert model is not None
    persons, _ = further(text, model, [])
    assert name in {text[p.start : p.end] for p in persons}


@pytest.mark.names
@pytest.mark.parametrize(
    "text", ["", " ", "\ud800x", "\x00\x01", "😀" * 50, "A" * 5_000, "\n" * 300, "Москва 東京 القاهرة"]
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_models_take_any_text(language: str, text: str) -> None:
    EntityRecognizer(name_models=True).read(text, language)
