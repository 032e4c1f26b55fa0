"""The long form of the fault trial.

    .venv/bin/python -m tests.faults --articles 2000 --seed 1 --minutes 15

Prints its seed, each fault as it comes, how long catching up took, and what is not as it should be. Exit status 1 where
anything is not. See docs/faults.md.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys

from tests.faults.trial import Trial


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--seed", type=int, help="without one, a new one each time; it is printed")
    parser.add_argument("--minutes", type=float, default=15.0, help="for how long articles go in and faults come")
    parser.add_argument("--pause", type=float, default=8.0, help="seconds between two faults, about")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds for catching up afterwards")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    seed = random.randrange(10**6) if given.seed is None else given.seed
    trial = Trial(given.articles, seed, given.minutes * 60, given.pause, given.patience)
    found = trial.run(lambda line: print(line, flush=True))
    print(
        "\n".join(found) or f"{given.articles} of {given.articles} articles, each once; nothing buried, all told once"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
