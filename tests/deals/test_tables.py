"""The tables of words and markers can be used, and every language has what it needs."""

from __future__ import annotations

from streams.deals import classifier, roles
from streams.deals.markers import ROLES, known_markers
from streams.words.lexicon import CLASSES, LOOKALIKE, TABLES, language_info, languages, lexicon, read_table

_NEEDED = {"give", "sell", "buy", "arms", "deal"}
_ROWS = [row for path in sorted((TABLES / "words").glob("*.tsv")) for row in read_table(path)]


def test_every_row_has_a_known_language_a_known_class_and_forms() -> None:
    for row in _ROWS:
        assert len(row) == 3, row
        assert row[0] in {*languages(), "mul"}, row[0]
        assert row[1] in {*CLASSES, LOOKALIKE}, row
        assert all(form.strip(" =*") for form in row[2].split(",")), row


def test_a_class_stands_once_in_a_language() -> None:
    keys = [(row[0], row[1]) for row in _ROWS]
    assert len(keys) == len(set(keys))


def test_every_language_can_say_what_a_deal_needs() -> None:
    by_language: dict[str, set[str]] = {}
    for row in _ROWS:
        if row[0] == "mul":
            continue
        by_language.setdefault(row[0], set()).add(row[1])
    assert len(by_language) >= 60
    lacking = {code: _NEEDED - classes for code, classes in by_language.items() if _NEEDED - classes}
    assert set(lacking) <= {"lo"}, lacking


def test_markers_are_of_known_languages_and_roles() -> None:
    for code, place, role in known_markers():
        info = language_info(code)
        assert info is not None
        assert info.code == code
        assert place in {"before", "after", "suffix"}
        assert role in ROLES


def test_kin_share_a_lexicon() -> None:
    for name, code in (("nb", "no"), ("sr", "hr"), ("bs", "hr"), ("zh-Hant", "zh"), ("fil", "tl"), ("be-tarask", "be")):
        info = language_info(name)
        assert info is not None
        assert info.code == code
    assert lexicon("xx") is None


def test_serbian_is_found_in_both_alphabets() -> None:
    words = lexicon("sr")
    assert words is not None
    assert {hit.cls for hit in words.hits("srbija prodaje oružje")} == {
        hit.cls for hit in words.hits("србија продаје оружје")
    }


def test_optional_marks_do_not_hide_a_word() -> None:
    words = lexicon("ar")
    assert words is not None
    (hit,) = [hit for hit in words.hits("سلّمت روسيا") if hit.cls == "give"]
    assert (hit.start, "سلّمت روسيا"[hit.start : hit.end]) == (0, "سلّم")


def test_weights_stay_small() -> None:
    assert classifier.WEIGHTS.stat().st_size + roles.WEIGHTS.stat().st_size < 200_000
