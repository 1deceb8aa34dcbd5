"""Local execution: jobs as real processes of this machine, in scratch folders."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from joblet_fake.model import system_lines
from joblet_fake.model.log import CHUNK_LIMIT
from joblet_fake.programs.context import context_of
from joblet_fake.programs.run import ScriptedProcess
from joblet_fake.programs.steps import Stdout

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job
    from joblet_fake.model.process import Output, Process
    from joblet_fake.programs.steps import Steps

STOP_GRACE: Final = 0.1
"""Real seconds between SIGTERM and SIGKILL, as on a real server (JOB-STP-05)."""

DRAIN: Final = 2.0
"""Real seconds that the output of an ended process is read at most."""


class Local:
    """Starts real processes and sees to it that none outlives the fake, or its process.

    Args:
        clock: whose lock guards what the processes change; real processes live in real time.
        timeout: real seconds after which a process is killed.
    """

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._running: set[LocalProcess] = set()
        self._guard: subprocess.Popen[str] | None = None
        self._scratch: Path | None = None

    def launch(self, job: Job, output: Output, exited: Callable[[int], None]) -> Process:
        """Start a job's command; one that can't be found fails as on a real server."""
        context = context_of(job, self._clock)
        search = (
            context.environment["PATH"] if "PATH" in job.spec.environment else os.environ["PATH"]
        )
        program = shutil.which(context.command, path=search)
        if program is None:
            now = self._clock.now_ns()
            if context.command.startswith("/"):
                reason = (
                    "permission denied"
                    if Path(context.command).exists()
                    else "no such file or directory"
                )
                lines = system_lines.exec_failed(now, job.uuid, reason)
            else:
                lines = system_lines.unknown_command(now, context.command)
            return ScriptedProcess(_failing(lines), self._clock, output, exited, 0)
        folder = self._folder(job)
        environment = {
            **context.environment,
            "PATH": search,
            "HOME": str(folder),
            "PWD": str(folder),
            **job.spec.environment,
            **job.spec.secret_environment,
        }
        process = LocalProcess(
            [program, *context.args], folder, environment, self._clock, output, exited, self._gone
        )
        self._running.add(process)
        self._tell(f"+{process.group}")
        process.watch(self._timeout)
        return process

    def close(self) -> None:
        """Kill every process, wait for its end, remove the folders."""
        for process in tuple(self._running):
            process.kill()
        for process in tuple(self._running):
            process.join(DRAIN * 2)
        guard, self._guard = self._guard, None
        if guard is not None and guard.stdin is not None:
            guard.stdin.close()
            guard.wait(DRAIN * 2)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def _folder(self, job: Job) -> Path:
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="joblet-fake-"))
            self._guard = subprocess.Popen(  # noqa: S603 - this interpreter, our own file
                [sys.executable, "-S", "-E", str(Path(__file__).with_name("guard.py"))],
                stdin=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            self._tell(f"D {self._scratch}")
        folder = self._scratch / job.uuid / "work"
        folder.mkdir(parents=True)
        for path, content in job.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return folder

    def _tell(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.write(f"{line}\n")
            self._guard.stdin.flush()

    def _gone(self, process: LocalProcess) -> None:
        self._running.discard(process)
        self._tell(f"-{process.group}")
        shutil.rmtree(process.folder.parent, ignore_errors=True)


def _failing(lines: bytes) -> Steps:
    yield Stdout(lines)
    return 1


class LocalProcess:
    """One real process with all its children, in a process group of its own."""

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        command: list[str],
        folder: Path,
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
        self._ended: list[Callable[[], None]] = []
        self._over = False
        self._popen = subprocess.Popen(  # noqa: S603 - running the job's command is the purpose
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.group = self._popen.pid
        self._threads: list[threading.Thread] = []

    def watch(self, timeout: float) -> None:
        """Begin to read its output and to wait for its end."""
        reader = threading.Thread(target=self._read, daemon=True, name="joblet-fake-output")
        waiter = threading.Thread(
            target=self._wait,
            args=(reader, timeout),
            daemon=True,
            name="joblet-fake-process",
        )
        self._threads = [reader, waiter]
        for thread in self._threads:
            thread.start()

    def stop(self, grace: float, ended: Callable[[], None]) -> None:  # noqa: ARG002 - real time
        """SIGTERM to the group now, SIGKILL after a real grace."""
        if self._over:
            ended()
            return
        self._ended.append(ended)
        self._signal(signal.SIGTERM)
        killer = threading.Timer(STOP_GRACE, self.kill)
        killer.daemon = True
        killer.start()

    def kill(self) -> None:
        """SIGKILL to the group."""
        self._signal(signal.SIGKILL)

    def join(self, timeout: float) -> None:
        """Wait for its end, real seconds at most."""
        if threading.current_thread() not in self._threads:
            self._threads[-1].join(timeout)

    def _signal(self, number: signal.Signals) -> None:
        if not self._over:
            try:
                os.killpg(self.group, number)
            except (ProcessLookupError, PermissionError):
                return

    def _read(self) -> None:
        pipe = self._popen.stdout
        if pipe is None:
            return
        while data := os.read(pipe.fileno(), CHUNK_LIMIT):
            with self._clock.lock:
                self._output(data)

    def _wait(self, reader: threading.Thread, timeout: float) -> None:
        try:
            code = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._popen.wait()
        # Children that are left die with the job, as they do with its PID namespace.
        self._signal(signal.SIGKILL)
        reader.join(DRAIN)
        if self._popen.stdout is not None and not reader.is_alive():
            self._popen.stdout.close()
        self._gone(self)
        with self._clock.lock:
            self._over = True
            self._exited(code if code >= 0 else -1)
            for ended in self._ended:
                ended()
            self._clock.settle()
