"""What a long story costs enrich: bytes on the changelog, and how long its event loop stands still.

    .venv/bin/python quality/bench/enrich_story.py [--articles 10,100,400] [--names 60]

The articles are invented: `--names` names each, a third of them persons, half of them those of the whole story, and one
deal. `one piece` is how releases up to 0.1 did it: the whole story read, told and stored anew on the event loop, with
each article; `by article` is how it is done now, in a thread. The loop ticks every millisecond: `stood still` is the
longest time between two ticks, and on a busy machine more than it need be.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from schemas.articles import ClusteredArticle, Decision
from schemas.readings import Deal, Entity, Evidence, Mention
from streams.enrichment import StoryState, changes, enrich, load

START = datetime(2026, 3, 1, tzinfo=UTC)
SYLLABLES = ["ka", "le", "mi", "ro", "tan", "ver", "sho", "gur", "bek", "lin", "dar", "zo", "pe", "nu", "fa"]


def article(number: int, names: int) -> ClusteredArticle:
    entities = [entity(n if n % 2 else number * names + n, person=n % 3 == 0) for n in range(names)]
    said = Evidence(start=0, end=200, text=f"Sentence {number} of what is sold to whom ".ljust(200, "."))
    deal = Deal(act="sale", status="reported", supplier=["Q212"], recipient=["Q232"], score=0.9, evidence=said)
    return ClusteredArticle(
        id=f"enrich-{number:06d}",
        source=f"source-{number % 40}.example",
        title=f"Title {number} of an event",
        collected=START + timedelta(minutes=number),
        language=("en", "ms", "ar", "ru")[number % 4],
        language_confidence=0.9,
        embedding=[1.0] + [0.0] * 383,
        entities=entities,
        deals=[deal],
        arms_deal=True,
        arms_deal_score=0.9,
        story_id="s1",
        decision=Decision(new_story=number == 0, candidates=0),
        version=1_000 + number,
    )


def entity(number: int, *, person: bool) -> Entity:
    random = np.random.default_rng(number)
    words = ["".join(random.choice(SYLLABLES, size=size)).capitalize() for size in (2, 3)]
    text = " ".join(words)
    mentions = [Mention(start=0, end=len(text), text=text)]
    return Entity(id=f"pw:{number}", type="person" if person else "place", name=text, mentions=mentions)


class Pieces:
    """One story, stored in one piece or by article."""

    def __init__(self) -> None:
        self.table: dict[str, bytes] = {}
        self.written = 0

    async def in_one_piece(self, one: ClusteredArticle) -> None:
        known = self.table.get("s1")
        state = StoryState.model_validate_json(known) if known else None
        self._put("s1", enrich(state, one).state.model_dump_json().encode())

    async def by_article(self, one: ClusteredArticle) -> None:
        for key, value in await asyncio.to_thread(self._changes, one):
            if value is None:
                del self.table[key]
            else:
                self._put(key, value)

    def _changes(self, one: ClusteredArticle) -> list[tuple[str, bytes | None]]:
        stored = load(self.table.get, "s1")
        return changes(stored, enrich(stored.state if stored else None, one).state)

    def _put(self, key: str, value: bytes) -> None:
        self.table[key] = value
        self.written += len(value)


async def longest_pause(work: Callable[[ClusteredArticle], Awaitable[None]], articles: list[ClusteredArticle]) -> float:
    """Seconds between two ticks of the loop at most, while the articles are worked on one after the other."""
    longest, last = 0.0, time.perf_counter()

    async def tick() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.01)
    for one in articles:
        await work(one)
        await asyncio.sleep(0.002)
    ticking.cancel()
    return longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", default="10,100,400")
    parser.add_argument("--names", type=int, default=30)
    options = parser.parse_args()
    print(f"{'articles':>8}  {'one piece':>28}  {'by article':>28}")
    for count in map(int, options.articles.split(",")):
        articles = [article(number, options.names) for number in range(count)]
        row = [f"{count:8}"]
        for way in (Pieces.in_one_piece, Pieces.by_article):
            pieces = Pieces()
            pause = asyncio.run(longest_pause(way.__get__(pieces), articles))
            row.append(f"{pieces.written / 1e6:9.1f} MB, stood still {pause * 1000:6.0f} ms")
        print("  ".join(row), flush=True)


if __name__ == "__main__":
    main()
