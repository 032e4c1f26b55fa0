"""One alert per subscription and story, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from elasticsearch import Elasticsearch

from consumers.alerter import Alerter
from consumers.alerts.folding import ArticleMemory, StoryMemory, fold_deals, new_alert, next_step, update
from consumers.alerts.memory import AlertMemory
from polywire.runtime.elastic import make_client
from polywire.runtime.kafka import make_producer
from polywire.runtime.settings import Settings
from schemas.alerts import Alert
from schemas.codec import decode
from schemas.ids import alert_id
from schemas.topics import ALERTS, ENRICHED, SUBSCRIPTIONS
from tests.consumers.conftest import Bus, Running, Start, eventually
from tests.consumers.make import KAZAKHSTAN, TURKEY, alert, article, deal, subscription

engine = pytest.mark.engine


# --- what an article means (pure) ------------------------------------------------------------------------------------


def told(article_id: str, *, published: bool = True) -> StoryMemory:
    return StoryMemory(alert(article_id=article_id), published)


MARK = ArticleMemory("s1")


@pytest.mark.parametrize(
    ("one", "story", "mark", "step"),
    [
        (article(1), None, None, "new"),
        (article(1, retracted=True), None, None, "skip"),
        (article(1, retracted=True), told("article-0001"), MARK, "skip"),
        (article(1, correction_id="c"), None, None, "skip"),
        (article(1, correction_id="c"), None, MARK, "inherit"),
        (article(1), None, MARK, "inherit"),
        (article(1), told("article-0001"), MARK, "known"),
        (article(1), told("article-0001", published=False), None, "publish"),
        (article(1), told("article-0001", published=False), MARK, "publish"),
        (article(2), told("article-0001"), None, "update"),
        (article(2), told("article-0001"), MARK, "known"),
        (article(2, correction_id="c"), told("article-0001"), None, "update"),
    ],
)
def test_what_an_article_means(one: object, story: StoryMemory | None, mark: ArticleMemory | None, step: str) -> None:
    assert next_step(one, story, mark) == step  # type: ignore[arg-type]


def test_an_update_adds_and_never_takes_away() -> None:
    first = new_alert(subscription(), article(1, language="ms", source="a.example", languages=["ms"]))
    second = update(
        first, subscription(), article(2, language="ar", source="b.example", languages=["ms", "ar"], article_count=2)
    )
    assert (second.kind, second.revision, second.id) == ("update", 2, first.id)
    assert second.languages == ["ms", "ar"]
    assert second.sources == ["a.example", "b.example"]
    assert second.article_count == 2


def test_deals_of_several_articles_are_one_deal_with_evidence_of_each() -> None:
    deals = fold_deals([], article(1))
    deals = fold_deals(deals, article(2, language="ar", deals=[deal(status="denied")]))
    deals = fold_deals(deals, article(2, language="ar", deals=[deal(status="denied")]))
    deals = fold_deals(deals, article(3, deals=[deal(supplier=[TURKEY.id])]))
    assert [(d.supplier, [e.article_id for e in d.evidence], d.disputed) for d in deals] == [
        (["Q159"], ["article-0001", "article-0002"], True),
        (["Q43"], ["article-0003"], False),
    ]


# --- on the bus ------------------------------------------------------------------------------------------


@pytest.fixture
def make(settings: Settings) -> Callable[[], Alerter]:
    return lambda: Alerter(settings, make_client(settings), make_producer(settings, "test-alerter"))


class Told:
    """What is on the alerts topic for one subscription."""

    def __init__(self, bus: Bus, name: str) -> None:
        self.bus, self.name = bus, name

    def all(self) -> list[Alert]:
        found = [decode(Alert, r.value) for r in self.bus.read(ALERTS)]
        return [one for one in found if one.subscription_id == self.name]

    def kinds(self) -> list[tuple[str, int, str]]:
        return [(one.kind, one.revision, one.article_id) for one in self.all()]


@pytest.fixture
def name(settings: Settings) -> str:
    """A subscription's id that no other test uses: the topic is shared."""
    return f"sub-{settings.index_prefix}"


@pytest.fixture
def alerts(bus: Bus, name: str) -> Told:
    return Told(bus, name)


