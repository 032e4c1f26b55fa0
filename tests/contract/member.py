"""One member of a group, in either loop: `python -m tests.contract.member stage|consumer NAME FOLDER`.

It hands every article of articles.raw on to articles.analyzed as it is. The first word of an article's text says what
happens while it is in hand. SIGUSR1 cuts every connection that the process has.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from runtime.bus.clients import make_producer, publish
from runtime.bus.loop import run_consumer
from runtime.bus.outcomes import Done, Outcome, Received, Reject
from runtime.errors import UserError
from runtime.health import StageHealth
from runtime.logs import configure
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.codec import InvalidMessage
from schemas.topics import ANALYZED, RAW
from streams.apps.outlet import Outgoing
from streams.apps.stage import Stage
from streams.apps.way import Position, Way

DIED, WAITS_FOR_A_PERSON = 77, 4


def effect(article: RawArticle, folder: Path) -> None:
    """What the article says is done."""
    word, _, rest = article.text.partition(" ")
    with (folder / "begun").open("a") as begun:
        begun.write(f"{article.id}\n")
    if word == "wait":
        time.sleep(float(rest))
    elif word == "fault":
        raise ZeroDivisionError("of ours")
    elif word == "refuse":
        raise InvalidMessage("not for me")
    elif word == "die" and (folder / "begun").read_text().split().count(article.id) <= int(rest):
        os._exit(DIED)


class Handler:
    """The effect in the consumers' loop."""

    topics = (RAW,)
    gather = 0.0

    def __init__(self, stage: str, settings: Settings, folder: Path) -> None:
        self.stage = stage
        self._producer = make_producer(settings, stage)
        self._folder = folder

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        return [self._one(received.message) for received in batch]

    def _one(self, article: Any) -> Outcome:
        try:
            effect(article, self._folder)
        except InvalidMessage as error:
            return Reject(error.reason)
        publish(self._producer, ANALYZED, article.id, article).get(30)
        return Done()

    def tick(self) -> None: ...

    def close(self) -> None:
        self._producer.close()


def consumer(name: str, settings: Settings, folder: Path) -> None:
    run_consumer(settings, Handler(name, settings, folder), health=StageHealth(name))


def stage(name: str, settings: Settings, folder: Path) -> None:
    one = Stage(name, settings)

    async def step(article: RawArticle, position: Position) -> Sequence[Outgoing]:
        await asyncio.to_thread(effect, article, folder)
        return [Outgoing(ANALYZED, article.id, article)]

    one.consume(Way(RAW, RawArticle, step, lambda article: article.id))
    one.prepare()
    one.run()


def cut_connections(*_: object) -> None:
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            one = socket.socket(fileno=os.dup(int(entry.name)))
            if one.family == socket.AF_INET and one.getpeername():
                one.shutdown(socket.SHUT_RDWR)
            one.close()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, cut_connections)
    settings = Settings()
    configure(settings, stage=sys.argv[2])
    try:
        {"stage": stage, "consumer": consumer}[sys.argv[1]](sys.argv[2], settings, Path(sys.argv[3]))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(WAITS_FOR_A_PERSON)
