"""The web page's server process: its loop beats, and it ends in time."""

from __future__ import annotations

import contextlib
import signal
from types import FrameType

import uvicorn
from fastapi import FastAPI

from runtime.health import StageHealth
from runtime.watchdog import WATCHDOG

_BEAT = 5
_GRACE = 3


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop has come."""
        WATCHDOG.stopping()
        super().handle_exit(sig, frame)


def serve(application: FastAPI, host: str, port: int, health: StageHealth) -> None:
    """Serve until SIGTERM or Ctrl-C, and return."""

    async def beat() -> None:
        health.beat("page")

    # uvicorn ends in order, then raises the signal again: like Ctrl-C, so that our own cleaning up comes to pass.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = uvicorn.Config(
        application, host=host, port=port, log_config=None, access_log=False, server_header=False,
        # Who sent a request is who connected: what a proxy says of it is for the guard to judge, not to be believed.
        proxy_headers=False, timeout_graceful_shutdown=_GRACE, callback_notify=beat, timeout_notify=_BEAT,
    )  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config).run()
