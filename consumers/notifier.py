"""alerts to the people who subscribed.

An alert becomes one delivery for each channel that wants it; the deliveries are recorded (consumers.notify.outbox),
then its offset is committed; the dispatcher (consumers.notify.dispatcher) delivers. So a slow receiver holds up neither
the topic nor the others, a crash forgets nothing, and a replayed alert is not sent twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import httpx
from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch
from prometheus_client import Counter
from rich.console import Console

from consumers.alerts.subscriptions import SubscriptionBook
from consumers.index.ready import make_ready
from consumers.notify.dispatcher import Dispatcher, Patience
from consumers.notify.outbox import Delivery, Origin, Outbox
from consumers.notify.terminal import show
from consumers.notify.webhook import TIMEOUT, Answer, post
from runtime.bus.deadletters import DeadLetter, kafka_dead_letters, replays_of
from runtime.bus.outcomes import Done, Outcome, Received, Unavailable
from runtime.bus.producer import Producer
from runtime.bus.source import GATHER
from runtime.health import StageHealth
from runtime.logs import get_logger
from runtime.netguard import GuardedBackend, GuardedTransport
from runtime.settings import Settings
from schemas.alerts import Alert, Channel
from schemas.codec import encode
from schemas.topics import ALERTS

log = get_logger(__name__)

IN_HAND = 5_000
"""Deliveries in memory. What comes beyond is recorded only, and taken up when there is room."""
_CLAIM_SECONDS = 10.0
"""Between two looks for deliveries that nobody works on, and at who still wants to be told."""


def same_place(one: Channel, other: Channel) -> bool:
    """Whether two channels tell the same receiver."""
    return (one.kind, one.url) == (other.kind, other.url)


class Notifier:
    """The handler of `polywire consume notifier`."""

    stage = "notifier"
    topics = (ALERTS,)
    gather = GATHER

    def __init__(
        self,
        settings: Settings,
        es: Elasticsearch,
        producer: Producer,
        health: StageHealth,
        *,
        console: Console | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._es = es
        self._prefix = settings.index_prefix
        self._producer = producer
        self._console = console or Console(highlight=False)
        self._secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(GuardedBackend(settings.allow_hosts)),
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
        )
        self._dead_letters = kafka_dead_letters(producer)
        # Bad ones are reported by the alerter.
        self._book = SubscriptionBook(settings, self.stage, lambda _letter: None)
        self._outbox = Outbox(es, settings.index_prefix)
        self._counter = Counter(
            "polywire_deliveries",
            "Deliveries by what became of them.",
            ["channel", "outcome"],
            registry=health.registry,
        )
        self._dispatcher = Dispatcher(self._outbox, self._send, self._give_up, self._count, patience)
        self._indices_ready = False
        self._claimed = 0.0

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        """Record a delivery for each alert and channel, and start on those that are new."""
        self._make_ready()
        self._book.catch_up()
        outcomes: list[Outcome] = []
        deliveries: list[Delivery] = []
        for received in batch:
            wanted = self._deliveries(received)
            deliveries += wanted
            outcomes.append(Done("ok" if wanted else "skipped"))
        room = len(self._dispatcher) + len(deliveries) <= IN_HAND
        try:
            new = self._outbox.record(deliveries, lease=room) if deliveries else []
        except (ApiError, ConnectionError) as error:
            self._indices_ready = False  # perhaps somebody has deleted the index, or stopped writing to it
            raise Unavailable(str(error)) from error
        if room:
            for delivery in new:
                self._dispatcher.submit(delivery)
        return outcomes

    def tick(self) -> None:
        """Take up what nobody works on: after a restart, or after another worker has gone."""
        self._make_ready()
        if time.monotonic() - self._claimed < _CLAIM_SECONDS and self._claimed:
            return
        self._claimed = time.monotonic()
        self._book.catch_up()  # before anything is sent: who has unsubscribed is not told
        try:
            while len(self._dispatcher) < IN_HAND and (due := self._outbox.claim()):
                for delivery in due:
                    self._dispatcher.submit(delivery)
        except ApiError as error:
            self._indices_ready = False
            raise Unavailable(str(error)) from error

    def close(self) -> None:
        self._dispatcher.close()
        self._book.close()
        self._producer.close(timeout=30)
        self._es.close()

    def _make_ready(self) -> None:
        if not self._indices_ready:
            make_ready(self._es, self._prefix)
            self._indices_ready = True

    def _deliveries(self, received: Received) -> list[Delivery]:
        alert, record = received.message, received.record
        assert isinstance(alert, Alert)
        active = self._book.get(alert.subscription_id)
        if active is None:
            log.info("nobody to tell: the subscription is gone", alert=alert.id, subscription=alert.subscription_id)
            return []
        origin = Origin(
            record.topic, record.partition, record.offset, (record.key or b"").decode("utf-8", "replace"),
            replays_of(record),
        )  # fmt: skip
        now = datetime.now(UTC)
        return [
            Delivery(alert, channel, origin, now)
            for channel in active.subscription.channels
            if alert.kind == "new" or channel.updates
        ]

    async def _send(self, delivery: Delivery) -> Answer:
        """One try, by what the subscription says now: it may have changed since the alert came."""
        try:
            now = await asyncio.to_thread(self._as_wanted_now, delivery)
        except (ApiError, TransportError) as error:
            return Answer(False, False, f"cannot look where it goes now: {error}")
        if isinstance(now, Answer):
            return now
        answer = await self._send_as_it_is(now)
        return replace(answer, sent_to=now.shown) if answer.ok and now.channel != delivery.channel else answer

    def _as_wanted_now(self, delivery: Delivery) -> Delivery | Answer:
        """The delivery by the channel that has taken the place of its own, if that is gone; or why it is not sent."""
        active, now = self._book.get(delivery.alert.subscription_id), datetime.now(UTC)
        if active is None:
            return Answer(False, True, "the subscription was removed", dropped=True)
        if active.muted(now):
            until = active.subscription.muted_until
            assert until is not None
            return Answer(
                False, False, f"muted until {until:%Y-%m-%d %H:%M} UTC", held=True,
                retry_after=(until - now).total_seconds(),
            )  # fmt: skip
        channels = active.subscription.channels
        if any(same_place(channel, delivery.channel) for channel in channels):
            return delivery
        for channel in channels:
            instead = replace(delivery, channel=channel)
            # One that the alert has a delivery for already is no successor.
            if channel.kind == delivery.channel.kind and not self._outbox.knows(instead):
                return instead
        return Answer(False, True, "the subscription no longer asks for it there", dropped=True)

    async def _send_as_it_is(self, delivery: Delivery) -> Answer:
        if delivery.channel.kind == "terminal":
            show(self._console, delivery.alert)
            return Answer(True, True)
        return await post(self._client, delivery, self._secret)

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        origin = delivery.origin
        self._dead_letters(
            DeadLetter(
                stage=self.stage,
                reason=reason,
                topic=origin.topic,
                partition=origin.partition,
                offset=origin.offset,
                key=origin.key.encode(),
                value=encode(delivery.alert),
                at=datetime.now(UTC),
                replays=origin.replays,
            )
        )
        log.error("delivery given up", alert=delivery.alert.id, revision=delivery.alert.revision, reason=reason)

    def _count(self, delivery: Delivery, outcome: str) -> None:
        self._counter.labels(delivery.channel.kind, outcome).inc()
