"""How words of a name may change in running text: what may stand before it, what may follow its stem.

Names are matched by a stem and a pattern for the rest of the word. The patterns are generous about case endings and
strict about length: a name is long enough that a wrong word rarely begins like it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

Rest = re.Pattern[str]

_SLAVIC_CYRILLIC: Final = ("ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "tg", "mn", "tt", "ba", "cv")
_ADJECTIVE_ENDINGS = ("ый", "ий", "ой", "ая", "яя", "ое", "ее", "ые", "ие", "ій", "ські")
_SLAVIC_LATIN = frozenset({"pl", "cs", "sk", "sl", "hr", "bs", "sh", "hsb"})
_TURKIC_CYRILLIC = frozenset({"kk", "ky", "tt", "ba", "cv", "mn", "tg"})
_ROMANCE = frozenset({"fr", "es", "pt", "it", "ca", "gl", "ro"})
_FINNIC = frozenset({"fi", "et"})
_COMPOUNDING = frozenset({"de", "nl", "sv", "da", "nb", "nn", "no", "is", "fi", "et", "af", "lb", "hu"})

_CYRILLIC_ENDING = r"[аяоеиыйьіїєуюэ]{0,3}(?:м|х|ми|в|го|му|т|та|то|те)?"
_SLAVIC_ADJECTIVE = (
    r"|[а-яіїєј]{0,4}?(?:ск|ськ|цк|цьк|зьк|шк|чк)[а-яіїєј]{0,4}"
    r"|[а-яіїє]{0,3}?(?:ец|цев|ц[аыуеиіїюями]{1,3}|цем|нин[а-яі]{0,3}|нк[а-яі]{1,3})"
)
_SLAVIC_STEM = r"|[яиай]{0,2}(?:ц[аыуеиіїюями]{1,4}|к[аиуоеії]{1,3}|ин[аиуоеы]{1,3})|[яю]н[а-я]{0,4}"
_ROMANCE_STEM = r"[aeiou]{0,2}s?|n?nes?|ns|i?lor|ul|ului|ii|ei|ilor|esc|easca|esti|ce|che|chi|ques?"
_LATIN_SLAVIC_ENDING = r"[aeiouyj]{0,3}(?:m|ch|mi|h|w|v|ga|mu|ho|ma|ju|om|em)?"
_LATIN_SLAVIC_ADJECTIVE = r"|[a-z]{0,4}?(?:sk|ck|zk|nsk)[a-z]{0,4}"
_TURKIC_LATIN = (
    r"(?:n?[iu]n|[dt][ae]n?|[yn]?[ae]|[yn]?[iu]|l[iu]|l[ae]r|s[iu]z?|yl[ae]|l[iu]k|c[ae]|m[iu]z|ki|deki|daki){0,4}"
)
_TURKIC_CYRILLIC_REST = (
    r"(?:[ндт][ыіиоуүө][ңн]|ға|ге|қа|ке|на|не|[дт][аеоөэ]?|[дтн][аеоөэ]н|г[оө]|к[оө]|т[аеоө]й|[ндт][ыі]|[мбп]ен|[дтл][ыі]қ?к?|[лдт][ае]р|н[иы]|г[аэ]|"
    r"[аыиеу]|ийн|ын|ой|ов|ом|ск[а-я]{1,3}|да|ро|и){0,4}"
)
_HUNGARIAN = (
    r"(?:[aeiou]?k|[aeiou]?t|n[ae]k|b[ae]n?|r[ae]|[aeiou]?n|h[oe]z|t[ou]l|b[ou]l|r[ou]l|@[ae]l|ig|"
    r"ert|i|j?[ae]|sz?a?g[a-z]{0,3}|kent|nel|nal|beli|[ae]s|u[lk]){0,3}"
)
_FINNIC_REST = (
    r"(?:i?n|[tdl]?[ae]|i?ss[ae]|i?st[ae]|[aeiou]n|hin|i?ll[ae]|i?lt[ae]|i?lle|i?ksi|n[ae]|tt[ae]|l[ae]i[a-z]{1,6}|t|"
    r"i?l|i?le|i?lt|s|st|sse|ni|ga|lased|laste|lane)(?:ki|kin|kaan)?|"
)
_KOREAN: Final = (
    r"(?:은|는|이|가|을|를|의|에|에서|에게|에는|에도|과|와|도|로|으로|인|인들|군|산|제|측|만|까지|부터|이나|나|간|행|정부|당국|"
    r"대통령|외무부|국방부|발|내|계|식|형|급|보다|처럼|에만|에서는|으로부터|로부터|이라고|라고|이다|과의|와의|에서의|에의|으로의|로의|"
    r"들|들은|들이|들의)?"
)
_BENGALI = r"(?:র|ের|ে|তে|কে|য়|য়ের|ও|ই|রা|দের|টি|টির|ভাবে|সহ|েও|েই|ি|ীয়)?"
_GEORGIAN_ENDING = (
    r"(?:ს|მ|მა|ის|ისა|ით|ად|თ)?(?:ში|ზე|თან|იდან|დან|კენ|თვის|გან|მდე|ვე|ც|აც|აა)?|"
    r"(?:ელ|ურ|ულ)(?:ებ)?(?:ი|მა|ს|ის|ისა|ით|ად|ო|მ)?(?:ც|ა|თან|თვის|გან|ში|ზე)?|ებ(?:ი|ს|მა|ის|ით)?"
)
_AGGLUTINATIVE = r"\S{0,9}"

_PREFIXED: Final[dict[str, frozenset[str]]] = {
    "arabic": frozenset(
        a + b + c
        for a in ("", "و", "ف", "ا")
        for b in ("", "ب", "ك", "ل", "س")
        for c in ("", "ال", "ل")
        if not (b == "" and c == "ل" and a == "ا")
    ),
    "hebrew": frozenset(
        a + b + c for a in ("", "ו") for b in ("", "ש", "כש", "מה", "לכש") for c in ("", "ה", "ב", "ל", "מ", "כ")
    ),
    "ethiopic": frozenset({"", "የ", "በ", "ለ", "ከ", "እና", "ወደ", "ስለ", "እንደ", "የበ", "የከ", "ከነ", "በነ"}),
}
UNSPACED: Final = frozenset({"han", "kana", "thai", "lao", "khmer", "burmese", "tibetan"})

_SCRIPT_RANGES: Final = (
    (0x0041, 0x024F, "latin"), (0x0370, 0x03FF, "greek"), (0x0400, 0x052F, "cyrillic"), (0x0530, 0x058F, "armenian"),
    (0x0590, 0x05FF, "hebrew"), (0x0600, 0x077F, "arabic"), (0x08A0, 0x08FF, "arabic"), (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bengali"), (0x0A00, 0x0A7F, "gurmukhi"), (0x0A80, 0x0AFF, "gujarati"),
    (0x0B00, 0x0B7F, "oriya"), (0x0B80, 0x0BFF, "tamil"), (0x0C00, 0x0C7F, "telugu"), (0x0C80, 0x0CFF, "kannada"),
    (0x0D00, 0x0D7F, "malayalam"), (0x0D80, 0x0DFF, "sinhala"), (0x0E00, 0x0E7F, "thai"), (0x0E80, 0x0EFF, "lao"),
    (0x0F00, 0x0FFF, "tibetan"), (0x1000, 0x109F, "burmese"), (0x10A0, 0x10FF, "georgian"),
    (0x1100, 0x11FF, "hangul"), (0x1200, 0x139F, "ethiopic"), (0x1780, 0x17FF, "khmer"), (0x1E00, 0x1EFF, "latin"),
    (0x1F00, 0x1FFF, "greek"), (0x3040, 0x30FF, "kana"), (0x3400, 0x9FFF, "han"), (0xAC00, 0xD7AF, "hangul"),
    (0xF900, 0xFAFF, "han"), (0x20000, 0x3FFFF, "han"),
)  # fmt: skip
CASED: Final = frozenset({"latin", "greek", "cyrillic", "armenian"})


_ALIKE: Final[dict[str, dict[str, str]]] = {
    "latin": {
        **dict.fromkeys(("pl", "cs", "sk", "sl", "hr", "bs", "sh", "sr", "hsb"), "pl"),
        **dict.fromkeys(("tr", "az", "uz", "tk"), "tr"),
        **dict.fromkeys(("fi", "et"), "fi"),
        **dict.fromkeys(("lt", "lv"), "lt"),
        **dict.fromkeys(("sq", "eu"), "sq"),
        **dict.fromkeys(("de", "nl", "sv", "da", "nb", "nn", "no", "is", "af", "lb"), "de"),
        "hu": "hu", "ro": "ro",
    },
    "cyrillic": dict.fromkeys(("kk", "ky", "tt", "ba", "cv", "mn", "tg"), "kk"),
    "arabic": dict.fromkeys(("fa", "ps", "ckb", "ur", "sd", "ug"), "fa"),
    "devanagari": dict.fromkeys(("mr", "ne"), "mr"),
}  # fmt: skip
_OF_SCRIPT: Final = {"cyrillic": "ru", "arabic": "ar"}


ENDS_INFLECTED: Final = frozenset({"tr", "az", "uz", "tk", "hu"})
"""Only the last word of a name takes endings."""


def inflects_like(language: str, script: str) -> str:
    """The language whose endings stand for this one's where a name is not marked with a language: there are few of
    these, so that their lexicons fit in memory."""
    return _ALIKE.get(script, {}).get(language, _OF_SCRIPT.get(script, "und"))


@cache
def script_of(character: str) -> str:
    """The script of a letter, `other` for anything else."""
    code = ord(character)
    for low, high, name in _SCRIPT_RANGES:
        if low <= code <= high:
            return name
    return "other"


def script_of_name(name: str) -> str:
    """The script of a name: that of its first letter that has one; digits do not count."""
    for character in name:
        if character.isalpha():
            script = script_of(character)
            if script != "other":
                return script
    return "latin"


def prefixes(script: str) -> frozenset[str] | None:
    """What may be written together with a name, before it; None where nothing may."""
    return _PREFIXED.get(script)


class WordForm(NamedTuple):
    """One word of a name: the part that stays, and what may follow it up to the word's end (None: nothing)."""

    stem: str
    rest: Rest | None


