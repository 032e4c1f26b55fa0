"""One alert per subscription and story, whatever happens in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from elasticsearch import Elasticsearch

from consumers import alerter as alerter_module
from consumers.alerter import Alerter
from consumers.alerts import subscriptions as subscriptions_module
from consumers.alerts.memory import AlertMemory, Write
from consumers.alerts.subscriptions import Active, begun_now
from consumers.alerts.telling import Wanted, waves_of
from consumers.alerts.updates import ArticleMemory, StoryMemory, fold_deals, new_alert, next_step, update
from consumers.query import Query
from runtime.bus.clients import make_producer
from runtime.bus.outcomes import Done, Outcome, Received
from runtime.bus.source import Record
from runtime.elastic import make_client
from runtime.settings import Settings
from schemas.alerts import Alert
from schemas.articles import EnrichedArticle
from schemas.codec import decode
from schemas.ids import alert_id
from schemas.topics import ALERTS, ENRICHED, SUBSCRIPTIONS
from tests.consumers.conftest import Bus, Running, Start, eventually
from tests.consumers.make import KAZAKHSTAN, TURKEY, alert, article, deal, subscription
from tests.consumers.proxy import FaultyProxy

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


def test_pairs_that_depend_on_each_other_come_in_waves_in_their_order() -> None:
    a, b = subscription("a"), subscription("b")
    first, again, moved, other = article(1), article(2), article(1, story="s9"), article(3, story="s2")
    wanted = [Wanted(who, one, number) for number, one in enumerate([first, again, moved, other]) for who in (a, b)]
    waves = [[(one.subscription.id, one.number) for one in wave] for wave in waves_of(wanted)]
    assert waves == [[("a", 0), ("b", 0), ("a", 3), ("b", 3)], [("a", 1), ("b", 1), ("a", 2), ("b", 2)]]


# --- on the bus ------------------------------------------------------------------------------------------


@pytest.fixture
def make(settings: Settings) -> Callable[[], Alerter]:
    return lambda: Alerter(settings, make_client(settings), make_producer(settings, "test-alerter"), lambda: None)


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
        monkeypatch.setattr(first._teller, "_publish", crash)
    else:

        def remember_or_crash(self: AlertMemory, writes: Sequence[Write]) -> list[StoryMemory | None]:
            if any(write.published == (step == "published") for write in writes):
                raise Crash(step)
            return remember(self, writes)

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
    proxy = FaultyProxy(settings.elasticsearch_url)
    through = settings.model_copy(update={"elasticsearch_url": proxy.url})
    subscribe()
    es, producer = make_client(through, request_timeout=10), make_producer(settings, "test")
    running = start(Alerter(settings, es, producer, lambda: None))
    proxy.only, proxy.drop = "_bulk", True
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
    memory = AlertMemory(es, settings.index_prefix, lambda: None)
    one, other = alert(), alert(story_id="s2")
    story, article_ = ("deals", "s1"), ("deals", "article-0001")
    assert memory.recall([story], [article_]) == ({story: None}, {article_: None})
    (stored,) = memory.remember([Write(one, None, published=False)])
    assert stored is not None
    lost, won = memory.remember([Write(one, None, published=False), Write(other, None, published=False)])
    assert lost is None
    assert won is not None
    (second,) = memory.remember([Write(one.model_copy(update={"revision": 2}), stored, published=True)])
    assert second is not None
    assert memory.remember([Write(one.model_copy(update={"revision": 3}), stored, published=True)]) == [None]
    memory.mark([one])
    assert memory.recall([story], [article_]) == ({story: second}, {article_: ArticleMemory("s1")})
    assert one.id == alert_id("deals", "s1")


@engine
def test_many_are_told_with_few_requests(
    bus: Bus, start: Start, settings: Settings, alerts: Told, subscribe: Callable[..., None]
) -> None:
    proxy = FaultyProxy(settings.elasticsearch_url)
    through = settings.model_copy(update={"elasticsearch_url": proxy.url})
    alerter = Alerter(settings, make_client(through), make_producer(settings, "test"), lambda: None)
    subscribe()
    alerter.tick()
    batch = [received(article(n, story=f"s{n}")) for n in range(100)]
    proxy.requests.clear()
    assert alerter.handle(batch) == [Done("told")] * 100
    # Four for some hundreds: one to recall, one for each of the steps that store. (Other tests subscribe as well.)
    assert len(proxy.requests) <= 20
    assert len(alerts.kinds()) == 100
    alerter.close()
    proxy.close()


@engine
def test_with_a_slow_index_it_beats_and_commits_and_tells_each_once(
    bus: Bus, start: Start, settings: Settings, alerts: Told, subscribe: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Articles of one story, each of which has to wait for the one before it."""
    monkeypatch.setattr(alerter_module, "_TAKE", 0.5)
    proxy = FaultyProxy(settings.elasticsearch_url)
    through = settings.model_copy(update={"elasticsearch_url": proxy.url})
    beats: list[int] = []
    one = Alerter(settings, make_client(through), make_producer(settings, "test"), lambda: beats.append(len(calls)))
    calls: list[list[Outcome]] = []
    handle = one.handle

    def counted(batch: Sequence[Received]) -> Sequence[Outcome]:
        calls.append(list(handle(batch)))
        return calls[-1]

    monkeypatch.setattr(one, "handle", counted)
    subscribe()
    bus.put(ENRICHED, "s1", *(article(n, article_count=n) for n in range(1, 16)))
    one.tick()
    proxy.delay = 0.1
    running = start(one)
    handled(running, 15)
    assert len(calls) > 2, "it gives back what it has no time for"
    assert all(any(isinstance(outcome, Done) for outcome in outcomes) for outcomes in calls), "each call gets on"
    assert len(beats) > 3 * 15, "it beats with each step"
    assert alerts.kinds() == [("new" if n == 1 else "update", n, article(n).id) for n in range(1, 16)]
    running.stop()
    proxy.close()


