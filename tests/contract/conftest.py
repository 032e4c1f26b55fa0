"""A group of its own for each test, and members of it as processes of their own."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.partitioner.default import murmur2

from polywire.supervision.process import free_port
from runtime.bus.clients import expel, group_lag, make_consumer, next_offset
from runtime.bus.deadletters import DeadLetter
from runtime.bus.groups import group_of
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.codec import decode
from schemas.topics import ANALYZED, RAW
from tests.consumers.conftest import Bus, bus, eventually

__all__ = ["bus", "eventually"]

_names = itertools.count(1)


class Group:
    """The members of one group, what they are given and what comes of it."""

    def __init__(self, loop: str, bus: Bus, settings: Settings, folder: Path) -> None:
        self.name = f"contract-{loop}-{os.getpid()}-{next(_names)}"
        self.settings = settings
        self._loop, self._bus, self._folder = loop, bus, folder
        self._members: list[subprocess.Popen[bytes]] = []
        self.log = folder / "log"
        self.given: list[str] = []
        placer = make_consumer(settings, group_of(self.name), ())
        ends = {TopicPartition(RAW.name, number): next_offset(end - 1) for number, end in bus.starts[RAW.name].items()}
        placer.assign(list(ends))
        placer.commit(ends)
        placer.close(autocommit=False)

    def start(self, wait: bool = True) -> subprocess.Popen[bytes]:
        """One more member; ready, unless it is not waited for."""
        port = free_port()
        environment = {
            "POLYWIRE_ENGINES": self.settings.engines,
            "POLYWIRE_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "POLYWIRE_STATE_DIR": str(self._folder / f"state-{len(self._members)}"),
            "POLYWIRE_METRICS_PORT": str(port),
        }
        command = [sys.executable, "-m", "tests.contract.member", self._loop, self.name, str(self._folder)]
        with self.log.open("ab") as log:
            one = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=log, stderr=log, cwd=Path(__file__).parents[2]
            )
        self._members.append(one)
        if wait:
            self.put("ready?")
            eventually("the member to work", lambda: self.given[-1] in self.out(), 90)
        return one

    def ended(self, member: subprocess.Popen[bytes]) -> int:
        """Its exit status; its place in the group is given up for it, as the supervisor does."""
        status = member.wait(60)
        expel(self.settings, group_of(self.name), member.pid)
        return status

    def put(self, text: str) -> str:
        """An article on its topic; its id."""
        return self.put_bytes(lambda id_: RawArticle(id=id_, source="s", text=text, collected=datetime.now(UTC)))

    def put_together(self, text: str) -> str:
        """As `put`, always on the same partition."""
        name = f"{self.name}-{len(self.given):03d}"
        together = (f"{name}-{n}" for n in itertools.count())
        return self.put_bytes(
            lambda id_: RawArticle(id=id_, source="s", text=text, collected=datetime.now(UTC)),
            next(id_ for id_ in together if (murmur2(id_.encode()) & 0x7FFFFFFF) % RAW.partitions == 0),
        )

    def put_bytes(self, make: object, id_: str | None = None) -> str:
        id_ = id_ or f"{self.name}-{len(self.given):03d}"
        self.given.append(id_)
        assert callable(make)
        self._bus.put(RAW, id_, make(id_))
        return id_

    def out(self) -> list[str]:
        """Ids of what came out, in order."""
        came = (decode(RawArticle, record.value).id for record in self._bus.read(ANALYZED))
        return [id_ for id_ in came if id_.startswith(f"{self.name}-")]

    def begun(self) -> list[str]:
        """Ids of what was in hand, in order, by all members."""
        return (self._folder / "begun").read_text().split()

    def buried(self) -> list[DeadLetter]:
        return [letter for letter in self._bus.dead_letters() if letter.stage == self.name]

    def settled(self) -> bool:
        """Everything is committed."""
        group = group_of(self.name)
        return group_lag(self.settings, {group: [RAW]})[group][RAW.name] == 0

    def close(self) -> None:
        for member in self._members:
            if member.poll() is None:
                member.kill()
            self.ended(member)


@pytest.fixture(params=["stage", "consumer"])
def group(request: pytest.FixtureRequest, bus: Bus, settings: Settings, tmp_path: Path) -> Iterator[Group]:
    one = Group(request.param, bus, settings, tmp_path)
    yield one
    failed = request.node.rep_call.failed if hasattr(request.node, "rep_call") else True
    one.close()
    if failed and one.log.exists():
        print(one.log.read_text(errors="replace")[-4_000:])