@pytest.fixture
def subscribe(bus: Bus, name: str) -> Callable[..., None]:
    def put(query: str = "arms_deal:true", **fields: object) -> None:
        bus.put(SUBSCRIPTIONS, name, subscription(name, query, **fields))

    return put


def handled(running: Running, count: int) -> None:
    eventually(f"{count} articles", lambda: running.health.report().handled >= count)


@engine
def test_one_alert_and_updates(
    bus: Bus, start: Start, make: Callable[[], Alerter], alerts: Told, subscribe: Callable[..., None]
) -> None:
    running = start(make())
    subscribe("arms_deal:true AND supplier:RU")
    first = article(1, language="ms", languages=["ms"])
    second = article(2, language="ar", languages=["ms", "ar"], article_count=2)
    bus.put(ENRICHED, "s1", first, second, first, second, article(3, deals=[], arms_deal=False))
    bus.put(ENRICHED, "s2", article(4, story="s2", deals=[deal(supplier=[TURKEY.id])], entities=[TURKEY, KAZAKHSTAN]))
    handled(running, 6)
    assert alerts.kinds() == [("new", 1, first.id), ("update", 2, second.id)]
    assert alerts.all()[1].languages == ["ms", "ar"]


@engine
@pytest.mark.parametrize("step", ["store", "mark", "publish", "published"])
def test_a_crash_at_any_step_loses_nothing_and_fires_once(
    bus: Bus, start: Start, make: Callable[[], Alerter], alerts: Told, subscribe: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch, step: str,
) -> None:  # fmt: skip
    class Crash(BaseException):
        pass

    def crash(*_: object, **__: object) -> None:
        raise Crash(step)

    first = make()
    remember = AlertMemory.remember
    if step == "mark":
        monkeypatch.setattr(first._memory, "mark", crash)
    elif step == "publish":
        monkeypatch.setattr(first, "_publish", crash)
    else:

        def remember_or_crash(self: AlertMemory, *args: object, published: bool) -> StoryMemory | None:
            if published == (step == "published"):
                raise Crash(step)
            return remember(self, *args, published=published)  # type: ignore[arg-type]

        monkeypatch.setattr(first._memory, "remember", remember_or_crash.__get__(first._memory))
    subscribe()
    dying = start(first)
    bus.put(ENRICHED, "s1", article(1), article(2, article_count=2))
    eventually("the crash", lambda: dying.failure)
    assert isinstance(dying.failure, Crash)
    dying.failure = None
    running = start(make())
    handled(running, 2)
    told = alerts.kinds()
    # The same alert may be there twice, by id and revision; the notifier and the index know it by them.
    assert list(dict.fromkeys(told)) == [("new", 1, article(1).id), ("update", 2, article(2).id)]
    assert len(told) <= 3


@engine
def test_an_outage_of_the_index_delays_and_does_not_double(
    bus: Bus, start: Start, settings: Settings, alerts: Told, subscribe: Callable[..., None]
) -> None:
    from tests.consumers.proxy import FaultyProxy

    proxy = FaultyProxy(settings.elasticsearch_url)
    through = settings.model_copy(update={"elasticsearch_url": proxy.url})
    subscribe()
    running = start(Alerter(settings, make_client(through, request_timeout=10), make_producer(settings, "test")))
    proxy.only, proxy.drop = "_doc", True
    bus.put(ENRICHED, "s1", *(article(n, article_count=n) for n in range(1, 5)))
    eventually("tries", lambda: proxy.refused >= 2)
    # The effect is there, the answer is lost: the same write is tried again and must be recognised.
    proxy.after = True
    eventually("more tries", lambda: proxy.refused >= 4)
    proxy.drop = proxy.after = False
    handled(running, 4)
    told = list(dict.fromkeys(alerts.kinds()))
    assert told == [("new" if n == 1 else "update", n, article(n).id) for n in range(1, 5)]
    proxy.close()


