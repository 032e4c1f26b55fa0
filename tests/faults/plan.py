"""Which faults a trial meets, and when: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

STAGES = ("web", "feeds", "analyze", "cluster", "enrich", "indexer", "alerter", "notifier")
_GROWING = ("analyze", "cluster", "enrich", "indexer", "alerter", "notifier")


@dataclass(frozen=True)
class Fault:
    """`at`: seconds after the first article. `lasts`: until it is over; of a kill, until the victim is started again,
    where nobody else does that.
    """

    at: float
    what: str
    whom: str
    lasts: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.lasts:.1f} s" if self.lasts else ""
        return f"{self.at:6.1f} s  {self.what} {self.whom}{lasting}"


@dataclass(frozen=True)
class _Kind:
    what: str
    whom: tuple[str, ...]
    shortest: float = 0.0
    longest: float = 0.0


_KINDS = (
    # A web that is killed has a request in hand, see World.kill.
    _Kind("kill", STAGES),
    _Kind("kill", STAGES),
    # Longer than the sessions of its group (15 and 45 s) or shorter.
    _Kind("freeze", STAGES, 3.0, 50.0),
    _Kind("kill", ("supervisor",)),
    _Kind("freeze", ("supervisor",), 3.0, 20.0),
    _Kind("kill", ("kafka",), 1.0, 8.0),
    _Kind("freeze", ("kafka",), 2.0, 20.0),
    _Kind("kill", ("elasticsearch",), 1.0, 8.0),
    _Kind("freeze", ("elasticsearch",), 2.0, 20.0),
    _Kind("hang", ("kafka line", "elasticsearch line"), 2.0, 25.0),
    _Kind("reset", ("kafka line", "elasticsearch line"), 0.5, 5.0),
    _Kind("delay", ("kafka line", "elasticsearch line"), 5.0, 20.0),
    _Kind("429", ("elasticsearch line",), 2.0, 15.0),
    _Kind("503", ("elasticsearch line",), 2.0, 15.0),
    # Another worker of a stage comes, and goes in order or is killed.
    _Kind("add", _GROWING, 5.0, 25.0),
    _Kind("add and kill", _GROWING, 5.0, 25.0),
    _Kind("fill", ("disk",), 3.0, 15.0),
)


def plan(seed: int, seconds: float, pause: float) -> list[Fault]:
    """Faults over `seconds`, about one each `pause` seconds; every kind comes before one comes again. The last is over
    at the end. No two at once befall the same victim.
    """
    chance = random.Random(seed)
    faults: list[Fault] = []
    busy: dict[str, float] = {}
    at = pause / 2
    for kind in _endless(chance):
        if at >= seconds:
            return faults
        whom = chance.choice(kind.whom)
        lasts = min(chance.uniform(kind.shortest, kind.longest), seconds - at)
        if busy.get(whom, 0.0) <= at:
            faults.append(Fault(round(at, 1), kind.what, whom, round(lasts, 1)))
            busy[whom] = at + lasts
        at += chance.uniform(pause / 2, pause * 3 / 2)
    raise AssertionError("unreachable")


def _endless(chance: random.Random) -> Iterator[_Kind]:
    while True:
        yield from chance.sample(_KINDS, len(_KINDS))
