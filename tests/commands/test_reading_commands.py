"""search, subscriptions, alerts, stories and deadletters, as a person or a program calls them, on real engines."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from typer.testing import CliRunner

from consumers.index import ensure_indices
from consumers.indexer import index_action
from runtime.bus.clients import create_topics
from runtime.bus.deadletters import REPLAYS_HEADER, DeadLetter
from runtime.bus.source import Record
from runtime.errors import UserError
from runtime.settings import Settings
from schemas.alerts import Subscription
from schemas.codec import decode
from schemas.stories import StoryCorrection
from schemas.topics import CORRECTIONS, DEADLETTERS, RAW, SUBSCRIPTIONS
from streams.apps.faust.app import changelog
from streams.stories import Clusterer
from tests.consumers.conftest import Bus, bus, es
from tests.consumers.make import alert, article, story

__all__ = ["bus", "es"]
pytestmark = pytest.mark.engine

Run = Callable[..., str]
NOW = datetime.now(UTC)


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("search", "QUERY", "--json")` gives what is printed; a UserError comes through."""
    for name in ("kafka_bootstrap", "elasticsearch_url", "index_prefix", "state_dir"):
        monkeypatch.setenv(f"POLYWIRE_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("COLUMNS", "250")

    def call(command: str, *arguments: str, status: int = 0) -> str:
        app = importlib.import_module(f"polywire.commands.{command}").app
        result = CliRunner().invoke(app, list(arguments))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, result.output
        return result.stdout

    return call


@pytest.fixture
def filled(es: Elasticsearch, settings: Settings) -> None:
    ensure_indices(es, settings.index_prefix)
    messages: list[Any] = [
        article(
            1, language="ms", title="Kazakhstan membeli S-300", collected=NOW - timedelta(days=3), languages=["ms"]
        ),
        article(2, language="ar", title="كازاخستان تشتري", collected=NOW - timedelta(days=2), languages=["ms", "ar"]),
        article(
            3, "s2", title="[red]Budget[/] \x1b[31mtalks", text="no deal", deals=[], arms_deal=False, collected=NOW
        ),
        article(4, "s3", title="Old sale", collected=NOW - timedelta(days=30)),
        story("s1", title="Kazakhstan buys S-300 systems", article_count=2, deals=[], last_seen=NOW),
        story("s2", article_count=1, arms_deal=False, title="Budget talks", last_seen=NOW),
        story("s9", merged_into="s1", last_seen=NOW),
        alert(story_id="s1"),
        alert(story_id="s2", subscription="other", at=NOW),
    ]
    helpers.bulk(es, [index_action(message, settings.index_prefix) for message in messages], refresh=True)


@pytest.mark.usefixtures("filled")
def test_search(run: Run) -> None:
    found = json.loads(run("search", "arms_deal:true AND supplier:RU", "--json"))
    assert found["total"] == 3
    assert {a["id"] for a in found["articles"]} == {"article-0001", "article-0002", "article-0004"}
    assert "embedding" not in found["articles"][0]
    assert json.loads(run("search", "*", "--json", "--lang", "AR"))["total"] == 1
    assert json.loads(run("search", "*", "--json", "--size", "2", "--since", "2020-01-01"))["total"] == 4
    assert json.loads(run("search", "buying", "--json"))["total"] == 0
    shown = run("search", "*")
    assert "كازاخستان" in shown
    assert "[red]Budget[/]" in shown, "text of an article is not markup"
    assert "\x1b[31m" not in shown, "nor does it command the terminal"
    with pytest.raises(UserError, match="there is no field 'colour'"):
        run("search", "colour:red")
    with pytest.raises(UserError, match="is no time"):
        run("search", "*", "--since", "lately")


@pytest.mark.usefixtures("bus")
def test_search_without_an_index_says_what_to_do(run: Run) -> None:
    with pytest.raises(UserError, match="start polywire"):
        run("search", "x")


def test_engines_that_are_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYWIRE_ELASTICSEARCH_URL", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="does not answer"):
        run("search", "x")


@pytest.mark.usefixtures("filled")
def test_alerts(run: Run) -> None:
    assert [a["story_id"] for a in json.loads(run("alerts", "list", "--json"))] == ["s2", "s1"]
    assert [a["story_id"] for a in json.loads(run("alerts", "list", "--json", "--subscription", "deals"))] == ["s1"]
    assert [a["story_id"] for a in json.loads(run("alerts", "list", "--json", "--story", "s2"))] == ["s2"]
    assert [a["story_id"] for a in json.loads(run("alerts", "list", "--json", "--since", "1h"))] == ["s2"]
    assert "Kazakhstan buys S-300 systems" in run("alerts", "list")


def test_subscriptions(run: Run, bus: Bus, settings: Settings) -> None:
    id_ = settings.index_prefix
    made = json.loads(
        run("subscriptions", "add", "arms_deal:true", "--id", id_, "--name", "Ventes d’armes", "--webhook",
            "https://hooks.example/x", "--updates", "--json")
    )  # fmt: skip
    assert [(c["kind"], c["updates"]) for c in made["channels"]] == [("webhook", True), ("terminal", True)]
    with pytest.raises(UserError, match="there is a subscription"):
        run("subscriptions", "add", "x", "--id", id_)
    run("subscriptions", "add", "arms_deal:true AND recipient:KZ", "--id", id_, "--replace")
    run(
        "subscriptions", "add", "arms_deal:true", "--id", f"by-hook-{id_[1:]}", "--webhook", "https://hooks.example/key"
    )
    for command in (("list",), ("show", f"by-hook-{id_[1:]}")):
        shown = run("subscriptions", *command)
        assert "webhook https://hooks.example" in shown
        assert "hooks.example/key" not in shown, "who knows the address may use it"
        for asked in ("--show-secrets", "--json"):
            assert "https://hooks.example/key" in run("subscriptions", *command, asked)
    assert id_ in run("subscriptions", "list")
    assert json.loads(run("subscriptions", "show", id_, "--json"))["query"] == "arms_deal:true AND recipient:KZ"
    run("subscriptions", "mute", id_, "--for", "2d")
    muted = json.loads(run("subscriptions", "show", id_, "--json"))["muted_until"]
    assert timedelta(hours=47) < datetime.fromisoformat(muted) - datetime.now(UTC) < timedelta(hours=49)
    run("subscriptions", "mute", id_, "--off")
    assert json.loads(run("subscriptions", "show", id_, "--json"))["muted_until"] is None
    run("subscriptions", "remove", id_)
    with pytest.raises(UserError, match="there is no subscription"):
        run("subscriptions", "show", id_)
    assert id_ not in run("subscriptions", "list")
    records = [r for r in bus.read(SUBSCRIPTIONS) if r.key == id_.encode()]
    assert [decode(Subscription, r.value).query for r in records[:2]] == [
        "arms_deal:true",
        "arms_deal:true AND recipient:KZ",
    ]
    assert not records[-1].value


@pytest.mark.usefixtures("bus")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["suplier:RU"], "Did you mean supplier"),
        (["x", "--webhook", "ftp://x"], "not an http"),
        (["x", "--webhook", "http://user:pw@h/"], "user name"),
        (["x", "--no-terminal"], "nobody would be told"),
        (["x", "--id", "spaces are bad"], "id:"),
    ],
)
def test_subscriptions_that_cannot_work_are_refused(run: Run, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run("subscriptions", "add", *arguments)


@pytest.mark.usefixtures("filled", "bus")
def test_backtest(run: Run) -> None:
    found = json.loads(run("subscriptions", "backtest", "arms_deal:true", "--days", "7", "--json"))
    assert (found["alerts"], found["updates"], found["articles"]) == (1, 1, 2)
    assert found["stories"][0]["languages"] == ["ms", "ar"]
    assert found["stories"][0]["story_id"] == "s1"
    assert json.loads(run("subscriptions", "backtest", "arms_deal:true", "--days", "60", "--json"))["alerts"] == 2
    assert "1 alerts and 1 updates" in run("subscriptions", "backtest", "arms_deal:true")


@pytest.mark.usefixtures("filled")
def test_stories(run: Run, bus: Bus) -> None:
    assert {s["id"] for s in json.loads(run("stories", "list", "--json"))} == {"s1", "s2"}
    assert {s["id"] for s in json.loads(run("stories", "list", "--deals", "--json"))} == {"s1"}
    shown = json.loads(run("stories", "show", "s1", "--json"))
    assert [v["id"] for v in shown["variants"]] == ["article-0001", "article-0002"]
    assert "Kazakhstan membeli" in run("stories", "show", "s1")
    assert "It began this story" in run("stories", "explain", "article-0001")
    assert json.loads(run("stories", "explain", "article-0002", "--json"))["story"] == "s1"
    for command, argument in (("show", "nope"), ("explain", "nope")):
        with pytest.raises(UserError, match="there is no"):
            run("stories", command, argument)
    merged = json.loads(run("stories", "merge", "s1", "s2", "--reason", "same", "--by", "ann", "--json"))
    split = json.loads(run("stories", "split", "s1", "article-0002", "--reason", "another", "--by", "ann", "--json"))
    written = [decode(StoryCorrection, r.value) for r in bus.read(CORRECTIONS)]
    assert [(c.kind, c.story_id, c.other_story_id, c.article_ids, c.by, c.reason) for c in written] == [
        ("merge", "s1", "s2", [], "operator:ann", "same"),
        ("split", "s1", split["other_story_id"], ["article-0002"], "operator:ann", "another"),
    ]
    assert merged["id"] != split["id"]
    for arguments, message in (
        (["merge", "s1", "s1"], "in itself"),
        (["merge", "s1", "s9"], "went up in s1 already"),
        (["merge", "s1", "nope"], "there is no story"),
        (["split", "s1", "article-0003"], "is not in story"),
        (["split", "s1", "article-0001", "article-0002"], "all of its articles"),
    ):
        with pytest.raises(UserError, match=message):
            run("stories", *arguments, "--reason", "x")
    assert len(bus.read(CORRECTIONS)) == 2, "nothing is published for what is refused"


@pytest.mark.usefixtures("filled")
def test_the_beginning_of_an_id_is_enough_where_it_is_clear(run: Run, es: Elasticsearch, settings: Settings) -> None:
    more = [story("s0a1b2c3d4"), story("s0a1b2ffff")]
    helpers.bulk(es, [index_action(message, settings.index_prefix) for message in more], refresh=True)
    assert json.loads(run("stories", "show", "s0a1b2c", "--json"))["id"] == "s0a1b2c3d4"
    for command, given, message in (
        ("show", "s0a1b2", "several begin with 's0a1b2': s0a1b2c3d4, s0a1b2ffff"),
        ("show", "s0a1b", "there is no story 's0a1b' in the index .a beginning needs 6 characters"),
        ("show", "s0a1b2d", "there is no story 's0a1b2d' in the index$"),
        ("explain", "s1", "s1 is a story, not an article. Its articles: polywire stories show s1"),
        ("show", "article-0001", "is an article, not a story. Its story: polywire stories explain article-0001"),
    ):
        with pytest.raises(UserError, match=message):
            run("stories", command, given)


def test_dead_letters(run: Run, bus: Bus, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = settings.index_prefix
    monkeypatch.setattr("polywire.commands.deadletters._STAGES", (stage,))

    def letter(offset: int, *, replays: int = 0, topic: str = RAW.name) -> None:
        one = DeadLetter(stage, f"reason {offset}", topic, 1, offset, b"key", b'{"n": %d}' % offset, NOW, replays)
        bus.producer.send(DEADLETTERS.name, key=one.record_key, value=one.value, headers=one.headers()).get(30)

    letter(1)
    letter(2)
    letter(3, replays=3)
    letter(4, topic="gone.topic")
    listed = json.loads(run("deadletters", "list", "--stage", stage, "--json"))
    ids = {one["offset"]: one["id"] for one in listed}
    assert {one["reason"] for one in listed} == {"reason 1", "reason 2", "reason 3", "reason 4"}
    assert json.loads(run("deadletters", "show", ids[1], "--json"))["value"] == '{"n": 1}'
    assert run("deadletters", "show", ids[1], "--raw") == '{"n": 1}'
    assert "reason 2" in run("deadletters", "list", "--stage", stage, "--reason", "REASON 2")
    dry = json.loads(run("deadletters", "replay", "--all", "--stage", stage, "--dry-run", "--json"))
    assert len(dry["put_back"]) == 2
    assert bus.read(RAW) == []
    done = json.loads(run("deadletters", "replay", "--all", "--stage", stage, "--json"))
    assert set(done["put_back"]) == {ids[1], ids[2]}
    assert done["left"] == {
        ids[3]: "it was put back 3 times already",
        ids[4]: "it came from 'gone.topic', which is no topic to put it back on",
    }
    back = bus.read(RAW)
    assert sorted((r.key, r.value, dict(r.headers)[REPLAYS_HEADER]) for r in back) == [
        (b"key", b'{"n": 1}', b"1"),
        (b"key", b'{"n": 2}', b"1"),
    ]
    again = json.loads(run("deadletters", "replay", ids[1], "--json", status=1))
    assert again["put_back"] == []
    assert re.match("it was put back at", again["left"][ids[1]])
    assert len(json.loads(run("deadletters", "list", "--stage", stage, "--json"))) == 4, "a mark is no letter"
    for arguments, message in (([], "name the dead letters"), (["x"], "is no id"), (["0:99999"], "there is no")):
        with pytest.raises(UserError, match=message):
            run("deadletters", "replay", *arguments)


def test_a_letter_cut_short_says_so_and_is_not_put_back(
    run: Run, bus: Bus, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = settings.index_prefix + "cut"
    monkeypatch.setattr("polywire.commands.deadletters._STAGES", (stage,))
    huge = b"x" * 20_000_000
    one = DeadLetter.of(stage, Record(RAW.name, 1, 9, b"key", huge), "too long")
    bus.producer.send(DEADLETTERS.name, key=one.record_key, value=one.value, headers=one.headers()).get(30)
    (listed,) = json.loads(run("deadletters", "list", "--stage", stage, "--json"))
    assert (listed["cut_from"], listed["sha256"]) == (len(huge), hashlib.sha256(huge).hexdigest())
    assert "cut short" in run("deadletters", "show", listed["id"])
    left = json.loads(run("deadletters", "replay", listed["id"], "--json", status=1))["left"]
    assert f"the whole is at {RAW.name}/1/9" in left[listed["id"]]
    assert bus.read(RAW) == []


def test_explain_shows_the_near_stories(run: Run, bus: Bus, es: Elasticsearch, settings: Settings) -> None:
    """From the clusterer's own memory: its table's changelog, written here as the stage writes it."""
    clusterer = Clusterer()
    memory = changelog("cluster", "records", 1)
    create_topics(settings, [memory])
    ensure_indices(es, settings.index_prefix)
    near, far = [1.0] + [0.0] * 383, [0.0] * 383 + [1.0]
    articles = [article(1, "x", embedding=near), article(2, "x", embedding=near), article(3, "x", embedding=far)]
    for one in articles:
        record = clusterer.assign(one).record
        bus.producer.send(memory.name, key=json.dumps(one.id).encode(), value=json.dumps(record).encode()).get(30)
    actions = [index_action(one, settings.index_prefix) for one in articles]
    helpers.bulk(es, actions, refresh=True)
    expected = clusterer.explain(articles[1].id)
    assert expected is not None
    explained = json.loads(run("stories", "explain", articles[1].id, "--json"))
    assert explained["memory"] == json.loads(json.dumps(expected.dump()))
    shown = run("stories", "explain", articles[1].id)
    assert "The nearest stories now" in shown
    assert "similarity" in shown
