"""What speaks for each language in a text: the n-gram tables and CLD2, side by side."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pycld2
from numpy.typing import NDArray

from streams.language.ngrams import NgramModel
from streams.language.words import clean, letters_by_script, script, words

TITLE_LENGTH, TEXT_LENGTH = 300, 900
"""Characters that are looked at. More changes no decision and costs time."""

ONE_LANGUAGE = {
    "Armn": "hy", "Cans": "iu", "Cher": "chr", "Geor": "ka", "Grek": "el", "Gujr": "gu", "Guru": "pa", "Hang": "ko",
    "Kana": "ja", "Khmr": "km", "Knda": "kn", "Laoo": "lo", "Mlym": "ml", "Mtei": "mni", "Mymr": "my", "Nkoo": "nqo",
    "Olck": "sat", "Orya": "or", "Sinh": "si", "Syrc": "syr", "Taml": "ta", "Telu": "te", "Tfng": "zgh", "Thaa": "dv",
    "Thai": "th", "Mong": "mn", "Yiii": "ii", "Beng": "bn",
}  # fmt: skip
"""Scripts that only one language of the news is written in (Bengali's other one is told by its letters)."""

_ASSAMESE = frozenset("ৰৱ")
_DENSE = {"Hani": 3.0, "Kana": 1.5, "Hang": 2.0, "Latn": 0.5}
"""Letters' worth of one character, where a character is a syllable or a word. Latin letters count half: texts in any
script have names in them, and English texts have none in Thai."""
_CANTONESE = frozenset("嘅咗喺嚟佢哋冇唔啲嘢咁噉嗰乜嘥攞俾搵諗嗌瞓啱嘥咩")
_CANTONESE_SHARE = 0.02
"""Of the characters: the marks of Cantonese are among its commonest, and in no other written Chinese."""
_KANA_IN_JAPANESE = 0.1
"""A Chinese text may quote a Japanese name; a Japanese one has more kana than this among its characters."""
_NAME_WEIGHT = 0.4
"""Of a capitalised word inside a sentence: names travel between languages, and English ones most of all."""
_LOWER_WORDS = 2
"""Capitals mark names where at least so many words are without: a Title-Cased Headline keeps its function words
small, and they tell its language."""
_REPEATS = 3
"""A word counts this often at most: tables and navigation repeat."""

CLD2_CODES = {
    "iw": "he", "jw": "jv", "in": "id", "zh-Hant": "zh", "fil": "tl", "nb": "no", "sr-ME": "sr", "blu": "hmn",
    "mo": "ro", "gug": "gn",
}  # fmt: skip
_CLD2_MISTAKEN = frozenset({"ku"})
"""Languages that CLD2 lists, but of whose texts it says something else."""
CLD2_KNOWS = (
    frozenset(CLD2_CODES.get(code, code) for name, code in pycld2.LANGUAGES if name in pycld2.DETECTED_LANGUAGES)
    - _CLD2_MISTAKEN
)

SIGNALS = ("letters", "letters_short", "words", "words_short", "cld2", "cld2_long", "cld2_unknown")
"""The columns of `Evidence.signals`; `mixture.json` has a weight for each."""


@dataclass(frozen=True)
class Evidence:
    """Of a text: its languages to choose from, and the signals (languages, len(SIGNALS)) for each.

    Where the script alone decides, there is one language and no signal.
    """

    languages: list[str]
    signals: NDArray[np.float64]
    letters: int


def gather(model: NgramModel, title: str, text: str) -> Evidence | None:
    """The evidence in an article; None where it has no letters of any script we know."""
    sample = clean(f"{title[:TITLE_LENGTH]}\n{text[:TEXT_LENGTH]}")
    if _shouts(sample):
        sample = sample.lower()
    found = words(sample)
    letters = letters_by_script(Counter(found))
    if not letters:
        return None
    main = _main_script(letters)
    count = letters[main]
    if main in ONE_LANGUAGE:
        language = ONE_LANGUAGE[main]
        if language == "bn" and not _ASSAMESE.isdisjoint(sample):
            language = "as"
        return Evidence([language], np.zeros((1, len(SIGNALS))), count)
    if main == "Hani":
        marks = sum(1 for character in sample if character in _CANTONESE)
        return Evidence(["yue" if marks > _CANTONESE_SHARE * count else "zh"], np.zeros((1, len(SIGNALS))), count)
    table = model.tables[main]
    signals = np.zeros((len(table.languages), len(SIGNALS)))
    total = np.zeros((2, len(table.languages)))
    for word, weight in _weigh(found, main).items():
        total += weight * table.score(word)
    total -= total.max(axis=1, keepdims=True)
    # The same difference says more in a short text than in a long one, where it piles up.
    signals[:, 0:4:2] = total.T
    signals[:, 1:4:2] = total.T / math.sqrt(count)
    column = {language: row for row, language in enumerate(table.languages)}
    for language, share in _ask_cld2(sample):
        if language in column:
            signals[column[language], 4] += share
    signals[:, 5] = signals[:, 4] * math.log1p(count)
    signals[:, 6] = [language not in CLD2_KNOWS for language in table.languages]
    return Evidence(table.languages, signals, count)


def _shouts(sample: str) -> bool:
    capitals = sum(1 for character in sample if character.isupper())
    return capitals > 10 and 2 * capitals > sum(1 for character in sample if character.isalpha())


def _main_script(letters: dict[str, int]) -> str:
    weighed = {name: count * _DENSE.get(name, 1.0) for name, count in letters.items()}
    kana, han = letters.get("Kana", 0), letters.get("Hani", 0)
    if kana > _KANA_IN_JAPANESE * (kana + han):
        weighed["Kana"] = weighed.get("Kana", 0.0) + weighed.pop("Hani", 0.0)
    return max(sorted(weighed), key=lambda name: weighed[name])


def _weigh(found: list[str], main: str) -> dict[str, float]:
    """Words of the main script in lower case, each with its weight."""
    mine = [word for word in found if script(word[0]) == main]
    capitalised = [word[0].isupper() for word in mine]
    names = capitalised.count(False) >= _LOWER_WORDS
    weights: dict[str, float] = {}
    for word, capital in zip(mine, capitalised, strict=True):
        weight = _NAME_WEIGHT if capital and names else 1.0
        lower = word.lower()
        weights[lower] = min(weights.get(lower, 0.0) + weight, _REPEATS)
    return weights


def _ask_cld2(sample: str) -> list[tuple[str, float]]:
    """Languages with their shares of the text, 0 to 1."""
    try:
        _, _, guesses = pycld2.detect(sample, bestEffort=True)
    except pycld2.error:
        return []
    return [(CLD2_CODES.get(code, code), percent / 100) for _, code, percent, _ in guesses if code != "un"]
