"""What a program can know of the job that it runs for."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING, Final

from joblet_fake.model.volume import environment as volume_environment
from joblet_fake.programs.job_files import JobFiles, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BIN: Final = "/usr/bin"
"""Where a real host has the commands that are built in here."""

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
        files: contents by path: relative to /work, or absolute, such as `/volumes/data/model`.
        attempt: the how manieth run of its program it is, from 1 on.
        seed: where the program's random numbers come from: the job, and nothing else.
        label: what its program is called in errors.
        moment_ns: the time that the program sees; None for the clock's.
        unknown: the commands that were asked for and that no program knows.
        unknown_fails: whether a shell finds such a command missing (127), or passes over it.
    """

    job: Job
    clock: Clock
    command: str
    args: tuple[str, ...]
    environment: dict[str, str]
    files: JobFiles
    attempt: int = 1
    seed: int = 0
    label: str = "a program"
    moment_ns: int | None = None
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

    def read(self, path: str) -> bytes:
        """Read a file.

        Args:
            path: relative to /work, or absolute.

        Raises:
            FileNotFoundError: it is not there.
        """
        with self.clock.lock:
            data = self.files.get(path)
        if data is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return data

    def write(self, path: str, data: bytes | str, *, append: bool = False) -> None:
        """Write a file anew, or add to its end; in a volume, every job that has it sees it.

        Args:
            path: relative to /work, or absolute: `/volumes/data/model` needs the volume `data`
                in the job's request, and on the server (VOL-28).
            data: bytes, or text, which becomes UTF-8.
            append: whether to add it to the end.

        Raises:
            OSError: its folder is not there, it is one, or there is not room for all of it: then
                what fits is written.
        """
        with self.clock.lock:
            self.files.write(path, data.encode() if isinstance(data, str) else data, append=append)

    @property
    def volumes(self) -> tuple[str, ...]:
        """The volumes that it finds below /volumes."""
        return tuple(self.job.mounts)

    @property
    def address(self) -> str | None:
        """What it has on its network; None where it has only `lo` (NET-30, NET-32)."""
        return self.job.address


def context_of(job: Job, clock: Clock) -> Context:
    """Make a job's context: the server's variables, the client's, the secrets, the runtime's.

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
        "PWD": folder_of(job),
        "JOB_ID": job.uuid,
        "JOB_COMMAND": spec.command,
        "JOB_ARGS_COUNT": str(len(spec.args)),
        **{f"JOB_ARG_{place}": arg for place, arg in enumerate(spec.args)},
        **volume_environment(spec),
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
        **({"JOB_RUNTIME": spec.runtime} if spec.runtime else {}),
        **_flat_path(job),
        **spec.environment,
        **spec.secret_environment,
        # The runtime has the last word, against the client's too (RT-06a).
        **(job.runtime.runtime.environment if job.runtime else {}),
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
        files=JobFiles(job),
        seed=int.from_bytes(blake2b(job.uuid.encode(), digest_size=8).digest()),
    )


def _flat_path(job: Job) -> dict[str, str]:
    """Give the PATH of a job whose runtime is called like its folder, the old flat form (RT-06a).

    Only there the server itself reads the runtime's variables.
    """
    installed = job.runtime
    if installed is None or installed.path != job.spec.runtime:
        return {}
    first = installed.runtime.environment.get("PATH_PREPEND")
    return {} if first is None else {"PATH": f"{first}:{PATH}"}
