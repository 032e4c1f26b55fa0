"""Articles that have left memory, kept for a while longer: the bus may bring them once more after a crash.

In the time an archive is read in, weeks of its stories pass in seconds. Without this, an article could be forgotten
before the broker knows that it was handled, and decided anew, and otherwise, when it comes again.
"""

from __future__ import annotations

from streams.stories.remembered import Remembered


class Departed:
    """The last articles that were forgotten, in the order in which they were."""

    def __init__(self, keep: int) -> None:
        """`keep`: for how many further articles."""
        self._keep = keep
        self._records: dict[str, tuple[Remembered, int]] = {}

    def __contains__(self, article_id: str) -> bool:
        return article_id in self._records

    def get(self, article_id: str) -> Remembered | None:
        """What was remembered of it."""
        found = self._records.get(article_id)
        return found[0] if found else None

    def put(self, record: Remembered, at: int) -> None:
        """It left memory at the article with the sequence number `at`."""
        self._records[record.id] = record, at

    def discard(self, article_id: str) -> None:
        """It is back."""
        self._records.pop(article_id, None)

    def expire(self, sequence: int) -> list[str]:
        """Take out, and name, those that left long enough before `sequence`."""
        old = []
        for article_id, (_, at) in self._records.items():
            if at > sequence - self._keep:
                break
            old.append(article_id)
        for article_id in old:
            del self._records[article_id]
        return old
