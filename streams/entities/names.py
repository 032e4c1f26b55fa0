"""Names that no table knows, in Slavic languages: runs of capitalised words, and what they are by the words around them.

A body begins with or around a word for one (Krajský soud v Ostravě, Министерство обороны); a run of two capitalised
words is a person unless something says otherwise; a single word is what its neighbours make it, or what a longer name
in the same text says it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal, NamedTuple

import wordfreq

from streams.entities.surroundings import ends_like_surname, is_given, is_patronymic, kinds
from streams.entities.slavic import latinised, same

Kind = Literal["person", "place", "organization"]

_WORD: Final = re.compile(r"[^\W_]+(?:['’ʼ‑-][^\W_]+)*")
_SENTENCE_END: Final = re.compile(r"[.!?…:][\"'“”»«)\]]*\s+[\"'„“”«»(–—-]*\s*$|\n\s*[\"'„“”«»(–—-]*\s*$|^\W*$")
_ABBREVIATIONS: Final = frozenset(
    "prof dr mgr ing gen plk pulk kpt asp im ul pl al g str sv bp kard hr st mjr por ppor mec inz red abp ks szer sierz "
    "insp nadkom kom podinsp odst mudr judr phdr rndr doc csc npor pplk mir akad bul obl kv vul obl ris dipl mag sp nl "
    "проф др ген г ул акад пл бул вул обл пр им тов ред полк подполк м с р кв о св доц инж д ".split()
)
_OPEN: Final = "«„“\"»‚”'"
_CLOSE: Final = "»“”\"«'"
_ROMAN: Final = re.compile(r"^[IVXLCМХІ]+$")
_NOT_ACRONYMS: Final = frozenset(
    "TV DPH COVID AIDS DNA HIV VIP SMS USB PDF GPS HDP PKB BDP DDV OK QR IT PC CEO CD DVD UV ID WC ATM LGBT LGBTI FAQ GDP "
    "RNA PCR VAT PIT CIT ROD CET GMT BMW BMP ВВП ДНК ВИЧ ВІЛ СМИ ЗМІ ДТП ПДВ НДС ДДС РНК ПЛР ЛГБТ ПЗРК БТР БМП РСЗВ АЭС "
    "АЕС ГЭС ГЕС ТЭЦ ТЕЦ ЖКХ НЛО СПГ ППО ПВО БПЛА ФИО ІПН ИНН ЕГН ТРЦ МПС ЧП ВОВ ООО ТОВ ЕООД ООД АД АО ПАО ОАО ЗАО ПрАТ "
    "ПАТ КП ГУП ФГУП МУП ИП ФОП".split()
)
_LEGAL: Final = re.compile(
    r",?\s(?:spol\.\ss\s?r\.\s?o\.|s\.\s?r\.\s?o\.|a\.\s?s\.|Sp\.\sz\s?o\.\s?o\.|S\.\s?A\.|d\.\s?o\.\s?o\.|d\.\s?d\.|"
    r"GmbH|AG|Ltd\.?|Inc\.?|LLC|PLC|plc|SA|SE|AD|АД|ЕООД|ООД|ЕАД|в\.\s?д\.)(?!\w)"
)
_FORM_BEFORE: Final = frozenset("ООО ТОВ ЗАО ОАО ПАО АО ПрАТ ПАТ ЕООД ООД АД ИП ФГУП ГУП МУП КП ДП".split())
_PARTICLES: Final = frozenset(
    "von van de der den del della di da dos du la al el bin ibn ten ter af d' ван вон фон де дер ден ла ди да аль ель бин "
    "ибн уль эль ібн бін".split()
)
_MOST_QUOTED: Final = 5
_ADJECTIVE: Final = re.compile(r"(?:[aieo]|ego|ogo|omu|emu|im|ih|iem|om|em|oga|ou|oi|ata|oto|ite|iat|ia|ie|ii|o[gm]a|ega|emu|at)$")
_ADJECTIVAL: Final = re.compile(r"(?:sk|ck|n|ov|ev|zk|rn|ln|sn|vn|tn|ij)(?:i|a|e|o|ego|ogo|omu|emu|im|ih|om|em|ou|oi|u|oga|ega|ata|oto|ia|iat)$")
_PREPOSITION_OF_PLACE: Final = frozenset({"v", "ve", "vo", "vav"})
_SUFFIX_OF_PLACE: Final = re.compile(
    r"(?:grad|gorod|burg|berg|abad|polis|pol|sk|ck|ice|icah|icih|icim|any|ovo|evo|ovce|ovcih|hrad|stan|land|nia|sina|zzia|ia|iia)"
    r"(?:a|u|e|i|em|om|ou|oi|ie|ii|iu|ah|ih)?$"
)


class Found(NamedTuple):
    """A name in the text."""

    start: int
    end: int
    kind: Kind
    sure: bool


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    latin: str
    capital: bool
    first: bool
    """Begins a sentence, a title or a quotation."""
    gap: str
    """What stands between the word before and this one."""


def find(text: str, language: str, places: frozenset[tuple[int, int]]) -> list[Found]:
    """Names of persons, places and bodies in a text of a Slavic language.

    Args:
        text: title, newline, body.
        language: one of streams.entities.slavic.LANGUAGES.
        places: spans that the tables know as places.
    """
    words = _words(text)
    if not words:
        return []
    reader = _Reader(text, words, frequent(language), places)
    return reader.read()


@cache
def frequent(language: str) -> frozenset[str]:
    """Words so common in the language that at a sentence's start they are no name, latinised."""
    source = {"hr": "sh", "bs": "sh", "sr": "sh", "be": "ru"}.get(language, language)
    listed = wordfreq.get_frequency_list(source, "small")
    return frozenset(latinised(word) for group in listed[:_COMMON] for word in group)


