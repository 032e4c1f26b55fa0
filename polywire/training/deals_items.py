"""The labelled texts as the fitting of the arms-deal reader takes them: sentences read, and what is true of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.deals.folding import fold
from streams.deals.parties import PartyMention
from streams.deals.reader import Candidate, Embed, find_candidates
from streams.deals.sentence import ReadSentence
from streams.entities import EntityRecognizer

ARTICLE = "article: "
"""How the families of whole articles begin."""


@dataclass(slots=True)
class Item:
    """An item of the corpus, with the sentence of it that was screened as most likely to tell of its deal."""

    id: str
    language: str
    family: str
    label: bool
    sentence: ReadSentence | None
    previous: ReadSentence | None
    gold: dict[str, int] = field(default_factory=dict)
    """Party key: 0 supplier, 1 recipient, 2 neither."""
    vector: NDArray[np.float64] | None = None
    act: str | None = None
    status: str | None = None


def read_corpus(*folders: Path) -> list[dict[str, object]]:
    """All items under `folders` (`*.jsonl`), in the order of their ids."""
    rows = [
        json.loads(line)
        for folder in folders
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    return sorted(rows, key=lambda row: str(row["id"]))


def prepare(rows: Sequence[Mapping[str, object]], embed: Embed | None) -> list[Item]:
    """Each item read as the reader would, up to the models' own decisions.

    Of a text with a deal only the sentence that most likely tells of it is kept, of one without all that passed.
    """
    recognizer = EntityRecognizer()
    items: list[Item] = []
    for row in rows:
        language = str(row["lang"]).split("-")[0]
        full = f"{row.get('title', '')}\n{row['text']}"
        entities = recognizer.recognize(full, language)
        names = {e.id: e.name for e in entities}
        candidates = find_candidates(full, language, entities)
        base = (str(row["id"]), language, _family(row), bool(row["arms_deal"]))
        told = _Told(row, names)
        if row["arms_deal"]:
            best = max(candidates, key=told.rank, default=None)
            candidates = [best] if best is not None else []
        if not candidates:
            items.append(Item(*base, None, None))
        for candidate in candidates:
            item = Item(*base, candidate.sentence, candidate.previous)
            item.gold = {p.key: told.side(p) for p in candidate.sentence.parties}
            item.act, item.status = told.act, told.status
            items.append(item)
    if embed is not None:
        seen = [item for item in items if item.sentence is not None]
        vectors = embed([item.sentence.text for item in seen if item.sentence is not None])
        for item, vector in zip(seen, vectors, strict=True):
            item.vector = np.asarray(vector, dtype=np.float64)
    return items


def _family(row: Mapping[str, object]) -> str:
    """The phrasing of a sentence; of an article what it is about, and whether a deal is its matter."""
    return str(row.get("family") or f"{ARTICLE}{row.get('kind')}, {row.get('strength')}")


class _Told:
    """What is said of an item's deals, to find the sentence that tells of them."""

    def __init__(self, row: Mapping[str, object], names: Mapping[str, str]) -> None:
        deals = row["deals"]
        assert isinstance(deals, list)
        self._names = names
        self.act: str | None = deals[0].get("act") if deals else None
        self.status: str | None = deals[0].get("status") if deals else None
        self._sides = ({s for d in deals for s in d["supplier"]}, {r for d in deals for r in d["recipient"]})
        weapons = (w for d in deals for w in d.get("weapons", ()))
        self._weapons = {part for w in weapons for part in re.split(r"[\s()«»„“”\"]+", fold(w)) if _telling(part)}

    def side(self, party: PartyMention) -> int:
        """0 supplier, 1 recipient, 2 neither; a maker supplies where its country does."""
        if party.home in self._sides[0]:
            return 0
        alike = {party.key, self._names.get(party.key, "")}
        return 0 if alike & self._sides[0] else 1 if alike & self._sides[1] else 2

    def rank(self, candidate: Candidate) -> tuple[float, int]:
        """Both sides in it, then one of them, then its weapons, then a verb of transfer; the earliest of equals."""
        sentence = candidate.sentence
        sides = {self.side(party) for party in sentence.parties} - {2}
        inside = sentence.folded[sentence.start : sentence.end]
        weapon = any(part in inside for part in self._weapons)
        strong = sentence.has("give", "sell", "buy", "get")
        return (2 * len(sides) + 1.5 * weapon + strong, -sentence.start)


def _telling(part: str) -> bool:
    return len(part) >= 4 or any(c.isdigit() for c in part) or (bool(part) and part[0] > "\u0e00")
