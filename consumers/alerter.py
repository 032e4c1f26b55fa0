"""articles.enriched, matched against every subscription; one alert per subscription and story.

The promise is kept by an order, for each article that a subscription asks for (consumers.alerts.telling takes the
steps of many together, where none depends on another):

1. recall what Elasticsearch remembers of (subscription, story) and (subscription, article);
2. decide (consumers.alerts.updates.next_step);
3. store the alert, not published yet, under (subscription, story): by `create` where it is the first, else only if
   nobody wrote in between. Elasticsearch is the arbiter: whoever comes second reads again and decides again;
4. mark the article as told to the subscription;
5. publish the alert; Kafka has acknowledged it;
6. store that it is published;
7. commit the article's offset (runtime.bus.loop).

A crash after 3, 4 or 5 leaves an alert stored and not known to be published. The article is read again, is found to be
the one the stored alert speaks of, and steps 4 to 6 are done again; at worst the same alert with the same id and
revision is published twice, which the notifier and the index know by that id. A crash before 3 leaves nothing; one
after 6, a replay that is recognised. No other article can get in between: a story has one partition, and an unpublished
alert is published first when another article of its story comes all the same.

Merges and splits: an article that a correction moves never fires. If it was told under its old story, the new one
counts as told from then on. Muted subscriptions are told nothing, and nothing is remembered, so the first article after
the mute tells of the story. A subscription applies to the articles enriched after it was made, by their offsets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from elasticsearch import Elasticsearch, NotFoundError

from consumers.alerts.memory import AlertMemory
from consumers.alerts.subscriptions import SubscriptionBook
from consumers.alerts.telling import Teller, Wanted
from consumers.index.documents import article_document
from consumers.index.ready import make_ready
from consumers.query import Matchable
from runtime.bus.clients import publish
from runtime.bus.deadletters import DeadLetter, kafka_dead_letters
from runtime.bus.outcomes import Done, Later, Outcome, Received, Reject, Retry, is_infrastructure
from runtime.bus.producer import Producer
from runtime.bus.source import GATHER
from runtime.logs import get_logger
from runtime.settings import Settings
from schemas.alerts import Alert, Subscription
from schemas.articles import EnrichedArticle
from schemas.topics import ALERTS, ENRICHED

log = get_logger(__name__)

_ACKNOWLEDGE_SECONDS = 30.0
_TAKE = 5.0
"""Seconds after which a call begins nothing new: what is told by then is committed, and the rest comes again."""
_PAIRS = 500
"""Of an article and a subscription, told together."""


class Alerter:
    """The handler of `polywire consume alerter`."""

    stage = "alerter"
    topics = (ENRICHED,)
    gather = GATHER

    def __init__(self, settings: Settings, es: Elasticsearch, producer: Producer, beat: Callable[[], None]) -> None:
        """`beat` is called for each sign of progress."""
        self._es = es
        self._prefix = settings.index_prefix
        self._producer = producer
        self._beat = beat
        self._memory = AlertMemory(es, settings.index_prefix, beat)
        self._teller = Teller(self._memory, self._publish)
        self._dead_letters = kafka_dead_letters(producer)
        self._book = SubscriptionBook(settings, self.stage, self._report_bad)
        self._indices_ready = False

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        """Match and tell, for as long as a call may take."""
        self._make_ready()
        self._book.catch_up()
        until = time.monotonic() + _TAKE
        outcomes: list[Outcome] = []
        while len(outcomes) < len(batch):
            if outcomes and time.monotonic() > until:
                return [*outcomes, *[Later()] * (len(batch) - len(outcomes))]
            try:
                outcomes += self._some(batch[len(outcomes) :], lambda: time.monotonic() > until)
            except Exception as error:
                if not isinstance(error, NotFoundError) and not is_infrastructure(error):
                    raise
                self._indices_ready = False  # somebody may have deleted the index or stopped writing to it
                return [*outcomes, *[Retry(str(error) or type(error).__name__)] * (len(batch) - len(outcomes))]
        return outcomes

    def tick(self) -> None:
        """Follow the subscriptions, so that a bad one is reported when it is made."""
        self._make_ready()
        self._book.catch_up()

    def close(self) -> None:
        self._book.close()
        self._producer.close(timeout=_ACKNOWLEDGE_SECONDS)
        self._es.close()

    def _make_ready(self) -> None:
        if not self._indices_ready:
            make_ready(self._es, self._prefix)
            self._indices_ready = True

    def _some(self, batch: Sequence[Received], hurry: Callable[[], bool]) -> list[Outcome]:
        """The outcomes of the first articles of the batch, one at least."""
        wanted: list[Wanted] = []
        outcomes: list[Outcome] = []
        failures: dict[int, list[str]] = {}
        for number, received in enumerate(batch):
            if outcomes and (len(wanted) >= _PAIRS or hurry()):
                break
            article = received.message
            assert isinstance(article, EnrichedArticle)
            outcomes.append(Done("retracted" if article.retracted else "ok"))
            if not article.retracted:
                asking, failures[number] = self._asking(received, article)
                wanted += [Wanted(subscription, article, number) for subscription in asking]
            self._beat()
        result = self._teller.tell(wanted, hurry)
        for number in result.told:
            outcomes[number] = Done("told")
        for number, mine in failures.items():
            if every := mine + result.failures.get(number, []):
                outcomes[number] = Reject("; ".join(every), ours=True)
        for number in result.left:
            outcomes[number] = Later()
        return outcomes

    def _asking(self, received: Received, article: EnrichedArticle) -> tuple[list[Subscription], list[str]]:
        """Those who want to be told of the article, were it new; and whose query failed at it, and how."""
        document = Matchable(article_document(article))
        now = datetime.now(UTC)
        asking: list[Subscription] = []
        failures: list[str] = []
        for active in self._book:
            if active.muted(now) or not active.covers(received.record):
                continue
            try:
                if active.query.matches(document):
                    asking.append(active.subscription)
            except Exception as error:
                # The others are served first; then the article goes to the dead letters with this.
                failures.append(f"subscription {active.subscription.id}: {type(error).__name__}: {error}")
        return asking, failures

    def _publish(self, alerts: Sequence[Alert]) -> None:
        for sent in [publish(self._producer, ALERTS, alert.subscription_id, alert) for alert in alerts]:
            sent.get(_ACKNOWLEDGE_SECONDS)
        self._beat()

    def _report_bad(self, letter: DeadLetter) -> None:
        """Once, however often the topic is read again: written first, then remembered."""
        place = f"{letter.topic}/{letter.partition}/{letter.offset}"
        if not self._memory.seen_before(place):
            self._dead_letters(letter)
            self._memory.remember_place(place)
            log.warning("bad subscription", place=place, reason=letter.reason)
