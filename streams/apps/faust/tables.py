"""Tables whose changes are on the broker before anything that follows from them, in the order of those who decided.

Faust hands a table's changes to the producer at once, and goes on. A worker killed before they were sent has told the
world of a decision that it will not remember, and may decide otherwise when the same message comes again. A change
whose sending fails is not tried again either. And Faust asks which message its stream has in hand, so that nothing
else may write.

Here the stage says which message is in hand. Changes stay in memory until it asks for them to be stored, and are taken
back where nothing may follow from them after all.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import faust
from faust.types import EventT

_ABSENT: Any = object()
_GENERATION = "generation"
"""Header of a change: how often the group had rebalanced when its writer got the partition."""


class _Change(NamedTuple):
    partition: int
    generation: int
    before: Any


class _Writers:
    """Whose turn it was at each offset of a changelog's partition: where a later generation began to write."""

    def __init__(self) -> None:
        self._since: list[tuple[int, int]] = []
        """Offset and generation, both rising."""

    @property
    def latest(self) -> int:
        return self._since[-1][1] if self._since else 0

    def wrote(self, offset: int, generation: int) -> bool:
        """Note a change; False where a later generation had written before it: its writer no longer had the right."""
        place = bisect_left(self._since, (offset, 0))
        if place and self._since[place - 1][1] > generation:
            return False
        if place == len(self._since) and generation > self.latest:
            self._since.append((offset, generation))
        return True


class ConfirmedTable(faust.Table):  # type: ignore[type-arg]
    """A Faust table that is written by whoever has a message in hand, and stored when it is asked to."""

    logger = logging.getLogger("faust.tables")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._changes: dict[Any, _Change] = {}
        self._sent: dict[Any, asyncio.Future[Any]] = {}
        self._writers: dict[int, _Writers] = {}
        self._epochs: dict[int, tuple[int, int]] = {}
        """By partition: the group's generation, and the one that our changes carry."""
        self._partition = self._generation = 0

    def take(self, partition: int, generation: int) -> int:
        """A message of `partition` is in hand, of a worker that got it in the group's `generation`.

        Returns the generation that its decisions carry: a later one than all that were stored before by others, also
        where the group was made anew and counts from the beginning.
        """
        if self._epochs.get(partition, (None, 0))[0] != generation:
            known = self._of(partition).latest
            self._epochs[partition] = generation, generation if generation >= known else known + 1
        self._partition, self._generation = partition, self._epochs[partition][1]
        return self._generation

    def on_key_set(self, key: Any, value: Any) -> None:  # noqa: ARG002
        """Faust's hook, called before the change: it is kept until `confirmed`."""
        self._changing(key)

    def on_key_del(self, key: Any) -> None:
        """As `on_key_set`."""
        self._changing(key)

    def _changing(self, key: Any) -> None:
        before = self.data.get(key, _ABSENT)
        self._changes.setdefault(key, _Change(self._partition, self._generation, before))

    async def confirmed(self) -> None:
        """Store every change of this message, and wait until the broker has it.

        Raises:
            Exception: of the client, where a change could not be sent; call again, which sends it again.
        """
        for key, change in self._changes.items():
            if key not in self._sent:
                self._sent[key] = await self._send(key, change)
        keys = list(self._sent)
        results = await asyncio.gather(*self._sent.values(), return_exceptions=True)
        failed = None
        for key, result in zip(keys, results, strict=True):
            del self._sent[key]
            if isinstance(result, BaseException):
                failed = result
                continue
            change = self._changes.pop(key)
            self._of(change.partition).wrote(result.offset, change.generation)
        if failed is not None:
            raise failed

    async def _send(self, key: Any, change: _Change) -> Any:
        headers = {_GENERATION: b"%d" % change.generation}
        place: Any = {"partition": change.partition, "headers": headers}
        if key in self.data:
            return await self.changelog_topic.send(key=key, value=self.data[key], **place)
        return await self.changelog_topic.send(key=key, value=None, value_serializer="raw", **place)

    def take_back(self) -> bool:
        """Undo every change that is not confirmed; whether there was any."""
        undone = bool(self._changes)
        for key, change in self._changes.items():
            if change.before is _ABSENT:
                self.data.pop(key, None)
            else:
                self.data[key] = change.before
        self._changes.clear()
        self._sent.clear()
        return undone

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Faust's hook, while the table is brought up to date."""
        super().apply_changelog_batch(list(self._in_order(batch)))

    def _in_order(self, batch: Iterable[EventT[Any]]) -> Iterator[EventT[Any]]:
        """Without what was written by a worker that had already been succeeded: it slept over its end."""
        for event in batch:
            message = event.message
            said = dict(message.headers or {}).get(_GENERATION)  # releases up to 0.1 said nothing
            if said is None or self._of(message.partition).wrote(message.offset, int(said)):
                yield event
            else:
                self.logger.warning("a change of generation %d is passed over: offset %d", int(said), message.offset)

    def _of(self, partition: int) -> _Writers:
        return self._writers.setdefault(partition, _Writers())
