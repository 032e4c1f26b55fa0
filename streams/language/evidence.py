"""What speaks for each language in a text: the n-gram tables and CLD2, side by side."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pycld2
from numpy.typing import NDArray

from streams.language.ngrams import NgramModel
from streams.language.words import clean, letters_by_script, script, words

TITLE_LENGTH = 300
TEXT_PLACES, PLACE_LENGTH = 3, 140
"""Characters that are looked at: of a long text a piece out of each third, so that a notice in another language above
or below it does not decide. More changes no decision and costs time."""

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
_CANTONESE = re.compile(
    "[嘅咗喺嚟佢哋冇唔啲嘢咁噉嗰乜嘥攞俾搵諗嗌瞓啱咩]|依家|而家|尋日|聽日|琴日|點解|點樣|邊個|邊度|呢個|呢度|幾時|(?<![關联聯體])係(?![數統列])"
)
_CANTONESE_SHARE = 0.02
"""Of the characters: the marks of Cantonese are among its commonest, and in no other written Chinese."""
_KANA_IN_JAPANESE = 0.05
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
CLD2_CREDITS = {
    "ak": {"ee": 1.0}, "bs": {"hr": 0.7, "sr": 0.9}, "ceb": {"ilo": 0.3}, "hr": {"bs": 0.6, "sr": 0.3},
    "kha": {"hmn": 1.0}, "mi": {"ty": 0.9}, "ms": {"id": 0.3}, "ny": {"bem": 0.2}, "rw": {"bem": 0.2, "rn": 0.4},
    "so": {"ff": 0.3}, "sr": {"bs": 0.2, "hr": 0.2}, "tr": {"ku": 0.3}, "wo": {"ff": 0.3},
    "xh": {"bem": 0.2, "nd": 0.5, "nr": 0.2}, "zu": {"bem": 0.3, "nd": 0.9, "nr": 1.0},
}  # fmt: skip
"""How far CLD2's naming one language speaks for another, of which it says the same: for languages it does not know and
for those it mixes up. Measured on the Declaration of Human Rights: the share of the other's paragraphs that are so
named, against the share of the language's own."""
_CLD2_MISTAKEN = frozenset({"ku"})
"""Languages that CLD2 lists, but of whose texts it says something else."""
CLD2_KNOWS = (
    frozenset(CLD2_CODES.get(code, code) for name, code in pycld2.LANGUAGES if name in pycld2.DETECTED_LANGUAGES)
    - _CLD2_MISTAKEN
)

SIGNALS = (
    "letters", "letters_short", "letters_kin", "words", "words_short", "cld2", "cld2_long", "cld2_unknown",
)  # fmt: skip
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
    sample = clean(f"{title[:TITLE_LENGTH]} {_places(text)}")
    found = words(sample)
    if _shouts(found):
        sample = sample.lower()
        found = words(sample)
    letters = letters_by_script(found)
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
        cantonese = len(_CANTONESE.findall(sample)) > _CANTONESE_SHARE * count
        return Evidence(["yue" if cantonese else "zh"], np.zeros((1, len(SIGNALS))), count)
    table = model.tables[main]
    signals = np.zeros((len(table.languages), len(SIGNALS)))
    weights = _weigh(found, main)
    scores = table.score(list(weights))
    total = np.fromiter(weights.values(), np.float64, len(weights)) @ scores.reshape(len(weights), -1)
    total = total.reshape(2, -1)
    total -= total.max(axis=1, keepdims=True)
    # The same difference says more in a short text than in a long one, where it piles up.
    signals[:, 0], signals[:, 1] = total[0], total[0] / math.sqrt(count)
    # Between close languages, whose tables hold what tells them apart, letters say something else again.
    signals[:, 2] = total[0] - table.kin_means @ total[0]
    signals[:, 3], signals[:, 4] = total[1], total[1] / math.sqrt(count)
    column = {language: row for row, language in enumerate(table.languages)}
    for language, share in _ask_cld2(sample):
        for credited, credit in ((language, 1.0), *CLD2_CREDITS.get(language, {}).items()):
            if credited in column:
                signals[column[credited], 5] += share * credit
    signals[:, 6] = signals[:, 5] * math.log1p(count)
    signals[:, 7] = [language not in CLD2_KNOWS for language in table.languages]
    return Evidence(table.languages, signals, count)


def _places(text: str) -> str:
    if len(text) <= TEXT_PLACES * PLACE_LENGTH:
        return text
    part = len(text) // TEXT_PLACES
    pieces = []
    for place in range(TEXT_PLACES):
        start = place * part + (part - PLACE_LENGTH) // 2
        piece = text[start : start + PLACE_LENGTH]
        # Not half a word at either end, in scripts that have spaces.
        if " " in piece[:40]:
            piece = piece.partition(" ")[2]
        if " " in piece[-40:]:
            piece = piece.rpartition(" ")[0]
        pieces.append(piece)
    return " ".join(pieces)


def _shouts(found: list[str]) -> bool:
    capitals = sum(1 for word in found if len(word) > 1 and word.isupper())
    return capitals > 2 and 2 * capitals > len(found)


def _main_script(letters: dict[str, int]) -> str:
    weighed = {name: count * _DENSE.get(name, 1.0) for name, count in letters.items()}
    kana, han = letters.get("Kana", 0), letters.get("Hani", 0)
    if kana > _KANA_IN_JAPANESE * (kana + han):
        weighed["Kana"] = weighed.get("Kana", 0.0) + weighed.pop("Hani", 0.0)
    return max(sorted(weighed), key=lambda name: weighed[name])


def _weigh(found: list[str], main: str) -> dict[str, float]:
    """Words of the main script in lower case, each with its weight."""
    first_letters = {word[0] for word in found}
    letters = {letter for letter in first_letters if script(letter) == main}
    mine = found if letters == first_letters else [word for word in found if word[0] in letters]
    lower = [word.lower() for word in mine]
    capitalised = [word[0] != small[0] for word, small in zip(mine, lower, strict=True)]
    names = capitalised.count(False) >= _LOWER_WORDS
    weights: dict[str, float] = {}
    for word, capital in zip(lower, capitalised, strict=True):
        weight = _NAME_WEIGHT if capital and names else 1.0
        weights[word] = min(weights.get(word, 0.0) + weight, _REPEATS)
    return weights


def _ask_cld2(sample: str) -> list[tuple[str, float]]:
    """Languages with their shares of the text, 0 to 1."""
    try:
        _, _, guesses = pycld2.detect(sample, bestEffort=True)
    except pycld2.error:
        return []
    return [(CLD2_CODES.get(code, code), percent / 100) for _, code, percent, _ in guesses if code != "un"]
