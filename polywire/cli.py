"""The command `polywire`. Commands are loaded when called, so that `polywire --help` answers at once."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from polywire import __version__
from runtime.errors import UserError
from schemas.codec import explain


@dataclass(frozen=True)
class _Command:
    module: str
    help: str
    panel: str


_RUN, _STAGES, _READ, _KEEP = "Run it", "Stages (one process each)", "Search and be told", "Look after it"

_COMMANDS = {
    "demo": _Command("demo", "Start everything, feed it the seeds, watch stories form and the alert arrive.", _RUN),
    "up": _Command("up", "Start the engines and every stage, and keep them running.", _RUN),
    "status": _Command("status", "The engines and each stage: alive, lag, rate, last error.", _RUN),
    "process": _Command("process", "Put a file through the whole pipeline, without a bus.", _RUN),
    "produce": _Command("produce", "Bring articles in: feeds, files.", _STAGES),
    "stream": _Command("stream", "Run a stream processor: analyze, cluster, enrich.", _STAGES),
    "consume": _Command("consume", "Run a consumer: indexer, alerter, notifier.", _STAGES),
    "web": _Command("web", "Serve the web page and the HTTP interface.", _STAGES),
    "search": _Command("search", "Search the articles, in any language.", _READ),
    "stories": _Command("stories", "List, show, explain, merge, split and recall stories.", _READ),
    "subscriptions": _Command("subscriptions", "Say what to be told of, and how.", _READ),
    "alerts": _Command("alerts", "What was told.", _READ),
    "topics": _Command("topics", "Create and list the topics; write their docs.", _KEEP),
    "index": _Command("index", "Make, look at and migrate the indices in Elasticsearch.", _KEEP),
    "deadletters": _Command("deadletters", "See what could not be used, and put it back.", _KEEP),
    "engines": _Command("engines", "Build and start Kafka and Elasticsearch.", _KEEP),
    "models": _Command("models", "Build the embedding model.", _KEEP),
    "evaluate": _Command("evaluate", "Measure quality on labelled articles.", _KEEP),
    "train": _Command("train", "Fit the shipped weights again from development data.", _KEEP),
}


def _print_help(console: Console) -> None:
    console.print("Usage: [bold]polywire[/] COMMAND [OPTIONS]\n")
    console.print("One story, every language, one alert: news about the arms trade, joined across languages.")
    for panel in (_RUN, _STAGES, _READ, _KEEP):
        table = Table.grid(padding=(0, 2))
        table.add_column(style="cyan", min_width=14)
        table.add_column()
        for name, command in _COMMANDS.items():
            if command.panel == panel:
                table.add_row(f"  {name}", command.help)
        console.print(f"\n[bold]{panel}[/]")
        console.print(table)
    console.print("\n`polywire COMMAND --help` says more of each. Start with [bold]polywire demo[/].")
    console.print("Settings: environment POLYWIRE_… or polywire.toml (docs/settings.md).")


def _unknown_settings() -> Iterator[str]:
    """Of variables that look like settings and are none, what to say; in polywire.toml they are errors."""
    from runtime.settings import Settings
    from runtime.watchdog import SUPERVISOR

    prefix = str(Settings.model_config["env_prefix"])
    known = {prefix + field.upper() for field in Settings.model_fields} | {f"{prefix}TEST_STRICT", SUPERVISOR}
    for name in sorted(os.environ):
        if name.upper().startswith(prefix) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            yield f"{name} is no setting and does nothing" + (f"; {near[0]} is one" if near else "")


def main() -> None:
    """Entry point: errors a person can act on are one line, not a stack trace."""
    err = Console(stderr=True, highlight=False)

    def fail(what: str, why: str, status: int) -> NoReturn:
        # As text: what comes from outside may hold what rich takes for markup.
        # In one line: a terminal wraps by itself, and from a log the supervisor takes the last one.
        err.print(f"[red]{what}[/]", Text(why), soft_wrap=True)
        sys.exit(status)

    name, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("--help", [])
    if name in {"-h", "--help", "help"}:
        _print_help(Console(highlight=False))
        return
    if name == "--version":
        print(f"polywire {__version__}")
        return
    if name not in _COMMANDS:
        near = difflib.get_close_matches(name, _COMMANDS, n=1)
        fail("No such command:", f"{name}. " + (f"Did you mean {near[0]}?" if near else "See polywire --help."), 2)
    for what in _unknown_settings():
        err.print("[yellow]Warning:[/]", Text(what))
    try:
        app = importlib.import_module(f"polywire.commands.{_COMMANDS[name].module}").app
        app(args=arguments, prog_name=f"polywire {name}")
    except ValidationError as error:
        fail("Settings are not right:", explain(error), 2)
    except SettingsError as error:
        fail("Settings are not right:", f"{error}: {error.__cause__}. Lists are written as JSON.", 2)
    except tomllib.TOMLDecodeError as error:
        fail("polywire.toml cannot be read:", str(error), 2)
    except UserError as error:
        fail("Error:", str(error), 1)
    except (FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError) as error:
        # Settings name folders and files; what is wrong with ours is found by the tests.
        fail("Error:", f"{error.strerror}: {error.filename}", 1)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        fail("Error:", f"cannot write {error.filename or 'the output'}: {error.strerror}", 1)
    except KeyboardInterrupt:
        err.print()
        sys.exit(130)
