"""Whose a word is among Bosnian, Croatian and Serbian, which share nearly all of their words. Used offline only.

Word frequencies exist for the three together only. They are dealt out here: a word goes to all three, unless it is
known to be foreign to one. That is told by

- the reflex of yat: where the list has both `vrijeme` and `vreme`, the first is not Serbian, and the second is Serbian
  alone (the news of the other two is Ijekavian);
- `south_slavic.json`: words and beginnings of words (with `*`) that differ for another reason, such as the names of the
  months, with the languages that use them; written for this project.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

WORDS = Path(__file__).with_name("south_slavic.json")
LANGUAGES = frozenset({"bs", "hr", "sr"})

_UNKNOWN = 2e-6
"""Frequency that a listed word counts with where the list of frequencies lacks it."""
_SHORTEST_EKAVIAN = 3
_LARGEST_RATIO = 8.0
"""Of the frequencies of twins. Where they differ more, they are two words: `tijek` (course) and `tek` (only)."""
_YAT_AT_THE_END = frozenset({"dvije", "najprije", "poslije", "prije", "razumije", "smije", "umije", "uspije"})
"""Of other words `ije` at the end is an ending: `policije`, `starije`."""
_NO_YAT = frozenset({"sjela", "sjelo", "ljeti", "nije", "volje"})
"""Words whose twin with `e` is another word."""
_LATIN_CYRILLIC = {
    "dž": "џ", "lj": "љ", "nj": "њ", "a": "а", "b": "б", "c": "ц", "č": "ч", "ć": "ћ", "d": "д", "đ": "ђ", "e": "е",
    "f": "ф", "g": "г", "h": "х", "i": "и", "j": "ј", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п",
    "r": "р", "s": "с", "š": "ш", "t": "т", "u": "у", "v": "в", "z": "з", "ž": "ж",
}  # fmt: skip


def deal_out(frequencies: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Word frequencies (Latin letters) of each of the three languages; Serbian ones in Cyrillic as well."""
    owners = _owners(frequencies)
    frequencies = dict.fromkeys(sorted(owners), _UNKNOWN) | dict(frequencies)
    dealt: dict[str, dict[str, float]] = {language: {} for language in sorted(LANGUAGES)}
    for word, frequency in frequencies.items():
        for language in owners.get(word, LANGUAGES):
            dealt[language][word] = frequency
    dealt["sr"] |= {cyrillic(word): frequency for word, frequency in dealt["sr"].items()}
    return dealt


def telling_words(frequencies: Mapping[str, float]) -> set[str]:
    """The words that are not in all three languages, in the letters of each."""
    owned = _owners(frequencies)
    return owned.keys() | {cyrillic(word) for word, languages in owned.items() if "sr" in languages}


def cyrillic(word: str) -> str:
    """A Serbian word in lower case, from Latin to Cyrillic letters. Words where `nj` is two letters come out wrong."""
    for latin, letter in _LATIN_CYRILLIC.items():
        word = word.replace(latin, letter)
    return word


def _owners(frequencies: Mapping[str, float]) -> dict[str, frozenset[str]]:
    """The languages of every word that is not in all three."""
    owners: dict[str, frozenset[str]] = {}
    for word, frequency in frequencies.items():
        for ekavian in _ekavian(word):
            twin = frequencies.get(ekavian, 0.0)
            if twin and 1 / _LARGEST_RATIO <= twin / frequency <= _LARGEST_RATIO:
                owners[word] = frozenset({"bs", "hr"})
                owners[ekavian] = frozenset({"sr"})
    listed: dict[str, frozenset[str]] = {}
    for languages, words in json.loads(WORDS.read_text(encoding="utf-8")).items():
        for entry in words.split():
            for word in _expand(entry, frequencies):
                listed[word] = listed.get(word, frozenset()) | frozenset(languages.split())
    for word, languages_of_word in listed.items():
        # A word may differ in yat and otherwise: `liječnik` has a twin `lečnik`, and is Croatian alone.
        common = owners.get(word, LANGUAGES) & languages_of_word
        owners[word] = common or languages_of_word
    return owners


def _expand(entry: str, known: Iterable[str]) -> list[str]:
    if not entry.endswith("*"):
        return [entry]
    return [word for word in known if word.startswith(entry[:-1])]


def _ekavian(word: str) -> list[str]:
    """What the word could be with `e` for `ije` or `je`."""
    if word in _NO_YAT:
        return []
    found = []
    for reflex in ("ije", "je"):
        start = word.find(reflex, 1)
        while start > 0:
            ending = reflex == "ije" and word.endswith("ije") and start == len(word) - 3 and word not in _YAT_AT_THE_END
            # `nj` is a letter of its own, and so is `lj` at the end of a stem: `zemlje`.
            soft = reflex == "je" and (word[start - 1] == "n" or (word[start - 1] == "l" and start + 2 == len(word)))
            if word[start - 1] not in "aeiou" and not ending and not soft:
                found.append(word[:start] + "e" + word[start + len(reflex) :])
            start = word.find(reflex, start + 1)
    return [twin for twin in found if len(twin) >= _SHORTEST_EKAVIAN]
