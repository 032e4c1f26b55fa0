"""A stage as `polywire stream` runs it, in which one thing is odd: `python -m tests.streams.odd STAGE [ODDITY …]`.

What only a real process on a real broker shows: that it is deaf to what Faust brings, that it dies of a message, or
that it is frozen between two lines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module

from polywire.runtime.logs import configure
from polywire.runtime.settings import Settings
from streams.apps import standstill
from streams.apps.stage import Stage


def deaf(stage: Stage) -> None:
    """What Faust brings is not handled: everything is left out."""

    async def handle(record: object) -> None:
        """Faust acknowledges it."""

    stage.handle = handle  # type: ignore[method-assign, assignment]
    standstill.STANDSTILL = 1.0


ODDITIES: dict[str, Callable[..., None]] = {"deaf": deaf}


def main() -> None:
    name, *odd = sys.argv[1:]
    settings = Settings()
    configure(settings, stage=f"{name}-{os.getpid()}")
    stage = import_module(f"streams.apps.{name}").build(settings)
    for one in odd:
        oddity, _, argument = one.partition("=")
        ODDITIES[oddity](stage, *[argument] if argument else [])
    stage.run()


if __name__ == "__main__":
    main()
