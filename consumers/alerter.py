"""articles.enriched, matched against every subscription; one alert per subscription and story.

The promise is kept by an order, for each article that a subscription asks for:

1. recall what Elasticsearch remembers of (subscription, story) and (subscription, article);
2. decide (consumers.alerts.folding.next_step);
3. store the alert, not published yet, under (subscription, story): by `create` where it is the first, else only if
   nobody wrote in between. Elasticsearch is the arbiter: whoever comes second reads again and decides again;
4. mark the article as told to the subscription;
5. publish the alert; Kafka has acknowledged it;
6. store that it is published;
7. commit the article's offset (polywire.runtime.consumer).

A crash after 3, 4 or 5 leaves an alert stored and not known to be published. The article is read again, is found to be
the one the stored alert speaks of, and steps 4 to 6 are done again; at worst the same alert with the same id and
revision is published twice, which the notifier and the index know by that id. A crash before 3 leaves nothing; one
after 6, a replay that is recognised. No other article can get in between: a story has one partition, and an unpublished
alert is published first when another article of its story comes all the same.

Merges and splits: an article that a correction moves never fires. If it was told under its old story, the new one
counts as told from then on. Muted subscriptions are told nothing, and nothing is remembered, so the first article after
the mute tells of the story. A subscription applies to the articles enriched after it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from elasticsearch import AuthorizationException, Elasticsearch, NotFoundError

from consumers.alerts.folding import ArticleMemory, StoryMemory, inherited, new_alert, next_step, update
from consumers.alerts.memory import AlertMemory
from consumers.alerts.subscriptions import Active, SubscriptionBook
from consumers.index.documents import article_document
from consumers.index.ready import make_ready
from consumers.query import Matchable
from polywire.runtime.deadletters import DeadLetter, kafka_dead_letters
from polywire.runtime.kafka import publish
from polywire.runtime.logs import get_logger
from polywire.runtime.outcomes import Done, Outcome, Received, Retry, is_infrastructure
from polywire.runtime.producer import Producer
from polywire.runtime.settings import Settings
from schemas.alerts import Alert
from schemas.articles import EnrichedArticle
from schemas.topics import ALERTS, ENRICHED

log = get_logger(__name__)

_ACKNOWLEDGE_SECONDS = 30.0
_RACES = 5
"""Times that another worker may write in between before it is taken for an outage."""


class Alerter:
    """The handler of `polywire consume alerter`."""

    stage = "alerter"
    topics = (ENRICHED,)

    def __init__(self, settings: Settings, es: Elasticsearch, producer: Producer) -> None:
        self._es = es
        self._prefix = settings.index_prefix
        self._producer = producer
        self._memory = AlertMemory(es, settings.index_prefix)
        self._dead_letters = kafka_dead_letters(producer)
        self._book = SubscriptionBook(settings, self.stage, self._report_bad)
        self._indices_ready = False

    def handle(self, batch: Sequence[Received]) -> Sequence[Outcome]:
        """Match and tell, one article after the other: their order is the order of the story."""
        self._make_ready()
        self._book.catch_up()
        outcomes: list[Outcome] = []
        for received in batch:
            try:
                outcomes.append(self._article(received))
            except Exception as error:
                if isinstance(error, NotFoundError | AuthorizationException):
                    self._indices_ready = False  # somebody has deleted the index or stopped writing to it
                elif not is_infrastructure(error):
                    raise
                left = len(batch) - len(outcomes)
                return [*outcomes, *[Retry(str(error) or type(error).__name__)] * left]
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

    def _article(self, received: Received) -> Outcome:
        article = received.message
        assert isinstance(article, EnrichedArticle)
        if article.retracted:
            return Done("retracted")
        document = Matchable(article_document(article))
        now = datetime.now(UTC)
        told, failures = 0, []
        for active in self._book:
            if active.muted(now) or not active.covers(received.record.timestamp):
                continue
            try:
                if active.query.matches(document):
                    told += self._tell(active, article)
            except Exception as error:
                if is_infrastructure(error) or isinstance(error, NotFoundError):
                    raise
                # The other subscriptions are served first; then the article goes to the dead letters with this.
                failures.append(f"subscription {active.subscription.id}: {type(error).__name__}: {error}")
        if failures:
            raise RuntimeError("; ".join(failures))
        return Done("told" if told else "ok")

    def _tell(self, active: Active, article: EnrichedArticle) -> bool:
        """Steps 1 to 6 for one subscription; whether anything was told."""
        for _ in range(_RACES):
            story, mark = self._memory.recall(active.subscription.id, article.story_id, article.id)
            step = next_step(article, story, mark)
            if step in {"skip", "known"}:
                return False
            if story is not None and not story.published:
                self._finish(story)
                if step == "publish":
                    return True
                continue  # read again: it has just been written
            if step == "inherit":
                assert mark is not None
                if self._inherit(active, article, mark):
                    return False
                continue
            alert = (
                new_alert(active.subscription, article)
                if story is None
                else update(story.alert, active.subscription, article)
            )
            stored = self._memory.remember(alert, story, published=False)
            if stored is not None:
                self._finish(stored)
                return True
        raise ConnectionError(f"another worker keeps writing the alert of story {article.story_id}")

    def _finish(self, stored: StoryMemory) -> None:
        """Steps 4 to 6."""
        alert = stored.alert
        self._memory.mark(alert)
        self._publish(alert)
        # Lost against another worker means that it has done the same.
        self._memory.remember(alert, stored, published=True)
        log.info(
            "alert" if alert.kind == "new" else "alert updated",
            alert=alert.id,
            revision=alert.revision,
            subscription=alert.subscription_id,
            story=alert.story_id,
            languages=alert.languages,
            title=alert.title,
        )

    def _inherit(self, active: Active, article: EnrichedArticle, mark: ArticleMemory) -> bool:
        origin = self._memory.recall_story(active.subscription.id, mark.story_id)
        alert = origin.alert if origin else new_alert(active.subscription, article)
        heir = inherited(alert, active.subscription, article)
        if self._memory.remember(heir, None, published=True) is None:
            return False
        self._memory.mark(heir)
        log.info("story counts as told", story=article.story_id, told_as=mark.story_id, alert=heir.id)
        return True

    def _publish(self, alert: Alert) -> None:
        future = publish(self._producer, ALERTS, alert.subscription_id, alert)
        future.get(_ACKNOWLEDGE_SECONDS)

    def _report_bad(self, letter: DeadLetter) -> None:
        """Once, however often the topic is read again: written first, then remembered."""
        place = f"{letter.topic}/{letter.partition}/{letter.offset}"
        if not self._memory.seen_before(place):
            self._dead_letters(letter)
            self._memory.remember_place(place)
            log.warning("bad subscription", place=place, reason=letter.reason)