@engine
def test_merge_and_split_never_fire_again(
    bus: Bus, start: Start, make: Callable[[], Alerter], alerts: Told, subscribe: Callable[..., None]
) -> None:
    running = start(make())
    subscribe()
    bus.put(ENRICHED, "told", article(1, story="told"))
    handled(running, 1)
    # Merged: the article moves into a story that was not told, which then counts as told.
    bus.put(ENRICHED, "told", article(1, story="told", retracted=True, correction_id="c1", version=2))
    bus.put(ENRICHED, "whole", article(1, story="whole", correction_id="c1", version=2))
    handled(running, 3)
    bus.put(ENRICHED, "whole", article(2, story="whole", article_count=2))
    # Split off: moved by a correction and never told: not news either.
    bus.put(ENRICHED, "other", article(3, story="other", correction_id="c2"))
    handled(running, 5)
    assert [(one.kind, one.story_id, one.article_id) for one in alerts.all()] == [
        ("new", "told", article(1).id),
        ("update", "whole", article(2).id),
    ]
    # Something new in the story split off is news.
    bus.put(ENRICHED, "other", article(4, story="other"))
    handled(running, 6)
    assert alerts.all()[-1].kind == "new"
    assert alerts.all()[-1].story_id == "other"


@engine
def test_a_bad_subscription_is_reported_once_and_the_others_work(
    bus: Bus, start: Start, make: Callable[[], Alerter], alerts: Told, subscribe: Callable[..., None], name: str
) -> None:
    bus.put(SUBSCRIPTIONS, f"{name}-bad", subscription(f"{name}-bad", "suplier:RU"))
    bus.put(SUBSCRIPTIONS, f"{name}-json", b"{")
    subscribe()
    first = start(make())
    letters = eventually("the dead letters", lambda: len(found := bus.dead_letters()) >= 2 and found)
    first.stop()
    running = start(make())
    bus.put(ENRICHED, "s1", article(1))
    handled(running, 1)
    assert alerts.kinds() == [("new", 1, article(1).id)]
    letters = [letter for letter in bus.dead_letters() if name.encode() in (letter.key or b"")]
    assert sorted(letter.reason.split(":")[1].strip() for letter in letters) == [
        "not JSON",
        "there is no field 'suplier'. Did you mean supplier? Fields",
    ]


@engine
def test_changed_muted_and_removed(
    bus: Bus, start: Start, make: Callable[[], Alerter], alerts: Told, subscribe: Callable[..., None], name: str
) -> None:
    running = start(make())
    subscribe(muted_until=datetime.now(UTC) + timedelta(hours=1))
    bus.put(ENRICHED, "s1", article(1))
    handled(running, 1)
    assert alerts.kinds() == []
    subscribe("language:ar")
    bus.put(ENRICHED, "s1", article(2), article(3, language="ar"))
    handled(running, 3)
    assert alerts.kinds() == [("new", 1, article(3).id)]
    bus.put(SUBSCRIPTIONS, name, None)
    bus.put(ENRICHED, "s2", article(4, story="s2", language="ar"))
    handled(running, 4)
    assert len(alerts.kinds()) == 1


@engine
def test_a_subscription_applies_from_when_it_was_made(
    bus: Bus, start: Start, make: Callable[[], Alerter], alerts: Told, subscribe: Callable[..., None]
) -> None:
    bus.put(ENRICHED, "s1", article(1))
    made = datetime.now(UTC) + timedelta(milliseconds=50)
    subscribe(created=made)
    eventually("the time", lambda: datetime.now(UTC) > made)
    bus.put(ENRICHED, "s2", article(2, story="s2"))
    running = start(make())
    handled(running, 2)
    assert alerts.kinds() == [("new", 1, article(2).id)]


@engine
def test_the_state_is_an_arbiter(es: Elasticsearch, settings: Settings) -> None:
    """Two workers, one story: the second sees that the first was there."""
    from consumers.index import ensure_indices

    ensure_indices(es, settings.index_prefix)
    memory = AlertMemory(es, settings.index_prefix)
    one = alert()
    assert memory.recall("deals", "s1", "article-0001") == (None, None)
    stored = memory.remember(one, None, published=False)
    assert stored is not None
    assert memory.remember(one, None, published=False) is None
    second = memory.remember(one.model_copy(update={"revision": 2}), stored, published=True)
    assert second is not None
    assert memory.remember(one.model_copy(update={"revision": 3}), stored, published=True) is None
    memory.mark(one)
    story, mark = memory.recall("deals", "s1", "article-0001")
    assert story == second
    assert mark == ArticleMemory("s1")
    assert one.id == alert_id("deals", "s1")
