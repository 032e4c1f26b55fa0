"""Names with several meanings, general words, and words that are no names."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.entities import EntityRecognizer, without_passing_words
from streams.entities.entries import by_id, read_table

RECOGNIZER = EntityRecognizer()
GEORGIA, STATE_OF_GEORGIA, JORDAN, SENATE = "Q230", "Q1428", "Q810", "Q66096"


def ids(text: str, language: str = "en") -> set[str]:
    return {e.id for e in RECOGNIZER.recognize(f"\n{text}", language)}


@pytest.mark.parametrize(
    ("language", "text", "expected", "unwanted"),
    [
        ("en", "Georgia's parliament in Tbilisi condemned Russia.", {GEORGIA}, {STATE_OF_GEORGIA}),
        ("en", "The governors of Texas, Florida and Georgia met at the White House.", {STATE_OF_GEORGIA}, {GEORGIA}),
        ("en", "Jordan and Egypt signed a treaty.", {JORDAN}, set()),
        ("en", "Jordan Henderson scored for Liverpool.", {"Q24826"}, {JORDAN}),
        ("en", "Lewis Hamilton won the race.", set(), {"pw:city:hamilton-ca", "pw:city:hamilton-nz"}),
        ("en", "The fire in Hamilton, New Zealand, is out.", {"pw:city:hamilton-nz"}, {"pw:city:hamilton-ca"}),
        ("en", "The Senate in Washington passed the bill, the United States said.", {SENATE}, set()),
        ("en", "The Senate in Rome passed the bill, Italy said.", {"Q38"}, {SENATE}),
        ("de", "Der Senat in Rom stimmte in Italien zu.", {"Q38"}, {SENATE}),
        ("zh", "中美关系紧张，日韩首脑会谈。", {"Q148", "Q30", "Q17", "Q884"}, set()),
        ("zh", "其中美丽的城市很多。", set(), {"Q148", "Q30"}),
        ("th", "ระยะทางสิบกิโลเมตร", set(), {"pw:city:lome-tg"}),
        ("ar", "أنكرت الوزارة ذلك.", set(), {"Q3640"}),
        ("ru", "Рынки растут, американский рубль нет.", {"Q30"}, set()),
        ("hu", "A londoni tőzsde emelkedett.", {"Q84"}, set()),
        ("hi", "मंत्रालय ने कहा कि मैनचेस्टर में मैच होगा।", {"Q18125"}, {"pw:city:montreal-ca"}),
        ("ml", "മസാച്യുസെറ്റ്സ് ഗവർണർ രാജിവച്ചു.", {"Q771"}, set()),
        ("de", "Der Sturm zog über Bayern.", {"pw:region:bavaria-de"}, {"pw:org:bayer"}),
        ("de", "Der Konzern Bayer wurde verklagt, Bayers Aktie fiel.", {"pw:org:bayer"}, {"pw:region:bavaria-de"}),
        ("ka", "განაში არჩევნები გაიმართა.", {"Q117"}, set()),
        ("en", "Aegis Skyways flew soldiers with rifles and missiles.", {"pw:weapon:missile"}, {"pw:weapon:aegis"}),
        ("en", "The destroyers fire missiles; Aegis guides them.", {"pw:weapon:aegis"}, set()),
        ("en", "Near the Hawk Bank and the Javelin Hotel, soldiers guarded missiles.", {"pw:weapon:missile"},
         {"pw:weapon:javelin", "pw:weapon:hawk"}),
        ("zh", "臺灣和華盛頓", {"Q865", "Q61"}, set()),
    ],
)  # fmt: skip
def test_context(language: str, text: str, expected: set[str], unwanted: set[str]) -> None:
    found = ids(text, language)
    assert expected - found == set()
    assert found & unwanted == set()


def test_weapons_in_passing_are_left_out() -> None:
    crime = RECOGNIZER.recognize("\nA man with a rifle robbed a bank in London.", "en")
    war = RECOGNIZER.recognize("\nHIMARS rockets and drones hit the Russian army.", "en")
    assert {e.kind for e in without_passing_words(crime)} == {"capital"}
    assert without_passing_words(war) == war


def test_an_english_state_has_its_name_in_many_scripts() -> None:
    for language, text in [
        ("ka", "კოლორადოში"), ("hi", "कोलोराडो में"), ("zh", "在科罗拉多州"), ("pl", "w Kolorado"), ("ru", "в Колорадо"),
        ("th", "ในรัฐโคโลราโด"), ("am", "በኮሎራዶ"), ("he", "בקולורדו"), ("ta", "கொலராடோவில்"), ("ja", "コロラド州で"),
    ]:  # fmt: skip
        assert "Q1261" in ids(text, language), language


def test_general_words_have_a_country() -> None:
    wrong = [
        (row["id"], name)
        for table in ("organizations.tsv", "forces.tsv", "makers.tsv")
        for row in read_table(table)
        for name in (row["aliases"] or "").split("; ")
        if name.startswith("@") and by_id()[row["id"]].country is None
    ]
    assert wrong == []


def test_ordinary_words_are_no_names() -> None:
    wrong = [
        (row["language"], word)
        for row in read_table("ordinary_words.tsv")
        for word in row["words"].replace("$", "").split(", ")
        if any(m.text == word for e in RECOGNIZER.recognize(f"\n{word}", row["language"]) for m in e.mentions)
    ]
    assert wrong == []


def test_a_region_is_known_by_its_name_at_home() -> None:
    lines = (Path(__file__).parent / "regions_at_home.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert [row for row in rows if row[2] not in ids(row[1], row[0])] == []
