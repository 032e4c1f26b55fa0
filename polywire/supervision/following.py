"""What comes over the bus, for the screens of `polywire up` and `polywire demo`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from runtime.bus.clients import make_consumer
from runtime.bus.partitions import partitions_of
from runtime.settings import Settings
from schemas.alerts import Alert
from schemas.codec import InvalidMessage, decode
from schemas.topics import ALERTS

_ALERT_PAUSE = 0.5


class Follower(threading.Thread):
    """Hands every record of a consumer to `take`. A daemon thread, to be stopped; it closes the consumer."""

    def __init__(self, name: str, consumer: KafkaConsumer, take: Callable[[str, bytes], None], pause: float) -> None:
        """`take` gets the topic and the value; what it cannot decode is left to the stages, which bury it.

        `pause`: seconds between two looks.
        """
        super().__init__(name=name, daemon=True)
        self._consumer = consumer
        self._take = take
        self._pause = pause
        self._halt = threading.Event()

    def run(self) -> None:
        """Read until stopped."""
        try:
            # Short looks with pauses between: the embedded engine answers an empty fetch at once, and asking again
            # and again would keep a processor busy.
            while not self._halt.wait(self._pause):
                try:
                    found = self._consumer.poll(timeout_ms=25)
                except KafkaError:
                    continue  # the supervisor says when the engine is gone
                for records in found.values():
                    for record in records:
                        with contextlib.suppress(InvalidMessage):
                            self._take(record.topic, record.value)
        finally:
            self._consumer.close()

    def stop(self) -> None:
        """End the thread."""
        self._halt.set()
        if self.is_alive():
            self.join(5.0)


class AlertFollower(Follower):
    """Hands every alert and update from now on to `tell`, once.

    Make it before the stages run and after the topics are there: what is on the bus by then has been told in an earlier
    run.
    """

    def __init__(self, settings: Settings, tell: Callable[[Alert], None]) -> None:
        self._tell = tell
        self._told: dict[str, int] = {}
        consumer: KafkaConsumer = make_consumer(settings, None, ())
        partitions = partitions_of(consumer, ALERTS.name)
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, ends[partition])
        super().__init__("alert-follower", consumer, self._take_alert, _ALERT_PAUSE)

    def _take_alert(self, _topic: str, value: bytes) -> None:
        alert = decode(Alert, value)
        # A revision may be published twice after a kill; whoever reads alerts knows it by its number.
        if self._told.get(alert.id, 0) < alert.revision:
            self._told[alert.id] = alert.revision
            self._tell(alert)


def alert_line(alert: Alert) -> str:
    """`[ms ar] 2 articles · title`, without what would command the terminal."""
    title = " ".join("".join(c if c.isprintable() else " " for c in alert.title).split())
    count = f"{alert.article_count} article{'s' if alert.article_count != 1 else ''}"
    return f"[{' '.join(alert.languages)}] {count} · {title} ({alert.subscription_name})"
