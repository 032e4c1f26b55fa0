"""What the clusterer remembers of an article, and how it is stored.

The records of the articles in memory are its whole state: everything else is derived from them, in the order of
their sequence numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from streams.stories.terms import KIND_SHIFT, WORD, Terms, pack_terms, unpack_terms
from streams.stories.vectors import Bytes, pack, unpack
from streams.stories.width import FULL_WORDS

FORMAT = 1


@dataclass(frozen=True)
class Plan:
    """What a correction makes of which articles, kept with the first of them: a worker that is killed before the
    records of all of them are stored leaves what it takes to go on.
    """

    correction: str
    sequence: int
    """Of the newest article when it was carried out: later ones it does not concern."""
    source: str
    target: str
    by_operator: bool
    apart: bool
    """The articles that move do not belong to the story they come from: an operator has split it."""
    moves: dict[str, int]
    """The version that each article that moves gets."""
    fixes: dict[str, int]
    """The same for those that are in the target already, which an operator's merge makes final."""

    def carry_out(self, record: Remembered) -> bool:
        """Make of an article what the plan says; False where it has been done, or does not concern it."""
        version = self.moves.get(record.id, self.fixes.get(record.id, 0))
        if record.sequence > self.sequence or record.version >= version:
            return False
        record.version = version
        record.fixed = record.fixed or self.by_operator
        if record.id in self.moves:
            record.story, record.moved = self.target, [self.correction, self.source]
            if self.by_operator:
                record.apart = [s for s in record.apart if s != self.target]
            if self.apart:
                record.apart.append(self.source)
        return True


@dataclass
class Remembered:
    """One article in memory."""

    id: str
    sequence: int
    """Order of arrival; the first article ever has 1."""
    story: str
    revision: str
    language: str
    when: int
    """Milliseconds since 1970."""
    clock: int
    """The stream's own clock when it arrived: the latest `when` up to then, jumps into the future held back."""
    version: int
    vector: Bytes
    """As the article brought it, in whole numbers."""
    terms: Terms
    fingerprint: str
    duplicate_of: str | None = None
    new_story: bool = True
    score: float | None = None
    candidates: int = 0
    fixed: bool = False
    """An operator put it into its story: the clusterer leaves it there."""
    apart: list[str] = field(default_factory=list)
    """Stories that an operator said it does not belong to."""
    moved: list[str] = field(default_factory=list)
    """The last correction that moved it, and the story it came from; empty: none did."""
    plan: Plan | None = None
    """The last correction that began with this article."""
    forgot: list[str] = field(default_factory=list)
    """Articles that left memory when it arrived."""
    dropped: list[str] = field(default_factory=list)
    """Articles whose records were deleted when it arrived."""
    learnt: dict[str, Any] | None = None
    """What had been learnt from the stream, where it was learnt anew at this article."""
    words: int = field(init=False)
    """Different words in title and lead, up to FULL_WORDS."""

    def __post_init__(self) -> None:
        self.words = min(FULL_WORDS, int(np.count_nonzero(self.terms >> KIND_SHIFT == WORD)))

    @property
    def detail(self) -> float:
        """How much of a full text it has: 0 to 1."""
        return self.words / FULL_WORDS

    def dump(self) -> dict[str, Any]:
        """As JSON-able values; short keys, because there is one for each article of weeks."""
        stored: dict[str, Any] = {
            "f": FORMAT, "n": self.sequence, "s": self.story, "r": self.revision, "l": self.language,
            "t": self.when, "c": self.clock, "v": self.version, "e": pack(self.vector), "w": pack_terms(self.terms),
            "p": self.fingerprint,
            "d": [self.duplicate_of, self.new_story, self.score, self.candidates],
        }  # fmt: skip
        if self.fixed:
            stored["x"] = True
        if self.apart:
            stored["a"] = self.apart
        if self.moved:
            stored["k"] = self.moved
        if self.plan is not None:
            stored["q"] = asdict(self.plan)
        if self.forgot:
            stored["g"] = self.forgot
        if self.dropped:
            stored["z"] = self.dropped
        if self.learnt is not None:
            stored["m"] = self.learnt
        return stored

    @classmethod
    def load(cls, article_id: str, stored: dict[str, Any]) -> Remembered:
        """The opposite of `dump`.

        Raises:
            ValueError: a record of another format, or a damaged one.
        """
        if stored.get("f") != FORMAT:
            raise ValueError(f"record of {article_id}: format {stored.get('f')!r}, not {FORMAT}")
        try:
            duplicate_of, new_story, score, candidates = stored["d"]
            return cls(
                id=article_id, sequence=stored["n"], story=stored["s"], revision=stored["r"], language=stored["l"],
                when=stored["t"], clock=stored["c"], version=stored["v"], vector=unpack(stored["e"]),
                terms=unpack_terms(stored["w"]), fingerprint=stored["p"], duplicate_of=duplicate_of,
                new_story=new_story, score=score, candidates=candidates, fixed=stored.get("x", False),
                apart=list(stored.get("a", [])), moved=list(stored.get("k", [])),
                plan=Plan(**stored["q"]) if "q" in stored else None, forgot=list(stored.get("g", [])),
                dropped=list(stored.get("z", [])), learnt=stored.get("m"),
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise ValueError(f"record of {article_id} is damaged: {error!r}") from error
