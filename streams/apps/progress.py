"""How far a stage has come on each partition it reads.

The account that decides what may be committed, and that sees what a stream leaves out. Faust commits past what was
never handed to an agent: a message that it fetched and dropped while a rebalance went on looks to it like a gap in the
log. Here a partition's position moves by what has been handled and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from polywire.runtime.source import Partition


class Progress:
    """The next offset to handle on each partition, since the partitions were last handed out."""

    def __init__(self) -> None:
        self._next: dict[Partition, int] = {}
        self.generation = 0
        """Changes whenever partitions come or go: what began before says nothing about what is owned now."""

    def forget(self) -> None:
        """Partitions came or went: each begins where its group left off."""
        self._next.clear()
        self.generation += 1

    def doubt(self, place: Partition) -> None:
        """The topic ends before what was handled: its log was cut, and what is there now is not what was."""
        self._next.pop(place, None)

    def begin(self, place: Partition, offset: int) -> None:
        """The group left off before `offset`."""
        self._next.setdefault(place, offset)

    def reach(self, place: Partition, offset: int, generation: int) -> None:
        """Everything before `offset` has had its effect, under the ownership of `generation`."""
        if generation == self.generation:
            self._next[place] = max(offset, self._next.get(place, 0))

    def next(self, place: Partition) -> int | None:
        """The offset to handle next; None where it is not known yet."""
        return self._next.get(place)

    def __iter__(self) -> Iterator[Partition]:
        return iter(list(self._next))
