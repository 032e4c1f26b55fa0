"""What is known of each feed and of the items already sent. Survives a kill at any moment: SQLite, in `state_dir`.

An item is written down only after Kafka has acknowledged it, and a feed's ETag only after all of its items are: a kill
in between means that something is sent twice, never that something is not sent.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from runtime.files import open_private, private_folder

FILE = "feeds.sqlite"
FORGET_AFTER = 120 * 86_400.0
"""Seconds after an item was last in its feed. Should it come back, it is the same article again."""

_TABLES = """
CREATE TABLE IF NOT EXISTS feeds (
    url TEXT PRIMARY KEY, etag TEXT, last_modified TEXT, digest TEXT,
    next_poll REAL NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, error TEXT
);
CREATE TABLE IF NOT EXISTS items (
    feed TEXT NOT NULL, item TEXT NOT NULL, revision TEXT NOT NULL, seen REAL NOT NULL,
    PRIMARY KEY (feed, item)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class FeedState:
    """What is known of one feed. Times in seconds since 1970."""

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    """Of the last document that was dealt with to the end."""
    next_poll: float = 0.0
    failures: int = 0
    """In a row."""
    error: str | None = None
    """Of the last poll."""


class StateStore:
    """The state of all feeds. For one thread.

    Args:
        path: the database file; None keeps the state in memory.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            private_folder(path.parent)
            open_private(path, append=True).close()
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=30.0)
        self._db.execute("PRAGMA journal_mode=WAL")
        # The file is whole after a kill; a power cut may cost the last marks, whose items are then sent again.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)

    def feed(self, url: str) -> FeedState:
        """What is known of a feed; of a new one, nothing."""
        row = self._db.execute(
            "SELECT etag, last_modified, digest, next_poll, failures, error FROM feeds WHERE url = ?", (url,)
        ).fetchone()
        return FeedState(*row) if row else FeedState()

    def revision(self, url: str, item: str) -> str | None:
        """The revision of an item that was sent last; None for a new one."""
        row = self._db.execute("SELECT revision FROM items WHERE feed = ? AND item = ?", (url, item)).fetchone()
        return row[0] if row else None

    def mark(self, url: str, item: str, revision: str) -> None:
        """The item is done."""
        self._db.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision, "
            "seen = excluded.seen",
            (url, item, revision, time.time()),
        )

    def finish(self, url: str, *, etag: str | None, last_modified: str | None, digest: str) -> None:
        """All items of this version of the document are done."""
        self._db.execute(
            "INSERT INTO feeds (url, etag, last_modified, digest) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "etag = excluded.etag, last_modified = excluded.last_modified, digest = excluded.digest",
            (url, etag, last_modified, digest),
        )

    def schedule(self, url: str, *, next_poll: float, failures: int, error: str | None) -> None:
        """When the feed is polled next, and how it went."""
        self._db.execute(
            "INSERT INTO feeds (url, next_poll, failures, error) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "next_poll = excluded.next_poll, failures = excluded.failures, error = excluded.error",
            (url, next_poll, failures, error),
        )

    def touch(self, url: str, items: list[str]) -> None:
        """The items are still in the feed."""
        now = time.time()
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany(
                "UPDATE items SET seen = ? WHERE feed = ? AND item = ?", [(now, url, item) for item in items]
            )

    def forget_old(self) -> int:
        """Remove items that have long left their feeds; returns how many."""
        return self._db.execute("DELETE FROM items WHERE seen < ?", (time.time() - FORGET_AFTER,)).rowcount

    def close(self) -> None:
        """Close the file."""
        self._db.close()
