"""`polywire deadletters`: see what could not be used, and put it back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from polywire.commands.reading import AsJson, bus, clean, console, moment, print_json, producer
from polywire.commands.reading import since as parse_since
from polywire.supervision.stages import READERS
from runtime.errors import UserError
from runtime.settings import Settings

if TYPE_CHECKING:
    from consumers.deadletters import Lying

app = typer.Typer(add_completion=False, help="See what could not be used, and put it back.", no_args_is_help=True)

_STAGES = tuple(spec.name for spec in READERS)


def _stage_there_is(name: str | None) -> str | None:
    if name is not None and name not in _STAGES:
        raise UserError(f"there is no stage {name!r} that has dead letters; there are {', '.join(_STAGES)}")
    return name


_Stage = Annotated[
    str | None, typer.Option(callback=_stage_there_is, help=f"Only those of this stage: {', '.join(_STAGES)}.")
]
_Topic = Annotated[str | None, typer.Option(help="Only those from this topic.")]
_Reason = Annotated[str | None, typer.Option(help="Only those whose reason contains this.")]
_Since = Annotated[str | None, typer.Option(help="Only newer ones: 7d, 12h, or a date.")]


@contextmanager
def _found(
    stage: str | None = None, topic: str | None = None, reason: str | None = None, since: str | None = None
) -> Iterator[Iterator[Lying]]:
    """What the options let through, newest first, read while it is gone through."""
    from consumers.deadletters import dead_letters

    settings, oldest = Settings(), parse_since(since)
    with bus(settings), closing(dead_letters(settings, oldest)) as lying:
        yield (
            one
            for one in lying
            if (stage is None or one.letter.stage == stage)
            and (topic is None or one.letter.topic == topic)
            and (reason is None or reason.lower() in one.letter.reason.lower())
            and (oldest is None or one.letter.at >= oldest)
        )


def _named(found: Iterator[Lying], ids: Sequence[str]) -> list[Lying]:
    """The letters of these ids, in their order."""
    for id_ in ids:
        if not re.fullmatch(r"\d+:\d+", id_):
            raise UserError(f"{id_!r} is no id; `polywire deadletters list` shows them (PARTITION:OFFSET)")
    left = set(ids)
    known: dict[str, Lying] = {}
    while left and (one := next(found, None)) is not None:
        if one.id in left:
            known[one.id] = one
            left.remove(one.id)
    if left:
        raise UserError(f"there is no dead letter {min(left)}")
    return [known[id_] for id_ in dict.fromkeys(ids)]


def _facts(one: Lying) -> dict[str, Any]:
    letter = one.letter
    return {
        "id": one.id,
        "stage": letter.stage,
        "reason": letter.reason,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "time": letter.at.isoformat(),
        "key": None if letter.key is None else letter.key.decode("utf-8", "replace"),
        "bytes": one.size,
        "cut_from": letter.cut_from,
        "sha256": letter.sha256,
        "replays": letter.replays,
        "put_back": one.put_back.isoformat() if one.put_back else None,
    }


@app.command("list")
def list_dead_letters(
    stage: _Stage = None,
    topic: _Topic = None,
    reason: _Reason = None,
    since: _Since = None,
    size: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Dead letters, the newest first."""
    with _found(stage, topic, reason, since) as found:
        shown = list(islice(found, size))
        more = next(found, None) is not None
    if as_json:
        print_json([_facts(one) for one in shown])
        return
    table = Table("id", "time", "stage", "from", "reason", "", box=None)
    for one in shown:
        letter = one.letter
        table.add_row(
            one.id, moment(letter.at), letter.stage, f"{letter.topic}/{letter.partition}/{letter.offset}",
            clean(letter.reason, 100), "put back" if one.put_back else "",
        )  # fmt: skip
    screen = console()
    screen.print(table if shown else "[dim]no dead letters[/]")
    if more:
        screen.print(f"[dim]the newest {size}; there are more (--size)[/]")


@app.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it: PARTITION:OFFSET.")],
    raw: Annotated[bool, typer.Option("--raw", help="Only the message's bytes, as they came.")] = False,
    as_json: AsJson = False,
) -> None:
    """One dead letter in full."""
    import sys

    from consumers.deadletters import in_full

    with _found() as found:
        (known,) = _named(found, [id_])
        with closing(in_full(Settings(), [known])) as letters:
            one = next(letters)
    value = one.letter.value
    if raw:
        sys.stdout.buffer.write(value or b"")
        return
    text = None if value is None else value.decode("utf-8", "replace")
    if as_json:
        print_json({**_facts(one), "value": text})
        return
    screen = console()
    table = Table.grid(padding=(0, 2))
    for label, fact in _facts(one).items():
        table.add_row(label, clean("" if fact is None else str(fact)))
    screen.print(table)
    if one.letter.cut_from is not None:
        place = f"{one.letter.topic}/{one.letter.partition}/{one.letter.offset}"
        screen.print(f"[dim]cut short: the whole is at {place}, for as long as that topic keeps it[/]")
    screen.print(clean(text, 4_000) if text is not None else "[dim]no value[/]", soft_wrap=True)


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="As `list` shows them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All that the options let through.")] = False,
    stage: _Stage = None,
    topic: _Topic = None,
    reason: _Reason = None,
    since: _Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back where they came from, once their cause is put right. Each at most three times."""
    from consumers.deadletters import in_full, put_back, why_not

    if bool(ids) == all_:
        raise UserError("name the dead letters, or say --all (with --stage, --topic, --reason, --since to choose)")
    left: dict[str, str] = {}
    todo: list[Lying] = []
    with _found(stage, topic, reason, since) as found:
        for lying in _named(found, ids) if ids else found:
            if why := why_not(lying):
                left[lying.id] = why
            else:
                todo.append(lying)
    done = [lying.id for lying in todo]
    if todo and not dry_run:
        with producer(Settings()) as one, closing(in_full(Settings(), todo)) as letters:
            done = put_back(one, letters)
    if as_json:
        print_json({"put_back": done, "left": left, "dry_run": dry_run})
    else:
        screen = console()
        screen.print(f"{'would put' if dry_run else 'put'} back: {len(done)}")
        for id_, why in left.items():
            screen.print(clean(f"left {id_}: {why}"))
    if ids and left:
        raise typer.Exit(1)


@app.command()
def resume(
    stage: Annotated[str, typer.Argument(callback=_stage_there_is, help=f"One of {', '.join(_STAGES)}.")],
) -> None:
    """Let a stage go on that has stopped after too many dead letters, once their cause is put right.

    A stage that buries message after message stops, because then it is the code or the topic that is wrong, and stays
    stopped however often it is started. After this it goes on with the message it stopped at, and counts anew. What it
    has buried stays among the dead letters: see `replay`.
    """
    from runtime.bus.groups import group_of
    from runtime.bus.resuming import GroupBusy
    from runtime.bus.resuming import resume as let_go_on

    settings = Settings()
    try:
        with bus(settings):
            places = let_go_on(settings, group_of(stage))
    except GroupBusy as error:
        raise UserError(
            f"{stage} has stopped at some messages and works at others, so this has to wait until it is ended: end it, "
            f"say this again, start it ({error})"
        ) from error
    screen = console()
    if not places:
        screen.print(f"{stage} is not stopped: nothing to do")
    for place in places:
        screen.print(clean(f"goes on with {place.topic}/{place.partition}/{place.offset}. It was: {place.why}"))
