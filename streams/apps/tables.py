"""Tables whose changes are on the broker before anything that follows from them.

Faust hands a table's changes to the producer and goes on. A worker killed before they were sent has told the world
of a decision that it will not remember, and may decide otherwise when the same message comes again. A change whose
sending fails is not tried again either.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import faust


class ConfirmedTable(faust.Table):  # type: ignore[misc, unused-ignore]
    """A Faust table that can wait for its changelog."""

    logger = logging.getLogger("faust.tables")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unconfirmed: dict[Any, tuple[int | None, asyncio.Future[Any]]] = {}

    def send_changelog(self, partition: int | None, key: Any, value: Any, *args: Any, **options: Any) -> Any:
        """Send a change, and remember that nobody has confirmed it yet."""
        future = super().send_changelog(partition, key, value, *args, **options)
        self._unconfirmed[key] = future.message.partition, future
        return future

    async def confirmed(self) -> None:
        """Wait until the broker has every change so far; what it did not take is sent again.

        Raises:
            Exception: of the client, where a change could not be sent; call again, which sends it again.
        """
        waiting = dict(self._unconfirmed)
        results = await asyncio.gather(*(future for _, future in waiting.values()), return_exceptions=True)
        failed = None
        for (key, (partition, future)), result in zip(waiting.items(), results, strict=True):
            if self._unconfirmed.get(key, (None, None))[1] is not future:
                continue  # changed again meanwhile: that change counts
            if isinstance(result, BaseException):
                failed = result
                # As it is now: an older value sent late would undo a newer one.
                if key in self:
                    self.send_changelog(partition, key, self[key])
                else:
                    self.send_changelog(partition, key, None, value_serializer="raw")
            else:
                del self._unconfirmed[key]
        if failed is not None:
            raise failed

    def disown(self) -> None:
        """The partitions go to another worker: what nobody confirmed is decided there again."""
        self._unconfirmed.clear()
