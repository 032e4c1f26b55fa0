"""Engines and stages, up and down in order."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from kafka.errors import KafkaError

from polywire.engines import make_engine
from polywire.engines.base import Hold
from polywire.supervision.process import StageProcess
from polywire.supervision.rotation import rotate
from polywire.supervision.stages import StageSpec
from polywire.supervision.stopping import Stopped
from runtime import logs
from runtime.bus.clients import create_topics, expel, members
from runtime.errors import UserError
from runtime.files import private_folder
from runtime.room import why_no_room
from runtime.runfile import RUN_FILE, RUN_LOCK, write_run_file
from runtime.settings import Settings

R = TypeVar("R")
Tell = Callable[[str, str], None]
"""Takes who (a stage, an engine) and what happened."""

_START_SECONDS, _ONE_TRY, _START_PAUSE = 120.0, 5.0, 1.0
"""For how long engines that went away while everything starts are waited for, for a broker in one try, and between
two."""
_STOP_SECONDS = 15.0
_HEALTH_EVERY = 5.0
_UNHEALTHY_LIMIT = 3
"""So many bad answers in a row until a stage that lives is ended and started again."""
_RUN_FILE = "run file"


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
        self._run_dir = run_dir or settings.state_dir
        self._hold = Hold(self._run_dir, RUN_LOCK, "polywire is already up in")
        self._extra = environment or {}
        self._before_stages = before_stages
        self._fresh = fresh
        self._engine = make_engine(settings.engines, settings)
        self.processes: list[StageProcess] = []
        self._bad_answers: dict[str, int] = {}
        self._next_health = 0.0
        self._troubles: dict[str, str] = {}

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is Stopped:
            self._tell("engines", "stopping before everything was up …")
        self.stop()

    def start(self) -> None:
        """Engines, topics, indices, stages; each told of as it comes.

        Raises:
            UserError: another run holds this folder, or an engine does not start; the message says what to do.
        """
        self._hold.take()
        # Of a run that was killed. Where the disk is full, nothing would come in its place.
        (self._run_dir / RUN_FILE).unlink(missing_ok=True)
        if self._fresh:
            shutil.rmtree(self.settings.state_dir, ignore_errors=True)
        private_folder(self.settings.state_dir)
        private_folder(self._logs)
        logs.configure(self.settings, file=self._logs / "supervisor.log")
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
        created = self._insist("topics", lambda: create_topics(self.settings, patience=_ONE_TRY))
        self._tell("topics", f"{len(created)} created" if created else "all there")
        self._insist("indices", self._ensure_indices)
        self._tell("indices", "templates and indices in place")
        if self._before_stages:
            self._before_stages(self.settings)
        self._warn_of_others()
        for spec in self._specs:
            for number in range(self._workers.get(spec.name, 1)):
                self._add(spec, number)
        self._write_run_file()

    def _ensure_indices(self) -> None:
        # Imported here: the Elasticsearch client takes a while to load, and `--help` should not wait for it.
        from consumers.index import ensure_indices
        from runtime.elastic import make_client

        with make_client(self.settings) as client:
            ensure_indices(client, self.settings.index_prefix)

    def _insist(self, who: str, act: Callable[[], R]) -> R:
        """Engines that have just answered may be away again: what needs them is tried until it is done.

        Raises:
            UserError: they stayed away for `_START_SECONDS`.
        """
        from runtime.bus.outcomes import is_infrastructure

        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                done = act()
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                problem = str(error) or type(error).__name__
                if time.monotonic() >= deadline:
                    raise UserError(
                        f"cannot make the {who} ready within {_START_SECONDS:.0f} s: {problem}; see that Kafka at "
                        f"{self.settings.kafka_bootstrap} and Elasticsearch at {self.settings.elasticsearch_url} work"
                    ) from error
                self._tell_trouble(who, f"not ready yet, trying again: {problem}")
                time.sleep(_START_PAUSE)
            else:
                self._troubles.pop(who, None)
                return done

    def _add(self, spec: StageSpec, number: int) -> None:
        name = spec.name if number == 0 else f"{spec.name}-{number + 1}"
        log_file = (self._logs / f"{name}.log").absolute()
        process = StageProcess(spec, name, self._environment(), log_file, self.settings.metrics_host)
        self.processes.append(process)
        self._tell(name, process.start() or "started")

    def _environment(self) -> dict[str, str]:
        settings = self.settings
        # They may have stood in the address, which the stages get without them.
        user, password = settings.elasticsearch_username, settings.elasticsearch_password
        elastic = {"POLYWIRE_ELASTICSEARCH_USERNAME": user} if user else {}
        if password:
            elastic["POLYWIRE_ELASTICSEARCH_PASSWORD"] = password.get_secret_value()
        return {
            "POLYWIRE_ENGINES": settings.engines,
            "POLYWIRE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "POLYWIRE_ELASTICSEARCH_URL": settings.elasticsearch_url,
            **elastic,
            "POLYWIRE_STATE_DIR": str(settings.state_dir.absolute()),
            "POLYWIRE_CACHE_DIR": str(settings.cache_dir.absolute()),
            "POLYWIRE_INDEX_PREFIX": settings.index_prefix,
            "POLYWIRE_WEB_PORT": str(settings.web_port),
            "POLYWIRE_WEB_HOST": settings.web_host,
            "POLYWIRE_METRICS_HOST": settings.metrics_host,
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
            self._look_at_the_disk()
        if changed or _RUN_FILE in self._troubles:
            self._write_run_file()

    @property
    def _logs(self) -> Path:
        return self.settings.state_dir / "logs"

    def _look_at_the_disk(self) -> None:
        with self._running_on("logs"):
            rotate(self._logs, int(self.settings.log_megabytes * 1_000_000), self.settings.log_kept)
        self._tell_trouble("disk", why_no_room(self.settings))

    @contextlib.contextmanager
    def _running_on(self, who: str) -> Iterator[None]:
        """What cannot be written, on a full disk say, is told once and stops nothing."""
        problem = None
        try:
            yield
        except OSError as error:
            problem = f"{error.filename or self.settings.state_dir}: {error.strerror}; running on"
        self._tell_trouble(who, problem)

    def _tell_trouble(self, who: str, problem: str | None) -> None:
        before = self._troubles.pop(who, None)
        if problem is not None:
            self._troubles[who] = problem
        if problem != before:
            self._tell(who, problem or "in order again")

    def _give_up_place(self, process: StageProcess) -> None:
        pid, process.dead_pid = process.dead_pid, None
        self._expel(process, pid)

    def _expel(self, process: StageProcess, pid: int | None) -> bool:
        """False where Kafka does not answer."""
        if process.spec.group is None or pid is None:
            return True
        try:
            expel(self.settings, process.spec.group, pid)
        except KafkaError as error:
            # Then the group waits until the session is over, as it would have anyway.
            self._tell(process.name, f"its place in {process.spec.group} could not be given up: {error}")
            return False
        return True

    def _give_up_all_places(self) -> None:
        """After the stages have ended: who was told to while it joined its group may be listed there still."""
        if self.settings.engines != "external":
            return  # the engine ends as well, and nobody waits
        for process in self.processes:
            for pid in {process.dead_pid, process.last_pid}:
                if not self._expel(process, pid):
                    return

    def _warn_of_others(self) -> None:
        if self.settings.engines != "external":
            return
        with contextlib.suppress(KafkaError):  # what matters of it is tried again by the stages
            if others := members(self.settings, [spec.group for spec in self._specs if spec.group]):
                self._tell(
                    "engines",
                    f"another polywire reads from these engines ({', '.join(others)}): the two share the messages; if "
                    "that one is not yours, give each its own engines",
                )

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
        self._give_up_all_places()
        self._engine.stop()
        if self._hold.is_ours:
            (self._run_dir / RUN_FILE).unlink(missing_ok=True)
            self._hold.release()

    def _write_run_file(self) -> None:
        settings = self.settings
        run: dict[str, Any] = {
            "pid": os.getpid(),
            "settings": {
                "engines": settings.engines,
                "kafka_bootstrap": settings.kafka_bootstrap,
                "elasticsearch_url": settings.elasticsearch_url,
                "index_prefix": settings.index_prefix,
                "web_port": settings.web_port,
                "metrics_host": settings.metrics_host,
            },
            "stages": [
                {
                    "name": p.name,
                    "pid": p.pid,
                    "metrics_port": p.metrics_port,
                    "group": p.spec.group,
                    "restarts": p.restarts,
                    "last_error": p.last_error,
                    "last_error_at": p.last_error_at,
                    "log": str(p.log_file),
                }
                for p in self.processes
            ],
        }
        with self._running_on(_RUN_FILE):
            write_run_file(self._run_dir, run)
