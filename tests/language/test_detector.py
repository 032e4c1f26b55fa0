"""The detector on sentences written for this test, and on what pages really hold."""

from __future__ import annotations

import time

import pytest

from streams.language import UNDETERMINED, LanguageDetector
from streams.language.detector import LEVEL


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector()


SENTENCES = {
    "en": "The minister said on Friday that the new contract would be signed before the summer",
    "ms": "Menteri itu berkata kontrak baharu akan ditandatangani pada Jumaat kerana pihak syarikat telah bersetuju",
    "id": "Menteri mengatakan kontrak baru akan ditandatangani pada hari Jumat karena pihak perusahaan telah setuju",
    "hr": "Ministar je rekao da će ugovor biti potpisan sljedeći tjedan, a tvrtka će isporučiti zrakoplove u listopadu",
    "sr": "Ministar je rekao da će ugovor biti potpisan sledeće nedelje, a kompanija će isporučiti avione u oktobru",
    "no": "Statsministeren sier at avtalen ikke blir undertegnet før neste uke, og at selskapet har fått beskjed",
    "nn": "Statsministeren seier at avtalen ikkje blir underteikna før neste veke, og at selskapet har fått beskjed",
    "da": "Statsministeren siger, at aftalen ikke bliver underskrevet før næste uge, og at firmaet har fået besked",
    "pt": "O ministro disse que o contrato não será assinado antes da próxima semana e que a empresa já foi informada",
    "gl": "O ministro dixo que o contrato non será asinado antes da vindeira semana e que a empresa xa foi informada",
    "ru": "Министр заявил, что договор будет подписан на следующей неделе, если его одобрит парламент",
    "uk": "Міністр заявив, що договір буде підписано наступного тижня, якщо його схвалить парламент",
    "be": "Міністр заявіў, што дагавор будзе падпісаны на наступным тыдні, калі яго ўхваліць парламент",
    "bg": "Министърът заяви, че договорът ще бъде подписан следващата седмица, ако парламентът го одобри",
    "mk": "Министерот изјави дека договорот ќе биде потпишан следната недела ако го одобри парламентот",
    "fa": "وزیر گفت که این قرارداد هفته آینده امضا خواهد شد اگر مجلس آن را تصویب کند",
    "tg": "Вазир гуфт, ки ин шартнома ҳафтаи оянда имзо карда мешавад, агар порлумон онро тасдиқ кунад",
    "ur": "وزیر نے کہا کہ اگر پارلیمان نے منظوری دی تو معاہدے پر اگلے ہفتے دستخط کیے جائیں گے",
    "ar": "قال الوزير إن العقد سيوقع الأسبوع المقبل إذا وافق عليه البرلمان",
    "ckb": "وەزیر گوتی کە گرێبەستەکە هەفتەی داهاتوو واژۆ دەکرێت ئەگەر پەرلەمان پەسەندی بکات",
    "ku": "Wezîr got ku peyman wê hefteya bê were îmzekirin eger parlamento wê qebûl bike",
    "ee": "Dukplɔla gblɔ be woade asi nubabla la te le kɔsiɖa si gbɔna me",
    "bem": "Kateka alandile ukuti icipangano bakasaina umulungu uleisa nga bashimakambi basumina",
    "nso": "Tona o boletše gore tumelelano e tla saenwa bekeng ye e tlago ge palamente e ka e amogela",
    "zu": "Ungqongqoshe uthe isivumelwano sizosayinwa ngesonto elizayo uma iphalamende lisivuma",
    "sw": "Waziri alisema mkataba huo utatiwa saini wiki ijayo ikiwa bunge litaukubali",
    "zh": "部长表示，如果议会批准，合同将在下周签署",
    "yue": "部長話如果議會批准，份合約下星期就會簽，佢哋仲未決定喺邊度簽",
    "ja": "大臣は、議会が承認すれば来週契約に署名すると述べた",
    "ko": "장관은 의회가 승인하면 다음 주에 계약이 체결될 것이라고 말했다",
    "th": "รัฐมนตรีกล่าวว่าจะลงนามในสัญญาสัปดาห์หน้า",
    "am": "ሚኒስትሩ ውሉ በሚቀጥለው ሳምንት እንደሚፈረም ተናገሩ",
    "ti": "እቲ ሚኒስተር እቲ ውዕል ኣብ ዝመጽእ ሰሙን ክፍረም ምዃኑ ተዛሪቡ",
    "vi": "Bộ trưởng cho biết hợp đồng sẽ được ký vào tuần tới nếu quốc hội thông qua",
}


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_sentences(detector: LanguageDetector, language: str) -> None:
    assert detector.detect(SENTENCES[language]).language == language


