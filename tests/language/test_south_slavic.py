"""Whose a word is among Bosnian, Croatian and Serbian."""

from __future__ import annotations

from streams.language.south_slavic import cyrillic, deal_out

SHARED = {
    "vrijeme": 1e-3, "vreme": 8e-4, "pobjeda": 4e-5, "pobeda": 5e-5, "grad": 1e-4, "tjedan": 5e-5, "nedjelje": 4e-5,
    "hiljada": 3e-5, "tisuća": 3e-5, "historija": 1e-5, "istorija": 2e-5, "policije": 1e-4, "police": 2e-5,
    "nije": 3e-3, "ne": 6e-3, "tijek": 1e-5, "tek": 5e-4,
    "zemlje": 3e-4, "zemle": 1e-4, "saopćenje": 4e-6, "avgusta": 1e-4,
}  # fmt: skip


def _owners(word: str) -> set[str]:
    return {language for language, words in deal_out(SHARED).items() if word in words}


def test_yat_tells_serbian_from_the_others() -> None:
    assert _owners("vrijeme") == _owners("pobjeda") == {"bs", "hr"}
    assert _owners("vreme") == _owners("pobeda") == {"sr"}


def test_what_only_looks_like_yat_is_everybodys() -> None:
    for word in ("policije", "police", "nije", "ne", "tek", "zemlje", "zemle", "grad"):
        assert _owners(word) == {"bs", "hr", "sr"}, word


def test_words_that_differ_otherwise() -> None:
    assert _owners("tjedan") == _owners("tisuća") == {"hr"}
    assert _owners("hiljada") == {"bs", "sr"}
    assert _owners("historija") == _owners("saopćenje") == {"bs"}
    assert _owners("avgusta") == {"sr"}


def test_listed_words_count_where_no_frequency_is_known() -> None:
    assert _owners("siječanj") == {"hr"}
    assert _owners("lahko") == {"bs"}


def test_serbian_has_both_scripts() -> None:
    assert cyrillic("ljubav") == "љубав"
    assert cyrillic("džep") == "џеп"
    dealt = deal_out(SHARED)
    assert dealt["sr"]["време"] == dealt["sr"]["vreme"]
    assert "vrijeme" not in dealt["sr"]
    assert not any(word[0] > "ѐ" for word in dealt["hr"])
