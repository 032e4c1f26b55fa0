"""What must be there before stages start: the embedding model, a free port for the web page."""

from __future__ import annotations

import errno
import socket

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from polywire.supervision.process import free_port
from runtime.addresses import listening_at
from runtime.errors import UserError
from runtime.runfile import read_run_file
from runtime.settings import Settings


def ensure_model(settings: Settings, console: Console) -> None:
    """Build the embedding model when it is not there yet, with a progress bar on a terminal."""
    from streams.embedding import build_model

    with Progress(
        TextColumn("[cyan]model[/] {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("embedding model", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        build_model(settings.cache_dir, progress)


def web_port(settings: Settings, *, strict: bool) -> int:
    """The port for the web page: the setting's, or where that is taken and `strict` is off, any free one.

    Raises:
        UserError: `strict`, and the port is taken; or the host is no address of this machine.
    """
    try:
        family, address = listening_at(settings.web_host, settings.web_port)
    except OSError as error:
        raise UserError(f"POLYWIRE_WEB_HOST={settings.web_host} is no address of this machine: {error}") from error
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise UserError(f"POLYWIRE_WEB_HOST={settings.web_host} is no address of this machine") from error
            if strict:
                run = read_run_file(settings.state_dir)
                if run:
                    raise UserError(
                        f"polywire is already up in this folder (pid {run['pid']}). Stop it there with Ctrl-C, "
                        "or give this run its own POLYWIRE_STATE_DIR and POLYWIRE_WEB_PORT."
                    ) from error
                raise UserError(
                    f"port {settings.web_port} is taken by another program; choose one with POLYWIRE_WEB_PORT=8081"
                ) from error
            return free_port(settings.web_host)
        port: int = probe.getsockname()[1]
        return port