def _rest(pattern: str) -> Callable[[], Rest]:
    return cache(lambda: re.compile(pattern))


_STEM_REST = _rest(r"\S{0,6}")
_DRAVIDIAN_REST = r"\S{0,14}"
_DRAVIDIAN: Final = frozenset({"ta", "te", "kn", "ml", "si"})


def stem_form(stem: str, language: str) -> WordForm:
    """A stem that the tables mark as one."""
    script = script_of_name(stem)
    if script == "cyrillic" and language in _SLAVIC_CYRILLIC and language not in _TURKIC_CYRILLIC:
        return WordForm(stem, _pattern(_CYRILLIC_ENDING + _SLAVIC_ADJECTIVE + _SLAVIC_STEM))
    if script == "latin" and language in _ROMANCE:
        return WordForm(stem, _pattern(_ROMANCE_STEM))
    if script == "latin" and language == "en":
        return WordForm(stem, _pattern("s?|ns?|men|man"))
    if script == "latin" and language == "hu":
        return WordForm(stem, _pattern(_hungarian(stem) + "|orszag[a-z]{0,6}"))
    if script == "arabic" and language == "ar":
        return WordForm(stem, _pattern("(?:ا|ه|ي|يه|يا|يون|يين|يات|يتين|ين|ت|ان|ن)?"))
    if script == "latin" and language in ("de", "nl", "sv", "da", "nb", "nn", "no"):
        return WordForm(stem, _pattern(r"[a-z]{0,3}" if len(stem) < 6 else r"[a-z]{0,9}"))
    return WordForm(stem, _pattern(_DRAVIDIAN_REST) if language in _DRAVIDIAN else _STEM_REST())


