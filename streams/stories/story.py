"""A story in memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streams.stories.remembered import Remembered
from streams.stories.terms import PLACE, kind_of
from streams.stories.vectors import DIMENSIONS, SCALE, Vector
from streams.stories.width import width

AGE_UNIT_MS = 48 * 3_600_000
AGE_CAP = 3.0
_FEW = 12


@dataclass(slots=True)
class Story:
    """What is known of a story in memory."""

    id: str
    cell: int = -1
    slot: int = -1
    members: dict[str, Remembered] = field(default_factory=dict)
    """In the order of arrival."""
    languages: dict[str, int] = field(default_factory=dict)
    """Members in each language."""
    places: dict[int, int] = field(default_factory=dict)
    """Members that name each country."""
    weapons: dict[int, int] = field(default_factory=dict)
    """Members that name each weapon system."""
    sum: Vector = field(default_factory=lambda: np.zeros(DIMENSIONS, np.float32))
    """Of the members' centred vectors."""
    seen: int = 0
    """The stream's clock at the newest member's arrival."""
    length: float = 0.0
    """Of that sum."""
    scale: float | None = None
    """From a product with the centroid to similarity (signals.py); None: not known since the last change."""
    taken: float | None = None
    """How much of its members, on average, was taken out as common; None: not known since the last change."""
    _terms: Counter[int] | None = None
    """Members that have each term but places and weapons; None while there is one member, whose terms they are."""
    _when: npt.NDArray[np.float64] | None = None

    @property
    def size(self) -> int:
        return len(self.members)

    def width(self, usual: float) -> float:
        """How alike its members are, as far as they can tell (see width.py)."""
        if len(self.members) == 1:
            return usual
        return width((self.length / SCALE) ** 2, len(self.members), usual)

    def shared(self, terms: Set[int]) -> Set[int]:
        """Those of the terms, none a place or weapon, that a member has."""
        if self._terms is not None:
            return terms & self._terms.keys()
        return {term for record in self.members.values() for term in record.terms.tolist() if term in terms}

    def mean_gap(self, when: int) -> float:
        """Mean distance in time to the members, in units of two days, each at most three."""
        if len(self.members) <= _FEW:  # what numpy takes to begin is more than they take
            gaps = [min(abs(record.when - when) / AGE_UNIT_MS, AGE_CAP) for record in self.members.values()]
            return sum(gaps) / len(gaps)
        if self._when is None:
            self._when = np.array([r.when for r in self.members.values()], np.float64)
        return float(np.add.reduce(np.minimum(np.abs(self._when - when) / AGE_UNIT_MS, AGE_CAP))) / len(self._when)

    def add(self, record: Remembered) -> list[int]:
        """Take an article in; the terms and places that are new to the story."""
        late = bool(self.members) and next(reversed(self.members.values())).sequence > record.sequence
        if self.members and self._terms is None:
            (only,) = self.members.values()
            self._terms = Counter(term for term in only.terms.tolist() if kind_of(term) < PLACE)
        self.members[record.id] = record
        self.seen = max(self.seen, record.clock)
        if late:  # a correction brings older articles
            self.members = dict(sorted(self.members.items(), key=lambda item: item[1].sequence))
        self._when = None
        self.languages[record.language] = self.languages.get(record.language, 0) + 1
        new = []
        for term in record.terms.tolist():
            held = self._counts(term)
            if held is None:
                new.append(term)
                continue
            count = held.get(term, 0)
            held[term] = count + 1
            if not count:
                new.append(term)
        return new

    def remove(self, record: Remembered) -> list[int]:
        """Take an article out; the terms and places that the story has no longer."""
        del self.members[record.id]
        self._when = None
        if record.clock == self.seen:
            self.seen = max((each.clock for each in self.members.values()), default=0)
        self.languages[record.language] -= 1
        if not self.languages[record.language]:
            del self.languages[record.language]
        gone = []
        for term in record.terms.tolist():
            held = self._counts(term)
            if held is None:
                gone.append(term)
                continue
            held[term] -= 1
            if not held[term]:
                del held[term]
                gone.append(term)
        return gone

    def _counts(self, term: int) -> dict[int, int] | None:
        """Where the members that have a term are counted; None while there is one member, whose terms they are."""
        kind = kind_of(term)
        if kind >= PLACE:
            return self.places if kind == PLACE else self.weapons
        return self._terms

    def put(self, total: Vector) -> None:
        """Set the sum of the members' vectors."""
        self.sum, self.scale, self.taken = total, None, None
        # Whole numbers: their squares add up exactly in double precision.
        exact = total.astype(np.float64)
        self.length = math.sqrt(float(exact @ exact))
