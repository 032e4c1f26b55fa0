"""Every delivery, recorded before it is tried (`PREFIX-deliveries`): what was sent, what waits, what was given up.

A delivery's id comes from the alert, its revision and the channel, and it is stored by `create`: a replayed alert finds
its deliveries there and sends nothing. Whoever works on a delivery holds a lease on it; when its worker is gone, the
lease runs out and another takes it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from elasticsearch import ConflictError, Elasticsearch, NotFoundError, helpers

from runtime.netguard import host_of
from schemas.alerts import Alert, Channel
from schemas.ids import alert_id

LEASE = timedelta(seconds=120)

State = Literal["pending", "delivered", "failed", "dropped"]


@dataclass(frozen=True)
class Origin:
    """The message that a delivery comes from, so that giving it up is a dead letter that can be put back."""

    topic: str
    partition: int
    offset: int
    key: str
    replays: int = 0


@dataclass(frozen=True)
class Delivery:
    """One alert, at one revision, to one channel."""

    alert: Alert
    channel: Channel
    origin: Origin
    created: datetime
    attempts: int = 0

    @property
    def id(self) -> str:
        return alert_id(self.idempotency_key, f"{self.channel.kind} {self.channel.url or ''}")

    @property
    def idempotency_key(self) -> str:
        """The same for every try: a receiver that has seen it may ignore what follows."""
        return f"{self.alert.id}:{self.alert.revision}"

    @property
    def destination(self) -> str:
        """Deliveries to one destination go one after the other."""
        return self.channel.url or self.channel.kind

    @property
    def shown(self) -> str:
        """The destination for logs and reasons: of a webhook the host alone, since its address is often its key."""
        return host_of(self.channel.url) if self.channel.url else self.channel.kind

    def tried(self) -> Delivery:
        return replace(self, attempts=self.attempts + 1)


class Outbox:
    """The record of deliveries. Raises what the Elasticsearch client raises."""

    def __init__(self, es: Elasticsearch, prefix: str) -> None:
        self._es = es
        self._index = f"{prefix}-deliveries"

    def record(self, deliveries: Sequence[Delivery], *, lease: bool) -> list[Delivery]:
        """Store what is new and return it; `lease`: the caller will deliver it now.

        A delivery that was given up, of an alert that an operator has put back, counts as new.
        """
        now = datetime.now(UTC)
        lease_until = now + LEASE if lease else now
        actions = [
            {
                "_op_type": "create",
                "_index": self._index,
                "_id": d.id,
                "require_alias": True,
                "_source": self._document(d, now, lease_until),
            }
            for d in deliveries
        ]
        new = []
        results = helpers.streaming_bulk(self._es, actions, max_retries=0, raise_on_error=False, require_alias=True)
        for delivery, (ok, result) in zip(deliveries, results, strict=True):
            item = next(iter(result.values()))
            if ok or (item.get("status") == 409 and delivery.origin.replays and self._reopen(delivery, lease_until)):
                new.append(delivery)
            elif item.get("status") != 409:
                raise ConnectionError(f"delivery not recorded: {item.get('error')}")
        return new

    def _document(self, delivery: Delivery, now: datetime, lease_until: datetime) -> dict[str, Any]:
        return {
            "alert_id": delivery.alert.id,
            "revision": delivery.alert.revision,
            "subscription_id": delivery.alert.subscription_id,
            "channel": delivery.channel.kind,
            "destination": delivery.shown,
            "state": "pending",
            "attempts": 0,
            "created": delivery.created,
            "updated": now,
            "next_attempt": now,
            "lease_until": lease_until,
            "alert": delivery.alert.model_dump(mode="json"),
            "origin": {**vars(delivery.origin), "channel": delivery.channel.model_dump(mode="json")},
        }

    def _reopen(self, delivery: Delivery, lease_until: datetime) -> bool:
        found = self._es.get(index=self._index, id=delivery.id).body
        if found["_source"]["state"] != "failed":
            return False
        return self._change(
            found, {"state": "pending", "attempts": 0, "created": delivery.created, "lease_until": lease_until}
        )

    def claim(self, limit: int = 100) -> list[Delivery]:
        """Pending deliveries that nobody holds, oldest first; held by the caller from now on."""
        now = datetime.now(UTC)
        due = [{"term": {"state": "pending"}}, {"range": {"lease_until": {"lte": now.isoformat()}}}]
        self._es.indices.refresh(index=self._index)
        answer = self._es.search(
            index=self._index,
            query={"bool": {"filter": due}},
            sort=[{"created": "asc"}],
            size=limit,
            seq_no_primary_term=True,
        )
        held = []
        for hit in answer["hits"]["hits"]:
            if self._change(hit, {"lease_until": now + LEASE}):
                held.append(_delivery(hit["_source"]))
        return held

    def _change(self, found: Mapping[str, Any], fields: dict[str, Any]) -> bool:
        """Change what was found, where it was found, if nobody else has: a migration may have moved it since."""
        fields = {**fields, "updated": datetime.now(UTC)}
        place = {"index": found["_index"], "id": found["_id"]}
        condition = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        try:
            self._es.update(**place, doc=fields, **condition)
        except (ConflictError, NotFoundError):
            return False
        return True

    def renew(self, deliveries: Iterable[Delivery]) -> None:
        """Hold on to deliveries that wait for their turn or their next try."""
        self._update(deliveries, {"lease_until": datetime.now(UTC) + LEASE})

    def release(self, deliveries: Iterable[Delivery]) -> None:
        """Let go of them: whoever looks next takes them up."""
        self._update(deliveries, {"lease_until": datetime.now(UTC)})

    def _update(self, deliveries: Iterable[Delivery], fields: dict[str, Any]) -> None:
        actions = [{"_op_type": "update", "_index": self._index, "_id": d.id, "doc": fields} for d in deliveries]
        if actions:
            helpers.bulk(self._es, actions, raise_on_error=False)

    def failed_once(self, delivery: Delivery, error: str, next_attempt: datetime) -> None:
        """A try that failed; the next one is at `next_attempt`."""
        self._settle(delivery, {"last_error": error, "next_attempt": next_attempt, "lease_until": next_attempt + LEASE})

    def knows(self, delivery: Delivery) -> bool:
        """Whether it is on record."""
        return bool(self._es.exists(index=self._index, id=delivery.id))

    def delivered(self, delivery: Delivery, status: int | None, sent_to: str = "") -> None:
        """It has arrived; `status`: the HTTP status, where there was one; `sent_to`: where that is another place."""
        now = datetime.now(UTC)
        fields: dict[str, Any] = {"state": "delivered", "delivered": now, "lease_until": now}
        if sent_to:
            fields["destination"] = sent_to
        self._settle(delivery, fields | ({"status_code": status} if status else {}))

    def set_aside(self, delivery: Delivery, reason: str, until: datetime) -> None:
        """It was not tried, and is let go of until then. The time that it waits so does not count as its age."""
        fields = {"last_error": reason, "next_attempt": until, "lease_until": until, "created": datetime.now(UTC)}
        self._settle(replace(delivery, attempts=delivery.attempts - 1), fields)

    def dropped(self, delivery: Delivery, reason: str) -> None:
        """Nobody wants it any more."""
        self._settle(delivery, {"state": "dropped", "last_error": reason, "lease_until": datetime.now(UTC)})

    def given_up(self, delivery: Delivery, error: str) -> None:
        """It will not be tried again, unless an operator puts the alert back."""
        self._settle(delivery, {"state": "failed", "last_error": error, "lease_until": datetime.now(UTC)})

    def _settle(self, delivery: Delivery, fields: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        doc = {**fields, "attempts": delivery.attempts, "updated": now}
        # Where the record is gone, by an operator's hand or with its index, it is made anew: what waits behind this
        # delivery must not wait for a document that never comes back.
        anew = {**self._document(delivery, now, now), **doc}
        self._es.update(
            index=self._index, id=delivery.id, doc=doc, upsert=anew, retry_on_conflict=3, require_alias=True
        )


def _delivery(source: dict[str, Any]) -> Delivery:
    origin = dict(source["origin"])
    channel = Channel.model_validate(origin.pop("channel"))
    return Delivery(
        Alert.model_validate(source["alert"]),
        channel,
        Origin(**origin),
        datetime.fromisoformat(str(source["created"])),
        int(source["attempts"]),
    )
