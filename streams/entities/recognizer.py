"""Entities of one text: names of the tables, weapon designators, persons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from schemas.readings import Entity, Mention, NamedOnly
from streams.entities import compounds, designators, persons, sounds, spellings, statistical
from streams.entities.context import is_military, settle, without_passing_words
from streams.entities.countries import city_aliases, country_aliases
from streams.entities.entries import Entry, by_id, curated, ordinary_words
from streams.entities.lexicon import Alias, Hit, Lexicon
from streams.entities.morphology import inflects_like, script_of, script_of_name
from streams.entities.normalization import Normalized, normalize
from streams.entities.slavic import SLAVIC
from streams.entities.span import Needs, Span
from streams.entities.unknown import mark_indirect, persons_only, with_names

_SAMPLE = 60
_INFLECTED = 5
"""Letters. Of shorter cities only the well-known take endings."""
ENGLAND = "Q21"
NO_NAME = ""
"""Stands for the id of words that look like a name and are none; what lies inside them is none either."""
MILITARY_TEXT = 3
"""Mentions of weapons, forces and makers that make a text one on military matters."""


NAMED_OFTEN = 5
"""Mentions from which a person that no table knows is one of a text's subjects, on whatever matters it is."""


class Recognized(NamedTuple):
    """What a text names."""

    entities: list[Entity]
    unlinked: list[NamedOnly]
    """Names without an entity: read by rule, in passing, in some languages."""


class EntityRecognizer:
    """Finds what a text names. Lexicons are loaded when a text first needs them and shared by all recognizers.

    `name_models`: ask a statistical model too, in the languages that have one (see streams.entities.statistical).
    """

    def __init__(self, *, name_models: bool = False) -> None:
        self._name_models = name_models

    def recognize(self, text: str, language: str) -> list[Entity]:
        """The entities alone that `read` finds."""
        return self.read(text, language).entities

    def read(self, text: str, language: str) -> Recognized:
        """The entities of a text, each once with all its mentions, in order of first mention; and names of others.

        Args:
            text: title, a newline, the body; offsets count in it.
            language: ISO 639-1 where one exists, else 639-3, or `und`.
        """
        normalized = normalize(text)
        hits: list[Hit] = list(_language_lexicon(language).find(normalized, text))
        scripts = _scripts(text)
        for script in scripts:
            hits += _script_lexicon(script, inflects_like(language, script)).find(normalized, text)
        spans = _joined(hits, normalized)
        spans += [Span(d.start, d.end, d.id, d.name) for d in designators.find(text)]
        spans += compounds.find(text, language)
        chosen = _longest(settle(spans, text, language))
        if not sounds.SCRIPTS.isdisjoint(scripts):
            chosen += sounds.find(text, language, chosen)
        if not spellings.SCRIPTS.isdisjoint(scripts):
            chosen += spellings.find(text, language, chosen)
        named = persons.find(text, language, chosen)
        model = statistical.load(language) if self._name_models else None
        further, others = statistical.further(text, model, chosen + named) if model else ([], [])
        military = sum(is_military(span.id) for span in chosen) >= MILITARY_TEXT
        # Of names that only a model knows not even those that come often: other languages have no model.
        worth = named + further if military else _often(named)
        named += further
        chosen += worth
        if language in SLAVIC:
            chosen, unlinked = with_names(text, language, chosen)
        else:
            unlinked = persons_only(text, [span for span in named if span not in worth]) + others
        chosen = mark_indirect(text, language, chosen)
        chosen.sort()
        return Recognized(_entities(text, chosen), unlinked)

    def subjects(self, text: str, language: str) -> list[Entity]:
        """The entities of a text that reports no deal, as articles have them: without weapons in passing."""
        return without_passing_words(self.recognize(text, language))


def _joined(hits: list[Hit], normalized: Normalized) -> list[Span]:
    """One span for each stretch of text, with all that goes by it."""
    ids: dict[tuple[int, int], dict[str, Needs]] = {}
    for hit in hits:
        here = ids.setdefault((hit.start, hit.end), {})
        for identity in hit.ids:
            if here.get(identity) != "":
                here[identity] = hit.needs
    spans = []
    for (start, end), found in ids.items():
        sure = [identity for identity, needs in found.items() if not needs]
        first, *others = sure or found
        where = normalized.original(start), normalized.original(end)
        spans.append(Span(*where, first, needs=found[first], others=tuple(others) if NO_NAME not in found else ()))
        if NO_NAME in found:
            spans[-1] = Span(*where, NO_NAME)
    return spans