def received(one: EnrichedArticle, offset: int = 0) -> Received:
    now = int(time.time() * 1000)
    return Received(Record(ENRICHED.name, 0, offset, one.story_id.encode(), b"", timestamp=now), one)


# --- what a subscription covers --------------------------------------------------------------------------------------


def covers(starts: dict[int, int] | None, partition: int, offset: int, ends: dict[int, int] | None = None) -> bool:
    one = subscription(created=datetime.now(UTC) + timedelta(days=1), starts=starts)
    possible = subscriptions_module._possible(one, ends or {0: 100, 1: 100})
    active = Active(possible, Query.parse(one.query))
    return active.covers(Record(ENRICHED.name, partition, offset, b"k", b"v", timestamp=int(time.time() * 1000)))


@pytest.mark.parametrize(
    ("starts", "partition", "offset", "covered"),
    [
        ({0: 7}, 0, 6, False),
        ({0: 7}, 0, 7, True),
        ({0: 7}, 1, 0, True),
        ({0: 100}, 0, 99, False),
        ({0: 101}, 0, 6, True),
        ({2: 1}, 2, 0, True),
        (None, 0, 50, False),
    ],
    ids=[
        "before",
        "after",
        "a partition added since",
        "at its end",
        "a topic made anew",
        "a partition that was not there",
        "without offsets: by time",
    ],
)
def test_offsets_not_clocks_say_what_a_subscription_covers(
    starts: dict[int, int] | None, partition: int, offset: int, covered: bool
) -> None:
    """Each is made where the clock runs a day ahead."""
    assert covers(starts, partition, offset) is covered


def test_without_offsets_it_covers_what_came_from_its_millisecond_on() -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    active = Active(subscription(created=made, starts=None), Query.parse("x"))
    at = int(made.timestamp() * 1000)
    found = [active.covers(Record(ENRICHED.name, 0, 0, b"k", b"v", timestamp=at + late)) for late in (-1, 0, 1)]
    assert found == [False, True, True]


@engine
@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "behind"])
def test_a_subscription_made_by_a_wrong_clock_covers_what_comes_after_it_and_no_more(
    bus: Bus, start: Start, make: Callable[[], Alerter], alerts: Told, name: str, settings: Settings, wrong: timedelta
) -> None:
    bus.put(ENRICHED, "s1", article(1))
    one = subscription(name, created=datetime.now(UTC) + wrong)
    one = begun_now(settings, one)
    bus.put(ENRICHED, "s2", article(2, story="s2"))
    bus.put(SUBSCRIPTIONS, name, one)
    running = start(make())
    handled(running, 2)
    assert alerts.kinds() == [("new", 1, article(2).id)]


@engine
def test_a_subscription_covers_all_of_a_topic_that_was_made_anew(
    bus: Bus, start: Start, make: Callable[[], Alerter], alerts: Told, name: str, settings: Settings
) -> None:
    one = begun_now(settings, subscription(name, created=datetime.now(UTC) + timedelta(days=1)))
    assert one.starts is not None
    bus.put(SUBSCRIPTIONS, name, one.model_copy(update={"starts": {p: end + 1_000 for p, end in one.starts.items()}}))
    bus.put(ENRICHED, "s1", article(1))
    handled(start(make()), 1)
    assert alerts.kinds() == [("new", 1, article(1).id)]
