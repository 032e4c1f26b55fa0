"""A stage that hangs in the way its argument says: a process of its own for the tests of watchdog and supervisor."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import threading
import time

from runtime import watchdog
from runtime.health import StageHealth

health = StageHealth("hanging")


def python() -> None:
    while True:
        pass


def c() -> None:
    # The engine of regular expressions lets nobody else have the lock while it searches.
    re.match(r"(a+)+$", "a" * 64 + "b")


def sleep() -> None:
    time.sleep(600)


def beats_on() -> None:
    """Told to end, it does not, and all the while it says that it is well."""
    while True:
        health.beat()
        time.sleep(0.05)


def one_of_two_loops() -> None:
    """The loop of the page stands still, the other goes round."""

    def other() -> None:
        while True:
            health.beat()
            time.sleep(0.05)

    async def page() -> None:
        health.beat("page")
        time.sleep(600)

    threading.Thread(target=other, daemon=True).start()
    asyncio.run(page())


def well() -> None:
    """Beats for longer than a hung process would live, then ends."""
    until = time.monotonic() + 2 * watchdog.HUNG_AFTER
    while time.monotonic() < until:
        health.retrying("Kafka is away")
        time.sleep(0.05)
    os._exit(0)  # at once: on a busy machine tidying up takes longer than the tests' limit


if __name__ == "__main__":
    how, seconds = sys.argv[1], float(sys.argv[2])
    watchdog.HUNG_AFTER = watchdog.STOP_WITHIN = seconds
    watchdog._LOOK = 0.1
    watchdog.WATCHDOG.start()
    port = int(os.environ.get("POLYWIRE_METRICS_PORT", "0"))
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    health.serve("127.0.0.1", port)
    health.ready()
    signal.signal(signal.SIGTERM, lambda *_: watchdog.WATCHDOG.stopping())
    print(f"up {port}", flush=True)
    globals()[how]()
