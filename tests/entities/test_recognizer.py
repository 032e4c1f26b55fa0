"""What is read, and what is left alone, in many languages."""

from __future__ import annotations

import pytest

from schemas.readings import Entity, Mention
from streams.entities import EntityRecognizer, unify_persons

RECOGNIZER = EntityRecognizer()


def ids(text: str, language: str) -> set[str]:
    return {e.id for e in RECOGNIZER.recognize(text, language)}


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ru", "Россия поставит Индии системы С-400 и Су-35.", {"Q159", "Q668", "pw:weapon:s-400", "pw:weapon:su-35"}),
        ("uk", "Німеччина передала Україні танки Леопард 2.", {"Q183", "Q212", "pw:weapon:leopard-2"}),
        ("ar", "باعت روسيا لمصر منظومة إس-300 للدفاع الجوي.", {"Q159", "Q79", "pw:weapon:s-300"}),
        ("he", "ישראל תמכור לגרמניה את מערכת חץ 3.", {"Q801", "Q183", "pw:weapon:arrow-3"}),
        ("fa", "ایران به روسیه پهپاد شاهد ۱۳۶ داد.", {"Q794", "Q159", "pw:weapon:shahed-136"}),
        ("hi", "भारत ने रूस से एस-400 खरीदा।", {"Q668", "Q159", "pw:weapon:s-400"}),
        ("zh", "土耳其向乌克兰出售旗手TB2无人机。", {"Q43", "Q212", "pw:weapon:bayraktar-tb2", "pw:weapon:drone"}),
        ("ja", "米国は台湾にF-16戦闘機を売却する。", {"Q30", "Q865", "pw:weapon:f-16"}),
        ("ko", "폴란드는 한국에서 K2 전차를 구매했다.", {"Q36", "Q884", "pw:weapon:k2-black-panther"}),
        ("th", "ไทยซื้อเรือดำน้ำจากจีน", {"Q869", "Q148", "pw:weapon:submarine"}),
        ("tr", "Türkiye Polonya'ya Bayraktar TB2 sattı.", {"Q43", "Q36", "pw:weapon:bayraktar-tb2"}),
        ("pl", "Polska kupiła czołgi od Korei Południowej.", {"Q36", "Q884", "pw:weapon:tank"}),
        ("hu", "Magyarország Németországtól vett harckocsikat.", {"Q28", "Q183", "pw:weapon:tank"}),
        ("de", "Die Ukraine erhält Panzerhaubitzen 2000 aus Deutschland.", {"Q212", "Q183", "pw:weapon:pzh-2000"}),
        ("fi", "Suomi osti hävittäjiä Yhdysvalloista.", {"Q33", "Q30", "pw:weapon:fighter-aircraft"}),
        ("vi", "Việt Nam mua tàu ngầm của Nga.", {"Q881", "Q159", "pw:weapon:submarine"}),
        ("el", "Η Ελλάδα αγόρασε φρεγάτες από τη Γαλλία.", {"Q41", "Q142", "pw:weapon:frigate"}),
        ("ka", "საქართველო იყიდის რაკეტებს.", {"Q230", "pw:weapon:missile"}),
    ],
)
def test_reads(language: str, text: str, expected: set[str]) -> None:
    assert expected - ids("\n" + text, language) == set()


@pytest.mark.parametrize(
    ("language", "text", "unwanted"),
    [
        ("ms", "\nKini dia di Niran.", {"Q1006", "Q794"}),
        ("en", "\nThe Patriot Act divided lawmakers; the Arsenal transfer did not.", {"pw:weapon:patriot"}),
        ("en", "\nA leopard escaped from the zoo, and Leopard print is back.", {"pw:weapon:leopard-2"}),
        ("en", "\nHe won the F-1 race with 10 percent more speed.", {"pw:weapon:f-1"}),
        ("en", "\nNigeria won against Algeria.", {"Q1032"}),
        ("ru", "\nКак много людей, мало времени.", {"Q912"}),
    ],
)
def test_leaves_alone(language: str, text: str, unwanted: set[str]) -> None:
    assert ids(text, language) & unwanted == set()


def test_an_ambiguous_name_counts_beside_weapons() -> None:
    text = "\nWashington will send Patriot missiles to Kyiv."
    assert "pw:weapon:patriot" in ids(text, "en")


def test_country_inside_a_force_stays() -> None:
    assert {"Q159", "pw:org:russian-armed-forces"} <= ids("\nThe Russian army withdrew.", "en")


def test_offsets_survive_pointing_and_joiners() -> None:
    text = "\nقالت الـمـملكة الْعَرَبِيَّة السُّعُودِيَّة إن رُوسيا باعت."
    for entity in RECOGNIZER.recognize(text, "ar"):
        for mention in entity.mentions:
            assert text[mention.start : mention.end] == mention.text
    assert "Q159" in ids(text, "ar")


@pytest.mark.parametrize("text", ["", "\n", "   \n \u0301", "\0\n\ud7ff", "S-\n300"])
def test_odd_texts(text: str) -> None:
    for language in ("en", "ar", "zh", "und", "xx"):
        RECOGNIZER.recognize(text, language)


def person(identity: str, *spellings: str) -> Entity:
    mentions = [Mention(start=0, end=len(s), text=s) for s in spellings]
    return Entity(id=identity, type="person", name=spellings[0], mentions=mentions)


def test_unify_finds_the_same_and_leaves_others() -> None:
    known = [person("a", "Sergei Zgurets"), person("b", "Oleksandr Kuzmuk")]
    new = [person("c", "Сергей Згурец"), person("d", "كوزموك"), person("e", "Maria Lopez")]
    assert unify_persons(known, new, "ru") == {"c": "a", "d": "b", "e": "e"}
    assert unify_persons(known, list(reversed(new)), "ru") == {"c": "a", "d": "b", "e": "e"}


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("ar", "وقال السيناتور ليندسي جراهام إن القرار خاطئ.", "Lindsey Graham"),
        ("ar", "سافر الوفد إلى بنسلفانيا صباح اليوم.", "Pennsylvania"),
        ("ar", "التقى الوزير مايك بينس في بروكسل.", "Mike Pence"),
        ("ckb", "سەرۆک وەزیران عیمران خان گوتی.", "Imran Khan"),
        ("uk", "Сенаторка Елізабет Воррен виступила з промовою.", "Elizabeth Warren"),
        ("be", "Учора Ліянель Месі забіў гол.", "Lionel Messi"),
    ],
)
def test_vowels_are_spelled_in_many_ways(language: str, text: str, name: str) -> None:
    assert name in {entity.name for entity in EntityRecognizer().recognize(text, language)}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ar", "ستعلن اللجنة أسماء البلدان المشاركة والنساء المرشحات."),
        ("ur", "انجمن کی بستیوں میں اجلاس ہوا۔"),
        ("he", "הוא עובד בארגון גדול."),
    ],
)
def test_roots_of_words_are_no_names(language: str, text: str) -> None:
    assert EntityRecognizer().recognize(text, language) == []
