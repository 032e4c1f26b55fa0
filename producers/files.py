"""Articles from files, folders and standard input into `articles.raw`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from producers.publisher import NotAcknowledged, Publisher, TooLarge
from producers.reading import Line, RejectedLines
from runtime.logs import get_logger
from schemas.articles import RawArticle

log = get_logger(__name__)

BATCH = 500
"""Articles in flight: enough to fill Kafka's batches, few enough to hold in memory at their largest."""
_PAUSE = 1.0


class KafkaAway(Exception):
    """Kafka acknowledged nothing for as long as we were told to wait."""


@dataclass
class Summary:
    """What became of the lines of one input."""

    sent: int = 0
    rejected: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    """Fields that mean nothing here, and how many articles had them."""


def send_lines(
    lines: Iterable[Line],
    publisher: Publisher,
    rejected: RejectedLines,
    *,
    patience: float = 120.0,
    on_line: Callable[[Line], None] = lambda _line: None,
) -> Summary:
    """Publish every article among the lines, in order; write the others to `rejected`.

    Args:
        patience: seconds that Kafka may be away before we give up.
        on_line: told of each line once it is dealt with.

    Raises:
        KafkaAway: after `patience`; earlier batches are sent, this one perhaps in part, later ones not.
    """
    summary = Summary()
    iterator = iter(lines)
    while batch := list(islice(iterator, BATCH)):
        oversized = _deliver([line.article for line in batch if line.article is not None], publisher, patience)
        for line in batch:
            reason = line.reason if line.article is None else oversized.get(line.article.id)
            if reason is None:
                summary.sent += 1
                for name in line.unknown:
                    summary.unknown[name] = summary.unknown.get(name, 0) + 1
            else:
                summary.rejected += 1
                rejected.add(line._replace(reason=reason))
                log.warning("rejected", line=line.number, file=line.name, reason=reason)
            on_line(line)
    return summary


def _deliver(articles: list[RawArticle], publisher: Publisher, patience: float) -> dict[str, str]:
    """Publish until acknowledged; returns the articles that never can be: reason by id."""
    give_up = time.monotonic() + patience
    while articles:
        try:
            publisher.publish(articles)
        except TooLarge as error:
            return error.failed
        except NotAcknowledged as error:
            if time.monotonic() >= give_up:
                raise KafkaAway(str(error)) from error
            log.warning("kafka away", reason=str(error), waiting=len(error.failed))
            articles = [article for article in articles if article.id in error.failed]
            time.sleep(_PAUSE)
        else:
            return {}
    return {}
