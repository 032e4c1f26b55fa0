"""Ends this process when it hangs, and says where it hung.

The kernel keeps the time and its signal ends the process, so that neither a loop in C that holds the interpreter's lock
nor a loop in Python can keep it alive. On its way the stack of every thread is written to standard error. Whoever
started the process sees that SIGALRM ended it, which nothing else does; the same signal from outside does the same.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time

HUNG_AFTER = 120.0
"""Seconds without a beat. Longer than any call may take that a loop waits for."""
STOP_WITHIN = 25.0
"""Seconds from the signal to stop, or from the death of the supervisor, to the end: Docker allows 30."""
START_WITHIN = 600.0
"""Seconds to the first beat: models are loaded, and built where they are not there yet."""
SUPERVISOR = "POLYWIRE_SUPERVISOR_PID"
"""The environment variable by which a supervisor says who it is."""
_LOOK = 1.0


class Watchdog:
    """Of a process: it has one timer. Does nothing until `start`. Safe to use from any thread and signal handler."""

    def __init__(self) -> None:
        self._on = False
        self._end_at: float | None = None

    def start(self) -> None:
        """Watch from now on. Call it in what is a process of its own, and nothing but a stage."""
        if sys.platform == "win32":  # which has no such timer
            return
        # Its handler is C and asks for no lock; the signal's own effect, the end, comes after it.
        faulthandler.register(signal.SIGALRM, file=sys.__stderr__ or 2, all_threads=True, chain=True)
        self._on = True
        self._arm(START_WITHIN)
        supervisor = os.environ.get(SUPERVISOR, "")
        if supervisor.isdigit():
            threading.Thread(target=self._outlive, args=(int(supervisor),), name="supervisor", daemon=True).start()

    def beat(self, age: float = 0.0) -> None:
        """The process does what it should. `age`: seconds since its slowest loop went round."""
        if not self._on:
            return
        self._arm(HUNG_AFTER - age)
        # Asked last: a signal may have come since.
        if self._end_at is not None:
            self._arm(self._end_at - time.monotonic())

    def stopping(self) -> None:
        """The process was told to end: it has STOP_WITHIN seconds, and beats give it no more."""
        if self._end_at is None:
            self._end_at = time.monotonic() + STOP_WITHIN
            self.beat()

    def _arm(self, seconds: float) -> None:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))

    def _outlive(self, supervisor: int) -> None:
        """End with the supervisor: on Linux the kernel has sent the signal already, unless the two just missed."""
        while os.getppid() == supervisor:
            time.sleep(_LOOK)
        told = self._end_at is not None
        self.stopping()
        if not told:
            os.kill(os.getpid(), signal.SIGTERM)


WATCHDOG = Watchdog()
