"""A `Source` in memory: partitions are lists, time is a number that polling moves on."""

from __future__ import annotations

from collections.abc import Mapping

from kafka.errors import KafkaTimeoutError

from runtime.bus.marks import Mark
from runtime.bus.source import Commit, CommitRefused, Partition, Record


class MemorySource:
    """One member of a group. Tests put records, take partitions away, and make commits fail."""

    def __init__(self) -> None:
        self.logs: dict[Partition, list[Record]] = {}
        self.position: dict[Partition, int] = {}
        self.committed: dict[Partition, int] = {}
        self.marks: dict[Partition, Mark] = {}
        self.now = 0.0
        self.paused = False
        self.closed = False
        self.polls_while_paused = 0
        self.commit_errors: list[Exception] = []
        self.poll_errors: list[Exception] = []
        self.on_poll: list[object] = []
        self._taken: set[Partition] = set()
        self._came: set[Partition] = set()

    def clock(self) -> float:
        return self.now

    def put(self, topic: str, partition: int, value: bytes | None, **fields: object) -> Record:
        if (topic, partition) not in self.logs:
            self._came.add((topic, partition))
        log = self.logs.setdefault((topic, partition), [])
        record = Record(topic, partition, len(log), b"k", value, **fields)  # type: ignore[arg-type]
        log.append(record)
        return record

    def take_away(self, place: Partition) -> None:
        self._taken.add(place)
        self.position.pop(place, None)
        self.logs.pop(place)

    def poll(self, seconds: float) -> list[Record]:
        assert not self.closed
        if self.poll_errors:
            raise self.poll_errors.pop(0)
        if self.on_poll:
            self.on_poll.pop(0)()  # type: ignore[operator]
        if self.paused:
            self.polls_while_paused += 1
            self.now += seconds
            return []
        found = []
        for place, log in self.logs.items():
            start = self.position.get(place, self.committed.get(place, 0))
            found += log[start:]
            self.position[place] = len(log)
        if not found:
            self.now += seconds
        return found

    def revoked(self) -> set[Partition]:
        taken, self._taken = self._taken, set()
        return taken

    def came(self) -> dict[Partition, Commit]:
        came, self._came = self._came, set()
        return {place: (self.committed.get(place, 0), self.marks.get(place, Mark())) for place in came}

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        if self.commit_errors:
            raise self.commit_errors.pop(0)
        for place, (offset, mark) in commits.items():
            self.committed[place], self.marks[place] = offset, mark

    def ends(self) -> dict[Partition, tuple[int, int]]:
        return {place: (self.position.get(place, 0), len(log)) for place, log in self.logs.items()}

    def close(self) -> None:
        self.closed = True


REFUSED = CommitRefused("the group has moved on")
TIMED_OUT = KafkaTimeoutError("no answer")
