"""Sentences, in all scripts: where one ends, and where a full stop does not end it."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SENTENCE = 600
"""Characters. A longer one (a list, a text without stops) is cut at its commas and spaces."""

_ENDS = re.compile(
    r"[。！？｡︒]+[”’」』）\"]*"  # Chinese, Japanese
    r"|[।॥။።፧؟۔៕]+[”’\"»]*"  # Devanagari and its kin, Myanmar, Ethiopic, Arabic, Urdu, Khmer
    r"|[.!?…;](?:[.!?…]*)[”’\"»)\]]*(?=\s|$)"
    r"|\n+"
)
_INITIAL = re.compile(r"(?:^|[\s(\"«„“.-])[^\W\d_]$")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"«„“])(?:u\.s|u\.k|u\.n|mr|mrs|ms|dr|prof|gen|lt|col|sen|rep|gov|st|no|vs|inc|ltd|co|corp|jr|sr|approx"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mln|bn|tr|z\.b|bzw|ca|usw|u\.a|d\.h|nr|abs|sog|mio|mrd|hr"
    r"|str|evtl|inkl|bl\.a|t\.ex|m\.fl|kl|resp|ung|f\.eks|mv|osv|bijv|o\.a|d\.w\.z|nl|dhr|mevr|m|mm|mme|av|env"
    r"|sr|sra|dña|ud|uds|ee\.uu|pág|aprox|art|núm|exmo|sig|dott|on|ing|г|гг|им|ул|руб|тыс|млн|млрд|долл|т\.е|т\.д|т\.п"
    r"|т\.к|т\.н|см|стр|св|проф|ген|р|рр|ст|тис|грн|вул|ім|np|tzw|m\.in|ul|r|godz|tys|pkt|dot|prof|tzn|např|tj|tzv|mj"
    r"|apod|resp|napr|atď|oz|npr|itd|itn|dr\.sc|др|тј|нпр|lt|pvz|t\.y|kun|mt|ns|esim|mm|ym|kl|pl|kb|stb|ún|ill|vö|dr"
    r"|bkz|vb|vs|yy|mad|κ|κκ|π\.χ|δηλ|αρ|δισ|εκατ|डॉ|श्री|डा|ডা|ড|মো|திரு|டாக்டர்|डॉ|ص|م|ק|ד\"ר)$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence's place: characters, end exclusive, without the white space around it."""

    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """The sentences of `text`, in order. Lines end sentences: in news they are paragraphs."""
    sentences: list[Sentence] = []
    begin = 0
    for match in _ENDS.finditer(text):
        mark = match.group()[0]
        if mark == "." and _stop_is_inside(text, begin, match.start(), match.end()):
            continue
        if mark == ";" and match.start() - begin < 200:
            continue
        _add(sentences, text, begin, match.end())
        begin = match.end()
    _add(sentences, text, begin, len(text))
    return sentences


def _stop_is_inside(text: str, begin: int, stop: int, end: int) -> bool:
    before = text[max(begin, stop - 14) : stop]
    after = text[end : end + 3].lstrip()
    if after and after[0].islower():
        return True
    if before[-1:].isdigit() and after[:1].isdigit():
        return True
    return bool(_INITIAL.search(before) or _ABBREVIATION.search(before))


def _add(sentences: list[Sentence], text: str, begin: int, end: int) -> None:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    while end - begin > MAX_SENTENCE:
        cut = _cut(text, begin, begin + MAX_SENTENCE)
        sentences.append(Sentence(begin, cut))
        begin = cut
        while begin < end and text[begin].isspace():
            begin += 1
    if end > begin:
        sentences.append(Sentence(begin, end))


def _cut(text: str, begin: int, limit: int) -> int:
    for marks in ("؛;；", "，、,،", " "):
        at = max(text.rfind(mark, begin + MAX_SENTENCE // 2, limit) for mark in marks)
        if at > 0:
            return at + 1
    return limit
