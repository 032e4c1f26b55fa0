"""A pytest plugin that runs the tests on another day: `make calendar`, or with DAYS=400.

Not libfaketime 0.9.10: it moves the monotonic clock as well, by which Python 3.11 waits for locks, so that a wait of
half a second ends after as many days (tests of consumers, pages and followers "failed" so); and where it is told to
leave that clock alone, `time.sleep` refuses.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
import time_machine


def pytest_configure(config: pytest.Config) -> None:
    days = int(os.environ.get("DAYS", "120"))
    traveller = time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=True)
    traveller.start()
    config.add_cleanup(traveller.stop)
