"""The containers' small programs, against servers that answer as Elasticsearch, Kibana and a stage do."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from runtime.health import StageHealth
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
NDJSON = ROOT / "deploy" / "kibana" / "polywire.ndjson"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"deploy_{name}", ROOT / "deploy" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


healthcheck = script("healthcheck")
users = script("elasticsearch_users")
kibana_import = script("kibana_import")


class Answers:
    """A server that gives the answers it was made with, in order for each path; the last one again and again."""

    def __init__(self, answers: dict[str, list[tuple[int, Any]]]) -> None:
        self.answers = {path: list(given) for path, given in answers.items()}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.requests.append((method, path, headers, body))
        given = self.answers[path.split("?")[0]]
        return given.pop(0) if len(given) > 1 else given[0]


@contextmanager
def serving(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = answers.answer(self.command, self.path, dict(self.headers), body)
            payload = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = _any

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


# --- Kibana -----------------------------------------------------------------------------------------------------------

AVAILABLE = {"status": {"overall": {"level": "available"}}}
STARTING = {"status": {"overall": {"level": "unavailable"}}}
IMPORT = "/api/saved_objects/_import"


def test_import_waits_for_kibana_and_sends_the_file() -> None:
    answers = Answers(
        {
            "/api/status": [(503, "Kibana server is not ready yet"), (200, STARTING), (200, AVAILABLE)],
            IMPORT: [(200, {"success": True, "successCount": 5})],
        }
    )
    with serving(answers) as url, httpx.Client(base_url=url, headers={"kbn-xsrf": "polywire"}) as client:
        kibana_import.wait(client, patience=10, pause=0.01)
        assert kibana_import.load(client, NDJSON) == 5
    assert [request[1].split("?")[0] for request in answers.requests] == ["/api/status"] * 3 + [IMPORT]
    method, path, headers, body = answers.requests[-1]
    assert (method, path) == ("POST", f"{IMPORT}?overwrite=true")
    assert headers["kbn-xsrf"]
    assert headers["Content-Type"].startswith("multipart/form-data")
    assert NDJSON.read_bytes() in body


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, {"success": False, "successCount": 4, "errors": [{"id": "x", "error": {"type": "missing_references"}}]}),
        (200, {"successCount": 5}),
        (400, {"message": "file extension"}),
    ],
)
def test_import_that_failed_is_an_error_whatever_the_status(status: int, content: Any) -> None:
    answers = Answers({IMPORT: [(status, content)]})
    with serving(answers) as url, httpx.Client(base_url=url) as client, pytest.raises(SystemExit) as failed:
        kibana_import.load(client, NDJSON)
    assert isinstance(failed.value.code, str)


def test_kibana_that_never_comes_is_an_error() -> None:
    answers = Answers({"/api/status": [(200, STARTING)]})
    with serving(answers) as url, httpx.Client(base_url=url) as client, pytest.raises(SystemExit, match="unavailable"):
        kibana_import.wait(client, patience=0.05, pause=0.01)


# --- Elasticsearch ----------------------------------------------------------------------------------------------------

PASSWORD = "/_security/user/kibana_system/_password"


def settings() -> Settings:
    return Settings.model_validate(
        {"elasticsearch_username": "polywire", "elasticsearch_password": "of the stages", "index_prefix": "news"}
    )


def test_users_are_made_and_reach_only_as_far_as_they_must() -> None:
    ok: list[tuple[int, Any]] = [(200, {})]
    answers = Answers(
        {
            PASSWORD: [(503, {"error": "security index is not ready"}), (200, {})],
            "/_security/role/polywire": ok,
            "/_security/user/polywire": ok,
        }
    )
    with serving(answers) as url, httpx.Client(base_url=url) as client:
        for step in users.steps(settings(), "of Kibana"):
            users.send(client, *step, time.monotonic() + 10)
    sent = {path: json.loads(body) for _, path, _, body in answers.requests}
    assert len(answers.requests) == 4, "asked again after the 503"
    assert sent[PASSWORD] == {"password": "of Kibana"}
    assert sent["/_security/user/polywire"]["password"] == "of the stages"
    assert sent["/_security/user/polywire"]["roles"] == ["polywire"]
    role = sent["/_security/role/polywire"]
    assert role["indices"] == [{"names": ["news-*"], "privileges": ["all"]}]
    assert not {"all", "manage", "manage_security"} & set(role["cluster"])


def test_a_refusal_is_not_tried_again() -> None:
    answers = Answers({PASSWORD: [(400, {"error": "passwords must be at least [6] characters long"})]})
    with (
        serving(answers) as url,
        httpx.Client(base_url=url) as client,
        pytest.raises(SystemExit, match="at least"),
    ):
        users.send(client, "POST", PASSWORD, {}, time.monotonic() + 10)
    assert len(answers.requests) == 1


def test_setup_without_a_user_says_so() -> None:
    with pytest.raises(SystemExit, match="POLYWIRE_ELASTICSEARCH_USERNAME"):
        users.steps(Settings.model_validate({}), "of Kibana")


# --- health -----------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stage() -> tuple[StageHealth, Clock, str]:
    """A stage's own health server, with a clock to turn."""
    clock = Clock()
    health = StageHealth("analyze", clock=clock)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as probe:
        port = probe.server_address[1]
    health.serve("127.0.0.1", port)
    return health, clock, f"http://127.0.0.1:{port}/healthz"


