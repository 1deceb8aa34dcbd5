"""What a program can know of the job that it runs for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WORK: Final = "/work"
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
    files: dict[str, bytes]
    attempt: int = 1
    seed: int = 0
    label: str = "a program"
    moment_ns: int | None = None
    unknown: list[str] = field(default_factory=list)
    unknown_fails: bool = False


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
        seed=int.from_bytes(blake2b(job.uuid.encode(), digest_size=8).digest()),
    )
