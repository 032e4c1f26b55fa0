"""`polywire stream`: run one stream processor."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from runtime.files import private_folder
from runtime.logs import configure
from runtime.settings import Settings
from runtime.watchdog import WATCHDOG


class StageName(StrEnum):
    """The stream processors."""

    ANALYZE = "analyze"
    CLUSTER = "cluster"
    ENRICH = "enrich"


app = typer.Typer(add_completion=False, help="Run a stream processor: analyze, cluster, enrich.")


@app.command()
def stream(
    stage: Annotated[StageName, typer.Argument(help="analyze: read each article. cluster: find its story. enrich: "
                                               "what only the whole story can tell.")],
) -> None:  # fmt: skip
    """Run a stream processor until it is told to stop (SIGTERM or Ctrl-C); the message in hand is finished first.

    analyze and enrich scale: start as many as you like, Kafka shares the partitions out among them. Of cluster one
    works and the others stand by.
    """
    settings = Settings()
    configure(settings, stage=stage.value)
    private_folder(settings.state_dir)
    WATCHDOG.start()
    import_module(f"streams.apps.{stage.value}").make_stage(settings).run()
