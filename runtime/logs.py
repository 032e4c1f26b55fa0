"""Structured logs: readable on a terminal, JSON lines anywhere else. Libraries' own logs take the same way."""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path

import structlog

from runtime.files import open_private, private_folder
from runtime.repeats import CountingHandler
from runtime.settings import Settings

# Chatty at INFO about things only their authors need.
_QUIET = (
    "aiokafka",
    "kafka",
    "elastic_transport",
    "elasticsearch",
    "httpx",
    "httpcore",
    "trafilatura",
    "mode",
    "faust",
)


def configure(settings: Settings, *, stage: str | None = None, file: Path | None = None) -> None:
    """Set up logging for this process. `stage` goes on every line; with `file` they go there, not to standard error."""
    on_terminal = file is None and sys.stderr.isatty()
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not on_terminal)
    shared: list[structlog.typing.Processor] = [
        partial(_name_stage, stage),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    final: list[structlog.typing.Processor]
    if as_json:
        final = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        final = [structlog.dev.ConsoleRenderer(pad_event_to=28)]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
    )
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        private_folder(file.parent)
        open_private(file, append=True).close()
        handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [CountingHandler(handler)]
    # A log that cannot be written, on a full disk say, is nobody's fault at the place that logs.
    logging.raiseExceptions = False
    root.setLevel(settings.log_level)
    # Says of every group that is not kafka-python's own that it cannot read what is in it.
    logging.getLogger("kafka.admin._groups").setLevel(logging.ERROR)
    if settings.log_level != "DEBUG":
        # Warns of every call that took a tenth of a second, such as a first connection.
        logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _name_stage(
    stage: str | None, _logger: object, _method: str, facts: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    # Whichever thread it is: context variables would name it on lines of the first one only.
    return {"stage": stage, **facts} if stage else facts


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes an event and its facts: `log.info("indexed", articles=12)`."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
