"""What a program can know of the job that it runs for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WORK: Final = "/work"


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
        unknown: the commands that were asked for and that no program knows.
    """

    job: Job
    clock: Clock
    command: str
    args: tuple[str, ...]
    environment: dict[str, str]
    files: dict[str, bytes]
    unknown: list[str] = field(default_factory=list)


def context_of(job: Job, clock: Clock) -> Context:
    """Make a job's context: the server's variables, then the client's, then the secrets."""
    spec = job.spec
    # Empty arguments are shown by the API and never reach the process (JOB-RUN-82).
    args = [arg for arg in spec.args if arg]
    environment = {
        "PATH": PATH,
        "HOME": "/root",
        "PWD": WORK,
        "JOB_ID": job.uuid,
        "JOB_COMMAND": spec.command,
        "JOB_ARGS_COUNT": str(len(args)),
        **{f"JOB_ARG_{place}": arg for place, arg in enumerate(args)},
        "JOB_MAX_CPU": str(spec.max_cpu),
        "JOB_MAX_MEMORY": str(spec.max_memory),
        "JOB_MAX_IOBPS": str(spec.max_io_bps),
        "JOB_TYPE": "standard",
        "JOB_PHASE": "execute",
        "JOBLET_MODE": "init",
        **spec.environment,
        **spec.secret_environment,
    }
    # The launcher takes the command from these variables, which a client can set (JOB-RUN-84).
    command = environment["JOB_COMMAND"]
    count = environment["JOB_ARGS_COUNT"]
    number = int(count) if count.isascii() and count.isdigit() else 0
    run_args = [
        environment.get(f"JOB_ARG_{place}", "") for place in range(min(number, len(args) + 64))
    ]
    return Context(
        job=job,
        clock=clock,
        command=command,
        args=tuple(arg for arg in run_args if arg),
        environment=environment,
        files=dict(job.files),
    )
