"""Which topic a name stands for: one that is deleted and made anew has its name, its offsets, and another id."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.errors import IncompatibleBrokerVersion, KafkaError

from runtime.bus.clients import make_admin
from runtime.logs import get_logger
from runtime.settings import Settings

log = get_logger(__name__)

_PATIENCE = 5.0
"""Seconds to find a broker."""


class TopicIds:
    """Asks the brokers, one request at a time over a connection that is kept. For any thread; blocks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: KafkaAdminClient | None = None
        self._asking = threading.Lock()

    def of(self, topics: Iterable[str]) -> dict[str, str]:
        """The id of each topic, 32 hexadecimal digits. Absent where the broker gives none: before Kafka 2.8, on the
        embedded engine, and while the topic is not there.

        Raises:
            kafka.errors.KafkaError: the brokers could not be asked.
        """
        with self._asking:
            try:
                if self._admin is None:
                    self._admin = make_admin(self._settings, patience=_PATIENCE)
                found = self._admin.describe_topics(sorted(set(topics)))
            except IncompatibleBrokerVersion:
                return {}
            except KafkaError:
                self._close()
                raise
            return {one["name"]: topic_id for one in found if (topic_id := _digits(one["topic_id"]))}

    def close(self) -> None:
        """Give up the connection; the next question makes one anew."""
        with self._asking:
            self._close()

    def _close(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None


def _digits(topic_id: object) -> str:
    """As 32 digits, whether the client gives a UUID or, as kafka-python 3.0.12 does, its text; empty for none."""
    digits = str(topic_id or "").replace("-", "")
    return digits if digits.strip("0") else ""


def made_anew(known: str, now: str | None) -> bool:
    """Whether the topic that had the id `known` is gone and another has its name. Nothing known says nothing."""
    return bool(known and now and known != now)


def warn_made_anew(topic: str, partition: int, handled: int) -> None:
    """`handled`: the offset in the topic that is gone."""
    log.warning("topic_made_anew", topic=topic, partition=partition, handled=handled)