def _often(found: list[Span]) -> list[Span]:
    """Of persons that no table knows, in a text that is not on military matters: those that it keeps returning to.

    Who is unknown is found in some languages and not in others, and ids that only some of the variants have set apart
    what belongs together. The others are told as names without an id.
    """
    times = Counter(span.id for span in found)
    return [span for span in found if times[span.id] >= NAMED_OFTEN]


def _longest(spans: list[Span]) -> list[Span]:
    """Of spans that overlap the longest, of equals the first; a country named inside an organisation's name stays."""
    taken: list[Span] = []
    inner: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start - s.end, s.start)):
        over = [other for other in taken if span.end > other.start and span.start < other.end]
        if not over:
            taken.append(span)
        elif (
            _kind(span.id) == "country"
            and all(_type(o.id) == "organization" and span.end - span.start < o.end - o.start for o in over)
            and all(span.end <= other.start or span.start >= other.end for other in inner)
        ):
            inner.append(span)
    return [span for span in taken + inner if span.id != NO_NAME]


def _kind(identity: str) -> str | None:
    entry = by_id().get(identity)
    return entry.kind if entry else None


def _type(identity: str) -> str | None:
    entry = by_id().get(identity)
    return entry.type if entry else None


def _entities(text: str, spans: list[Span]) -> list[Entity]:
    found: dict[str, Entity] = {}
    for span in spans:
        entity = found.get(span.id)
        if entity is None:
            entry = _entry(span)
            entity = found[span.id] = Entity(
                id=entry.id, type=entry.type, name=entry.name, kind=entry.kind, country=entry.country
            )
        written = text[span.start : span.end]
        entity.mentions.append(Mention(start=span.start, end=span.end, text=written, indirect=span.indirect))
    return list(found.values())


def _entry(span: Span) -> Entry:
    known = by_id().get(span.id)
    if known is not None:
        return known
    if span.id.startswith("pw:person:"):
        return Entry(span.id, "person", "person", None, span.name or span.id)
    return Entry(span.id, "weapon", "system", None, span.name or span.id)


def _scripts(text: str) -> list[str]:
    """The scripts of a text, told from a sample of its letters; Latin always: acronyms stand in any text."""
    step = max(1, len(text) // _SAMPLE)
    found = {script_of(c) for c in text[::step] if c.isalpha()}
    found.add("latin")
    return sorted(found - {"other"})


@cache
def _language_lexicon(language: str) -> Lexicon:
    """What is named in one language only: countries, and the names that the tables mark with it."""
    aliases = list(country_aliases(language))
    if language != "en":
        aliases += [a._replace(place=False) for a in country_aliases("en")]
    aliases += [
        Alias(
            n.text,
            n.id,
            stem=n.stem,
            place=by_id()[n.id].type == "place",
            capital=False if by_id()[n.id].kind == "class" else None,
            needs=n.needs,
        )
        for n in curated()[1]
        if n.language == language
    ]
    aliases += city_aliases(language)
    ordinary = ordinary_words().get(language, {})
    aliases += [Alias(word, NO_NAME, capital=False, fixed=alone) for word, alone in ordinary.items()]
    return Lexicon(_with_adjectives(aliases), language)


def _with_adjectives(aliases: Iterable[Alias]) -> Iterator[Alias]:
    for alias in aliases:
        yield alias
        if alias.place and not alias.stem and not alias.needs and not alias.id.startswith("pw:city:"):
            if alias.id == ENGLAND:  # English is a language in most texts
                continue
            yield alias._replace(adjective=True)


@cache
def _script_lexicon(script: str, language: str) -> Lexicon:
    """What is named in the tables in one script, for all its languages that inflect like `language`."""
    entries, names = curated()
    return Lexicon(
        _with_adjectives(
            Alias(
                n.text,
                n.id,
                place=entries[n.id].type == "place" and script != "arabic",
                needs=n.needs,
                fixed=len(n.text) < _INFLECTED
                and script == "latin"
                and entries[n.id].kind == "city"
                and n.id[0] != "Q",
            )
            for n in names
            if n.language is None and script_of_name(n.text) in ((script, "kana") if script == "han" else (script,))
        ),
        language,
    )
