"""How far a stage has come on each partition it reads, and what its commits say.

The account that decides what may be committed, and that sees what a stream leaves out. Faust commits past what was
never handed to an agent: a message that it fetched and dropped while a rebalance went on looks to it like a gap in the
log. Here a partition's position moves by what has been handled and by nothing else.

What a commit says beside its offset (runtime.bus.marks) is decided when it is sent, so that no commit that is
late takes back what a newer one said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runtime.bus.marks import Ledger, Mark
from runtime.bus.source import Partition


class TakenOver(Exception):
    """The partitions went since this was begun, perhaps to another worker: nothing may follow from it."""


@dataclass
class _Place:
    offset: int
    """To be handled next."""
    ledger: Ledger
    stopped: str = ""
    """Why the stage waits for a person."""
    tried: bool = False
    """The message there is in hand, and the process may end of it."""


class Progress:
    """The next offset to handle on each partition, since the partitions were last handed out."""

    def __init__(self) -> None:
        self._places: dict[Partition, _Place] = {}
        self._leaving = False
        self.generation = 0
        """Changes whenever partitions come or go: what began before says nothing about what is owned now."""

    def forget(self) -> None:
        """Partitions came or went: each begins where its group left off."""
        self._places.clear()
        self._leaving = False
        self.generation += 1

    def check(self, generation: int) -> None:
        """Raises TakenOver where partitions came or went since `generation`."""
        if generation != self.generation:
            raise TakenOver

    def doubt(self, place: Partition) -> None:
        """What is there now is not what was: the topic's log was cut, or the topic made anew.

        What is in hand of any partition is begun again: it cannot know that nothing was pulled from under it.
        """
        self._places.pop(place, None)
        self.generation += 1

    def begin(self, place: Partition, offset: int, mark: Mark, generation: int) -> None:
        """The group left off before `offset`, and said so with `mark`; asked under the ownership of `generation`."""
        if generation == self.generation and place not in self._places:
            self._places[place] = _Place(offset, Ledger(offset, mark), mark.stopped)

    def reach(self, place: Partition, offset: int, generation: int) -> None:
        """Everything before `offset` has had its effect, under the ownership of `generation`."""
        known = self._places.get(place)
        if generation == self.generation and known is not None and offset > known.offset:
            known.offset, known.tried = offset, False

    def next(self, place: Partition) -> int | None:
        """The offset to handle next; None where it is not known yet."""
        known = self._places.get(place)
        return None if known is None else known.offset

    def ledger(self, place: Partition) -> Ledger:
        """How the partition fares; only where `next` is known."""
        return self._places[place].ledger

    def tries(self, place: Partition) -> None:
        """The next message of the partition is taken in hand, and the process may end of it."""
        self._places[place].tried = True

    def take_tries_back(self) -> list[Partition]:
        """Whatever ends the process now, it is no message; returns the partitions of which something else was said."""
        tried = [place for place, known in self._places.items() if known.tried]
        for place in tried:
            self._places[place].tried = False
        return tried

    def stop(self, place: Partition, why: str) -> None:
        """The stage waits for a person before it goes on with the partition."""
        self._places[place].stopped = why

    def leave(self) -> None:
        """This process says goodbye to all that it has."""
        self._leaving = True

    def says(self, place: Partition, offset: int) -> Mark:
        """What a commit of `offset` says now."""
        known = self._places.get(place)
        if known is None:
            return Mark(open=True)
        if offset == known.offset:
            if known.stopped:
                return known.ledger.stopped(offset, known.stopped)
            if known.tried:
                return known.ledger.before(offset)
        return known.ledger.goodbye(offset) if self._leaving else known.ledger.at(offset)

    def __iter__(self) -> Iterator[Partition]:
        return iter(list(self._places))
