"""Is this container's stage alive? Exit status 0 or 1, and the reason in a line.

Docker restarts a container whose process ends, not one that is unhealthy. So with `--end-stalled` a stage that answers
that it makes no progress is ended: asked to (SIGTERM) the first time, killed where it still says so the next time. A
stage that does not answer at all is only reported: it may be starting, and one that hangs is ended by its own watchdog.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

INIT = 1
"""The container's first process (`init: true`); the stage is its child."""
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy that the environment names has no business between the check and its own container."""
ASKED = Path(tempfile.gettempdir()) / "polywire-asked-to-end"


def ask(url: str, timeout: float = 5.0) -> tuple[bool | None, str]:
    """What the stage says of itself: alive or not, None where it does not answer, and why."""
    try:
        with DIRECT.open(url, timeout=timeout) as answer:
            report = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code != 503:
            return None, f"{url} answers {error.code}"
        report = json.load(error)
    except (OSError, ValueError) as error:
        return None, f"{url} does not answer: {error}"
    return bool(report.get("alive")), str(report.get("reason", ""))


def stages(parent: int, proc: Path = Path("/proc")) -> list[int]:
    """Process ids of the polywire commands that `parent` has started."""
    found = []
    for entry in proc.glob("[0-9]*"):
        try:
            # The name, in parentheses, may hold anything; the parent is the second field after it.
            parent_of = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            continue  # it has just ended
        if parent_of == parent and b"polywire" in command:
            found.append(int(entry.name))
    return sorted(found)


def end(pids: list[int], asked: Path = ASKED) -> None:
    """Ask the processes to end; those that were asked before are killed."""
    for pid in pids:
        mark = asked.with_name(f"{asked.name}-{pid}")
        os.kill(pid, signal.SIGKILL if mark.exists() else signal.SIGTERM)
        mark.touch()


def main(arguments: list[str]) -> int:
    url = f"http://127.0.0.1:{os.environ['POLYWIRE_METRICS_PORT']}/healthz"
    alive, reason = ask(url)
    print("alive:" if alive else "not alive:", reason)
    if alive is False and "--end-stalled" in arguments:
        end(stages(INIT))
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
