"""A consumer that some messages end: `python -m tests.consumers.deadly GROUP`. For test_deaths.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from runtime.bus.loop import run_consumer
from runtime.bus.outcomes import Done, Outcome, Received, Reject
from runtime.elastic import make_client
from runtime.health import StageHealth
from runtime.settings import Settings
from schemas.alerts import Alert
from schemas.topics import ALERTS


class Deadly:
    """Ends on a story `deadly`, refuses a story `wrong`, asks Elasticsearch on `asks`, and says what it has done."""

    topics = (ALERTS,)
    gather = 0.0

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self._es = make_client(Settings())

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for received in batch:
            assert isinstance(received.message, Alert)
            if received.message.story_id == "deadly":
                os._exit(9)
            if received.message.story_id == "asks":
                self._es.cluster.health()
            wrong = received.message.story_id == "wrong"
            outcomes.append(Reject("wrong") if wrong else Done())
            print("did", received.message.story_id, flush=True)
        return outcomes

    def tick(self) -> None: ...

    def close(self) -> None: ...


if __name__ == "__main__":
    handler = Deadly(sys.argv[1])
    try:
        run_consumer(Settings(), handler, health=StageHealth(handler.stage), dead_letter_limit=5)
    except Exception as error:
        sys.exit(str(error))
