"""Letting a stage go on that has stopped and waits for a person (runtime.bus.marks)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kafka.errors import NoError
from kafka.structs import OffsetAndMetadata

from runtime.bus.clients import make_admin
from runtime.bus.marks import Mark
from runtime.settings import Settings

_PAUSE = 0.5


class GroupBusy(Exception):
    """The group has members, so that only they may commit. A stage that has stopped leaves it in seconds."""


@dataclass(frozen=True)
class Stopped:
    """A partition before which a stage stands."""

    topic: str
    partition: int
    offset: int
    why: str


def resume(settings: Settings, group: str, *, patience: float = 20.0) -> list[Stopped]:
    """Take back that the group has stopped, and what was counted until then; returns where it stood.

    It goes on with the message that it stopped at. `patience`: seconds to wait for its members to leave.

    Raises:
        GroupBusy: they have not left.
        kafka.errors.KafkaError: the brokers did not answer.
    """
    admin = make_admin(settings)
    try:
        deadline = time.monotonic() + patience
        while True:
            committed = admin.list_group_offsets([group]).get(group) or {}
            stopped = {tp: one for tp, one in committed.items() if Mark.decode(one.metadata).stopped}
            if not stopped:
                return []
            fresh = {tp: OffsetAndMetadata(one.offset, _forgiven(one.metadata), -1) for tp, one in stopped.items()}
            errors = admin.alter_group_offsets(group, fresh)
            refused = sorted({error.__name__ for error in errors.values() if error is not NoError})
            if not refused:
                return [
                    Stopped(tp.topic, tp.partition, one.offset, Mark.decode(one.metadata).stopped)
                    for tp, one in sorted(stopped.items())
                ]
            if time.monotonic() > deadline:
                raise GroupBusy(
                    ", ".join(sorted({error.__name__ for error in errors.values() if error is not NoError}))
                )
            time.sleep(_PAUSE)
    finally:
        admin.close()


def _forgiven(metadata: str | None) -> str:
    return Mark(topic_id=Mark.decode(metadata).topic_id).encode()
