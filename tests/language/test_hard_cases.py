"""What pages and headlines hold beside plain sentences: English names, capitals, notices, tables, other languages."""

from __future__ import annotations

import pytest

from streams.language import UNDETERMINED, LanguageDetector


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector()


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("ms", "Lockheed Martin, Boeing dan General Dynamics rebut kontrak kerajaan Malaysia"),
        ("id", "Elon Musk temui bos Apple Tim Cook usai kicauan soal App Store"),
        ("tr", "Manchester United, Harry Kane için Tottenham Hotspur ile anlaştı"),
        ("de", "Taylor Swift und Travis Kelce beim Super Bowl in New Orleans gesehen"),
        ("hu", "Donald Trump szerint a New York Times és a Washington Post hazudik"),
        ("pl", "Real Madryt i Manchester City w finale, Kevin De Bruyne kontuzjowany"),
        ("sw", "Cristiano Ronaldo na Lionel Messi hawatacheza katika Premier League"),
        ("tl", "Bongbong Marcos at Joe Biden, nagkita sa White House sa Washington"),
        ("fi", "Max Verstappen voitti Red Bullin autolla, Lewis Hamilton toinen"),
        ("ku", "Donald Trump û Elon Musk li New York Times axivîn"),
        ("so", "Madaxweyne Joe Biden iyo Boris Johnson oo ka hadlay Black Lives Matter"),
    ],
)
def test_english_names_do_not_make_a_headline_english(detector: LanguageDetector, language: str, title: str) -> None:
    assert detector.detect(title).language == language


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("es", "MUEREN DOS SOLDADOS EN UN ATAQUE CERCA DE LA FRONTERA"),
        ("hr", "DVOJE MRTVIH U TEŠKOJ PROMETNOJ NESREĆI, OGLASILA SE POLICIJA I LIJEČNICI"),
        ("sr", "СТРАШНА НЕСРЕЋА КОД НИША: ДВОЈЕ ПОГИНУЛО, ЛЕКАРИ СЕ БОРЕ ЗА ЖИВОТ ВОЗАЧА"),
        ("uk", "ТЕРМІНОВО: У КИЄВІ ПРОЛУНАЛИ ВИБУХИ"),
        ("ms", "KERAJAAN UMUM BANTUAN BAHARU UNTUK RAKYAT"),
        ("id", "PEMERINTAH UMUMKAN BANTUAN BARU UNTUK WARGA"),
        ("el", "ΣΕΙΣΜΟΣ ΤΩΡΑ ΣΤΗΝ ΚΡΗΤΗ"),
        ("tr", "SON DAKİKA: İSTANBUL'DA DEPREM OLDU, YARALILAR VAR"),
    ],
)
def test_headlines_in_capitals(detector: LanguageDetector, language: str, title: str) -> None:
    assert detector.detect(title).language == language


MALAY = (
    "Polis menahan tiga suspek yang dipercayai terlibat dalam kes rompakan di sebuah bank di ibu negara semalam. "
    "Ketua polis daerah berkata kesemua mereka direman selama tujuh hari bagi membantu siasatan. "
)
NOTICE = (
    "We use cookies to improve your experience on our website. By continuing to browse you agree to our use of cookies "
    "and to our privacy policy. Accept all. Manage preferences. Sign in. Subscribe to our newsletter. "
)


def test_a_notice_in_another_language_does_not_decide(detector: LanguageDetector) -> None:
    assert detector.detect("", NOTICE + MALAY * 6).language == "ms"
    assert detector.detect("", MALAY * 6 + NOTICE).language == "ms"
    assert detector.detect("Polis tahan tiga suspek", NOTICE + MALAY * 6 + NOTICE).language == "ms"


def test_the_middle_of_a_long_page_counts(detector: LanguageDetector) -> None:
    russian = "Полиция задержала троих подозреваемых по делу об ограблении банка в столице. "
    assert detector.detect("", NOTICE * 2 + russian * 40).language == "ru"


def test_a_table_of_names_and_figures(detector: LanguageDetector) -> None:
    rows = "\n".join(
        f"| {name} | {count} | {count * 3} |" for count, name in enumerate(["Silva", "Kane", "Müller"] * 5)
    )
    text = (
        f"Os resultados da primeira rodada foram divulgados ontem pela federação\n{rows}\nA próxima rodada não tem data"
    )
    assert detector.detect("", text).language == "pt"


def test_addresses_are_not_words(detector: LanguageDetector) -> None:
    text = "https://www.theguardian.com/world/live/the-news-of-the-day Læs også: regeringen siger nej info@the-news.com"
    assert detector.detect("", text).language == "da"


def test_names_alone_are_doubtful(detector: LanguageDetector) -> None:
    for title in ("Sony", "Nokia 3310", "Xi", "Djokovic – Nadal 6:3 6:4"):
        detection = detector.detect(title)
        assert detection.language == UNDETERMINED or detection.confidence < 0.9, title


def test_cantonese_and_standard_chinese(detector: LanguageDetector) -> None:
    assert detector.detect("佢哋話聽日先至會開會，而家仲未決定喺邊度").language == "yue"
    assert detector.detect("總統表示兩國關係良好，雙方將於明年簽署協議").language == "zh"
    assert detector.detect("总统表示两国关系良好，双方将于明年签署协议").language == "zh"


def test_japanese_quoting_in_chinese_characters(detector: LanguageDetector) -> None:
    assert detector.detect("首相、防衛費増額を表明").language == "ja"
    assert detector.detect("日本首相「トヨタ」訪問").language in {"ja", "zh"}


def test_assamese_is_not_bengali(detector: LanguageDetector) -> None:
    assert detector.detect("চৰকাৰে নতুন আঁচনি ঘোষণা কৰিছে").language == "as"
    assert detector.detect("সরকার নতুন প্রকল্প ঘোষণা করেছে").language == "bn"
