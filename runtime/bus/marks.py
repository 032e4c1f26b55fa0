"""What a commit says beside its offset, so that a new process knows how the last one fared. Pure.

Kafka keeps a few characters of metadata with every committed offset. What stands there survives what a container
loses: its state folder, its memory, its host. It answers three questions of a process that a partition comes to: did
the last owner say goodbye; if not, which message ended it, and how often; and does the stage wait for a person.

A process that is killed while it works at full speed has handled an unknown part of what lies behind its last commit,
so that death is pinned on no message. Its successor goes carefully: it commits before each message that it takes this
one in hand, and the next death is pinned. After three deaths, two of them pinned, the message is put aside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

DEATHS = 3
"""Processes that a message may end before it is put aside: one at full speed, and two that it is pinned on."""
CAREFULLY = 1_000
"""Messages taken one by one after an owner that said no goodbye: more than any process has in hand."""
REJECTED_LIMIT = 5_000
"""Dead letters in a row of a partition, by the messages' own fault, that are taken for a fault of ours."""
FAILED_LIMIT = 100
"""The same of messages that an unexpected error of ours made dead letters: it is the code that is wrong."""
_SAID = 1_000
"""Characters of a reason: the broker keeps 4,096 bytes in all."""


@dataclass(frozen=True)
class Mark:
    """The metadata of one committed offset."""

    open: bool = False
    """The partition is in the hands of a process that has not said goodbye."""
    tries: int = 0
    """How often the message at the committed offset was in the hands of a process that ended without a goodbye."""
    rejected: int = 0
    """Dead letters in a row before the offset, by the messages' own fault."""
    failed: int = 0
    """Dead letters in a row before the offset, by an unexpected error of ours."""
    stopped: str = ""
    """Why the stage waits for a person, where it does."""
    topic_id: str = ""
    """Of the topic that the offset is of, where it is known: one made anew has the same name (runtime.bus.topic_ids).
    """

    def encode(self) -> str:
        """As Kafka keeps it; empty where there is nothing to say."""
        fields = {name: value for name, value in vars(self).items() if value}
        return orjson.dumps(fields).decode() if fields else ""

    @classmethod
    def decode(cls, metadata: str | None) -> Mark:
        """What stands beside a commit; whatever else it may be, of another release or another tool, says nothing."""
        try:
            found = orjson.loads(metadata or "{}")
            return cls(
                open=bool(found.get("open")),
                tries=int(found.get("tries", 0)),
                rejected=int(found.get("rejected", 0)),
                failed=int(found.get("failed", 0)),
                stopped=str(found.get("stopped", "")),
                topic_id=str(found.get("topic_id", "")),
            )
        except (ValueError, TypeError, AttributeError):
            return cls()


class Ledger:
    """How one partition fares, from when it came to this process, at the committed `offset` with its `mark`.

    Every `Mark` it returns is to be committed with the offset it names.
    """

    def __init__(
        self, offset: int, mark: Mark, *, rejected_limit: int = REJECTED_LIMIT, failed_limit: int = FAILED_LIMIT
    ) -> None:
        self._offset, self._tries = offset, mark.tries
        self._careful = CAREFULLY if mark.open or mark.tries else 0
        self._rejected, self._failed = mark.rejected, mark.failed
        self.topic_id = mark.topic_id
        """Of the topic that the offsets are of; "" where it is not known."""
        self._limits = rejected_limit, failed_limit

    @property
    def careful(self) -> bool:
        """Whether messages are to be taken one by one, each after the commit that `before` asks for."""
        return self._careful > 0

    def came(self) -> Mark:
        """To commit at once, with the offset that was committed: the partition is in our hands."""
        return self.at(self._offset)

    def at(self, offset: int) -> Mark:
        """To commit with `offset`, everything before which is done."""
        return Mark(
            open=True,
            tries=self._known(offset),
            rejected=self._rejected,
            failed=self._failed,
            topic_id=self.topic_id,
        )

    def _known(self, offset: int) -> int:
        return self._tries if offset == self._offset else 0

    def condemned(self, offset: int) -> bool:
        """Whether the message at `offset` has ended so many processes that it is put aside unread."""
        return self._known(offset) >= DEATHS - 1

    def before(self, offset: int) -> Mark:
        """To commit with `offset` before the message there is taken in hand, while `careful`."""
        return replace(self.at(offset), tries=self._known(offset) + 1)

    def done(self) -> None:
        """A message has had its effect."""
        self._rejected = self._failed = 0
        self._through()

    def buried(self, *, ours: bool) -> None:
        """A message has become a dead letter; `ours`: by an unexpected error, not by what it is."""
        self._rejected, self._failed = (self._rejected, self._failed + 1) if ours else (self._rejected + 1, 0)
        self._through()

    def _through(self) -> None:
        self._careful = max(0, self._careful - 1)

    def idle(self) -> None:
        """Nothing waits: what the last owner had in hand is through."""
        self._careful = 0

    def full(self, *, ours: bool) -> str | None:
        """Why no more may become dead letters, in words, before one more does; None while there is room."""
        rejected_limit, failed_limit = self._limits
        if ours and self._failed >= failed_limit:
            return f"{self._failed} messages in a row failed by an error of polywire's own"
        if not ours and self._rejected >= rejected_limit:
            return f"{self._rejected} messages in a row were rejected"
        return None

    def stopped(self, offset: int, why: str) -> Mark:
        """To commit with `offset`, the first message that is not done: the stage waits for a person."""
        return replace(self.at(offset), open=False, stopped=why[:_SAID])

    def goodbye(self, offset: int) -> Mark:
        """To commit with `offset` when the partition is handed on, or the process ends as it was asked to."""
        return replace(self.at(offset), open=False)


def stopped_sentence(stage: str, why: str, place: str, reason: str) -> str:
    """What a stage that waits for a person ends with: `why` it does, and the `reason` of the next message, at `place`
    (TOPIC/PARTITION/OFFSET)."""
    return (
        f"{stage} stopped: {why}, the next is {place}: {reason[: _SAID // 2]}. Nothing is lost. Look at `polywire "
        f"deadletters list --stage {stage}`, put the cause right, then say `polywire deadletters resume {stage}`."
    )
