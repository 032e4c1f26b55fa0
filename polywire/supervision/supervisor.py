"""Engines and stages, up and down in order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kafka.errors import KafkaError

from polywire.engines import make_engine
from polywire.runtime import logs
from polywire.runtime.errors import UserError
from polywire.runtime.kafka import create_topics, expel
from polywire.runtime.settings import RUN_FILE, Settings, read_run_file
from polywire.supervision.process import StageProcess
from polywire.supervision.stages import StageSpec

Tell = Callable[[str, str], None]
"""Takes who (a stage, an engine) and what happened."""

_STOP_SECONDS = 15.0
_HEALTH_EVERY = 5.0
_UNHEALTHY_LIMIT = 3
"""So many bad answers in a row until a stage that lives is ended and started again."""


class Supervisor:
    """Keeps the stages running. `start`, then `watch` again and again, then `stop`; use it as a context manager."""

    def __init__(
        self,
        settings: Settings,
        stages: Sequence[StageSpec],
        tell: Tell,
        *,
        workers: dict[str, int] | None = None,
        run_dir: Path | None = None,
        environment: dict[str, str] | None = None,
        before_stages: Callable[[Settings], None] | None = None,
        fresh: bool = False,
    ) -> None:
        """`workers`: how many processes of a stage (1). `run_dir`: where the run file goes (the state folder).
        `before_stages` is called once engines, topics and indices are there. `fresh`: wipe the state folder first.
        """
        self.settings = settings
        self._tell = tell
        self._specs = stages
        self._workers = workers or {}
        self._run_file = (run_dir or settings.state_dir) / RUN_FILE
        self._extra = environment or {}
        self._before_stages = before_stages
        self._fresh = fresh
        self._engine = make_engine(settings.engines, settings)
        self.processes: list[StageProcess] = []
        self._bad_answers: dict[str, int] = {}
        self._next_health = 0.0

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Engines, topics, indices, stages; each told of as it comes.

        Raises:
            UserError: another run holds this folder, or an engine does not start; the message says what to do.
        """
        self._refuse_second_run()
        if self._fresh:
            shutil.rmtree(self.settings.state_dir, ignore_errors=True)
        self.settings.state_dir.mkdir(parents=True, exist_ok=True)
        logs.configure(self.settings, file=self.settings.state_dir / "logs" / "supervisor.log")
        self._tell("engines", f"starting {self.settings.engines} …")
        addresses = self._engine.start()
        self.settings = self.settings.model_copy(
            update={
                "kafka_bootstrap": addresses.kafka_bootstrap,
                "elasticsearch_url": addresses.elasticsearch_url,
            }
        )
        self._tell("engines", f"Kafka {addresses.kafka_bootstrap}, Elasticsearch {addresses.elasticsearch_url}")
        self._write_run_file()
        created = create_topics(self.settings)
        self._tell("topics", f"{len(created)} created" if created else "all there")
        self._ensure_indices()
        if self._before_stages:
            self._before_stages(self.settings)
        for spec in self._specs:
            for number in range(self._workers.get(spec.name, 1)):
                self._add(spec, number)
        self._write_run_file()

    def _ensure_indices(self) -> None:
        # Imported here: the Elasticsearch client takes a while to load, and `--help` should not wait for it.
        from consumers.index import ensure_indices
        from polywire.runtime.elastic import make_client

        with make_client(self.settings) as client:
            ensure_indices(client, self.settings.index_prefix)
        self._tell("indices", "templates and indices in place")

    def _add(self, spec: StageSpec, number: int) -> None:
        name = spec.name if number == 0 else f"{spec.name}-{number + 1}"
        logs = self.settings.state_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        process = StageProcess(spec, name, self._environment(), (logs / f"{name}.log").absolute())
        process.start()
        self.processes.append(process)
        self._tell(name, "started")

    def _environment(self) -> dict[str, str]:
        settings = self.settings
        return {
            "POLYWIRE_ENGINES": settings.engines,
            "POLYWIRE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "POLYWIRE_ELASTICSEARCH_URL": settings.elasticsearch_url,
            "POLYWIRE_STATE_DIR": str(settings.state_dir.absolute()),
            "POLYWIRE_CACHE_DIR": str(settings.cache_dir.absolute()),
            "POLYWIRE_INDEX_PREFIX": settings.index_prefix,
            "POLYWIRE_WEB_PORT": str(settings.web_port),
            "POLYWIRE_WEB_HOST": settings.web_host,
            "POLYWIRE_LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
            # Two cores are shared by eight processes: no library may start a thread for each core.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **self._extra,
        }

    def watch(self) -> None:
        """Look once at everything: restart what died, end what hangs. Call it about every half second."""
        changed = False
        for process in self.processes:
            news = process.check()
            if news:
                changed = True
                self._tell(process.name, news)
            if process.dead_pid is not None:
                self._give_up_place(process)
        problem = self._engine.why_not_alive()
        if problem:
            raise UserError(f"the {self.settings.engines} engine is gone: {problem}")
        if time.monotonic() >= self._next_health:
            self._next_health = time.monotonic() + _HEALTH_EVERY
            changed = self._check_health() or changed
        if changed:
            self._write_run_file()

    def _give_up_place(self, process: StageProcess) -> None:
        pid, process.dead_pid = process.dead_pid, None
        if process.spec.group is None or pid is None:
            return
        try:
            expel(self.settings, process.spec.group, pid)
        except KafkaError as error:
            # Then the group waits until the session is over, as it would have anyway.
            self._tell(process.name, f"its place in {process.spec.group} could not be given up: {error}")

    def _check_health(self) -> bool:
        running = [process for process in self.processes if process.pid]
        # Side by side: those that hang would hold up the look at the others.
        with ThreadPoolExecutor(max(1, len(running))) as asking:
            reports = list(asking.map(StageProcess.health, running))
        restarted = False
        for process, report in zip(running, reports, strict=True):
            problem = self._problem(process, report)
            if problem:
                self._tell(process.name, f"{problem}: starting it again")
                process.restart(problem)
                restarted = True
        return restarted

    def _problem(self, process: StageProcess, report: dict[str, Any] | None) -> str | None:
        """Why a process that lives is to be started again."""
        if report is None:
            silent = process.silent_for()
            return None if silent is None else f"has not answered for {silent:.0f} s"
        if report.get("alive", True):
            self._bad_answers[process.name] = 0
            return None
        self._bad_answers[process.name] = self._bad_answers.get(process.name, 0) + 1
        if self._bad_answers[process.name] < _UNHEALTHY_LIMIT:
            return None
        self._bad_answers[process.name] = 0
        return f"makes no progress ({report.get('reason')})"

    def stop(self) -> None:
        """Stages in order, then the engines. Nothing stays behind."""
        for rank in sorted({p.spec.rank for p in self.processes}):
            ending = [p for p in self.processes if p.spec.rank == rank]
            for process in ending:
                process.terminate()
            deadline = time.monotonic() + _STOP_SECONDS
            for process in ending:
                if not process.wait(max(0.1, deadline - time.monotonic())):
                    self._tell(process.name, f"did not end within {_STOP_SECONDS:.0f} s and was killed")
        self._engine.stop()
        self._run_file.unlink(missing_ok=True)

    def _refuse_second_run(self) -> None:
        run = read_run_file(self._run_file.parent)
        if run and run.get("pid") != os.getpid():
            raise UserError(
                f"polywire is already up in this folder (pid {run['pid']}). Stop it there with Ctrl-C, "
                f"or give this run its own POLYWIRE_STATE_DIR."
            )

    def _write_run_file(self) -> None:
        self._run_file.parent.mkdir(parents=True, exist_ok=True)
        settings = self.settings
        run: dict[str, Any] = {
            "pid": os.getpid(),
            "settings": {
                "engines": settings.engines,
                "kafka_bootstrap": settings.kafka_bootstrap,
                "elasticsearch_url": settings.elasticsearch_url,
                "index_prefix": settings.index_prefix,
                "web_port": settings.web_port,
            },
            "stages": [
                {
                    "name": p.name,
                    "pid": p.pid,
                    "metrics_port": p.metrics_port,
                    "group": p.spec.group,
                    "restarts": p.restarts,
                    "last_error": p.last_error,
                    "log": str(p.log_file),
                }
                for p in self.processes
            ],
        }
        partial = self._run_file.with_suffix(".partial")
        partial.write_text(json.dumps(run, indent=1), encoding="utf-8")
        partial.replace(self._run_file)


class StopSignal:
    """True once SIGINT or SIGTERM has come."""

    def __init__(self) -> None:
        self._come = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, *_: object) -> None:
        self._come = True

    def __bool__(self) -> bool:
        return self._come
