"""When to ask a feed again. Pure."""

from __future__ import annotations

from random import Random

from runtime.backoff import doubled

JITTER = 0.1
"""Part of the delay: a thousand feeds started together drift apart."""
MAX_BACKOFF = 6 * 3600.0
MAX_RETRY_AFTER = 24 * 3600.0
"""Seconds. A server that asks for more is asked again after a day all the same."""
GONE = 24 * 3600.0
"""Seconds between two looks at a feed that says it is gone (HTTP 410)."""


def next_delay(
    interval: float,
    failures: int,
    random: Random,
    *,
    retry_after: float | None = None,
    gone: bool = False,
) -> float:
    """Seconds until the next poll.

    Args:
        interval: seconds between two polls of a feed that works.
        failures: polls failed in a row; each doubles the interval, up to `MAX_BACKOFF`.
        retry_after: what the server asked for; never less than that, up to `MAX_RETRY_AFTER`.
    """
    delay = doubled(failures + 1, interval, max(interval, MAX_BACKOFF))
    if gone:
        delay = max(delay, GONE)
    if retry_after is not None:
        delay = max(delay, min(retry_after, MAX_RETRY_AFTER))
        return delay * random.uniform(1.0, 1.0 + JITTER)
    return delay * random.uniform(1.0 - JITTER, 1.0 + JITTER)