def test_foreign_names_do_not_make_a_headline_english(detector: LanguageDetector) -> None:
    title = "Boris Johnson y Joe Biden hablan con Microsoft, Google y The New York Times sobre Lockheed Martin"
    assert detector.detect(title).language == "es"
    assert detector.detect("ข่าวด่วน Manchester United Football Club ชนะในเกมสุดท้าย").language == "th"


@pytest.mark.parametrize(
    "wrapped",
    [
        "{} https://www.example.com/news/world/the-story-of-the-day.html?from=home info@example.com @TheNewsRoom",
        "| 12 | 13 | 14 |\n{}\n| 2024-01-01 | 100 % |",
        "\x00\x01{}\ud800\ufffe",
    ],
    ids=["addresses", "table", "control characters"],
)
@pytest.mark.parametrize("language", ["ms", "pt", "no", "ru", "ar"])
def test_noise_around_the_text_changes_nothing(detector: LanguageDetector, wrapped: str, language: str) -> None:
    assert detector.detect("", wrapped.format(SENTENCES[language])).language == language


@pytest.mark.parametrize("language", ["en", "pt", "ms", "ru", "uk", "hr"])
def test_all_capitals(detector: LanguageDetector, language: str) -> None:
    assert detector.detect(SENTENCES[language].upper()).language == language


def test_a_page_of_two_languages_is_in_the_one_that_prevails(detector: LanguageDetector) -> None:
    page = " ".join(SENTENCES["ms"] for _ in range(3)) + " " + SENTENCES["en"]
    assert detector.detect("", page).language == "ms"


def test_a_hint_settles_doubt_and_overrules_nothing_clear(detector: LanguageDetector) -> None:
    assert detector.detect(SENTENCES["en"], hint="fr").language == "en"
    doubtful = "Perdana Menteri itu akan tiba di sana bersama presiden"
    plain = {hint: detector.detect(doubtful, hint=hint) for hint in ("ms", "id")}
    assert plain["ms"].language == "ms"
    assert plain["id"].language == "id"
    assert detector.detect(doubtful, hint="no such tag").language in {"ms", "id", UNDETERMINED}


@pytest.mark.parametrize("text", ["", " ", "12345 67 %", "\x00", "\ud800", "😀😀", "...", "𐎀𐎁𐎂"])
def test_what_is_no_text_is_undetermined(detector: LanguageDetector, text: str) -> None:
    assert detector.detect(text).language == UNDETERMINED


def test_confidence_is_a_probability_and_und_is_below_the_level(detector: LanguageDetector) -> None:
    for text in ("Xyzzy", "a", "Sony", "Nokia 3310", SENTENCES["en"]):
        detection = detector.detect(text)
        assert 0.0 <= detection.confidence <= 1.0
        assert (detection.language == UNDETERMINED) == (detection.confidence < LEVEL)
    assert detector.detect(SENTENCES["en"]).confidence > 0.95


def test_a_megabyte_costs_no_more_than_a_page(detector: LanguageDetector) -> None:
    text = SENTENCES["ru"] * 10_000
    before = time.thread_time()
    assert detector.detect("", text).language == "ru"
    assert time.thread_time() - before < 0.1
