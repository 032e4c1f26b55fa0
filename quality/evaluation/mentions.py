"""How well names in running text are found: against texts in which every person, place and organisation is marked.

The files hold blocks a blank line apart: a title, which is context only, and below it the text with its names marked
`[[PER|Petr Pavel]]`, `[[LOC|…]]`, `[[ORG|…]]`. Not marked are adjectives, inhabitants and names inside longer names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from quality.evaluation.entities import Counts, Interval, match_mentions
from schemas.readings import Entity, NamedOnly

Part = Literal["dev", "held-out"]
Read = Callable[[str, str], tuple[Sequence[Entity], Sequence[NamedOnly]]]
"""Text and language to entities, and names without one."""
_MARK: Final = re.compile(r"\[\[(PER|LOC|ORG)\|([^\]|]+)\]\]")
_KINDS: Final = {"PER": "person", "LOC": "place", "ORG": "organization"}


@dataclass(frozen=True)
class MarkedText:
    """A text and the names in it; offsets count in title, newline, text."""

    language: str
    part: Part
    text: str
    body: int
    """Where the text begins, after title and newline."""
    names: tuple[Interval, ...]


@dataclass
class MentionReport:
    """Counts by key: `all`, a language, a kind."""

    exact: dict[str, Counts] = field(default_factory=dict)
    overlapping: dict[str, Counts] = field(default_factory=dict)
    """Half of the longer span is enough."""


def read_marked(path: Path) -> Iterator[MarkedText]:
    """The texts of a file named after its language, or of all `*.txt` in a folder. They take turns: the first of a
    file is for development, the second held out, and so on.

    Raises:
        OSError, ValueError: the file cannot be read, or a block has no text below its title.
    """
    for file in sorted(path.glob("*.txt")) if path.is_dir() else [path]:
        for index, block in enumerate(file.read_text(encoding="utf-8").strip().split("\n\n")):
            title, newline, marked = block.partition("\n")
            if not newline or "[[" in title:
                raise ValueError(f"{file.name}: the block {title!r} is not an unmarked title above a text")
            yield _marked(file.stem, "held-out" if index % 2 else "dev", title, marked)


def _marked(language: str, part: Part, title: str, marked: str) -> MarkedText:
    text = title + "\n"
    names: list[Interval] = []
    last = 0
    for match in _MARK.finditer(marked):
        text += marked[last : match.start()]
        names.append((len(text), len(text) + len(match[2]), _KINDS[match[1]]))
        text += match[2]
        last = match.end()
    return MarkedText(language, part, text + marked[last:], len(title) + 1, tuple(names))


def evaluate_mentions(texts: list[MarkedText], recognize: Read) -> MentionReport:
    """Precision and recall of names: in all, by language and by kind."""
    exact: dict[str, Counts] = defaultdict(Counts)
    overlapping: dict[str, Counts] = defaultdict(Counts)
    for each in texts:
        entities, unlinked = recognize(each.text, each.language)
        everything: list[Entity | NamedOnly] = [*entities, *unlinked]
        read = sorted(
            (m.start, m.end, e.type)
            for e in everything
            for m in e.mentions
            if e.type != "weapon" and not m.indirect and m.start >= each.body
        )
        for kind in _KINDS.values():
            gold = [name for name in each.names if name[2] == kind]
            found = [name for name in read if name[2] == kind]
            same = Counts(hits=len(set(gold) & set(found)), gold=len(gold), read=len(found))
            near = match_mentions(gold, found)
            for key in ("all", each.language, kind):
                exact[key].add(same)
                overlapping[key].add(near)
    return MentionReport(dict(exact), dict(overlapping))
