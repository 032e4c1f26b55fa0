"""A sentence with everything found in it: forms, parties, weapons. What the classifier and the roles read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.deals.parties import PartyMention, WeaponMention
from streams.deals.sentences import split_sentences
from streams.words.folding import fold
from streams.words.lexicon import TRANSFER, Hit, LanguageInfo, Lexicon

_NEIGHBOURS = 2
_CIVIL = 2


@dataclass(slots=True)
class ReadSentence:
    """Offsets are those of the whole text; `folded` is the whole text folded."""

    index: int
    start: int
    end: int
    text: str
    folded: str
    info: LanguageInfo | None
    hits: list[Hit]
    parties: list[PartyMention]
    weapons: list[WeaponMention]
    military: bool = False
    """Whether the sentences about it talk of arms or the military, so that gear may be military gear."""
    armed: bool = False
    """Whether the headline or a sentence beside it names weapons."""
    civil_text: bool = False
    """Whether the headline or the sentences about it talk of civil matters, and no sentence of the military."""
    by_class: dict[str, list[Hit]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for hit in self.hits:
            self.by_class.setdefault(hit.cls, []).append(hit)

    def has(self, *classes: str) -> bool:
        """Whether a form of any of the classes stands in it."""
        return any(c in self.by_class for c in classes)

    @property
    def transfers(self) -> list[Hit]:
        """Forms that speak of a transfer."""
        return [hit for hit in self.hits if hit.cls in TRANSFER]

    @property
    def weapon_spans(self) -> list[tuple[int, int]]:
        """Where weapons stand, by entities and by words; gear counts where the talk is military."""
        spans = [(w.start, w.end) for w in self.weapons]
        spans += [(h.start, h.end) for h in self.by_class.get("arms", [])]
        if not spans and (self.military or self.has("mil")) and not self.civil_text:
            spans += [(h.start, h.end) for h in self.by_class.get("gear", [])]
        return sorted(spans)

    @property
    def party_keys(self) -> list[str]:
        """Distinct parties, in order of first mention."""
        return list(dict.fromkeys(p.key for p in self.parties))


def read_sentences(
    text: str, lexicon: Lexicon | None, parties: Sequence[PartyMention], weapons: Sequence[WeaponMention]
) -> list[ReadSentence]:
    """The sentences of `text`, each with what was found in it; none where nothing in it speaks of weapons."""
    folded = fold(text)
    hits = lexicon.hits(folded) if lexicon else []
    found = {hit.cls for hit in hits}
    if not (weapons or "arms" in found or {"gear", "mil"} <= found):
        return []
    hit_starts = [h.start for h in hits]
    party_starts = [p.start for p in parties]
    weapon_starts = [w.start for w in weapons]
    read = []
    for index, s in enumerate(split_sentences(text)):
        read.append(
            ReadSentence(
                index,
                s.start,
                s.end,
                text[s.start : s.end],
                folded,
                lexicon.info if lexicon else None,
                hits[bisect_left(hit_starts, s.start) : bisect_left(hit_starts, s.end)],
                list(parties[bisect_left(party_starts, s.start) : bisect_left(party_starts, s.end)]),
                list(weapons[bisect_left(weapon_starts, s.start) : bisect_left(weapon_starts, s.end)]),
            )
        )
    _mark_military(read)
    return read


def _mark_military(sentences: list[ReadSentence]) -> None:
    """Let each sentence know what the headline and its neighbours talk of."""
    armed = [bool(s.weapons) or s.has("arms") for s in sentences]
    talk = [a or s.has("mil") for a, s in zip(armed, sentences, strict=True)]
    civil = [s.has("civil") for s in sentences]
    unmilitary = sum(civil) >= _CIVIL and not any(s.has("mil") for s in sentences)
    for i, sentence in enumerate(sentences):
        sentence.military = talk[0] or any(talk[max(0, i - _NEIGHBOURS) : i + _NEIGHBOURS + 1])
        sentence.armed = armed[0] or any(armed[max(0, i - 1) : i + 2])
        sentence.civil_text = unmilitary and (civil[0] or any(civil[max(0, i - 1) : i + 2]))
