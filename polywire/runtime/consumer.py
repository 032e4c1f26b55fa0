"""The loop every consumer runs in. It moves messages; a `Handler` says what to do with them.

The order, which is what makes it safe:

1. poll a batch; decode it; what cannot be decoded is rejected;
2. let the handler work through the batch; it answers with an outcome for each message;
3. `Retry` (broken infrastructure): partitions are paused and polled on, which keeps the membership of the group
   through an outage of any length, and the messages that are left are handed over again, with backoff;
4. `Reject` (the message's own fault): it goes to the dead letters, and the broker has acknowledged it there before
5. the offsets are committed: up to the first message that is not settled yet.

A crash at any point repeats messages and loses none. Partitions taken away in a rebalance are dropped with whatever
is in hand of them: their next owner starts from the last commit. A handler that raises something unexpected is asked
again for one message at a time, and the one it raises on is rejected, so that a bug stops a message, not a topic;
too many rejections in a row stop the consumer instead (`TooManyDeadLetters`): then it is the code that is wrong.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from kafka.errors import KafkaError

from polywire.runtime.deadletters import TOPIC, DeadLetter, DeadLetterSink, kafka_dead_letters
from polywire.runtime.health import StageHealth
from polywire.runtime.kafka import check_topics, make_producer
from polywire.runtime.logs import get_logger
from polywire.runtime.outcomes import (
    Done,
    Handler,
    Outcome,
    Received,
    Reject,
    Retry,
    TooManyDeadLetters,
    Unavailable,
    is_infrastructure,
)
from polywire.runtime.settings import Settings
from polywire.runtime.source import CommitRefused, KafkaSource, Partition, Record, Source
from polywire.runtime.watchdog import WATCHDOG
from schemas.base import Message
from schemas.codec import InvalidMessage, decode
from schemas.topics import BY_NAME

log = get_logger(__name__)

POLL_SECONDS = 0.5
"""How long a poll waits, which is also how soon a signal to stop is seen."""
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0
"""Seconds between tries of what is broken: doubled from the first to the longest."""
DEAD_LETTER_LIMIT = 1_000
"""Rejections in a row that are taken for a fault of ours, not of the messages."""
_REPORT_SECONDS = 2.0
_ACKNOWLEDGE_SECONDS = 30.0


@dataclass
class _Item:
    record: Record
    message: Message | None = None
    outcome: Outcome | None = None
    settled: bool = False


class ConsumerLoop:
    """One consumer: a source, a handler, and the rules between them (see the module's docstring)."""

    def __init__(
        self,
        source: Source,
        handler: Handler,
        dead_letters: DeadLetterSink,
        health: StageHealth,
        *,
        clock: Callable[[], float] = time.monotonic,
        dead_letter_limit: int = DEAD_LETTER_LIMIT,
    ) -> None:
        self._source = source
        self._handler = handler
        self._dead_letters = dead_letters
        self._health = health
        self._clock = clock
        self._limit = dead_letter_limit
        self._stop = threading.Event()
        self._items: list[_Item] = []
        self._to_commit: dict[Partition, int] = {}
        self._rejected_in_a_row = 0
        self._failures = 0
        self._ready = False
        self._reported = float("-inf")

    def stop(self) -> None:
        """Finish the call in hand, commit, end. From any thread or a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Consume until `stop`.

        Raises:
            TooManyDeadLetters: the limit of rejections in a row is reached. What was rejected is committed.
        """
        try:
            while not self._stop.is_set():
                self._turn()
        finally:
            try:
                self._drop_revoked()
                self._commit()
            finally:
                self._handler.close()
                self._source.close()

    def _turn(self) -> None:
        try:
            self._take(self._source.poll(POLL_SECONDS))
            self._handler.tick()
        except Exception as error:
            if not is_infrastructure(error):
                raise
            self._wait(str(error) or type(error).__name__)
            return
        if not self._ready:
            self._health.ready()
            self._ready = True
        self._health.beat()
        self._drop_revoked()
        if self._items:
            self._work()
        else:
            self._recovered()
        self._commit()
        self._report()

    def _take(self, records: Sequence[Record]) -> None:
        for record in records:
            self._items.append(self._decoded(record))

    def _decoded(self, record: Record) -> _Item:
        model = BY_NAME[record.topic].model
        assert model is not None, f"{record.topic} carries raw bytes"
        try:
            return _Item(record, message=decode(model, record.value))
        except InvalidMessage as error:
            return _Item(record, outcome=Reject(error.reason))
        except RecursionError:
            return _Item(record, outcome=Reject("nested too deeply"))

    def _drop_revoked(self) -> None:
        taken = self._source.revoked()
        if not taken:
            return
        dropped = [item for item in self._items if item.record.place in taken]
        self._items = [item for item in self._items if item.record.place not in taken]
        self._to_commit = {place: offset for place, offset in self._to_commit.items() if place not in taken}
        log.info("partitions taken away", partitions=sorted(f"{t}/{p}" for t, p in taken), dropped=len(dropped))

    def _work(self) -> None:
        """Hand over what is in hand until it is settled, with backoff while something is broken."""
        while self._items:
            if self._stop.is_set() and self._failures:
                return  # what is broken stays broken while we are asked to go; the rest is read again later
            delay = self._attempt()
            self._settle()
            if delay is None:
                self._recovered()
                return
            self._commit()
            self._wait(*delay)

    def _recovered(self) -> None:
        if self._failures:
            log.info("works again", after_failures=self._failures)
            self._failures = 0
            self._source.resume()

    def _attempt(self) -> tuple[str, float] | None:
        """One try for every item that has no final outcome; the error and its wish where something is to be retried."""
        waiting = [item for item in self._items if item.outcome is None]
        started = self._clock()
        self._ask(waiting)
        self._count(waiting, self._clock() - started)
        for item in self._items:
            if isinstance(item.outcome, Reject) and not item.settled:
                try:
                    self._reject(item, item.outcome)
                except KafkaError as error:
                    return f"cannot write to {TOPIC.name}: {error or type(error).__name__}", 0.0
            elif isinstance(item.outcome, Done):
                item.settled = True
                self._rejected_in_a_row = 0
        retries = [item.outcome for item in waiting if isinstance(item.outcome, Retry)]
        if not retries:
            return None
        for item in waiting:
            if isinstance(item.outcome, Retry):
                item.outcome = None
        return retries[0].error, max(retry.after for retry in retries)

    def _ask(self, items: Sequence[_Item]) -> None:
        if not items:
            return
        batch = [Received(item.record, item.message) for item in items if item.message is not None]
        try:
            outcomes: Sequence[Outcome] = self._handler.handle(batch)
            if len(outcomes) != len(batch):
                raise RuntimeError(f"{len(outcomes)} outcomes for {len(batch)} messages")
        except Exception as error:
            if is_infrastructure(error):
                after = error.after if isinstance(error, Unavailable) else 0.0
                outcomes = [Retry(str(error) or type(error).__name__, after)] * len(batch)
            elif len(batch) > 1:
                log.warning("a batch failed, trying its messages one by one", error=repr(error), messages=len(batch))
                for item in items:
                    self._ask([item])
                return
            else:
                record = batch[0].record
                log.error(
                    "message rejected by an unexpected error", topic=record.topic, partition=record.partition,
                    offset=record.offset, exc_info=True,
                )  # fmt: skip
                outcomes = [Reject(f"{type(error).__name__}: {error}")]
        for item, outcome in zip(items, outcomes, strict=True):
            item.outcome = outcome

    def _count(self, items: Sequence[_Item], seconds: float) -> None:
        done = [item for item in items if isinstance(item.outcome, Done)]
        counts: dict[tuple[str, str], int] = {}
        for item in done:
            assert isinstance(item.outcome, Done)
            key = (item.record.topic, item.outcome.what)
            counts[key] = counts.get(key, 0) + 1
        for (topic, what), count in counts.items():
            self._health.handled(topic, seconds * count / len(done), outcome=what, count=count)

    def _reject(self, item: _Item, outcome: Reject) -> None:
        record = item.record
        if self._rejected_in_a_row >= self._limit:
            # Settle what came before, so that a restart goes on from here.
            self._settle()
            raise TooManyDeadLetters(
                f"{self._handler.stage} stopped: {self._limit} messages in a row were rejected, the next is "
                f"{record.topic}/{record.partition}/{record.offset}: {outcome.reason}. Nothing is lost. Look at "
                "`polywire deadletters list`, put the cause right, start it again."
            )
        letter = DeadLetter.of(self._handler.stage, record, outcome.reason)
        self._dead_letters(letter)
        item.settled = True
        self._rejected_in_a_row += 1
        self._health.rejected(record.topic, outcome.reason)
        log.warning(
            "dead letter", topic=record.topic, partition=record.partition, offset=record.offset, reason=outcome.reason
        )

    def _settle(self) -> None:
        """Note what may be committed: each partition up to its first message that is not settled."""
        blocked: set[Partition] = set()
        left = []
        for item in self._items:
            place = item.record.place
            if not item.settled:
                blocked.add(place)
            if place in blocked:
                left.append(item)
            else:
                self._to_commit[place] = item.record.offset + 1
        self._items = left

    def _commit(self) -> None:
        if not self._to_commit:
            return
        try:
            self._source.commit(dict(self._to_commit))
        except CommitRefused as error:
            # Kept: what was taken away is dropped when the source says so; what stayed ours is committed next time.
            log.warning("commit refused", reason=str(error))
        except KafkaError as error:
            self._health.retrying(error)
            log.warning("commit failed, will be repeated", error=str(error) or type(error).__name__)
        else:
            self._to_commit.clear()

    def _wait(self, error: str, asked: float = 0.0) -> None:
        """Back off: keep the membership, let nothing new in, see a signal to stop."""
        self._failures += 1
        delay = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures - 1, 10)) * random.uniform(0.8, 1.2)
        delay = max(delay, asked)
        self._health.retrying(error)
        log.warning("broken, will retry", error=error, attempt=self._failures, seconds=round(delay, 1))
        self._source.pause()
        until = self._clock() + delay
        while (left := until - self._clock()) > 0 and not self._stop.is_set():
            try:
                self._take(self._source.poll(min(left, POLL_SECONDS)))
            except KafkaError as poll_error:
                self._health.retrying(poll_error)
                self._stop.wait(min(left, POLL_SECONDS))
            self._health.beat()
            self._drop_revoked()
            self._report()
        if not self._items:
            self._source.resume()

    def _report(self) -> None:
        now = self._clock()
        if now - self._reported < _REPORT_SECONDS:
            return
        self._reported = now
        try:
            ends = self._source.ends()
        except KafkaError:
            return  # the lag stays as it was last known
        first: dict[Partition, int] = {}
        for item in self._items:
            first.setdefault(item.record.place, item.record.offset)
        self._health.lag({place: max(0, end - first.get(place, position)) for place, (position, end) in ends.items()})


