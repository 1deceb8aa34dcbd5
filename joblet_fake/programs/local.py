"""Local execution: jobs as real processes of this machine, in scratch folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from joblet_fake.model import system_lines
from joblet_fake.model.process import LaunchError
from joblet_fake.programs.context import context_of
from joblet_fake.programs.guard import remove
from joblet_fake.programs.job_files import WORK, folder_of
from joblet_fake.programs.local_process import LocalProcess
from joblet_fake.programs.local_usage import LocalUsage
from joblet_fake.programs.local_volumes import LocalVolumes, local_paths
from joblet_fake.programs.run import ScriptedProcess
from joblet_fake.programs.steps import Stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job
    from joblet_fake.model.process import Output, Process
    from joblet_fake.programs.context import Context
    from joblet_fake.programs.steps import Steps

PATIENCE: Final = 5.0
"""Real seconds that closing waits for killed processes and for the guard."""


class Local:
    """Starts real processes and sees to it that none outlives the fake, or its process.

    Args:
        clock: whose lock guards what the processes change; real processes live in real time.
        timeout: real seconds after which a process is killed.
    """

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        # Guards what follows: processes end on threads of their own.
        self._mutex = threading.Lock()
        self._running: set[LocalProcess] = set()
        self._untold: set[LocalProcess] = set()
        self._guard: subprocess.Popen[str] | None = None
        self._scratch: Path | None = None
        self._volumes = LocalVolumes()

    def launch(
        self, job: Job, output: Output, exited: Callable[[int], None], delay: float = 0
    ) -> Process:
        """Start a job's command; one that can't be found fails as on a real server (JOB-RUN-65).

        Args:
            job: the job.
            output: takes stdout and stderr in one pipe (JOB-LOG-02).
            exited: told the exit code; -1 after a signal.
            delay: clock seconds until a command that can't be found fails.

        Raises:
            LaunchError: the job's folder can't be laid out, or no process can have its
                environment.
        """
        context = context_of(job, self._clock)
        client = _variables(job)
        search = client.get("PATH") or os.environ.get("PATH", os.defpath)
        program, reason = _find(context.command, search)
        if program is not None:
            folder = self._folder(job)
            begins_in = _begins_in(job, folder)
            environment = _environment(context, search, folder, begins_in, client)
            try:
                if begins_in.is_relative_to(folder):
                    begins_in.mkdir(parents=True, exist_ok=True)
                process = LocalProcess(
                    [program, *(local_paths(arg, folder.parent) for arg in context.args)],
                    folder,
                    begins_in,
                    environment,
                    self._clock,
                    output,
                    exited,
                    self._gone,
                )
            except OSError as error:
                remove(str(folder.parent))
                # Go's words are the system's, in lower case.
                text = error.strerror or str(error)
                reason = text[:1].lower() + text[1:]
            except ValueError as error:
                remove(str(folder.parent))
                raise LaunchError(f"failed to start process: {error}") from error
            else:
                job.usage.probe = LocalUsage(process.group)
                with self._mutex:
                    self._running.add(process)
                    self._untold.add(process)
                    self._tell(f"+{process.group}")
                process.watch(self._timeout, lambda: self._late(job))
                return process
        now = self._clock.now_ns()
        lines = (
            system_lines.exec_failed(now, job.uuid, reason)
            if reason
            else system_lines.unknown_command(now, context.command)
        )
        return ScriptedProcess(lambda _context: _failing(lines), context, output, exited, delay)

    @property
    def busy(self) -> bool:
        """Whether a process is at work, or has ended and not yet told so."""
        with self._mutex:
            self._untold = {process for process in self._untold if not process.told}
            return bool(self._untold)

    def close(self) -> None:
        """Kill every process, wait for its end, remove the folders; nothing is told of it."""
        with self._mutex:
            running = tuple(self._running)
        for process in running:
            process.abandon()
        for process in running:
            process.join(PATIENCE)
        self._volumes.take_back()
        with self._mutex:
            guard, self._guard = self._guard, None
            scratch, self._scratch = self._scratch, None
        if guard is not None and guard.stdin is not None:
            with suppress(OSError):
                guard.stdin.close()
            try:
                guard.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                guard.kill()
                guard.wait()
        if scratch is not None:
            remove(str(scratch))

    def _folder(self, job: Job) -> Path:
        with self._mutex:
            if self._scratch is None:
                self._scratch = Path(tempfile.mkdtemp(prefix="joblet-fake-"))
                self._guard = subprocess.Popen(  # noqa: S603 - this interpreter, our own file
                    [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    start_new_session=True,
                )
                self._tell(f"D {self._scratch}")
            folder = self._scratch / job.uuid / "work"
            shared = self._scratch / "volumes"
        try:
            folder.mkdir(parents=True)
            self._volumes.lay_out(job.mounts, folder.parent, shared)
            for path, content in job.files.items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        except OSError as error:
            remove(str(folder.parent))
            raise LaunchError(
                f"failed to prepare workspace: failed to process uploads: {error}",
            ) from error
        return folder

    def _tell(self, line: str) -> None:
        """Tell the guard; the mutex is held. A guard that was killed can't be told."""
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(OSError):
                self._guard.stdin.write(f"{line}\n")
                self._guard.stdin.flush()

    def _gone(self, process: LocalProcess) -> None:
        remove(str(process.folder.parent))
        with self._mutex:
            self._running.discard(process)
            self._tell(f"-{process.group}")

    def _late(self, job: Job) -> None:
        job.explanation += f"; killed after {self._timeout:g} s, the limit of local execution"


def _find(command: str, search: str) -> tuple[str | None, str]:
    """Give a command's file, or None and why its path can't be run; "" when it has none."""
    if command.startswith("/"):
        path = Path(command)
        if not path.exists():
            return None, "no such file or directory"
        if path.is_dir() or not os.access(path, os.X_OK):
            return None, "permission denied"
        return command, ""
    # A path with a slash is not looked for in /work, where no file is executable (JOB-RUN-72).
    return (None if "/" in command or not command else shutil.which(command, path=search)), ""


def _variables(job: Job) -> dict[str, str]:
    """Give what a process makes of the client's variables: `a=b` set to `c` is `a` set to `b=c`."""
    pairs: Iterable[tuple[str, str]] = (
        *job.spec.environment.items(),
        *job.spec.secret_environment.items(),
    )
    split = [f"{name}={value}".partition("=") for name, value in pairs]
    return {name: value for name, _, value in split if name}


def _begins_in(job: Job, folder: Path) -> Path:
    """Give the folder of this machine that a job begins in; its /work is in `folder`."""
    wanted = folder_of(job)
    if wanted == WORK or wanted.startswith(WORK + "/"):
        return folder / wanted[len(WORK) + 1 :]
    return Path(local_paths(wanted, folder.parent))


def _environment(
    context: Context, search: str, folder: Path, begins_in: Path, client: dict[str, str]
) -> dict[str, str]:
    server = {
        name: value for name, value in context.environment.items() if name and "=" not in name
    }
    given = {name: local_paths(value, folder.parent) for name, value in client.items()}
    return {**server, "HOME": str(folder), "PWD": str(begins_in), **given, "PATH": search}


def _failing(lines: bytes) -> Steps:
    yield Stdout(lines)
    return 1
