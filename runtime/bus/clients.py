"""Kafka clients with the options that lose nothing, and the few administrative calls we make."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.record.util import calc_crc32c
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import MemberToRemove
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
    TopicAlreadyExistsError,
)
from kafka.record import default_records
from kafka.structs import OffsetAndMetadata

from runtime.bus import header_names, reconnecting
from runtime.bus.assigning import NoticingAssignor
from runtime.bus.partitions import check_partitions, partitions_of
from runtime.bus.producer import Producer, Sent
from runtime.settings import Settings
from schemas.base import Message
from schemas.codec import encode
from schemas.topics import CATALOGUE, DEADLETTERS, MAX_MESSAGE_BYTES, Topic

REQUEST_BYTES = MAX_MESSAGE_BYTES + 512 * 1024
"""What our clients send at most: a message, its headers and its envelope; less than what the topics take. So it is
always the client that refuses: a kafka-python producer that was refused by the broker for size never works again."""

PATIENCE = 20.0
"""Seconds for each step of bringing a message to a broker, unless a caller has less."""
ADMIN_PATIENCE = 30.0
"""Seconds that an administrative client waits for a broker that answers, unless its caller tries again itself."""
_LINGER_MS = 5

# kafka-python computes the checksum of every batch in Python unless an LGPL package is there: a third of a second for
# each megabyte. aiokafka, which Faust brings along, has the same function in C.
default_records.calc_crc32c = calc_crc32c
reconnecting.install()
header_names.install()


def client_id(name: str, pid: int | None = None) -> str:
    """How a process calls itself to the brokers; by it, a member of a group is known for a process that died."""
    return f"polywire-{name}-{socket.gethostname()}-{pid or os.getpid()}"


def client_options(settings: Settings) -> dict[str, Any]:
    """Options that every kafka-python client takes: where the brokers are and how to be let in."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "security_protocol": settings.kafka_security_protocol,
        "allow_auto_create_topics": False,
        "reconnect_backoff_ms": int(reconnecting.FIRST_PAUSE * 1000),
        "reconnect_backoff_max_ms": int(reconnecting.LONGEST_PAUSE * 1000),
    }
    if settings.kafka_ca_file:
        options["ssl_cafile"] = str(settings.kafka_ca_file)
    if settings.kafka_security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        password = settings.kafka_password
        options["sasl_plain_password"] = password.get_secret_value() if password else None
    return options


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """For aiokafka, which takes a context where kafka-python takes a file."""
    if "SSL" not in settings.kafka_security_protocol:
        return None
    return ssl.create_default_context(cafile=str(settings.kafka_ca_file) if settings.kafka_ca_file else None)


def make_producer(settings: Settings, client_id: str, *, seconds: float = PATIENCE) -> Producer:
    """A producer that acknowledges only what all replicas hold (idempotent, acks=all), and recovers from failures.

    Args:
        seconds: how long connecting, giving a message to the client and delivering it may take, each.
    """
    wait = int(seconds * 1000)

    def connect() -> KafkaProducer:
        return KafkaProducer(
            **client_options(settings),
            client_id=client_id,
            max_request_size=REQUEST_BYTES,
            linger_ms=_LINGER_MS,
            bootstrap_timeout_ms=wait,
            max_block_ms=wait,
            request_timeout_ms=wait // 2,  # a broker that says nothing is asked once more
            delivery_timeout_ms=wait,
            metrics_enabled=False,
        )

    return Producer(connect, seconds=seconds)


def publish(producer: Producer, topic: Topic, key: str, message: Message | None) -> Sent:
    """Send a message; `get` on what it returns waits until the broker has it. None is an empty value, which deletes."""
    value = None if message is None else encode(message)
    return producer.send(topic.name, key=key.encode(), value=value)


def make_consumer(settings: Settings, group: str | None, topics: Sequence[Topic], **options: Any) -> KafkaConsumer:
    """A consumer that commits nothing by itself. With no group it reads from the start and is nobody's."""
    config: dict[str, Any] = {
        **client_options(settings),
        "client_id": client_id((group or "reader").removeprefix("polywire-")),
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": REQUEST_BYTES,
        # The embedded engine answers with all that waits, however little is asked for.
        "receive_message_max_bytes": 2**31 - 1,
        "metrics_enabled": False,
    }
    if group:
        config["partition_assignment_strategy"] = (NoticingAssignor,)
    config.update(options)
    return KafkaConsumer(*(topic.name for topic in topics), **config)