def test_stage_that_moves_is_alive_and_one_that_does_not_is_not(stage: tuple[StageHealth, Clock, str]) -> None:
    health, clock, url = stage
    health.ready()
    health.lag({("articles.raw", 0): 7})
    assert healthcheck.ask(url) == (True, "working")
    clock.now += 500
    health.beat()
    alive, reason = healthcheck.ask(url)
    assert alive is False
    assert "7 messages wait" in reason


def test_stage_that_does_not_answer_is_neither() -> None:
    alive, reason = healthcheck.ask("http://127.0.0.1:9/healthz", timeout=1)
    assert alive is None
    assert "does not answer" in reason


def test_exit_status_tells(stage: tuple[StageHealth, Clock, str], monkeypatch: pytest.MonkeyPatch) -> None:
    health, clock, url = stage
    monkeypatch.setenv("POLYWIRE_METRICS_PORT", url.split(":")[2].split("/")[0])
    health.ready()
    assert healthcheck.main([]) == 0
    clock.now += 500
    ended: list[list[int]] = []
    monkeypatch.setattr(healthcheck, "stages", lambda _parent: [4711])
    monkeypatch.setattr(healthcheck, "end", ended.append)
    assert healthcheck.main([]) == 1
    assert ended == []
    assert healthcheck.main(["--end-stalled"]) == 1
    assert ended == [[4711]]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc (Linux)")
def test_stage_is_asked_to_end_and_then_killed(tmp_path: Path) -> None:
    # It ignores SIGTERM, as a hung stage would; its argument is all that makes it a polywire command.
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, "polywire"], stdout=subprocess.PIPE) as hung:
        assert hung.stdout
        assert hung.stdout.readline() == b"up\n"
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "other"]) as other:
            try:
                assert healthcheck.stages(os.getpid()) == [hung.pid]
                healthcheck.end([hung.pid], tmp_path / "asked")
                with pytest.raises(subprocess.TimeoutExpired):
                    hung.wait(0.3)
                healthcheck.end([hung.pid], tmp_path / "asked")
                assert hung.wait(5) == -signal.SIGKILL
                assert other.poll() is None
            finally:
                other.kill()
                hung.kill()


def test_a_proxy_in_the_environment_is_not_asked_for_the_own_container(
    stage: tuple[StageHealth, Clock, str], monkeypatch: pytest.MonkeyPatch, dead_proxy: None
) -> None:
    health, _, url = stage
    monkeypatch.setenv("POLYWIRE_METRICS_PORT", url.split(":")[2].split("/")[0])
    health.ready()
    assert healthcheck.main([]) == 0
