"""What a consumer commits: each partition's next offset and the mark beside it (runtime.bus.marks). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runtime.bus.marks import REJECTED_LIMIT, Ledger, Mark
from runtime.bus.source import Commit, Partition, Record


class Accounts:
    """The partitions in hand. `due` is what is to be committed, until `committed` says that it was."""

    def __init__(self, *, rejected_limit: int = REJECTED_LIMIT) -> None:
        self._rejected_limit = rejected_limit
        self._ledgers: dict[Partition, Ledger] = {}
        self._next: dict[Partition, int] = {}
        self._due: dict[Partition, Commit] = {}

    @property
    def due(self) -> dict[Partition, Commit]:
        return dict(self._due)

    def committed(self, commits: Mapping[Partition, Commit]) -> None:
        """The broker has them."""
        for place, commit in commits.items():
            if self._due.get(place) == commit:
                del self._due[place]

    def came(self, place: Partition, offset: int, mark: Mark) -> None:
        """A partition is in hand, at the offset that was committed, or will begin at, with what stood beside it."""
        ledger = Ledger(offset, mark, rejected_limit=self._rejected_limit)
        self._ledgers[place] = ledger
        self._commit(place, offset, ledger.came())

    def gone(self, places: Iterable[Partition]) -> None:
        """Partitions are in other hands: nothing is said of them any more."""
        for place in places:
            for known in (self._ledgers, self._next, self._due):
                known.pop(place, None)

    def careful(self, record: Record) -> bool:
        """Whether the message is to be taken alone, on record (`take`)."""
        return self._ledgers[record.place].careful

    def condemned(self, record: Record) -> bool:
        """Whether it has ended so many processes that it is put aside unread."""
        return self._ledgers[record.place].condemned(record.offset)

    def take(self, record: Record) -> None:
        """Everything before the message is done; if this process ends without a goodbye, it is by the message."""
        self._commit(record.place, record.offset, self._ledgers[record.place].before(record.offset))

    def put_back(self, record: Record) -> None:
        """If this process ends now, it is not by the message, which waits for something that is broken."""
        self._commit(record.place, record.offset, self._ledgers[record.place].at(record.offset))

    def done(self, record: Record) -> None:
        """It has had its effect."""
        self._ledgers[record.place].done()

    def full(self, record: Record, *, ours: bool) -> str | None:
        """Why it may not become a dead letter as well; None where it may."""
        return self._ledgers[record.place].full(ours=ours)

    def buried(self, record: Record, *, ours: bool) -> None:
        """It has become a dead letter; `ours`: by an unexpected error."""
        self._ledgers[record.place].buried(ours=ours)

    def reached(self, place: Partition, offset: int) -> None:
        """Everything before the offset is done."""
        self._commit(place, offset, self._ledgers[place].at(offset))

    def idle(self, place: Partition) -> None:
        """Nothing waits there."""
        if place in self._ledgers:
            self._ledgers[place].idle()

    def stopped(self, record: Record, why: str) -> None:
        """The stage waits for a person before the message."""
        self._commit(record.place, record.offset, self._ledgers[record.place].stopped(record.offset, why))

    def goodbye(self) -> None:
        """The process ends as it was asked to, or for a reason that it has on record."""
        for place, ledger in self._ledgers.items():
            if not self._due.get(place, (0, Mark()))[1].stopped:
                self._commit(place, self._next[place], ledger.goodbye(self._next[place]))

    def _commit(self, place: Partition, offset: int, mark: Mark) -> None:
        self._next[place] = offset
        self._due[place] = offset, mark
