"""Where a consumer's messages come from: a Kafka consumer group behind the few calls the loop needs.

The loop (runtime.bus.loop) knows only `Source`, so its behaviour is tested on an in-memory one and on Kafka
by the same suite.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata

from runtime.bus.assigning import NoticingAssignor
from runtime.bus.clients import holds_fetches, make_consumer
from runtime.bus.marks import Mark
from runtime.bus.topic_ids import TopicIds, made_anew, warn_made_anew
from runtime.logs import get_logger
from runtime.settings import Settings
from schemas.topics import Topic

log = get_logger(__name__)

Partition = tuple[str, int]
"""Topic and number."""
Commit = tuple[int, Mark]
"""The next offset to read of a partition, and what stands beside it."""

POLL_RECORDS = 200
"""Messages a poll returns at most: an article with its embedding is 10 to 20 kB."""
_SHARE_AGAIN = 2.0
"""Seconds between two tries to share out partitions of topics that are not known."""
_LOOK_AT_TOPICS = 2.0
"""Seconds between two looks whether a topic has been made anew."""
_COMMIT_TIMEOUT_MS = 10_000
_ASK_TIMEOUT_MS = 10_000
_LOOK_MS, _PAUSE = 5, 0.1
"""On the embedded engine a poll that finds nothing ends after so many milliseconds, and the next one comes so many
seconds later. Waiting inside one long poll, as on a broker, would let the client ask without pause an engine that
answers at once when it has nothing: most of a core for an idle consumer. Polls of 0 ms would starve the client's own
network loop."""
GATHER = 0.1
"""Seconds from a poll that found a few messages to the next: a poll, a call of the handler and a commit cost as much
for one message as for ten, so that messages which come close together are taken together. One that comes alone waits
for nothing."""
_FEW = 50


@dataclass(frozen=True)
class Record:
    """A message as it lay on its topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0
    """Milliseconds since 1970: when it was put on the topic."""

    @classmethod
    def of(cls, record: Any) -> Record:
        """From a record of kafka-python."""
        headers = tuple(record.headers or ())
        return cls(
            record.topic, record.partition, record.offset, record.key, record.value, headers, record.timestamp or 0
        )

    @property
    def place(self) -> Partition:
        return self.topic, self.partition


class CommitRefused(Exception):
    """The group has moved on without this member. Whatever it lost comes back, here or elsewhere: harmless."""


class Source(Protocol):
    """A member of a consumer group."""

    def poll(self, seconds: float) -> list[Record]:
        """New records, in offset order within a partition; waits up to `seconds`. Keeps the membership alive."""

    def revoked(self) -> set[Partition]:
        """Partitions taken away since the last call. What is in hand of them must be dropped; where they come back,
        they begin again at the last commit."""

    def pause(self) -> None:
        """Let polls return nothing, while they keep the membership alive."""

    def resume(self) -> None:
        """Let polls return records again."""

    def came(self) -> dict[Partition, Commit]:
        """Partitions that came since the last call: where each begins, and what stood beside the last commit."""

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        """Remember the next offset to read of each partition, and what is to stand beside it.

        Raises:
            CommitRefused: this member no longer has the right to.
            kafka.errors.KafkaError: the broker could not be asked.
        """

    def ends(self) -> dict[Partition, tuple[int, int]]:
        """For each partition in hand: the next offset to be polled and the end, as far as they are known."""

    def close(self) -> None:
        """Leave the group."""


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes what happened: it runs on the thread that sends the heartbeats."""

    def __init__(self) -> None:
        self.taken: queue.SimpleQueue[Partition] = queue.SimpleQueue()
        self.consumer: KafkaConsumer | None = None
        self.committed: dict[TopicPartition, Commit] = {}
        """As this member has committed last."""

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        goodbyes = {tp: self.committed.pop(tp) for tp in revoked if tp in self.committed}
        if goodbyes and self.consumer is not None:
            # So that the next owner need not take this one for dead. It goes out before this member joins again,
            # which the next owner waits for; where it fails, the next owner is careful for a while.
            self.consumer.commit_async({tp: _offset(at, replace(m, open=False)) for tp, (at, m) in goodbyes.items()})
        self._note(revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        for tp in lost:
            self.committed.pop(tp, None)
        self._note(lost)

    def _note(self, partitions: Iterable[TopicPartition]) -> None:
        for tp in partitions:
            self.taken.put((tp.topic, tp.partition))

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to do: a new partition starts from its committed offset."""