@cache
def _pattern(text: str) -> Rest:
    return re.compile(text)


@cache
def word_form(word: str, language: str, *, adjectives: bool = False, compounds: bool = False) -> WordForm:
    """How a normalized word of a name may end in a text of the language.

    `adjectives` lets adjectives and inhabitants made from the word pass (Slavic), `compounds` lets another word be
    written on to it (German and its like); both are for countries and cities.
    """
    script = script_of_name(word)
    if word[-1].isnumeric() or len(word) < (2 if script == "hangul" else 3):
        return WordForm(word, None)
    if script == "cyrillic":
        return _cyrillic(word, language, adjectives)
    if script == "latin":
        return _latin(word, language, adjectives, compounds)
    if script == "greek":
        stem = word[:-1] if word[-1] in "ασηοςυι" and len(word) > 4 else word
        stem = stem[:-1] if stem[-1] in "οαηιυ" and len(stem) > 4 and word[-1] in "σς" else stem
        return WordForm(stem, _pattern(r"[αεηιουωνσς]{0,4}" + (r"|\S{0,6}" if adjectives and len(stem) > 4 else "")))
    if script == "hangul":
        return WordForm(word, _pattern(r"\S{0,6}") if len(word) >= 4 else _pattern(_KOREAN))
    if script == "arabic":
        if word[-1] in "اهي" and len(word) > 4 and language in ("ar", "fa", "ckb", "ps"):
            return WordForm(
                word[:-1], _pattern("(?:ا|ه|ي|يه|يا|يون|يين|يات|يتين|ين|ت)?" if adjectives else "(?:ا|ه|ي|ت)")
            )
        if adjectives or language in ("fa", "ps", "ckb"):
            return WordForm(word, _pattern("(?:ي|يه|يا|يون|يين|يات|ها|هاي|ين|هم|اي|ان)?"))
        return WordForm(word, _pattern("(?:ه|ها|هم|ين|ون|ات|ي|نا)?" if len(word) > 3 else "ه?"))
    if script == "hebrew":
        return WordForm(word, _pattern("(?:י|ית|ים|יים|יות|ות|ה)?" if adjectives or len(word) > 3 else "(?:ים|ות|י)?"))
    if script in ("devanagari", "gurmukhi", "gujarati"):
        if language == "mr" or language == "ne":
            return WordForm(word, _pattern(_AGGLUTINATIVE) if len(word) > 3 else _pattern(r"\S{0,3}"))
        return WordForm(word, _pattern(r"(?:ी|ियों|ि|यों|ों|े|ई|ીય|ના|ની|નું|નો|માં|થી|ને|એ|ે|ीय|ન)?"))
    if script == "bengali":
        return WordForm(word, _pattern(_BENGALI))
    if script in ("tamil", "telugu", "kannada", "malayalam", "sinhala"):
        # The silent last consonant takes the vowel of the ending.
        stem = word[:-1] if word[-1] in "\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\u0bc8\u0bbe" and len(word) > 3 else word
        # Short ones begin many words, in Tamil above all, which has few letters.
        long_enough = len(stem) > (4 if script == "tamil" else 3)
        return WordForm(stem, _pattern(_DRAVIDIAN_REST)) if long_enough else WordForm(word, None)
    if script == "georgian":
        return _georgian(word)
    if script == "armenian":
        stem = word[:-1] if word[-1] in "աեէիոուօ" and len(word) > 4 else word
        return WordForm(stem, _pattern(r"\S{0,6}") if len(stem) > 3 else _pattern(r"\S{0,3}"))
    if script == "ethiopic":
        return WordForm(word, _pattern(r"\S{0,4}") if len(word) > 2 else _pattern("[ንም]?"))
    return WordForm(word, None)