def group_of(stage: str) -> str:
    """The consumer group of a stage."""
    return f"polywire-{stage}"


def run_consumer(
    settings: Settings,
    handler: Handler,
    *,
    health: StageHealth,
    dead_letter_limit: int = DEAD_LETTER_LIMIT,
    **options: Any,
) -> None:
    """Run `handler` as a process: its consumer group (named for the stage), metrics, signals; until SIGTERM or SIGINT.

    Raises:
        UserError: a topic has other partitions than it should.
        TooManyDeadLetters: see `ConsumerLoop.run`.
    """
    check_topics(settings)
    health.serve(settings.metrics_host, settings.metrics_port)
    producer = make_producer(settings, f"polywire-{handler.stage}-deadletters")
    loop = ConsumerLoop(
        KafkaSource(settings, group_of(handler.stage), handler.topics, **options),
        handler,
        kafka_dead_letters(producer),
        health,
        dead_letter_limit=dead_letter_limit,
    )

    def stop(number: int, _frame: FrameType | None) -> None:
        WATCHDOG.stopping()
        log.info("stopping", signal=signal.Signals(number).name)
        loop.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    log.info("started", topics=[topic.name for topic in handler.topics])
    try:
        loop.run()
    finally:
        producer.close(timeout=_ACKNOWLEDGE_SECONDS)
    log.info("stopped")