def holds_fetches(settings: Settings) -> bool:
    """Whether a broker keeps whoever fetches waiting until there is something; the embedded engine answers at once."""
    return settings.engines != "embedded"


def next_offset(offset: int) -> OffsetAndMetadata:
    """What to commit once the message at `offset` has had its effect."""
    return OffsetAndMetadata(offset + 1, "", -1)


def make_admin(settings: Settings, *, patience: float = ADMIN_PATIENCE) -> KafkaAdminClient:
    """An administrative client. Close it. Raises KafkaTimeoutError when no broker answers within `patience` seconds."""
    options = client_options(settings)
    del options["allow_auto_create_topics"]
    return KafkaAdminClient(**options, bootstrap_timeout_ms=int(patience * 1000))


def create_topics(
    settings: Settings, topics: Sequence[Topic] = CATALOGUE, *, patience: float = ADMIN_PATIENCE
) -> list[str]:
    """Create the topics that are missing, with their settings; returns the names of those that were.

    Existing topics are left as they are.

    Args:
        patience: seconds to wait for a broker that answers.

    Raises:
        UserError: one that was there has other partitions than it should, see `check_partitions`.
        KafkaTimeoutError: no broker answered.
    """
    admin = make_admin(settings, patience=patience)
    try:
        existing = set(admin.list_topics())
        missing = [topic for topic in topics if topic.name not in existing]
        created = []
        for topic in missing:
            spec = {
                "num_partitions": topic.partitions,
                "replication_factor": settings.topic_replication,
                "configs": dict(topic.config),
            }
            try:
                admin.create_topics({topic.name: spec})
            except TopicAlreadyExistsError:
                continue  # another process was quicker
            created.append(topic.name)
        check_partitions(admin, {t.name: t.partitions for t in topics if t is not DEADLETTERS})
        return created
    finally:
        admin.close()


def check_topics(settings: Settings) -> None:
    """Compare the partitions of the catalogue's topics with what the brokers have.

    Raises:
        UserError: see `check_partitions`.
    """
    admin = make_admin(settings)
    try:
        check_partitions(admin)
    finally:
        admin.close()


def group_lag(settings: Settings, groups: Mapping[str, Sequence[Topic]]) -> dict[str, dict[str, int]]:
    """Messages waiting for each group, by topic: end offsets less committed offsets (0 where none is committed)."""
    admin = make_admin(settings)
    consumer = make_consumer(settings, None, ())
    try:
        offsets = _group_offsets(admin, list(groups))
        lag: dict[str, dict[str, int]] = {}
        for group, topics in groups.items():
            committed = offsets.get(group) or {}
            lag[group] = {}
            for topic in topics:
                partitions = partitions_of(consumer, topic.name)
                ends = consumer.end_offsets(partitions)
                starts = consumer.beginning_offsets(partitions)
                waiting = 0
                for tp in partitions:
                    done = committed.get(tp)
                    position = done.offset if done is not None and done.offset >= 0 else starts[tp]
                    waiting += max(0, ends[tp] - position)
                lag[group][topic.name] = waiting
        return lag
    finally:
        consumer.close()
        admin.close()


def expel(settings: Settings, group: str, pid: int) -> int:
    """Take the members of `group` that the process `pid` of this machine had out of it; returns how many there were.

    For a process that was killed: the group need not wait until the sessions of its members are over. (The embedded
    engine would wait for ever for one that was the group's leader.)
    """
    mine = f"-{socket.gethostname()}-{pid}"
    admin = make_admin(settings, patience=5.0)
    try:
        members = admin.describe_groups([group])[group]["members"]
        dead = [MemberToRemove(member_id=m["member_id"]) for m in members if m["client_id"].endswith(mine)]
        if dead:
            admin.remove_group_members(group, dead)
        return len(dead)
    finally:
        admin.close()


def members(settings: Settings, groups: Sequence[str]) -> list[str]:
    """Who is in any of `groups` now: the clients' ids, sorted.

    Raises:
        kafka.errors.KafkaError: the brokers could not be asked.
    """
    admin = make_admin(settings, patience=5.0)
    try:
        described = admin.describe_groups(list(groups)) if groups else {}
        return sorted({member["client_id"] for group in described.values() for member in group["members"]})
    finally:
        admin.close()


def _group_offsets(admin: KafkaAdminClient, groups: list[str]) -> Any:
    # A broker that has seen no group yet first has to create the topic it keeps their offsets in.
    for _ in range(20):
        try:
            return admin.list_group_offsets(groups)
        except (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError):
            time.sleep(0.25)
    return admin.list_group_offsets(groups)
