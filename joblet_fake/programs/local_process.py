"""One real process with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from joblet_fake.model.log import CHUNK_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from joblet_fake.clock import Clock
    from joblet_fake.model.copying import Copying
    from joblet_fake.model.process import Output

STOP_GRACE: Final = 0.1
"""Real seconds between SIGTERM and SIGKILL, as on a real server (JOB-STP-05)."""

DRAIN: Final = 2.0
"""Real seconds that the output of an ended process is read at most."""

GLANCE: Final = 0.05
"""Real seconds after which a thread that waits for the lock looks whether it still should."""


class LocalProcess:
    """A real process in a session, and so in a process group, of its own.

    Args:
        command: the program's path and its arguments.
        folder: where its /work is.
        begins_in: the folder that it begins in.
        environment: its variables, all of them.
        clock: whose lock is held while its doings are told.
        output: takes what it writes.
        exited: told its exit code, or -1 after a signal (JOB-SM-02).
        gone: told, without the lock, when it and its children are dead.

    Attributes:
        told: whether all is told of it that there was to tell.

    Raises:
        OSError: the system can't run it.
        ValueError: a variable or an argument is none that a process can have.
    """

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        command: list[str],
        folder: Path,
        begins_in: Path,
        environment: dict[str, str],
        clock: Clock,
        output: Output,
        exited: Callable[[int], None],
        gone: Callable[[LocalProcess], None],
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._output = output
        self._exited = exited
        self._gone = gone
        self.told = False
        self._ended: list[Callable[[], None]] = []
        self._unheard: deque[bytes] = deque()
        self._over = False
        self._abandoned = False
        self._dead = threading.Event()
        self._signalling = threading.Lock()
        self._reaped = False
        self._timers: list[threading.Timer] = []
        self._popen = subprocess.Popen(  # noqa: S603 - running the job's command is the purpose
            command,
            cwd=begins_in,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.group = self._popen.pid

    def watch(self, timeout: float, late: Callable[[], None]) -> None:
        """Begin to read its output and to wait for its end.

        Args:
            timeout: real seconds after which it is killed.
            late: told then.
        """

        def too_late() -> None:
            late()
            self.kill()

        self._later(min(timeout, threading.TIMEOUT_MAX), too_late)
        reader = threading.Thread(target=self._read, daemon=True, name="joblet-fake-output")
        waiter = threading.Thread(
            target=self._wait, args=(reader,), daemon=True, name="joblet-fake-process"
        )
        reader.start()
        waiter.start()

    def laid_down(self, copying: Copying) -> object:  # noqa: ARG002 - as the others
        """Give nothing: nobody could bring a real process to where this one is."""
        return None

    def gone_through(self) -> None:
        """Do nothing: a real process never goes on for another one."""

    def stop(self, grace: float, ended: Callable[[], None]) -> None:  # noqa: ARG002 - real time
        """SIGTERM to the group now, SIGKILL after a real grace (JOB-STP-05).

        Args:
            grace: not used: a real process lives in real time.
            ended: called once, under the lock, after `exited`.
        """
        if self._over:
            ended()
            return
        self._ended.append(ended)
        self._signal(signal.SIGTERM)
        self._later(STOP_GRACE, self.kill)

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._signal(signal.SIGKILL)

    def abandon(self) -> None:
        """Kill it, and tell nobody anything any more."""
        self._abandoned = True
        self.kill()

    def join(self, timeout: float) -> None:
        """Wait until it is dead and its folder removed, real seconds at most."""
        self._dead.wait(timeout)

    def _later(self, delay: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(delay, action)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _signal(self, number: signal.Signals) -> None:
        # Once reaped, the group's number may be another's.
        with self._signalling, suppress(ProcessLookupError, PermissionError):
            if not self._reaped:
                os.killpg(self.group, number)

    @contextmanager
    def _telling(self) -> Iterator[bool]:
        """Hold the clock's lock; gives whether anybody still listens.

        Whoever abandons the process may hold the lock and wait for its end.
        """
        lock = self._clock.lock
        while not self._abandoned:
            if lock.acquire(timeout=GLANCE):
                try:
                    yield not self._abandoned
                finally:
                    lock.release()
                return
        yield False

    def _read(self) -> None:
        pipe = self._popen.stdout
        if pipe is None:
            return
        # Whoever reads closes: a descendant that got away may hold the other end for long.
        with pipe:
            while data := os.read(pipe.fileno(), CHUNK_LIMIT):
                self._unheard.append(data)
                with self._telling() as heard:
                    if heard and not self._over:
                        self._deliver()

    def _deliver(self) -> None:
        """Pass on what was read; the clock's lock is held."""
        while self._unheard:
            self._output(self._unheard.popleft())

    def _wait(self, reader: threading.Thread) -> None:
        if hasattr(os, "waitid"):
            # The leader stays a zombie, so that its group's number stays its own.
            os.waitid(os.P_PID, self.group, os.WEXITED | os.WNOWAIT)
        else:  # pragma: no cover - macOS before Python 3.13
            self._popen.wait()
        # Children that are left die with the job, as they do with its PID namespace.
        self.kill()
        with self._signalling:
            self._reaped = True
            code = self._popen.wait()
        for timer in self._timers:
            timer.cancel()
        reader.join(DRAIN)
        self._gone(self)
        self._dead.set()
        with self._telling() as heard:
            self._over = True
            if heard:
                # The reader may have waited for the lock, too.
                self._deliver()
                self._exited(code if code >= 0 else -1)
                for ended in self._ended:
                    ended()
                self._clock.settle()
        self.told = True
