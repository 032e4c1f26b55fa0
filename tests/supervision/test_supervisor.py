"""What hangs is started again, and nothing that happens to one process brings down the others."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from polywire.supervision import process as process_module
from polywire.supervision import supervisor as supervisor_module
from polywire.supervision.process import StageProcess, free_port
from polywire.supervision.rotation import rotate
from polywire.supervision.stages import NOTIFIER, StageSpec
from polywire.supervision.supervisor import Supervisor
from producers.publisher import NotAcknowledged, Publisher
from runtime.bus.clients import group_lag, members
from runtime.errors import UserError
from runtime.files import open_private
from runtime.runfile import read_run_file
from runtime.settings import Settings
from schemas.articles import RawArticle
from schemas.topics import RAW
from tests.disks import fill, small_disk
from tests.faults.proxies import Line

PATIENCE = 120.0


@contextmanager
def up(folder: Path, *stages: StageSpec) -> Iterator[tuple[Supervisor, list[str]]]:
    told: list[str] = []
    settings = Settings(engines="embedded", state_dir=folder, web_port=free_port())
    with Supervisor(settings, stages, lambda who, what: told.append(f"{who}: {what}")) as supervisor:
        supervisor.start()
        yield supervisor, told


@pytest.mark.engine
@pytest.mark.parametrize("way", ["reset", "503"])
def test_engines_that_go_away_while_everything_starts_are_waited_for(
    settings: Settings, tmp_path: Path, way: str
) -> None:
    which = "kafka_bootstrap" if way == "reset" else "elasticsearch_url"
    address = getattr(settings, which)
    line = Line(int(address.rpartition(":")[2]))
    mine = settings.model_copy(
        update={
            "engines": "external",
            "state_dir": tmp_path / "state",
            which: address.rpartition(":")[0] + f":{line.port}",
        }
    )
    told: list[str] = []

    def tell(who: str, what: str) -> None:
        told.append(f"{who}: {what}")
        if what.startswith("Kafka "):  # both have answered
            line.goes(way)
        elif "not ready yet" in what:
            line.goes("pass")

    with Supervisor(mine, (), tell) as supervisor:
        supervisor.start()
    line.close()
    assert any("not ready yet, trying again" in one for one in told), told
    assert "indices: templates and indices in place" in told


@pytest.mark.engine
def test_no_place_stays_taken_after_a_stop_and_others_are_told_of(settings: Settings, tmp_path: Path) -> None:
    told: list[str] = []

    def run(folder: str) -> Supervisor:
        mine = settings.model_copy(update={"engines": "external", "state_dir": tmp_path / folder})
        return Supervisor(mine, (NOTIFIER,), lambda who, what: told.append(f"{who}: {what}"))

    assert NOTIFIER.group is not None
    with run("first") as first:
        first.start()
        (stage,) = first.processes
        watch_until(first, lambda: members(settings, [NOTIFIER.group]))
        assert not any("another polywire" in one for one in told)
        with run("second") as second:
            second.start()
        (line,) = [one for one in told if "another polywire reads from these engines" in one]
        assert f"-{stage.pid})" in line
        assert stage.pid is not None
        os.kill(stage.pid, signal.SIGKILL)  # it has no time to leave
    assert members(settings, [NOTIFIER.group]) == []


def article(id_: str) -> RawArticle:
    return RawArticle(id=id_, source="test", title="x", text="x", collected=datetime.now(UTC))


def watch_until(supervisor: Supervisor, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, [(p.name, p.health(), p.last_error) for p in supervisor.processes]
        supervisor.watch()
        time.sleep(0.1)


def answers(process: StageProcess) -> bool:
    return bool((process.health() or {}).get("ready"))


def test_a_stage_that_no_longer_answers_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_SILENT", 3.0)
    monkeypatch.setattr(supervisor_module, "_HEALTH_EVERY", 0.2)
    with up(tmp_path, NOTIFIER) as (supervisor, told):
        (stage,) = supervisor.processes
        watch_until(supervisor, lambda: answers(stage))
        hung = stage.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        watch_until(supervisor, lambda: stage.restarts and answers(stage))
        assert stage.pid != hung
        assert stage.restarts == 1
        assert any("has not answered for" in line for line in told)


@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        (("--version",), "ended with status 0"),
        (("status",), "ended with status 1: Error: nothing is up in this folder"),
        (NOTIFIER.arguments, "killed by SIGKILL"),
    ],
)
def test_a_death_is_explained_by_the_words_of_that_process_alone(
    tmp_path: Path, arguments: tuple[str, ...], end: str
) -> None:
    log = tmp_path / "stage.log"
    unrelated = json.dumps({"level": "error", "event": "Heartbeat session expired"}) + "\n"
    log.write_text(unrelated)
    environment = {"POLYWIRE_STATE_DIR": str(tmp_path / "state"), "POLYWIRE_KAFKA_BOOTSTRAP": "127.0.0.1:9"}
    stage = StageProcess(StageSpec("stage", arguments), "stage", environment, log)
    stage.start()
    if arguments == NOTIFIER.arguments:
        with log.open("a") as more:
            more.write(unrelated)
        assert stage.pid is not None
        os.kill(stage.pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while stage.check() is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert stage.last_error is not None
    assert stage.last_error.startswith(end)
    assert "Heartbeat" not in stage.last_error


def test_a_full_disk_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 96) as disk, up(disk / "state", NOTIFIER) as (supervisor, told):
        (stage,) = supervisor.processes
        watch_until(supervisor, lambda: answers(stage))
        filler = fill(disk)
        for restarts in (1, 2):
            assert stage.pid is not None
            os.kill(stage.pid, signal.SIGKILL)
            watch_until(supervisor, lambda n=restarts: stage.restarts == n and answers(stage))
        (line,) = [line for line in told if line.startswith("run file:")]
        assert "No space left on device; running on" in line
        with Publisher.open(supervisor.settings, "test") as publisher:
            with pytest.raises(NotAcknowledged, match="no room left"):
                publisher.publish([article("article-a")])
            filler.unlink()
            publisher.publish([article("article-a")])
        # Nothing else happens that would have it written.
        watch_until(supervisor, lambda: "run file: in order again" in told)
        (said,) = (read_run_file(disk / "state") or {})["stages"]
        assert (said["pid"], said["metrics_port"]) == (stage.pid, stage.metrics_port)
        assert len([line for line in told if line.startswith("run file:")]) == 2


def test_what_was_taken_on_a_small_disk_is_there_after_a_stop_in_order(tmp_path: Path) -> None:
    taken = 0
    with small_disk(tmp_path / "disk", 64) as disk:
        with (
            up(disk / "state") as (supervisor, _),
            Publisher.open(supervisor.settings, "test") as publisher,
            suppress(NotAcknowledged),
        ):
            while taken < 100:
                text = secrets.token_hex(200_000)
                publisher.publish([article(f"article-{taken}").model_copy(update={"text": text})])
                taken += 1
        with up(disk / "state") as (supervisor, _):
            waiting = group_lag(supervisor.settings, {"nobody": [RAW]})["nobody"][RAW.name]
        assert not list(disk.rglob("*.tmp"))
    assert waiting == taken
    assert 0 < taken < 100


def test_a_second_supervisor_is_refused_and_takes_nothing_from_the_first(tmp_path: Path) -> None:
    with up(tmp_path) as (first, _):
        with pytest.raises(UserError, match=r"already up in .*POLYWIRE_STATE_DIR"), up(tmp_path):
            pass
        assert (read_run_file(tmp_path) or {})["settings"]["kafka_bootstrap"] == first.settings.kafka_bootstrap
    assert read_run_file(tmp_path) is None


def test_a_run_file_that_a_killed_run_left_hinders_nobody(tmp_path: Path) -> None:
    # Its process id is somebody else's by now: ours.
    (tmp_path / "run.json").write_text(json.dumps({"pid": os.getppid(), "settings": {}, "stages": []}))
    with up(tmp_path) as (supervisor, _):
        assert (read_run_file(tmp_path) or {})["settings"]["kafka_bootstrap"] == supervisor.settings.kafka_bootstrap


def test_what_a_run_keeps_is_its_owners_to_read(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "logs").mkdir(parents=True)
    (state / "logs" / "notifier.log").touch()
    (state / "logs" / "notifier.log").chmod(0o644)
    with up(state, NOTIFIER) as (supervisor, _):
        watch_until(supervisor, lambda: answers(supervisor.processes[0]))
        assert state.stat().st_mode & 0o777 == 0o700
        assert [path for path in state.rglob("*.log") if path.stat().st_mode & 0o077] == []
        assert (state / "run.json").stat().st_mode & 0o777 == 0o600
        assert (state / "embedded").stat().st_mode & 0o777 == 0o700


IN_A_TERMINAL = """
import sys, time
from contextlib import suppress
from pathlib import Path
from runtime.settings import Settings
from polywire.supervision.stages import NOTIFIER
from polywire.supervision.stopping import Stopped, StopSignal, patient_output
from polywire.supervision.supervisor import Supervisor
stop = StopSignal()
settings = Settings(engines="embedded", state_dir=Path(sys.argv[1]))
with patient_output(), Supervisor(settings, (NOTIFIER,), lambda *what: print(*what, flush=True)) as supervisor:
    with stop.at_once():
        supervisor.start()
    print("up", flush=True)
    while not stop:
        supervisor.watch()
        time.sleep(0.1)
    print("stopping", flush=True)