def _georgian(word: str) -> WordForm:
    """Without capitals and with short roots, words begin like names all the time: only real endings pass."""
    last = word[-1]
    if last not in "აეიოუ" or len(word) <= 4:
        return WordForm(word, _pattern(f"ი?(?:{_GEORGIAN_ENDING})" if last not in "აეიოუ" else _GEORGIAN_ENDING))
    # A last `i` is an ending already; other vowels go before endings that begin with one.
    return WordForm(word[:-1], _pattern(f"(?=.){last}?(?:{_GEORGIAN_ENDING})"))


def _hungarian(word: str) -> str:
    """`-val` takes the name's last consonant: Trumppal, Londonnal."""
    return _HUNGARIAN.replace("@", "v" if word[-1] in "aeiou" else word[-1])


def _cyrillic(word: str, language: str, adjectives: bool) -> WordForm:
    if language in _TURKIC_CYRILLIC:
        return WordForm(word, _pattern(_TURKIC_CYRILLIC_REST))
    more = _SLAVIC_ADJECTIVE if adjectives else ""
    if word.endswith(_ADJECTIVE_ENDINGS) and len(word) > 4 and not adjectives:
        return WordForm(word[:-2], _pattern(r"[аяоеиыйіїуює]{2,3}[мх]?и?|ого|его|ому|ему|ої|ій"))
    if word[-1] in "аяьй" and len(word) > 4:
        return WordForm(word[:-1], _pattern(f"(?=.)(?:{_CYRILLIC_ENDING}{more})"))
    if adjectives and word[-1] in "ая" and len(word) in (3, 4):
        return WordForm(word[:-1], _pattern("[аяиыуюіеї]|[оеє][юй]"))
    if word[-1] in "ыиі" and len(word) > 4 and not adjectives:
        return WordForm(word[:-1], _pattern(_CYRILLIC_ENDING))
    if word[-1] in "оеэуюиыі":
        return WordForm(word, _pattern("(?:м|х|в|й)?" + (more if len(word) > 4 else "")))
    return WordForm(word, _pattern(_CYRILLIC_ENDING + (more if len(word) > 3 else "")))