_COMMON: Final = 480
"""Centibels below certainty: wordfreq's groups are a centibel apart."""


def _words(text: str) -> list[_Word]:
    words: list[_Word] = []
    last = 0
    for match in _WORD.finditer(text):
        start = match.start()
        word = match.group()
        capital = word[0].isupper()
        gap = text[last:start]
        first = False
        if capital:
            first = _begins(gap, words[-1] if words else None, text[max(0, last - 1) : start])
        words.append(_Word(start, match.end(), word, latinised(word) if capital else "", capital, first, gap))
        last = match.end()
    return words


def _begins(gap: str, before: _Word | None, around: str) -> bool:
    if before is None or "\n" in gap:
        return True
    stripped = gap.strip(" \u00a0")
    if not stripped:
        return False
    if stripped[0] == "." and len(stripped) == 1:
        if len(before.text) == 1 and before.capital:
            return False
        return before.text.lower() not in _ABBREVIATIONS
    if stripped[0] in ".!?…":
        return True
    return ":" in stripped and any(c in _OPEN for c in stripped)


class _Reader:
    def __init__(
        self, text: str, words: list[_Word], frequent: frozenset[str], places: frozenset[tuple[int, int]]
    ) -> None:
        self._text = text
        self._words = words
        self._frequent = frequent
        self._places = places
        self._place_starts = {start for start, _ in places}
        self._found: list[Found] = []
        self._open: list[tuple[int, int]] = []
        """Runs that nothing around them explains: first and last word."""
        self._shouting = self._lines_in_capitals()

    def read(self) -> list[Found]:
        index = 0
        while index < len(self._words):
            word = self._words[index]
            if not word.capital or self._shouted(word):
                index += 1
                continue
            index = (
                self._quoted(index)
                or self._body(index)
                or self._run(index)
            )
        self._settle()
        return sorted(self._found)

    # -- capitals that say nothing

    def _lines_in_capitals(self) -> list[tuple[int, int]]:
        found = []
        start = 0
        for line in self._text.split("\n"):
            letters = [c for c in line if c.isalpha()]
            if len(letters) > 12 and sum(c.isupper() for c in letters) > len(letters) * 0.6:
                found.append((start, start + len(line)))
            start += len(line) + 1
        return found

    def _shouted(self, word: _Word) -> bool:
        return any(start <= word.start < end for start, end in self._shouting)

    # -- names in quotation marks

    def _quoted(self, index: int) -> int | None:
        word = self._words[index]
        gap = word.gap
        if not gap or gap[-1] not in _OPEN or word.first:
            return None
        last = index
        while last + 1 < len(self._words) and last - index < _MOST_QUOTED:
            following = self._words[last + 1].gap
            if following and following[0] in _CLOSE:
                break
            if following.strip(" \u00a0&-–+'’"):
                return None
            last += 1
        end = self._words[last].end
        if self._text[end : end + 1] not in _CLOSE or end >= len(self._text):
            return None
        after = self._text[end + 1 : end + 5]
        if re.match(r",?\s*[–—-]\s|,\s", after) and last > index:
            follower = self._lower(last + 1)
            if follower and "says" in kinds(follower):
                return None
        before = self._kinds_before(index, reach=2)
        if "thing" in before and "firm" not in before and "body" not in before:
            return last + 1
        if last == index and word.latin in self._frequent and not (before & {"firm", "body"}) and not word.text.isupper():
            return last + 1 if gap.strip(" ")[:1] in ".,;" else self._take(index, last, "organization", sure=False)
        if "place" in before and not before & {"firm", "body"}:
            return self._take(index, last, "place", sure=True)
        return self._take(index, last, "organization", sure=bool(before & {"firm", "body"}))

    # -- bodies

    def _body(self, index: int) -> int | None:
        head = self._head(index)
        if head is None:
            return None
        last = self._continued(head)
        word = self._words[index]
        if last == index:
            if word.first or word.latin in _NEVER_ALONE or "role" in kinds(word.latin):
                return None
            if "body" not in kinds(word.latin) or "field" in kinds(word.latin):
                return None
            return self._take(index, last, "organization", sure=False)
        return self._take(index, last, "organization", sure=True)

    def _head(self, index: int) -> int | None:
        """The word for a body that a name beginning here has: this word, or one after adjectives."""
        word = self._words[index]
        if (word.start, word.end) in self._places and not word.first and not _ADJECTIVAL.search(word.latin):
            return None
        own = kinds(word.latin)
        if "body" in own and not (own & {"field"} and self._next_is_body(index)):
            return index
        if is_given(word.latin) and "field" not in own:
            return None
        if not _ADJECTIVE.search(word.latin):
            return None
        if word.first and "field" not in own and not self._words_capital(index + 1):
            return None
        for step in (1, 2, 3):
            at = index + step
            if at >= len(self._words) or self._words[at].gap not in (" ", "\u00a0"):
                return None
            latin = self._latin(at)
            if "body" in kinds(latin) and not ("field" in kinds(latin) and step < 3 and self._next_is_body(at)):
                adjectival = _ADJECTIVAL.search(word.latin) or "field" in own
                return at if adjectival and "role" not in own else None
            if not _ADJECTIVE.search(latin) or not (_ADJECTIVAL.search(latin) or "field" in kinds(latin)):
                return None
        return None

    def _next_is_body(self, index: int) -> bool:
        return (
            index + 1 < len(self._words)
            and self._words[index + 1].gap == " "
            and "body" in kinds(self._latin(index + 1))
        )

    def _words_capital(self, index: int) -> bool:
        return index < len(self._words) and self._words[index].capital and self._words[index].gap == " "

    def _continued(self, head: int) -> int:
        """The last word of a body's name whose word for it is `head`."""
        last = head
        while last + 1 < len(self._words):
            following = self._words[last + 1]
            if following.first:
                break
            if following.gap and following.gap[-1] in _OPEN and following.gap[:-1] == " " and following.capital:
                close = self._closing(last + 1)
                if close is None:
                    break
                return close
            if following.gap not in (" ", "\u00a0"):
                break
            latin = self._latin(last + 1)
            found = kinds(latin)
            if following.capital:
                if "role" in found and not found & {"body", "field"}:
                    break
                if is_given(latin) and self._words_capital(last + 2) and last == head:
                    break
                last += 1
                continue
            if "field" in found and "says" not in found:
                last += 1
                continue
            if "body" in found and last == head and self._reaches(last + 1):
                last += 1
                continue
            if "of" in found and self._reaches(last + 1, prepositions=latin in _PREPOSITION_OF_PLACE):
                last += 2
                continue
            break
        return last

    def _reaches(self, index: int, *, prepositions: bool = False) -> bool:
        """The word after a preposition belongs to the body's name."""
        at = index + 1
        if at >= len(self._words) or self._words[at].gap not in (" ", "\u00a0"):
            return False
        word = self._words[at]
        if word.capital:
            return prepositions or self._latin(index) in ("imeni", "im", "imena")
        found = kinds(self._latin(at))
        return not prepositions and "field" in found and "says" not in found

    def _closing(self, index: int) -> int | None:
        for last in range(index, min(index + _MOST_QUOTED, len(self._words))):
            end = self._words[last].end
            if self._text[end : end + 1] in _CLOSE and end < len(self._text):
                return last
        return None

    # -- other runs of capitalised words

    def _run(self, index: int) -> int:
        last = index
        words = self._words
        while last + 1 < len(words):
            following = words[last + 1]
            if following.capital and self._joins(following, words[last]) and not following.first:
                if self._head(last + 1) == last + 1 and "role" not in kinds(following.latin) and last > index:
                    break
                last += 1
                continue
            if (
                not following.capital
                and following.text in _PARTICLES
                and following.gap == " "
                and last + 2 < len(words)
                and words[last + 2].capital
                and words[last + 2].gap in (" ", "-")
                and not words[last + 2].first
            ):
                last += 2
                continue
            if (
                not following.capital
                and following.text in _PARTICLES
                and following.gap == " "
                and last + 3 < len(words)
                and words[last + 2].text in _PARTICLES
                and words[last + 3].capital
            ):
                last += 3
                continue
            if following.text.isdigit() and following.gap == " " and words[last].text.isupper() and len(words[last].text) > 1 and len(following.text) < 3:
                last += 1
            break
        first = index
        while first <= last and self._dropped(first, last):
            first += 1
        if first <= last:
            self._classify(first, last)
        return last + 1

    @staticmethod
    def _joins(following: _Word, before: _Word) -> bool:
        if following.gap in (" ", "\u00a0"):
            return True
        if following.gap == " & ":
            return True
        return following.gap in (". ", ".") and len(before.text) == 1

    def _dropped(self, index: int, last: int) -> bool:
        """A title, or a common word that is capitalised only because a sentence begins."""
        word = self._words[index]
        found = kinds(word.latin)
        if "role" in found and index < last and not is_given(word.latin):
            return True
        if word.text in _FORM_BEFORE:
            return True
        if not word.first:
            return False
        if index == last:
            return word.latin in self._frequent and not is_given(word.latin)
        if is_given(word.latin):
            return False
        return word.latin in self._frequent or bool(found & {"role", "in", "near", "of", "says", "place"})

    def _classify(self, first: int, last: int) -> None:
        words = self._words[first : last + 1]
        legal = _LEGAL.match(self._text, words[-1].end)
        if legal is not None:
            end = legal.end()
            self._found.append(Found(words[0].start, end, "organization", True))
            return
        if len(words) == 1:
            self._single(first)
            return
        text = self._text[words[0].start : words[-1].end]
        before = self._kinds_before(first, reach=1)
        given = is_given(words[0].latin)
        ending = any("ending" in kinds(w.latin or latinised(w.text)) for w in words)
        if "&" in text or any(w.text.isdigit() for w in words):
            kind: Kind = "organization"
        elif given and not (ending and "role" not in before):
            kind = "person"
        elif ending:
            kind = "organization"
        elif "role" in before or any(is_patronymic(w.latin) for w in words[1:]):
            kind = "person"
        elif before & {"place"}:
            kind = "place"
        elif before & {"firm", "body"}:
            kind = "organization"
        elif "in" in before:
            kind = "place"
        elif _acronym(words[0]) or _acronym(words[-1]):
            kind = "organization"
        elif _ADJECTIVAL.search(words[0].latin) and not ends_like_surname(words[-1].latin):
            kind = "place" if "near" in before else "organization"
        else:
            kind = "person"
        if kind == "person" and len(words) > 4:
            return
        self._take(first, last, kind, sure=given or "role" in before or kind != "person")

    def _single(self, index: int) -> None:
        word = self._words[index]
        if word.text.upper() in _NOT_ACRONYMS or len(word.text) < 2 or (_ROMAN.match(word.text) and len(word.text) < 5):
            return
        if (word.start, word.end) in self._places:
            return
        before = self._kinds_before(index, reach=2)
        near = self._kinds_before(index, reach=1)
        if _acronym(word) and not word.gap.endswith("-"):
            self._take(index, index, "organization", sure="in" not in near)
            return
        if word.first:
            self._open.append((index, index))
            return
        if "thing" in near:
            return
        if "role" in near and not is_given(word.latin):
            self._take(index, index, "person", sure=True)
        elif "place" in near:
            self._take(index, index, "place", sure=True)
        elif "firm" in near:
            self._take(index, index, "organization", sure=True)
        else:
            self._open.append((index, index))

    # -- what is left: by the other names of the text, then by what stands around

    def _settle(self) -> None:
        persons: list[str] = []
        others: dict[Kind, list[str]] = {"organization": [], "place": []}
        middle: list[str] = [w.latin for w in self._words if w.capital and not w.first]
        for name in self._found:
            latins = [latinised(m.group()) for m in _WORD.finditer(self._text[name.start : name.end])]
            if name.kind == "person":
                persons += [x for x in latins if len(x) > 2]
            elif name.sure and len(latins) <= 2:
                others[name.kind] += [x for x in latins if len(x) > 2]
        for first, _ in self._open:
            word = self._words[first]
            near = self._kinds_before(first, reach=1)
            if any(same(word.latin, x) for x in persons):
                self._take(first, first, "person", sure=True)
                continue
            kind: Kind | None = next(
                (k for k, names in others.items() if any(same(word.latin, x) for x in names)), None
            )
            if kind is None and word.first and (
                word.latin in self._frequent or sum(same(word.latin, x) for x in middle) == 0
            ):
                kind = self._at_start(first)
                if kind is None:
                    continue
            kind = kind or self._by_context(first, near)
            if kind is not None:
                self._take(first, first, kind, sure=False)

    def _at_start(self, index: int) -> Kind | None:
        """A single word that begins a sentence and stands nowhere else: only what is clear."""
        word = self._words[index]
        following = self._lower(index + 1)
        if word.latin in self._frequent or len(word.latin) < 4 or following is None:
            return None
        if is_given(word.latin) or ("says" in kinds(following) and ends_like_surname(word.latin)):
            return "person"
        return None

    def _by_context(self, index: int, near: frozenset[str]) -> Kind | None:
        word = self._words[index]
        if "body" in near:
            return "organization"
        if "in" in near:
            return "place"
        following = self._lower(index + 1)
        if following and "says" in kinds(following):
            return "person"
        if is_given(word.latin):
            return "person"
        if "near" in near:
            return "place"
        if _foreign(word.text, self._text):
            return "organization"
        if ends_like_surname(word.latin):
            return "person"
        if _SUFFIX_OF_PLACE.search(word.latin):
            return "place"
        return "organization"

    # -- helpers

    def _latin(self, index: int) -> str:
        word = self._words[index]
        return word.latin or latinised(word.text)

    def _lower(self, index: int) -> str | None:
        if index >= len(self._words) or self._words[index].capital:
            return None
        return latinised(self._words[index].text)

    def _kinds_before(self, index: int, *, reach: int) -> frozenset[str]:
        """Kinds of the words right before: of the nearest, or with more reach of those before it in one phrase."""
        found: frozenset[str] = frozenset()
        at = index
        while at > 0 and reach:
            gap = self._words[at].gap.strip(" \u00a0«„“\"»")
            if gap and not (gap == "." and self._words[at - 1].text.lower() in _ABBREVIATIONS):
                break
            at -= 1
            here = kinds(self._latin(at))
            found |= here
            if self._words[at].capital and not self._words[at].first:
                break
            if here & {"field"} and not here & {"role", "firm", "place"}:
                continue
            reach -= 1
        return found

    def _take(self, first: int, last: int, kind: Kind, *, sure: bool) -> int:
        self._found.append(Found(self._words[first].start, self._words[last].end, kind, sure))
        return last + 1


_NEVER_ALONE: Final = frozenset({"dom", "domu", "front", "blok", "svet", "klub", "zbor", "straz"})


def _acronym(word: _Word) -> bool:
    text = word.text.split("-")[0]
    capitals = sum(c.isupper() for c in text)
    return (
        2 <= len(text) <= 7
        and capitals >= 2
        and capitals * 2 >= len(text)
        and text not in _NOT_ACRONYMS
        and not _ROMAN.match(text)
    )


def _foreign(word: str, text: str) -> bool:
    """Latin letters in a Cyrillic text."""
    return word[0] < "\u0250" and any("\u0400" <= c <= "\u04ff" for c in text[:60])


def iterate(found: list[Found]) -> Iterator[tuple[int, int, Kind]]:
    """Offsets and kind of every name."""
    for name in found:
        yield name.start, name.end, name.kind
