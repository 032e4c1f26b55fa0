"""The labelled texts as the fitting of the arms-deal reader takes them: sentences read, and what is true of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.deals.parties import PartyMention, find_parties
from streams.deals.reader import Embed, Screened, screen
from streams.deals.sentence import ReadSentence
from streams.deals.sides import ArticleParties
from streams.entities import EntityRecognizer
from streams.words.folding import fold

ARTICLE = "article: "
"""How the families of whole articles begin."""


Row = Mapping[str, Any]


@dataclass
class Document:
    """A labelled text, read as far as it is read without anything learnt."""

    row: Row
    language: str
    names: dict[str, str]
    """Of the entities, by id."""
    parties: list[PartyMention]
    screened: list[Screened]
    vectors: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """Embeddings of the screened sentences, by their text; empty where words alone are to judge."""

    @property
    def id(self) -> str:
        """That of the row."""
        return str(self.row["id"])

    @property
    def family(self) -> str:
        """The phrasing of a sentence; of an article what it is about, and whether a deal is its matter."""
        row = self.row
        return str(row.get("family") or f"{ARTICLE}{row.get('kind')}, {row.get('strength')}")

    @property
    def title_end(self) -> int:
        """Where its text begins."""
        return len(self.row.get("title", ""))

    @cached_property
    def article(self) -> ArticleParties:
        """Where its parties are named."""
        return ArticleParties(self.parties, self.title_end)

    @property
    def is_article(self) -> bool:
        """Whether it is more than a sentence."""
        return self.family.startswith(ARTICLE)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """The embeddings of screened sentences, as the reader asks for them."""
        return np.array([self.vectors[text] for text in texts])


@dataclass(slots=True)
class Item:
    """A sentence to learn from: one that tells of a deal, or one of a text without any."""

    label: bool
    sentence: ReadSentence
    previous: ReadSentence | None
    gold: dict[str, int]
    """By the key of each party, of the sentence and of its article: 0 supplier, 1 recipient, 2 neither."""
    article: ArticleParties
    of_article: bool
    vector: NDArray[np.float64] | None
    act: str | None
    status: str | None


def read_corpus(*folders: Path) -> list[dict[str, Any]]:
    """All items under `folders` (`*.jsonl`), in the order of their ids."""
    rows = [
        json.loads(line)
        for folder in folders
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    return sorted(rows, key=lambda row: str(row["id"]))


def prepare(rows: Iterable[Row], embed: Embed | None) -> list[Document]:
    """Each text read as the reader would, up to the models' own decisions."""
    recognizer = EntityRecognizer()
    documents: list[Document] = []
    for row in rows:
        language = str(row["lang"]).split("-")[0]
        full = f"{row.get('title', '')}\n{row['text']}"
        entities = recognizer.recognize(full, language)
        parties = find_parties(entities, full)
        screened = screen(full, language, entities, parties)
        documents.append(Document(row, language, {e.id: e.name for e in entities}, parties, screened))
    if embed is not None:
        texts = sorted({s.sentence.text for document in documents for s in document.screened})
        vectors = dict(zip(texts, np.asarray(embed(texts), dtype=np.float64), strict=True))
        for document in documents:
            document.vectors = {s.sentence.text: vectors[s.sentence.text] for s in document.screened}
    return documents


def items_of(documents: Iterable[Document]) -> list[Item]:
    """What to learn from: of a text with a deal the sentence that most likely tells of it, of one without all."""
    items: list[Item] = []
    for document in documents:
        told = Told(document)
        label = bool(document.row["arms_deal"])
        best = told.best() if label else None
        items += [_item(one, document, told) for one in ([best] if best else [] if label else document.screened)]
    return items


def telling_items(documents: Iterable[Document]) -> list[Item]:
    """Of texts with a deal all sentences that name a side of it, with a word of transfer or as the best that tells."""
    items: list[Item] = []
    for document in documents:
        if document.row["arms_deal"]:
            told = Told(document)
            best = told.best()
            tells = [_item(one, document, told) for one in document.screened if one is best or one.sentence.transfers]
            items += [item for item in tells if {item.gold[key] for key in item.sentence.party_keys} & {0, 1}]
    return items


def _item(one: Screened, document: Document, told: Told) -> Item:
    gold = {key: told.side_of(key) for key in document.article.outside(one.sentence)}
    gold |= {p.key: told.side(p) for p in one.sentence.parties}
    return Item(
        label=bool(document.row["arms_deal"]),
        sentence=one.sentence,
        previous=one.previous,
        gold=gold,
        article=document.article,
        of_article=document.is_article,
        vector=document.vectors.get(one.sentence.text),
        act=told.act,
        status=told.status,
    )


class Told:
    """What is said of an item's deals, to find the sentence that tells of them."""

    def __init__(self, document: Document) -> None:
        deals = document.row["deals"]
        self._names = document.names
        self._screened = document.screened
        self.act: str | None = deals[0].get("act") if deals else None
        self.status: str | None = deals[0].get("status") if deals else None
        self._sides = ({s for d in deals for s in d["supplier"]}, {r for d in deals for r in d["recipient"]})
        weapons = (w for d in deals for w in d.get("weapons", ()))
        self._weapons = {part for w in weapons for part in re.split(r"[\s()«»„“”\"]+", fold(w)) if _telling(part)}

    def side(self, party: PartyMention) -> int:
        """0 supplier, 1 recipient, 2 neither; a maker supplies where its country does."""
        return 0 if party.home in self._sides[0] else self.side_of(party.key)

    def side_of(self, key: str) -> int:
        """The same of a party of which only its key is known."""
        alike = {key, self._names.get(key, "")}
        return 0 if alike & self._sides[0] else 1 if alike & self._sides[1] else 2

    def best(self) -> Screened | None:
        """The screened sentence that most likely tells of the deal."""
        return max(self._screened, key=self._rank, default=None)

    def _rank(self, one: Screened) -> tuple[float, int]:
        """Both sides in it, then one of them, then its weapons, then a verb of transfer; the earliest of equals."""
        sentence = one.sentence
        sides = {self.side(party) for party in sentence.parties} - {2}
        inside = sentence.folded[sentence.start : sentence.end]
        weapon = any(part in inside for part in self._weapons)
        strong = sentence.has("give", "sell", "buy", "get")
        return (2 * len(sides) + 1.5 * weapon + strong, -sentence.start)


def _telling(part: str) -> bool:
    return len(part) >= 4 or any(c.isdigit() for c in part) or (bool(part) and part[0] > "\u0e00")
