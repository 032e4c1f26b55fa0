"""Pauses grow, end to grow, and do not fall together."""

from __future__ import annotations

from runtime.backoff import doubled, pause


def test_a_pause_is_doubled_up_to_the_longest() -> None:
    assert [doubled(failures, 0.5, 30.0) for failures in (1, 2, 3, 6, 7, 8, 10_000)] == [0.5, 1, 2, 16, 30, 30, 30]


def test_those_that_failed_together_come_back_one_by_one() -> None:
    pauses = {pause(2, 1.0, 30.0) for _ in range(100)}
    assert len(pauses) > 90
    assert all(1.6 <= one <= 2.4 for one in pauses)
