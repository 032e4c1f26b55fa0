"""One code for each language, whatever a source calls it.

ISO 639-1 where there is one, else 639-3: what CLDR's aliases make of a tag (`hrv`, `hr-HR` and `scr` are `hr`), without
script and region. Where sources differ on what counts as one language, `ONE` decides:

- Bokmål is `no`, as most sources label it, Nynorsk `nn`;
- all written Chinese but Cantonese (`yue`) is `zh`;
- Serbian is `sr` in both scripts, and so is Montenegrin;
- Dari is `fa`, Filipino `tl`, Northern Kurdish `ku` (Central Kurdish is `ckb`), all Fula `ff`;
- spoken Arabics are `ar`, the Berber languages of Morocco `zgh`.
"""

from __future__ import annotations

from functools import cache

from babel.core import get_global

ONE = {
    "nb": "no", "fil": "tl", "cnr": "sr", "wuu": "zh", "lzh": "zh", "zh-yue": "yue", "fub": "ff", "fuf": "ff",
    "fuv": "ff", "ffm": "ff", "mey": "ar", "arz": "ar", "ary": "ar", "apc": "ar", "acm": "ar", "aeb": "ar",
    "shi": "zgh", "tzm": "zgh", "ber": "zgh", "mww": "hmn", "hnj": "hmn", "mn-mong": "mn",
}  # fmt: skip
"""Decisions of ours, on codes and tags."""
_APART = frozenset({"sh", "cnr"})
"""Codes that CLDR takes for another language, in one script of it."""


@cache
def one_code(tag: str) -> str:
    """The code of the language that a BCP 47 tag or ISO 639 code names; its own first part where it is unknown."""
    tag = tag.strip().lower().replace("_", "-")
    if tag in ONE:
        return ONE[tag]
    base = tag.partition("-")[0]
    if base not in _APART:
        base = str(get_global("language_aliases").get(base) or base).partition("_")[0]
    return ONE.get(base, base)