def _offset(offset: int, mark: Mark) -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, mark.encode(), -1)


class KafkaSource:
    """A kafka-python consumer as a `Source`."""

    def __init__(
        self, settings: Settings, group: str, topics: Sequence[Topic], *, gather: float = GATHER, **options: Any
    ) -> None:
        """`gather`: see GATHER. `options`: of the client."""
        self._waits = holds_fetches(settings)
        self._gather = gather
        self._rest_until = 0.0
        self._listener = _Listener()
        self._consumer: KafkaConsumer = make_consumer(
            settings, group, (), **{"max_poll_records": POLL_RECORDS, **options}
        )
        self._listener.consumer = self._consumer
        self._consumer.subscribe([topic.name for topic in topics], listener=self._listener)
        self._paused = False
        self._topic_ids = TopicIds(settings)
        self._known_ids: dict[TopicPartition, str] = {}
        """Of the topics that the partitions in hand are of, where they are known."""
        self._look_at_topics = 0.0
        self._next: dict[TopicPartition, int] = {}
        self._came: dict[Partition, Commit] = {}
        self._asked_again: dict[TopicPartition, int] = {}
        self._share_again = 0.0

    def poll(self, seconds: float) -> list[Record]:
        deadline = time.monotonic() + seconds
        gathered = self._rest(deadline)
        while self._joined(deadline):
            self._share_again_if_in_the_dark()
            if self._let_go_of_what_is_gone():
                return []
            self._place_new()
            if self._paused:
                # A rebalance hands out partitions that are not paused.
                self._pause_all()
            found = self._look((deadline - time.monotonic()) * 1000 if self._waits else _LOOK_MS)
            if found and gathered:
                # That was what the client had fetched ahead. What came meanwhile lies on the broker, and is asked for.
                found += self._look(_LOOK_MS)
            if found or time.monotonic() >= deadline:
                self._rest_until = time.monotonic() + self._gather if 0 < len(found) < _FEW else 0.0
                return found
            if not self._waits:
                time.sleep(_PAUSE)
        return []

    def _rest(self, deadline: float) -> bool:
        """Let messages gather after a poll that found a few, up to the deadline; whether there was a need to."""
        seconds = min(self._rest_until, deadline) - time.monotonic()
        if seconds > 0:
            time.sleep(seconds)
        return seconds > 0

    def _look(self, milliseconds: float) -> list[Record]:
        return self._in_sequence(self._consumer.poll(timeout_ms=max(_LOOK_MS, milliseconds)))

    def _joined(self, deadline: float) -> bool:
        """Whether this member has its place in the group, for which a rebalance is waited for until the deadline.

        The client's own poll would wait no longer than for records, and kafka-python 3.0.12 joins anew when a join
        has ended while nobody waited for it: two members would rebalance without end.
        """
        left = max(_LOOK_MS, (deadline - time.monotonic()) * 1000)
        return bool(self._consumer._coordinator.poll(timeout_ms=left))

    def _share_again_if_in_the_dark(self) -> None:
        """See runtime.bus.assigning: what was shared out without knowing it is shared out again."""
        coordinator = self._consumer._coordinator
        assignor = coordinator._assignors[NoticingAssignor.name]
        if assignor.in_the_dark and time.monotonic() >= self._share_again:
            self._share_again = time.monotonic() + _SHARE_AGAIN
            assignor.in_the_dark = False
            log.warning("sharing out again", reason="a topic was not known when partitions were shared out")
            coordinator.request_rejoin()

    def _place_new(self) -> None:
        """Set every partition that has come to this member to where the group left off.

        The client does so too, but what it hands out while a rebalance goes on may have to be dropped again, and then
        it is behind the client's position: it would never come again, and be committed past.
        """
        mine = self._consumer.assignment()
        for tp in self._next.keys() - mine:
            del self._next[tp]
        new = mine - self._next.keys()
        ids = self._topic_ids.of(tp.topic for tp in new) if new else {}
        for tp in new:
            committed = self._consumer.committed(tp, metadata=True, timeout_ms=_ASK_TIMEOUT_MS)
            if committed is None or committed.offset < 0:
                start, mark = self._consumer.beginning_offsets([tp])[tp], Mark()
            else:
                start, mark = committed.offset, Mark.decode(committed.metadata)
            if made_anew(mark.topic_id, ids.get(tp.topic)):
                warn_made_anew(tp.topic, tp.partition, start)
                start, mark = self._consumer.beginning_offsets([tp])[tp], Mark()
            mark = replace(mark, topic_id=ids.get(tp.topic, mark.topic_id))
            self._known_ids[tp] = mark.topic_id
            self._listener.committed.pop(tp, None)
            self._seek(tp, start)
            if tp in self._next:
                self._came[tp.topic, tp.partition] = start, mark

    def _let_go_of_what_is_gone(self) -> bool:
        """Take partitions of topics that were made anew for taken away: they come again, from the first offset.

        Whether there were any: what is in hand of them has to be dropped (`revoked`) before they are placed.
        """
        if not self._next or time.monotonic() < self._look_at_topics:
            return False
        self._look_at_topics = time.monotonic() + _LOOK_AT_TOPICS
        ids = self._topic_ids.of(tp.topic for tp in self._next)
        gone = [tp for tp in self._next if made_anew(self._known_ids.get(tp, ""), ids.get(tp.topic))]
        self._listener.on_partitions_lost(gone)
        for tp in gone:
            del self._next[tp]
        return bool(gone)

    def _seek(self, tp: TopicPartition, offset: int) -> None:
        try:
            self._consumer.seek(tp, offset)
            self._next[tp] = offset
        except (ValueError, KeyError):  # taken away meanwhile
            self._next.pop(tp, None)

    def _in_sequence(self, polled: Mapping[TopicPartition, Sequence[Any]]) -> list[Record]:
        """What follows on what was returned before. What leaves something out is asked for again, from there."""
        found = []
        for tp, records in polled.items():
            wanted, first = self._next.get(tp), records[0].offset
            if wanted is None:
                continue  # came in this very poll: the next one begins where the group left off
            # Asked twice, the topic itself leaves it out: compacted, or too old.
            if first > wanted and self._asked_again.get(tp) != wanted:
                log.warning("asking again", topic=tp.topic, partition=tp.partition, first=wanted, end=first)
                self._asked_again[tp] = wanted
                self._seek(tp, wanted)
                continue
            self._next[tp] = records[-1].offset + 1
            found += [Record.of(record) for record in records]
        return found

    def revoked(self) -> set[Partition]:
        taken = set()
        while not self._listener.taken.empty():
            place = self._listener.taken.get_nowait()
            taken.add(place)
            self._next.pop(TopicPartition(*place), None)
            self._came.pop(place, None)
        return taken

    def came(self) -> dict[Partition, Commit]:
        came, self._came = self._came, {}
        return came

    def _pause_all(self) -> None:
        running = self._consumer.assignment() - self._consumer.paused()
        if running:
            self._consumer.pause(*running)

    def pause(self) -> None:
        self._paused = True
        self._pause_all()

    def resume(self) -> None:
        self._paused = False
        paused = self._consumer.paused()
        if paused:
            self._consumer.resume(*paused)

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        ours = {tp: commit for place, commit in commits.items() if (tp := TopicPartition(*place)) in self._next}
        if not ours:
            return
        try:
            self._consumer.commit({tp: _offset(*commit) for tp, commit in ours.items()}, timeout_ms=_COMMIT_TIMEOUT_MS)
            self._listener.committed.update(ours)
        except (
            CommitFailedError,
            FencedInstanceIdError,
            IllegalGenerationError,
            RebalanceInProgressError,
            UnknownMemberIdError,
        ) as error:
            raise CommitRefused(str(error) or type(error).__name__) from error

    def ends(self) -> dict[Partition, tuple[int, int]]:
        found = {}
        for tp in self._consumer.assignment():
            try:
                end = self._consumer.highwater(tp)
                if end is None:
                    continue  # nothing fetched yet
                position = self._consumer.position(tp, timeout_ms=1000)
            except IllegalStateError:
                continue  # taken away while we asked
            found[(tp.topic, tp.partition)] = (end if position is None else position, end)
        return found

    def close(self) -> None:
        self._listener.committed.clear()  # who ends without a goodbye says none
        self._topic_ids.close()
        self._consumer.close(autocommit=False, timeout_ms=5_000)
