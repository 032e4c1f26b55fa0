"""What the tables do not know joined to what they do: names read by rule in Slavic texts, and which mentions are
indirect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from schemas.readings import Mention, NamedOnly
from streams.entities import names
from streams.entities.countries import country_aliases
from streams.entities.entries import by_id
from streams.entities.lookup import aliases
from streams.entities.running import Kind
from streams.entities.runs import Found
from streams.entities.slavic import SLAVIC, latinised, same, stem
from streams.entities.span import Span

_ADJECTIVAL: Final = re.compile(
    r"(?:sk|ck|zk)(?:i|a|e|o|ego|ogo|eho|omu|emu|im|ih|om|em|ou|oi|u|oga|ega|ata|oto|ia|iat)$"
)
_OF_ADJECTIVES_ONLY: Final = re.compile(r"(?:i|e|eho|ego|emu|im|ih|ou|ei)$")
"""Endings that a name of a country in -o does not take."""
_INHABITANT: Final = re.compile(
    r"(?:ec|c[iaeou]|cum|cov|cev|cam|cem|ami|ak|aci|ak[aou]|akov|akum|[bnrlt]k(?:a|i|u|o|ou|am|ami|ah)|"
    r"[ou]z(?:i|e|a|ov|ou|um|ih|am|ami)?|an[iea]|anum|anov|anka|anki|anin[ai]?|in[ia])$"
)


def with_names(text: str, language: str, known: Sequence[Span]) -> tuple[list[Span], list[NamedOnly]]:
    """Known names, and those read by rule in a Slavic text.

    Of the known ones, those that turn out to be part of something longer are indirect, and those that turn out to be
    somebody's name are gone.
    """
    known = [s for s in known if not _surname(text, s)]
    typed = [(s.start, s.end, kind) for s in known if (kind := _kind(s)) is not None]
    found = names.find(text, language, typed)
    result: list[Span] = []
    for span in known:
        over = [f for f in found if f.start < span.end and span.start < f.end]
        if not over or _kind(span) is None:
            result.append(span)
        elif len(over) == 1 and over[0].kind == "person" == _kind(span):
            result.append(span._replace(start=over[0].start, end=over[0].end))
        elif all(f.kind == "organization" for f in over):
            result.append(span._replace(indirect=True))
    taken = [(s.start, s.end) for s in result if not s.indirect]
    free = [f for f in found if not any(start < f.end and f.start < end for start, end in taken)]
    persons = [(s, _words(text[s.start : s.end])) for s in result if _kind(s) == "person"]
    unlinked = []
    for name in free:
        words = _words(text[name.start : name.end])
        who = next((s for s, known in persons if name.kind == "person" and _called(words, known)), None)
        if who is not None:
            result.append(who._replace(start=name.start, end=name.end))
        else:
            unlinked.append(name)
    return result, _grouped(text, unlinked)


def _words(name: str) -> list[str]:
    return [latinised(word) for word in name.split()]


def _called(words: list[str], full: list[str]) -> bool:
    """A person of the full name can be called by these words: by the surname, or by both names in another case."""
    return same(words[-1], full[-1]) and (len(words) == 1 or (len(full) > 1 and same(words[0], full[0])))


def _grouped(text: str, found: Sequence[Found]) -> list[NamedOnly]:
    """One entry for a name in all its cases, and for a person called by the surname after the full name."""
    groups: dict[tuple[Kind, str], NamedOnly] = {}
    for name in found:
        written = text[name.start : name.end]
        words = [stem(latinised(word)) for word in written.split()]
        key = (name.kind, words[-1] if name.kind == "person" else " ".join(words))
        group = groups.setdefault(key, NamedOnly(type=name.kind, name=written))
        group.mentions.append(Mention(start=name.start, end=name.end, text=written))
    return list(groups.values())


def persons_only(text: str, spans: Sequence[Span]) -> list[NamedOnly]:
    """Persons named in passing, in any language."""
    found: dict[str, NamedOnly] = {}
    for span in spans:
        written = text[span.start : span.end]
        person = found.setdefault(span.id, NamedOnly(type="person", name=span.name or written))
        person.mentions.append(Mention(start=span.start, end=span.end, text=written))
    return list(found.values())


def mark_indirect(text: str, language: str, spans: Sequence[Span]) -> list[Span]:
    """The spans, with adjectives and inhabitants made from names of places marked as indirect."""
    return [s._replace(indirect=True) if _derived(text, language, s) else s for s in spans]


def _derived(text: str, language: str, span: Span) -> bool:
    entry = by_id().get(span.id)
    written = text[span.start : span.end]
    if entry is None or entry.type != "place":
        return entry is not None and entry.type == "organization" and written.islower() and " " not in written
    if written[0].islower():
        return True
    if language not in SLAVIC or " " in written:
        return False
    latin = latinised(written)
    if _ADJECTIVAL.search(latin) and not _is_name(latin, span.id):
        return entry.kind != "country" or not _names_country(latin, language, span.id)
    if entry.kind != "country" or _names_country(latin, language, span.id):
        return False
    # Dánové live in Dánsko, and no name of that country is without its -sk-.
    lacks = "sk" not in latin and "ck" not in latin
    called = _country_names(language, span.id)
    return _INHABITANT.search(latin) is not None or (
        lacks and any(name.endswith(("sko", "cko", "ska", "cka")) for name in called)
    )


def _surname(text: str, span: Span) -> bool:
    """A capitalised adjective that is no adjective here, but somebody's name: Morawiecki is not of Moravia."""
    entry = by_id().get(span.id)
    written = text[span.start : span.end]
    if entry is None or entry.type != "place" or entry.kind == "country" or " " in written or written[0].islower():
        return False
    latin = latinised(written)
    return _ADJECTIVAL.search(latin) is not None and not _is_name(latin, span.id)


@lru_cache(maxsize=20_000)
def _stems(identity: str) -> frozenset[str]:
    return frozenset(stem(latinised(name)) for name in aliases(identity))


def _is_name(latin: str, identity: str) -> bool:
    return stem(latin) in _stems(identity)


@cache
def _country_names(language: str, identity: str) -> frozenset[str]:
    names = (a.text for a in country_aliases(language) if a.id == identity and not a.stem)
    return frozenset(latinised(name) for name in names if " " not in name)


def _names_country(latin: str, language: str, identity: str) -> bool:
    """The name of a country in some case: not Německý, which is Německo but for its ending."""
    return any(
        stem(latin) == stem(name) and not (name.endswith("o") and _OF_ADJECTIVES_ONLY.search(latin))
        for name in _country_names(language, identity)
    )


def _kind(span: Span) -> Kind | None:
    entry = by_id().get(span.id)
    if entry is None:
        return "person" if span.id.startswith("pw:person:") else None
    if entry.type == "person":
        return "person"
    if entry.type == "organization":
        return "organization"
    return "place" if entry.type == "place" else None
