"""`polywire subscriptions`: say what to be told of, and how."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from polywire.commands.reading import (
    AsJson,
    bus,
    clean,
    console,
    index,
    listing,
    moment,
    print_json,
    producer,
    since,
    some,
)
from runtime.errors import UserError
from runtime.settings import Settings

if TYPE_CHECKING:
    from consumers.query import Query
    from schemas.alerts import Channel, Subscription

app = typer.Typer(add_completion=False, help="Say what to be told of, and how.", no_args_is_help=True)

_Secrets = Annotated[
    bool, typer.Option("--show-secrets", help="Webhooks in full, not their host alone. --json has them in full.")
]
_Id = Annotated[str, typer.Argument(help="The subscription's id.")]
_ACKNOWLEDGE_SECONDS = 30.0


def _query(text: str) -> Query:
    from consumers.query import Query, QueryError

    try:
        return Query.parse(text)
    except QueryError as error:
        raise UserError(f"the query cannot be used: {error}") from error


def _read(settings: Settings) -> tuple[dict[str, Subscription], list[str]]:
    """The subscriptions as they stand, and what is wrong with those that cannot be used."""
    from consumers.alerts.subscriptions import SubscriptionBook

    bad: list[str] = []
    with bus(settings):
        book = SubscriptionBook(settings, "cli", lambda letter: bad.append(f"{letter.key!r}: {letter.reason}"))
        try:
            book.catch_up()
            return {active.subscription.id: active.subscription for active in book}, bad
        finally:
            book.close()


def _one(settings: Settings, id_: str) -> Subscription:
    found, _ = _read(settings)
    if id_ not in found:
        raise UserError(f"there is no subscription {id_!r}. There are: {', '.join(sorted(found)) or 'none'}")
    return found[id_]


def _put(settings: Settings, id_: str, subscription: Subscription | None) -> None:
    from runtime.bus.clients import publish
    from schemas.topics import SUBSCRIPTIONS

    with producer(settings) as one:
        publish(one, SUBSCRIPTIONS, id_, subscription).get(_ACKNOWLEDGE_SECONDS)


@app.command()
def add(
    query: Annotated[str, typer.Argument(help='Lucene syntax: "arms_deal:true AND recipient:KZ". `--help` of search.')],
    name: Annotated[str | None, typer.Option(help="What alerts call it; the query where it is left out.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Its id; made from the name where it is left out.")] = None,
    owner: Annotated[str, typer.Option(help="Whose it is.")] = "operator",
    webhook: Annotated[list[str] | None, typer.Option(help="Address to POST alerts to; may be given again.")] = None,
    terminal: Annotated[bool, typer.Option(help="Show alerts where the notifier runs.")] = True,
    updates: Annotated[bool, typer.Option(help="Also tell of further articles of a story.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="In the place of the one with this id.")] = False,
    as_json: AsJson = False,
) -> None:
    """Subscribe: from now on, one alert for each story that matches."""
    from consumers.alerts.subscriptions import begun_now
    from runtime.netguard import Forbidden, check_url
    from schemas.alerts import Channel, Subscription
    from schemas.codec import explain

    _query(query)
    settings = Settings()
    for url in webhook or []:
        try:
            check_url(url)
        except Forbidden as error:
            raise UserError(f"not a webhook that can be called: {error}") from error
    channels = [Channel(kind="webhook", url=url, updates=updates) for url in webhook or []]
    if terminal:
        channels.append(Channel(kind="terminal", updates=updates))
    if not channels:
        raise UserError("nobody would be told: give a --webhook, or leave out --no-terminal")
    name = name or query[:200]
    try:
        subscription = Subscription(
            id=id_ or _slug(name), name=name, owner=owner, query=query, channels=channels, created=datetime.now(UTC)
        )
    except ValidationError as error:
        raise UserError(explain(error)) from error
    there, _ = _read(settings)
    if subscription.id in there and not replace:
        raise UserError(
            f"there is a subscription {subscription.id!r} already ({there[subscription.id].query}). "
            "Give another --id, or --replace"
        )
    with bus(settings):
        subscription = begun_now(settings, subscription)
    _put(settings, subscription.id, subscription)
    if as_json:
        print_json(subscription.model_dump(mode="json"))
        return
    screen = console()
    screen.print(f"subscribed: [bold]{subscription.id}[/]")
    if webhook and settings.webhook_secret is None:
        screen.print("[yellow]the notifier needs POLYWIRE_WEBHOOK_SECRET to sign what it sends[/]")


def _slug(name: str) -> str:
    import hashlib

    from anyascii import anyascii

    plain = re.sub(r"[^a-z0-9]+", "-", anyascii(name).lower()).strip("-")[:40]
    return plain or "s" + hashlib.blake2b(name.encode(), digest_size=6).hexdigest()


def _shown(channel: Channel, secrets: bool) -> str:
    """A way to be told, without what lets others use it: the address of a webhook is often its key."""
    from runtime.netguard import host_of

    told = f"{channel.kind} {channel.url if secrets else host_of(channel.url)}" if channel.url else channel.kind
    return f"{told}, with updates" if channel.updates else told


@app.command("list")
def list_subscriptions(show_secrets: _Secrets = False, as_json: AsJson = False) -> None:
    """Every subscription as it stands."""
    found, bad = _read(Settings())
    if as_json:
        print_json([subscription.model_dump(mode="json") for subscription in found.values()])
        return
    table = Table("id", "name", "query", "channels", "since", "", box=None)
    now = datetime.now(UTC)
    for one in found.values():
        muted = one.muted_until is not None and one.muted_until > now
        table.add_row(
            one.id,
            clean(one.name, 30),
            clean(one.query, 60),
            clean(", ".join(_shown(channel, show_secrets) for channel in one.channels)),
            moment(one.created),
            f"muted until {moment(one.muted_until)}" if muted else "",
        )
    screen = console()
    screen.print(table if found else "[dim]no subscriptions[/]")
    for line in bad:
        screen.print(clean(f"cannot be used: {line}"), style="red")


@app.command()
def show(id_: _Id, show_secrets: _Secrets = False, as_json: AsJson = False) -> None:
    """One subscription in full."""
    one = _one(Settings(), id_)
    if as_json:
        print_json(one.model_dump(mode="json"))
        return
    table = Table.grid(padding=(0, 2))
    facts = one.model_dump(mode="json") | {"channels": [_shown(channel, show_secrets) for channel in one.channels]}
    for label, value in facts.items():
        table.add_row(label, clean(", ".join(value) if isinstance(value, list) else str(value)))
    console().print(table)


@app.command()
def mute(
    id_: _Id,
    for_: Annotated[str | None, typer.Option("--for", help="How long: 30m, 12h, 7d.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Be told again.")] = False,
) -> None:
    """Be told nothing for a while. The first article of a story after that tells of it."""
    if off == (for_ is not None):
        raise UserError("say --for 12h, or --off")
    settings = Settings()
    until: datetime | None = None
    if for_ is not None:
        if not re.fullmatch(r"\d{1,4}[mhdw]", for_):
            raise UserError(f"{for_!r} is no time; write 30m, 12h, 7d or 2w")
        past = since(for_)
        assert past is not None
        now = datetime.now(UTC)
        until = now + (now - past) + timedelta(milliseconds=1)
    one = _one(settings, id_)
    _put(settings, id_, one.model_copy(update={"muted_until": until}))
    print(f"{id_}: " + (f"muted until {moment(until)} UTC" if until else "told again"))


@app.command()
def remove(id_: _Id) -> None:
    """Be told no more."""
    settings = Settings()
    _one(settings, id_)
    _put(settings, id_, None)
    print(f"removed: {id_}")


@app.command()
def backtest(
    query: Annotated[str, typer.Argument(help="A query, or the id of a subscription.")],
    days: Annotated[float, typer.Option(min=0.01, max=3650, help="How far back.")] = 7.0,
    as_json: AsJson = False,
) -> None:
    """What it would have sent in the last days: one alert for each story, and its updates."""
    from consumers.alerts.backtest import backtest as run

    settings = Settings()
    text = query
    if re.fullmatch(r"[A-Za-z0-9._:-]+", query) and ":" not in query:
        found, _ = _read(settings)
        text = found[query].query if query in found else query
    parsed = _query(text)
    with index(settings) as reader:
        result = run(reader, parsed, since=datetime.now(UTC) - timedelta(days=days))
    if as_json:
        print_json(
            {
                "query": text,
                "days": days,
                "alerts": result.alerts,
                "updates": result.updates,
                "articles": result.articles,
                "complete": result.complete,
                "stories": [vars(story) for story in result.stories],
            }
        )
        return
    columns = ("story", "at", "first in", "title", "languages", "sources", "updates")
    rows = [
        (
            story.story_id, moment(story.at), story.language, clean(story.title), some(story.languages),
            str(len(story.sources)), str(story.updates),
        )
        for story in result.stories
    ]  # fmt: skip
    screen = console()
    if rows:
        screen.print(listing(screen, columns, rows, "title"))
    screen.print(
        f"[bold]{result.alerts}[/] alerts and {result.updates} updates in {days:g} days "
        f"({result.alerts / days:.1f} alerts a day)" + ("" if result.complete else "; there is more: narrow the query")
    )
