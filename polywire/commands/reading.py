"""What the commands that read and write the bus and the index share: clients, errors in one line, output."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtime.errors import UserError
from runtime.runfile import is_up
from runtime.settings import Settings

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from consumers.index.reader import IndexReader
    from runtime.bus.producer import Producer

_START = "Start polywire first: `polywire up`, or `polywire demo` to try it."
_CONNECT_SECONDS, _ANSWER_SECONDS = 3.0, 10.0
_PIPED_WIDTH, _LEAST_ROOM, _LANGUAGES = 200, 12, 5
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]


def standard_input() -> BinaryIO:
    """What is piped in, as bytes.

    Raises:
        UserError: it is closed.
    """
    if sys.stdin is None:
        raise UserError("there is no standard input (it is closed): give a file, or pipe something in")
    return sys.stdin.buffer


@contextmanager
def index(settings: Settings) -> Iterator[IndexReader]:
    """The indices to read; what goes wrong with them is told in one line."""
    from consumers.index.reader import IndexAway, IndexMissing, IndexReader
    from consumers.query import QueryError

    with elasticsearch(settings) as es:
        try:
            yield IndexReader(es, settings.index_prefix)
        except IndexMissing as error:
            raise UserError(f"{error}: start polywire first: `polywire up`") from error
        except IndexAway as error:
            raise (error.__cause__ or error) from None  # told below, with what it is
        except QueryError as error:
            raise UserError(f"the query cannot be used: {error}") from error


@contextmanager
def elasticsearch(settings: Settings) -> Iterator[Elasticsearch]:
    """A client of Elasticsearch; what goes wrong with it is told in one line."""
    from elastic_transport import TransportError
    from elasticsearch import ApiError, NotFoundError

    from runtime.elastic import make_client

    _quiet(settings)
    with make_client(settings) as es:
        try:
            with suppress(ApiError):  # it refuses, and so it is there
                es.options(request_timeout=_ANSWER_SECONDS).info()
            yield es
        except NotFoundError as error:
            raise UserError(
                f"the indices {settings.index_prefix}-* are not there: start polywire first: `polywire up`"
            ) from error
        except ApiError as error:
            raise UserError(f"Elasticsearch refuses ({error.status_code}): {error.message}") from error
        except TransportError as error:
            raise _no_answer(settings, "Elasticsearch", settings.elasticsearch_url, type(error).__name__) from error


@contextmanager
def bus(settings: Settings) -> Iterator[None]:
    """Around calls of Kafka: what goes wrong is told in one line."""
    from kafka.errors import KafkaError

    from runtime.bus.clients import make_admin

    _quiet(settings)
    if not _listens(settings.kafka_bootstrap):
        raise _no_answer(settings, "Kafka", settings.kafka_bootstrap, "nobody listens there")
    try:
        make_admin(settings, patience=_ANSWER_SECONDS).close()
        yield
    except (KafkaError, ConnectionError) as error:
        raise _no_answer(settings, "Kafka", settings.kafka_bootstrap, str(error) or type(error).__name__) from error


def _no_answer(settings: Settings, engine: str, where: str, why: str) -> UserError:
    # An engine that hangs is not put right by starting what is up.
    if is_up(settings.state_dir):
        up = f"polywire is up in {settings.state_dir}, but {engine} at {where} does not answer ({why})."
        return UserError(f"{up} `polywire status` says how everything is; if this lasts, stop polywire and start it.")
    return UserError(f"{engine} at {where} does not answer ({why}). {_START}")


def _listens(addresses: str) -> bool:
    """Whether one of the brokers takes a connection: the client itself would try for half a minute."""
    for address in addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS):
                return True
        except (OSError, ValueError):
            continue
    return False


def _quiet(settings: Settings) -> None:
    """A command's answer is what it prints; the log says only what is wrong, on standard error."""
    from runtime import logs

    if settings.log_level == "INFO":
        settings = settings.model_copy(update={"log_level": "WARNING"})
    logs.configure(settings)
    for library in ("kafka", "elastic_transport"):
        # They warn of each try to connect; the error that ends the command says it once.
        logging.getLogger(library).setLevel(logging.CRITICAL)


@contextmanager
def producer(settings: Settings) -> Iterator[Producer]:
    """A producer, closed at the end."""
    from runtime.bus.clients import make_producer

    with bus(settings):
        one = make_producer(settings, "polywire-cli")
        try:
            yield one
        finally:
            one.close(timeout=30)


def print_json(value: Any) -> None:
    """One JSON document on standard output, in the scripts it is written in."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def console() -> Console:
    """As wide as the terminal; in a file or a pipe, wide enough for whole lines."""
    width = _PIPED_WIDTH if not sys.stdout.isatty() and "COLUMNS" not in os.environ else None
    return Console(highlight=False, width=width)


def listing(screen: Console, columns: Sequence[str], rows: Sequence[Sequence[str | Text]], cut: str) -> Table:
    """A table of one line a row: ids stay whole, the column `cut` takes the room that is left."""
    place = columns.index(cut)
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    wide = [max([cell_len(name), *(row[i].cell_len for row in cells)]) for i, name in enumerate(columns)]
    room = max(_LEAST_ROOM, screen.width - sum(wide) + wide[place] - 2 * len(columns))
    table = Table(box=None)
    for name in columns:
        table.add_column(name, no_wrap=True, overflow="ellipsis" if name == cut else "fold")
    for row in cells:
        row[place].truncate(room, overflow="ellipsis")
        table.add_row(*row)
    return table


def some(languages: Sequence[str]) -> str:
    """The first of a story's languages, and how many more."""
    more = len(languages) - _LANGUAGES
    return " ".join(languages[:_LANGUAGES]) + (f" +{more}" if more > 0 else "")


def clean(text: str | None, limit: int = 0) -> Text:
    """Text of an article for the terminal: on one line, no control characters, no markup; cut at `limit` if given."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text or "").split())
    return Text(line if not limit or len(line) <= limit else line[: limit - 1] + "…")


def moment(value: datetime | str | None) -> str:
    """A time as tables show it: UTC, to the minute."""
    if value is None:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def since(text: str | None) -> datetime | None:
    """A time in the past: `7d`, `12h`, `30m`, or ISO 8601.

    Raises:
        UserError: it is neither.
    """
    if text is None:
        return None
    units = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    try:
        if text[-1:] in units and text[:-1].isdigit():
            return datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UserError(f"{text!r} is no time; write 7d, 12h, 30m or 2026-03-01T12:00") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