def _latin(word: str, language: str, adjectives: bool, compounds: bool) -> WordForm:
    if language in _SLAVIC_LATIN or (language == "sr"):
        more = _LATIN_SLAVIC_ADJECTIVE if adjectives else ""
        if word[-1] in "aeoy" and len(word) > 4:
            return WordForm(word[:-1], _pattern(f"(?=.)(?:{_LATIN_SLAVIC_ENDING}{more})"))
        return WordForm(word, _pattern(_LATIN_SLAVIC_ENDING + (more if len(word) > 3 else "")))
    if language in ("tr", "az", "uz", "tk"):
        return WordForm(word, _pattern(_TURKIC_LATIN))
    if language == "hu":
        return WordForm(word, _pattern(_hungarian(word) + (r"|[a-z]{3,}" if compounds and len(word) > 6 else "")))
    if language in _FINNIC:
        more = r"|[a-z]{3,}" if compounds and len(word) > 6 else ""
        return WordForm(word, _pattern(_FINNIC_REST + more))
    if language in ("lt", "lv"):
        for ending in ("ija", "as", "is", "us", "os", "a", "e", "s", "i"):
            if word.endswith(ending) and len(word) - len(ending) > 3:
                return WordForm(word[: -len(ending)], _pattern(r"[a-z]{1,5}"))
        return WordForm(word, _pattern(r"[a-z]{0,4}"))
    if language in ("ro", "mo"):
        if word[-1] == "a" and len(word) > 4:
            return WordForm(word[:-1], _pattern("a|ei|e"))
        return WordForm(word, _pattern("(?:ul|ului|le|lui|lor|i|ilor)?"))
    if language in ("sq", "eu"):
        cut = word[-1] in "ea" and len(word) > 4
        return WordForm(word[:-1] if cut else word, _pattern(r"[a-z]{1,4}" if cut else r"[a-z]{0,4}"))
    if language == "is" and word[-1] == "a" and len(word) > 4:
        return WordForm(word[:-1], _pattern("[au]|ur|um"))
    if language in _COMPOUNDING:
        more = r"|[a-z]{3,}" if compounds and len(word) > 6 else ""
        return WordForm(word, _pattern("(?:s|es|n|en|er|ern|e)?" + more))
    if language in ("en", "fr", "es", "pt", "it", "ca", "gl"):
        return WordForm(word, _pattern("s?"))
    if language in ("id", "ms"):
        return WordForm(word, _pattern("(?:nya)?"))
    return WordForm(word, None)
