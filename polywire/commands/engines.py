"""`polywire engines`: build and start Kafka and Elasticsearch alone."""

from __future__ import annotations

import json
import time
from typing import Annotated, Literal

import typer
from rich.console import Console

from runtime.settings import Settings

app = typer.Typer(add_completion=False, help="Build and start Kafka and Elasticsearch.", no_args_is_help=True)


@app.command()
def build() -> None:
    """Fetch and build the jvm engines, once: the real Kafka and Elasticsearch. Needs a JDK 17 and Maven."""
    from polywire.engines.jvm import build as build_jvm

    console = Console(highlight=False)
    started = time.monotonic()
    folder = build_jvm(Settings().cache_dir.absolute(), lambda what: console.print(f"[cyan]engines[/] {what} …"))
    console.print(f"[cyan]engines[/] ready in {folder} ({time.monotonic() - started:.0f} s)", soft_wrap=True)


@app.command()
def info(as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False) -> None:
    """What engines there are, and whether they could be started now."""
    from importlib.metadata import version

    from polywire.engines.jvm.build import installed, is_built, missing

    settings = Settings()
    built = is_built(settings.cache_dir.absolute())
    versions = json.loads((installed(settings.cache_dir.absolute()) / "built.json").read_text()) if built else {}
    engines = [
        {"name": "embedded", "what": f"noida-db {version('noida-db')}", "durable": False, "state": "ready"},
        {
            "name": "jvm",
            "what": f"Kafka {versions.get('kafka', '4.3')}, Elasticsearch {versions.get('elasticsearch', '8.19')} core",
            "durable": True,
            "state": missing(settings.cache_dir.absolute())
            or ("ready" if built else "can be built: polywire engines build"),
        },
        {
            "name": "external",
            "what": f"{settings.kafka_bootstrap}, {settings.elasticsearch_url}",
            "durable": True,
            "state": "as configured",
        },
    ]
    if as_json:
        print(json.dumps(engines, indent=2))
        return
    for engine in engines:
        durable = "durable" if engine["durable"] else "not durable"
        print(f"{engine['name']:9} {durable:12} {engine['what']}: {engine['state']}")


@app.command()
def start(
    name: Annotated[Literal["embedded", "jvm"], typer.Argument(help="Which.")] = "embedded",
    kafka_port: Annotated[int, typer.Option(help="0: any free one.")] = 9092,
    elasticsearch_port: Annotated[int, typer.Option(help="0: any free one.")] = 9200,
) -> None:
    """Start engines alone, on the usual ports, until Ctrl-C; the stages find them by the defaults of the settings."""
    from polywire.engines.embedded import EmbeddedEngine
    from polywire.engines.jvm import JvmEngine
    from polywire.supervision.stopping import Stopped, StopSignal
    from runtime.errors import UserError

    kind = EmbeddedEngine if name == "embedded" else JvmEngine
    engine = kind(Settings(), kafka_port=kafka_port, elasticsearch_port=elasticsearch_port)
    stop = StopSignal()
    try:
        with stop.at_once():
            addresses = engine.start()
        print(
            f"Kafka {addresses.kafka_bootstrap}  Elasticsearch {addresses.elasticsearch_url}  (Ctrl-C stops)",
            flush=True,
        )
        while not stop:
            problem = engine.why_not_alive()
            if problem:
                raise UserError(problem)
            time.sleep(0.5)
    except Stopped:
        pass
    finally:
        engine.stop()
    print("stopped")