"""


def test_a_closed_terminal_stops_everything_in_order(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", IN_A_TERMINAL, str(tmp_path)], stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert b"up\n" in iter(running.stdout.readline, b"")
        children = psutil.Process(running.pid).children(recursive=True)
        assert len(children) == 2
        running.stdout.close()
        running.send_signal(signal.SIGHUP)
        running.send_signal(signal.SIGHUP)
        assert running.wait(PATIENCE) == 0
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []


def test_a_log_that_grew_is_begun_anew_and_so_many_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "stage.log"
    with open_private(log, append=True) as stage:
        for number in range(5):
            stage.write(f"{number}\n".encode() * 100)
            stage.flush()
            rotate(tmp_path, 150, 2)
        stage.write(b"the end\n")
    assert log.read_text() == "the end\n"
    assert (tmp_path / "stage.log.1").read_text() == "4\n" * 100
    assert (tmp_path / "stage.log.2").read_text() == "3\n" * 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stage.log", "stage.log.1", "stage.log.2"]


def test_a_log_on_a_full_disk_makes_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        log = disk / "stage.log"
        log.write_bytes(bytes(2 * 1024 * 1024))
        fill(disk)
        rotate(disk, 1024 * 1024, 2)
        assert log.stat().st_size == 0
        assert not (disk / "stage.log.1").exists()
