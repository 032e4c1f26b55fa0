"""Names that no table knows, in Slavic languages: invented persons, bodies and places in running text."""

from __future__ import annotations

from pathlib import Path

import pytest

from quality.evaluation.mentions import evaluate_mentions, read_marked
from streams.entities import EntityRecognizer
from streams.entities.slavic import latinised, same

RECOGNIZER = EntityRecognizer()
MARKED = Path(__file__).parent / "data" / "mentions"


def names(text: str, language: str) -> set[tuple[str, str]]:
    entities, unlinked = RECOGNIZER.read("\n" + text, language)
    return {(m.text, e.type) for e in [*entities, *unlinked] for m in e.mentions if not m.indirect}


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("cs", "Včera vypovídal ředitel Bohdan Vrzal.", {("Bohdan Vrzal", "person")}),
        ("cs", "Žalobu podal Krajský soud v Ústí nad Labem.", {("Krajský soud v Ústí", "organization")}),
        ("cs", "Zakázku získala firma Kovoplast, s. r. o., z Lhotky.", {("Kovoplast, s. r. o.", "organization")}),
        ("pl", "Powiedział to rzecznik Związku Hodowców, Zenon Trzmiel.", {("Zenon Trzmiel", "person")}),
        ("pl", "Mieszkańcy wsi Koniuszki czekają na drogę.", {("Koniuszki", "place")}),
        ("ru", "Об этом сообщил депутат Пётр Дробышкин.", {("Пётр Дробышкин", "person")}),
        ("ru", "Завод принадлежит компании «Уралгидропром».", {("Уралгидропром", "organization")}),
        ("uk", "Справу веде прокурорка Соломія Вербовецька.", {("Соломія Вербовецька", "person")}),
        ("bg", "Кметът на село Горно Поле каза това.", {("Горно Поле", "place")}),
        ("sl", "Vlogo je zavrnilo Ministrstvo za kmetijstvo.", {("Ministrstvo za kmetijstvo", "organization")}),
        ("hr", "Optužnicu je potvrdio Općinski sud u Sisku.", {("Općinski sud", "organization")}),
    ],
)
def test_reads(language: str, text: str, expected: set[tuple[str, str]]) -> None:
    found = names(text, language)
    for name, kind in expected:
        assert any(name in read and kind == other for read, other in found), found


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("cs", "Nový ministr přijel pozdě. Podle něj se nic nestalo. Lidé čekali."),
        ("pl", "Wczoraj padał deszcz. Nowa ustawa wchodzi w życie. Dzieci poszły do szkoły."),
        ("ru", "Вчера шёл дождь. Новый закон вступил в силу. Люди ждали автобус."),
        ("uk", "Учора йшов дощ. Новий закон набув чинності. Люди чекали на автобус."),
        ("bg", "Вчера валя дъжд. Новият закон влезе в сила. Хората чакаха автобуса."),
        ("sl", "Včeraj je deževalo. Novi zakon velja od danes. Ljudje so čakali."),
        ("cs", "VLÁDA DNES SCHVÁLILA NOVÝ ROZPOČET A ODMÍTLA NÁVRHY"),
    ],
)
def test_a_capital_at_the_start_is_no_name(language: str, text: str) -> None:
    assert names(text, language) == set()


def test_a_surname_alone_is_the_person_named_before() -> None:
    text = "\nObžalovaný Bzdroň Vrzal mlčel. Vrzal pak odešel. Soudce Vrzalovi nevěřil."
    _, unlinked = RECOGNIZER.read(text, "cs")
    assert [[m.text for m in p.mentions] for p in unlinked] == [["Bzdroň Vrzal", "Vrzal", "Vrzalovi"]]


def test_a_person_with_an_id_is_called_in_other_cases() -> None:
    text = "\nObžalovaný Petr Vrzal mlčel. Vrzal pak odešel. Vrzal mluvil. Vrzal lhal. Vrzal šel. Vrzalovi nevěřili."
    entities, unlinked = RECOGNIZER.read(text, "cs")
    assert [[m.text for m in e.mentions] for e in entities] == [["Petr Vrzal", *["Vrzal"] * 4, "Vrzalovi"]]
    assert unlinked == []


def test_adjectives_and_inhabitants_are_indirect() -> None:
    text = "\nNěmecký kancléř přijel. Do Německa přijeli i Francouzi a ruské lodi."
    mentions = {m.text: m.indirect for e in RECOGNIZER.recognize(text, "cs") for m in e.mentions}
    assert mentions["Německa"] is False
    assert mentions["Německý"] is True
    assert mentions["Francouzi"] is True
    assert mentions["ruské"] is True


def test_a_name_without_id_is_no_entity() -> None:
    text = "\nVčera vypovídal ředitel Bzdroň Vrzal z Lhotky."
    assert not any(e.id.startswith("pw:person:") for e in RECOGNIZER.recognize(text, "cs"))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Kupka", "Kupkovi", True),
        ("Štrukelj", "Štruklja", True),
        ("Зеленский", "Зеленского", True),
        ("May", "Mayová", True),
        ("Novák", "Nováček", False),
        ("Петров", "Петренко", False),
    ],
)
def test_one_name_in_two_cases(one: str, other: str, alike: bool) -> None:
    assert same(latinised(one), latinised(other)) is alike


def test_offsets_and_text_agree() -> None:
    for marked in read_marked(MARKED):
        entities, unlinked = RECOGNIZER.read(marked.text, marked.language)
        for each in [*entities, *unlinked]:
            for mention in each.mentions:
                assert marked.text[mention.start : mention.end] == mention.text


@pytest.mark.parametrize("part", ["dev", "held-out"])
def test_marked_texts(part: str) -> None:
    texts = [each for each in read_marked(MARKED) if each.part == part]
    assert len(texts) == 46
    figure = evaluate_mentions(texts, RECOGNIZER.read).overlapping["all"]
    assert figure.precision >= 0.85
    assert figure.recall >= 0.80


def test_titles_are_not_marked(tmp_path: Path) -> None:
    (tmp_path / "cs.txt").write_text("[[PER|Petr]] přijel\nText.\n", encoding="utf-8")
    with pytest.raises(ValueError, match="unmarked title"):
        list(read_marked(tmp_path))


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("en", "The exhibition was opened by Margaret Thistlewood.", "Margaret Thistlewood"),
        ("de", "Die Ausstellung wurde von Thomas Kranzelbinder eröffnet.", "Thomas Kranzelbinder"),
        ("ar", "وقال محمد الزعتري إن المعرض مفتوح.", "محمد الزعتري"),
    ],
)
def test_a_person_in_passing_in_other_languages(language: str, text: str, name: str) -> None:
    entities, unlinked = RECOGNIZER.read("\n" + text, language)
    assert not any(e.type == "person" for e in entities)
    assert [u.name for u in unlinked] == [name]
