"""A stage as `polywire stream` runs it, in which one thing is odd: `python -m tests.apps.odd STAGE [ODDITY …]`.

What only a real process on a real broker shows: that it is deaf to what Faust brings, that it dies of a message, or
that it is frozen between two lines.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from runtime.bus import marks
from runtime.errors import UserError
from runtime.logs import configure
from runtime.settings import Settings
from runtime.watchdog import WATCHDOG
from schemas.topics import CORRECTIONS
from streams.apps import standstill
from streams.apps.stage import Stage
from streams.apps.way import Position


def deaf(stage: Stage) -> None:
    """What Faust brings is not handled: everything is left out."""

    async def handle(record: object) -> None:
        """Faust acknowledges it."""

    stage.handle = handle  # type: ignore[method-assign, assignment]
    standstill.STANDSTILL = 1.0


def deadly(stage: Stage, name: str) -> None:
    """Whoever decides on this article ends, without a word."""

    async def step(message: Any, position: Position) -> Any:
        if message.id == name:
            os._exit(DIED)
        return await decide(message, position)

    decide = _replace(stage, step)


def faulty(stage: Stage, limit: str) -> None:
    """Every decision is an error of ours; so many in a row are borne."""

    async def step(message: Any, position: Position) -> Any:
        raise ZeroDivisionError("of ours")

    _replace(stage, step)
    marks.Ledger.__init__.__kwdefaults__["failed_limit"] = int(limit)  # type: ignore[index]


def unheard(stage: Stage) -> None:
    """While a message is decided on, and for a second after it, the broker's answers count for nothing."""
    told = stage.outlet.send_all

    async def step(message: Any, position: Position) -> Any:
        stage.app.lease._seconds = -1.0
        asyncio.get_running_loop().call_later(1.0, setattr, stage.app.lease, "_seconds", 10.0)
        return await decide(message, position)

    async def send_all(outgoing: Any) -> None:
        if stage.app.lease._seconds < 0:
            os._exit(DIED)
        await told(outgoing)

    decide = _replace(stage, step)
    stage.outlet.send_all = send_all  # type: ignore[method-assign]


def brief(stage: Stage) -> None:
    """A session as short as brokers allow, so that its end need not be waited for so long."""
    stage.app.conf.broker_session_timeout = 6.0
    stage.app.conf.broker_heartbeat_interval = 1.0
    stage.app.lease._seconds = 4.0


def asleep(stage: Stage, name: str) -> None:
    """Frozen, once, when it has decided on this article, and before it looks whether it still may."""

    async def step(message: Any, position: Position) -> Any:
        outgoing = await decide(message, position)
        if message.id == name:
            _sleep(stage)
        return outgoing

    decide = _replace(stage, step)


def asleep_at_the_last_moment(stage: Stage, name: str) -> None:
    """Frozen, once, between the last look and what is stored and told: whether it still may is not asked again."""
    (table,) = stage._tables
    store = table.confirmed

    async def confirmed() -> None:
        if name in table._changes and _sleep(stage):
            stage.app.lease.known = lambda generation: True  # type: ignore[method-assign]
        await store()

    table.confirmed = confirmed  # type: ignore[method-assign]


def _sleep(stage: Stage) -> bool:
    """Where no process of this test has slept yet."""
    try:
        (stage.settings.state_dir.parent / "slept").touch(exist_ok=False)
    except FileExistsError:
        return False
    os.kill(os.getpid(), signal.SIGSTOP)
    return True


def _replace(stage: Stage, step: Any) -> Any:
    ((name, way),) = [(n, w) for n, w in stage._ways.items() if n != CORRECTIONS.name]
    stage._ways[name] = replace(way, step=step)
    return way.step


DIED = 77
ODDITIES: dict[str, Callable[..., None]] = {
    "deaf": deaf,
    "deadly": deadly,
    "faulty": faulty,
    "unheard": unheard,
    "brief": brief,
    "asleep": asleep,
    "asleep_at_the_last_moment": asleep_at_the_last_moment,
}


def main() -> None:
    name, *odd = sys.argv[1:]
    settings = Settings()
    WATCHDOG.start()
    configure(settings, stage=f"{name}-{os.getpid()}")
    stage = import_module(f"streams.apps.{name}").make_stage(settings)
    for one in odd:
        oddity, _, argument = one.partition("=")
        ODDITIES[oddity](stage, *[argument] if argument else [])
    try:
        stage.run()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
