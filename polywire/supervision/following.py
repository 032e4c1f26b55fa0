"""Alerts on the screen of `polywire up`, as they come over the bus."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from polywire.runtime.kafka import make_consumer
from polywire.runtime.settings import Settings
from schemas.alerts import Alert
from schemas.codec import InvalidMessage, decode
from schemas.topics import ALERTS

_PAUSE = 0.5


class AlertFollower(threading.Thread):
    """Hands every alert and update from now on to `tell`, once.

    Make it before the stages run and after the topics are there: what is on the bus by then has been told in an earlier
    run. A daemon thread, to be stopped.
    """

    def __init__(self, settings: Settings, tell: Callable[[Alert], None]) -> None:
        super().__init__(name="alert-follower", daemon=True)
        self._tell = tell
        self._told: dict[str, int] = {}
        self._halt = threading.Event()
        self._consumer: KafkaConsumer = make_consumer(settings, None, ())
        partitions = [TopicPartition(ALERTS.name, number) for number in range(ALERTS.partitions)]
        ends = self._consumer.end_offsets(partitions)
        self._consumer.assign(partitions)
        for partition in partitions:
            self._consumer.seek(partition, ends[partition])

    def run(self) -> None:
        """Read until stopped."""
        try:
            # Short looks with pauses between, as the embedded engine answers an empty fetch at once.
            while not self._halt.wait(_PAUSE):
                try:
                    found = self._consumer.poll(timeout_ms=25)
                except KafkaError:
                    continue  # the supervisor says when the engine is gone
                for records in found.values():
                    for record in records:
                        self._take(record.value)
        finally:
            self._consumer.close()

    def _take(self, value: bytes) -> None:
        try:
            alert = decode(Alert, value)
        except InvalidMessage:
            return  # the notifier buries it
        # A revision may be published twice after a kill; whoever reads alerts knows it by its number.
        if self._told.get(alert.id, 0) < alert.revision:
            self._told[alert.id] = alert.revision
            self._tell(alert)

    def stop(self) -> None:
        """End the thread."""
        self._halt.set()
        if self.is_alive():
            self.join(5.0)


def alert_line(alert: Alert) -> str:
    """`[ms ar] 2 articles · title`, without what would command the terminal."""
    title = " ".join("".join(c if c.isprintable() else " " for c in alert.title).split())
    count = f"{alert.article_count} article{'s' if alert.article_count != 1 else ''}"
    return f"[{' '.join(alert.languages)}] {count} · {title} ({alert.subscription_name})"
