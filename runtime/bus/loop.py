"""The loop every consumer runs in. It moves messages; a `Handler` says what to do with them.

The order, which is what makes it safe:

1. poll a batch; decode it; what cannot be decoded is rejected;
2. let the handler work through the batch; it answers with an outcome for each message, `Later` for what it had no time
   for, which is handed over again when the rest is committed and the membership of the group kept;
3. `Retry` (broken infrastructure): partitions are paused and polled on, which keeps the membership of the group
   through an outage of any length, and the messages that are left are handed over again, with backoff;
4. `Reject` (the message's own fault): it goes to the dead letters, and the broker has acknowledged it there before
5. the offsets are committed: up to the first message that is not settled yet.

A crash at any point repeats messages and loses none. Partitions taken away in a rebalance are dropped with whatever
is in hand of them: their next owner starts from the last commit. A handler that raises something unexpected is asked
again for one message at a time, and the one it raises on is rejected, so that a bug stops a message, not a topic.

What stands beside each commit (runtime.bus.marks) counts across restarts: where the last owner of a partition
was killed, its messages are taken one by one, each on record before it is decoded, and one that has ended three
processes is put aside. Too many dead letters in a row stop the consumer (`TooManyDeadLetters`): then it is the code
that is wrong. It stays stopped until `polywire deadletters resume`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

from kafka.errors import KafkaError

from runtime.backoff import pause
from runtime.bus.accounts import Accounts
from runtime.bus.clients import check_topics, make_producer
from runtime.bus.deadletters import TOPIC, DeadLetter, DeadLetterSink, kafka_dead_letters
from runtime.bus.groups import group_of
from runtime.bus.marks import DEATHS, REJECTED_LIMIT, stopped_sentence
from runtime.bus.outcomes import (
    Done,
    Handler,
    Later,
    Outcome,
    Received,
    Reject,
    Retry,
    TooManyDeadLetters,
    Unavailable,
    is_infrastructure,
)
from runtime.bus.source import CommitRefused, KafkaSource, Partition, Record, Source
from runtime.elastic import at_most
from runtime.health import StageHealth
from runtime.logs import get_logger
from runtime.settings import Settings
from runtime.watchdog import WATCHDOG
from schemas.base import Message
from schemas.codec import InvalidMessage, decode
from schemas.topics import BY_NAME

log = get_logger(__name__)

POLL_SECONDS = 0.5
"""How long a poll waits, which is also how soon a signal to stop is seen."""
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0
"""Seconds between tries of what is broken: doubled from the first to the longest."""
_ON_RECORD_SECONDS = 3.0
"""For one request while a message is on record; what needs longer is repeated off the record."""
_REPORT_SECONDS = 2.0
_ACKNOWLEDGE_SECONDS = 30.0


@dataclass
class _Item:
    record: Record
    message: Message | None = None
    outcome: Outcome | None = None
    settled: bool = False
    retried: bool = False
    """Something that it needs was broken when it was tried."""


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
        dead_letter_limit: int = REJECTED_LIMIT,
    ) -> None:
        self._source = source
        self._handler = handler
        self._dead_letters = dead_letters
        self._health = health
        self._clock = clock
        self._stop = threading.Event()
        self._items: list[_Item] = []
        self._accounts = Accounts(rejected_limit=dead_letter_limit)
        self._failures = 0
        self._paused = False
        self._polled = 0.0
        self._ready = False
        self._reported = float("-inf")

    def stop(self) -> None:
        """Finish the call in hand, commit, end. From any thread or a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Consume until `stop`.

        Raises:
            TooManyDeadLetters: the limit of dead letters in a row is reached, or was by a process before this one, and
                nobody has said `resume`. What was rejected is committed.
        """
        try:
            while not self._stop.is_set():
                self._turn()
            self._drop_revoked()
            self._accounts.goodbye()
        finally:
            try:
                self._commit()
            finally:
                self._handler.close()
                self._source.close()

    def _turn(self) -> None:
        try:
            self._poll(POLL_SECONDS)
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
        if self._items:
            self._work()
        else:
            self._recovered()
        self._commit()
        self._report()

    def _poll(self, seconds: float) -> None:
        """Take what has come, and let go of what has gone: messages and partitions."""
        self._polled = self._clock()
        self._items += [_Item(record) for record in self._source.poll(seconds)]
        self._drop_revoked()
        came = self._source.came()
        for _, mark in came.values():
            if mark.stopped:
                self._accounts.goodbye()
                raise TooManyDeadLetters(mark.stopped)
        for place, (offset, mark) in came.items():
            self._accounts.came(place, offset, mark)
            if mark.open:
                log.warning("the last owner was killed, going carefully", topic=place[0], partition=place[1])

    def _drop_revoked(self) -> None:
        taken = self._source.revoked()
        if not taken:
            return
        dropped = [item for item in self._items if item.record.place in taken]
        self._items = [item for item in self._items if item.record.place not in taken]
        self._accounts.gone(taken)
        log.info("partitions taken away", partitions=sorted(f"{t}/{p}" for t, p in taken), dropped=len(dropped))

    def _work(self) -> None:
        """Hand over what is in hand until it is settled, with backoff while something is broken."""
        while self._items:
            if self._stop.is_set() and self._failures:
                return  # what is broken stays broken while we are asked to go; the rest is read again later
            careful = self._take_carefully()
            if not self._commit() and careful:
                self._wait("cannot commit, which has to be before a message that may end the process")
                continue
            failure = (
                self._attempt_on_record(careful)
                if careful
                else self._attempt([item for item in self._items if item.outcome is None])
            )
            self._settle()
            if failure is not None:
                self._commit()
                self._wait(*failure)
                continue
            self._recovered()
            if self._stop.is_set():
                return
            if self._items:
                self._keep_membership()

    def _take_carefully(self) -> _Item | None:
        """The message to be taken alone, on record before it is decoded; None where none has to be."""
        item = next((item for item in self._items if self._accounts.careful(item.record)), None)
        if item is not None and item.outcome is None:
            if self._accounts.condemned(item.record):
                item.outcome = Reject(f"it ended the process {DEATHS} times while it was in hand")
            elif not item.retried:
                self._accounts.take(item.record)
        return item

    def _keep_membership(self) -> None:
        """Between two calls for what was polled together."""
        self._commit()
        self._health.beat()
        if self._clock() - self._polled > POLL_SECONDS:
            self._pause()
            try:
                self._poll(0.0)
            except KafkaError as error:
                self._health.retrying(error)
            self._report()

    def _pause(self) -> None:
        self._source.pause()
        self._paused = True

    def _recovered(self) -> None:
        if self._failures:
            log.info("works again", after_failures=self._failures)
            self._failures = 0
        if self._paused and not self._items:
            self._source.resume()
            self._paused = False

    def _attempt_on_record(self, item: _Item) -> tuple[str, float] | None:
        """One try of one message, on which the process's end would be pinned.

        Whoever waits for Elasticsearch dies of what is done to the process, not of the message: so no wait is long.
        """
        if item.retried:
            return self._attempt([item])
        with at_most(_ON_RECORD_SECONDS):
            return self._attempt([item])

    def _attempt(self, items: Sequence[_Item]) -> tuple[str, float] | None:
        """One try for each of the items; the error and its wish where something is to be retried."""
        started = self._clock()
        for item in items:
            if item.message is None and item.outcome is None:
                self._decode(item)
        waiting = [item for item in items if item.outcome is None]
        self._ask(waiting)
        self._count(waiting, self._clock() - started)
        for item in self._items:
            if isinstance(item.outcome, Reject) and not item.settled:
                try:
                    self._reject(item, item.outcome)
                except KafkaError as error:
                    return f"cannot write to {TOPIC.name}: {error or type(error).__name__}", 0.0
            elif isinstance(item.outcome, Done) and not item.settled:
                item.settled = True
                self._accounts.done(item.record)
        retries = []
        for item in waiting:
            if isinstance(item.outcome, Retry):
                retries.append(item.outcome)
                item.retried = True
                if self._accounts.careful(item.record):
                    self._accounts.put_back(item.record)
            if isinstance(item.outcome, Retry | Later):
                item.outcome = None
        return (retries[0].error, max(retry.after for retry in retries)) if retries else None

    def _decode(self, item: _Item) -> None:
        model = BY_NAME[item.record.topic].model
        assert model is not None, f"{item.record.topic} carries raw bytes"
        try:
            item.message = decode(model, item.record.value)
        except InvalidMessage as error:
            item.outcome = Reject(error.reason)
        except RecursionError:
            item.outcome = Reject("nested too deeply")

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
                outcomes = [Reject(f"{type(error).__name__}: {error}", ours=True)]
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
        if why := self._accounts.full(record, ours=outcome.ours):
            self._stop_before(item, why, outcome.reason)
        letter = DeadLetter.of(self._handler.stage, record, outcome.reason)
        self._dead_letters(letter)
        item.settled = True
        self._accounts.buried(record, ours=outcome.ours)
        self._health.rejected(record.topic, outcome.reason)
        log.warning(
            "dead letter", topic=record.topic, partition=record.partition, offset=record.offset, reason=outcome.reason
        )

    def _stop_before(self, item: _Item, why: str, reason: str) -> NoReturn:
        """Wait for a person, before the first message of the partition that is not settled."""
        self._settle()
        first = next(one.record for one in self._items if one.record.place == item.record.place)
        sentence = stopped_sentence(self._handler.stage, why, f"{first.topic}/{first.partition}/{first.offset}", reason)
        self._accounts.stopped(first, sentence)
        self._accounts.goodbye()
        raise TooManyDeadLetters(sentence)

    def _settle(self) -> None:
        """Note what may be committed: each partition up to its first message that is not settled."""
        blocked: set[Partition] = set()
        reached: dict[Partition, int] = {}
        left = []
        for item in self._items:
            place = item.record.place
            if not item.settled:
                blocked.add(place)
            if place in blocked:
                left.append(item)
            else:
                reached[place] = item.record.offset + 1
        self._items = left
        for place, offset in reached.items():
            self._accounts.reached(place, offset)

    def _commit(self) -> bool:
        """Commit what is due; whether all of it is."""
        due = self._accounts.due
        if not due:
            return True
        try:
            self._source.commit(due)
        except CommitRefused as error:
            # Kept: what was taken away is dropped when the source says so; what stayed ours is committed next time.
            log.warning("commit refused", reason=str(error))
            return False
        except KafkaError as error:
            self._health.retrying(error)
            log.warning("commit failed, will be repeated", error=str(error) or type(error).__name__)
            return False
        self._accounts.committed(due)
        return True

    def _wait(self, error: str, asked: float = 0.0) -> None:
        """Back off: keep the membership, let nothing new in, see a signal to stop."""
        self._failures += 1
        delay = max(asked, pause(self._failures, FIRST_RETRY, LONGEST_RETRY))
        self._health.retrying(error)
        log.warning("broken, will retry", error=error, attempt=self._failures, seconds=round(delay, 1))
        self._pause()
        until = self._clock() + delay
        while (left := until - self._clock()) > 0 and not self._stop.is_set():
            try:
                self._poll(min(left, POLL_SECONDS))
            except KafkaError as poll_error:
                self._health.retrying(poll_error)
                self._stop.wait(min(left, POLL_SECONDS))
            self._health.beat()
            self._report()
        if not self._items:
            self._source.resume()
            self._paused = False

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
        for place, (position, end) in ends.items():
            if position >= end and place not in first:
                self._accounts.idle(place)
        self._health.lag({place: max(0, end - first.get(place, position)) for place, (position, end) in ends.items()})


def run_consumer(
    settings: Settings,
    handler: Handler,
    *,
    health: StageHealth,
    dead_letter_limit: int = REJECTED_LIMIT,
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
        KafkaSource(settings, group_of(handler.stage), handler.topics, gather=handler.gather, **options),
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
