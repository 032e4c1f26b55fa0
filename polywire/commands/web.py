"""`polywire web`: the web page, and the door through which articles are pushed."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.settings import Settings

app = typer.Typer(add_completion=False, help="Serve the web page and the HTTP interface.")


@app.command()
def web(
    host: Annotated[str | None, typer.Option(help="Default: the setting web_host.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: the setting web_port.")] = None,
) -> None:
    """Serve stories, search and alerts, live, and take articles at POST /articles."""
    from consumers.index.reader import IndexReader
    from consumers.web.app import make_app, names_of
    from consumers.web.guard import Writers
    from consumers.web.live import BusReader, Hub
    from consumers.web.server import serve
    from producers.publisher import Publisher
    from producers.push import make_router
    from runtime import logs
    from runtime.elastic import make_client
    from runtime.health import StageHealth
    from runtime.watchdog import WATCHDOG

    settings = Settings()
    logs.configure(settings, stage="web")
    WATCHDOG.start()
    health = StageHealth("web")
    health.serve(settings.metrics_host, settings.metrics_port)
    hub = Hub()
    host = host or settings.web_host
    reader = BusReader(settings, hub, health)
    with Publisher.open(settings, "polywire-push", timeout=10.0, health=health) as publisher:
        application = make_app(
            IndexReader(make_client(settings, request_timeout=10.0), settings.index_prefix, missing_is_empty=True),
            hub,
            health,
            writers=Writers.of(settings, host),
            routers=[make_router(publisher)],
            names=names_of(host, settings.web_names),
        )
        reader.start()
        try:
            serve(application, host, settings.web_port if port is None else port, health)
        finally:
            reader.stop()
            reader.join(timeout=3)
