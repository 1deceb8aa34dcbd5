"""What a program can know of the job that it runs for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WORK: Final = "/work"
BIN: Final = "/usr/bin"
"""Where a real host has the commands that are built in here."""

ROOM: Final = 1024 * 1024
"""The bytes that /work holds, whole pages, when nothing was uploaded and no volume is used."""

PAGE: Final = 4096

FIRST_CHILD: Final = 6
"""The process number that the first child of a job's process was seen to have."""

ARGUMENT: Final = re.compile(r"JOB_ARG_(0|[1-9][0-9]{0,8})")
"""The variable that holds an argument."""


@dataclass
class Context:
    """A job from the inside.

    Attributes:
        job: the job.
        clock: its time.
        command: what is really run, after the environment's say (JOB-RUN-84).
        args: its arguments.
        environment: what the process sees (JOB-RUN-83).
        files: contents by path relative to /work.
        room: how many bytes /work holds; None for as many as there are (JOB-RUN-51, JOB-RUN-71).
        full: whether the last command wrote more than there was room for.
        unknown: the commands that were asked for and that no program knows.
        unknown_fails: whether a shell finds such a command missing (127), or passes over it.
    """

    job: Job
    clock: Clock
    command: str
    args: tuple[str, ...]
    environment: dict[str, str]
    files: dict[str, bytes]
    room: int | None = None
    full: bool = False
    unknown: list[str] = field(default_factory=list)
    unknown_fails: bool = False
    _pids: Iterator[int] = field(default_factory=lambda: count(FIRST_CHILD))

    def next_pid(self) -> int:
        """Give a child of the job's process its number."""
        return next(self._pids)

    @property
    def program(self) -> str:
        """What the process is called as: the command's path."""
        return self.command if "/" in self.command else f"{BIN}/{self.command}"

    def left(self, path: str) -> int | None:
        """Give how many bytes a file can hold; None for as many as there are.

        Args:
            path: relative to /work; one from the root lies elsewhere, where there is room.
        """
        if self.room is None or path.startswith("/"):
            return None
        others = (
            -(-len(content) // PAGE) * PAGE
            for name, content in self.files.items()
            if name != path and not name.startswith("/")
        )
        return max(0, self.room - sum(others))


class Written:
    """A file that a command's output goes to, for as long as the command runs.

    Args:
        context: the job from the inside.
        path: the file, as `Context.files` names it.
        before: what it holds already.
    """

    def __init__(self, context: Context, path: str, before: bytes) -> None:
        self._context = context
        self._path = path
        self._pieces = [before]
        self._left = context.left(path)
        if self._left is not None:
            self._left -= len(before)
        context.files[path] = before

    def write(self, data: bytes) -> None:
        """Append to it what there is room for (JOB-SM-10)."""
        if self._left is not None:
            self._context.full = self._context.full or len(data) > self._left
            data = data[: max(0, self._left)]
            self._left -= len(data)
        self._pieces.append(data)

    def close(self) -> None:
        """Put what was written where others find it."""
        self._context.files[self._path] = b"".join(self._pieces)


def context_of(job: Job, clock: Clock) -> Context:
    """Make a job's context: the server's variables, then the client's, then the secrets.

    >>> from joblet_fake.clock import Clock
    >>> from joblet_fake.model import Job, JobSpec
    >>> spec = JobSpec("echo", ("one", "two"), environment={"JOB_ARG_0": "other"})
    >>> context_of(Job("u", spec, "RUNNING", start_ns=0), Clock("frozen")).args
    ('other', 'two')
    """
    spec = job.spec
    environment = {
        "PATH": PATH,
        "HOME": "/root",
        "PWD": WORK,
        "JOB_ID": job.uuid,
        "JOB_COMMAND": spec.command,
        "JOB_ARGS_COUNT": str(len(spec.args)),
        **{f"JOB_ARG_{place}": arg for place, arg in enumerate(spec.args)},
        "JOB_MAX_CPU": str(spec.max_cpu),
        "JOB_MAX_MEMORY": str(spec.max_memory),
        "JOB_MAX_IOBPS": str(spec.max_io_bps),
        "JOB_TYPE": "standard",
        "JOB_PHASE": "execute",
        "JOB_CGROUP_PATH": "/sys/fs/cgroup",
        "JOB_CGROUP_HOST_PATH": f"/sys/fs/cgroup/joblet/job-{job.uuid}",
        "NETWORK_READY_FILE": f"/tmp/joblet-network-{job.uuid}",  # noqa: S108 - shown, not used
        "JOBLET_MODE": "init",
        "JOBLET_CONFIG_PATH": "/opt/joblet/config/joblet-config.yml",
        "LOG_LEVEL": "INFO",
        **spec.environment,
        **spec.secret_environment,
    }
    # The launcher takes the command from these variables, which a client can set (JOB-RUN-84).
    command = environment["JOB_COMMAND"]
    count = re.fullmatch(r"\+?0*([0-9]{1,9})", environment["JOB_ARGS_COUNT"])
    places = [
        place
        for key in environment
        if (match := ARGUMENT.fullmatch(key)) and (place := int(match[1])) < int(count[1])
    ] if count else []  # fmt: skip
    # Empty arguments are shown by the API and never reach the process (JOB-RUN-82).
    run_args = [environment[f"JOB_ARG_{place}"] for place in sorted(places)]
    return Context(
        job=job,
        clock=clock,
        command=command,
        args=tuple(arg for arg in run_args if arg),
        environment=environment,
        files=dict(job.files),
        room=None if job.files or spec.volumes else ROOM,
    )
