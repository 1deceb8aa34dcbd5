"""A job: what was asked for, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.model.log import Log
from joblet_fake.model.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from joblet_fake.clock import Timer
    from joblet_fake.model.copying import Copying
    from joblet_fake.model.outcome import Outcome
    from joblet_fake.model.process import Process
    from joblet_fake.model.runtimes import Installed
    from joblet_fake.model.volume import Mount

INITIALIZING: Final = "INITIALIZING"
RUNNING: Final = "RUNNING"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"
STOPPED: Final = "STOPPED"
SCHEDULED: Final = "SCHEDULED"
CANCELED: Final = "CANCELED"

FINISHED: Final = frozenset({COMPLETED, FAILED, STOPPED})
"""The statuses that end a log stream; CANCELED is not one of them (JOB-LOG-16)."""


SETTLED: Final = frozenset({COMPLETED, FAILED, CANCELED})
"""The statuses after which no other comes."""


@dataclass(frozen=True, slots=True)
class Stop:
    """How a stop of a job goes: what was decided when StopJob was called.

    Attributes:
        stays: whether STOPPED is the last word, and holds an end (DOC-01).
        natural_first: whether the natural result comes before STOPPED, not after it (JOB-STP-07).
        heard: whether a launcher that has not become the command yet ends by itself (JOB-STP-10).
    """

    stays: bool = False
    natural_first: bool = False
    heard: bool = True


@dataclass(frozen=True, slots=True)
class Upload:
    """A file sent along with a job."""

    path: str
    content: bytes = b""
    mode: int = 0
    is_directory: bool = False


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a client asked to run, as it was sent."""

    command: str
    args: tuple[str, ...] = ()
    name: str = ""
    max_cpu: int = 0
    cpu_cores: str = ""
    max_memory: int = 0
    max_io_bps: int = 0
    uploads: tuple[Upload, ...] = ()
    schedule: str = ""
    network: str = ""
    volumes: tuple[str, ...] = ()
    runtime: str = ""
    work_dir: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_environment: Mapping[str, str] = field(default_factory=dict)
    gpu_count: int = 0
    gpu_memory_mb: int = 0
    workflow_uuid: str = ""
    job_uuid: str = ""
    requirements: tuple[str, ...] = ()
    program: object = None


@dataclass(slots=True, eq=False)
class Job:
    """One job of a server; two of them are equal only when they are the same.

    Attributes:
        uuid: the id, 36 characters (JOB-RUN-60).
        spec: what is kept of the request: limits replaced by defaults, network named.
        status: one of Joblet's status words.
        number: how many jobs the server had recorded before it.
        start_ns: when it was submitted, nanoseconds since 1970 (JOB-STA-06).
        end_ns: when it ended; None while it has not, and while STOPPED (JOB-STP-07).
        exit_code: the process's own; -1 after a signal or a failed launch.
        scheduled_time: the schedule as it is echoed; "" for an immediate job (JOB-STA-05).
        revision: grows with every visible change.
        statuses: every status it had, with the moment at which it got it.
        log: its output, the buffer in memory.
        usage: what it uses of its host, as its program says or a probe measures.
        files: what lies in /work when it starts, by relative path.
        mounts: what lies in /volumes once its process starts, by the volumes' names.
        has_folder: whether its folder was made when it was planned (FAULT-04).
        roomy: whether /work has more room than a megabyte (VOL-26).
        address: what it has on its network; None where it has only `lo`.
        work_dir: the folder that it begins in, if not /work: servers keep none (JOB-RUN-55).
        explanation: which program ran and why, in a sentence.
        runtime: the installed runtime that it runs on.
        rendered: what a service made of a revision, so that it need not make it again.
    """

    uuid: str
    spec: JobSpec
    status: str
    start_ns: int
    number: int = 0
    end_ns: int | None = None
    exit_code: int = 0
    scheduled_time: str = ""
    revision: int = 0
    statuses: list[tuple[int, str]] = field(default_factory=list)
    log: Log = field(default_factory=Log)
    usage: Usage = field(default_factory=Usage)
    files: dict[str, bytes] = field(default_factory=dict)
    mounts: dict[str, Mount] = field(default_factory=dict)
    has_folder: bool = False
    roomy: bool = False
    address: str | None = None
    work_dir: str = ""
    explanation: str = ""
    runtime: Installed | None = None
    rendered: tuple[int, bytes] | None = None
    # What is under way
    process: Process | None = None
    timer: Timer | None = None
    ended_with: int | None = None
    stopping: Outcome[Job] | None = None
    stop: Stop | None = None
    erased: bool = False
    _watchers: dict[Callable[[], None], None] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether it is over, and nothing about it will ever change."""
        return (
            self.status in SETTLED
            and self.process is None
            and self.timer is None
            and self.stopping is None
            and not self._watchers
        )

    @property
    def size(self) -> int:
        """How many bytes its output and its uploads have in memory."""
        return self.log.size + sum(map(len, self.files.values()))

    def copied(self, copying: Copying) -> Job:
        """Give the same job for another state; who watches this one, stays behind."""
        if copying.shares and self.settled:
            copying.share(self.log)
            return self
        made = copying.note(
            self,
            Job(
                self.uuid,
                self.spec,
                self.status,
                self.start_ns,
                self.number,
                self.end_ns,
                self.exit_code,
                self.scheduled_time,
                self.revision,
                self.statuses.copy(),
                copying.of(self.log),
                copying.of(self.usage),
                self.files,
                {name: copying.of(mount) for name, mount in self.mounts.items()},
                self.has_folder,
                self.roomy,
                self.address,
                self.work_dir,
                self.explanation,
                self.runtime,
                self.rendered,
            ),
        )
        made.ended_with, made.erased, made.stop = self.ended_with, self.erased, self.stop
        if self.timer is not None:
            made.timer = copying.of(self.timer)
        if self.stopping is not None:
            made.stopping = copying.of(self.stopping)
        if self.ended_with is None:
            made.process = copying.process(self.process, made)
        return made

    def become(self, status: str, now_ns: int) -> None:
        """Change the status and tell whoever watches."""
        self.status = status
        self.statuses.append((now_ns, status))
        self.touch()

    def touch(self) -> None:
        """Count a visible change and tell whoever watches."""
        self.revision += 1
        for told in tuple(self._watchers):
            told()

    def watch(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have a callback told of every visible change; calling what is returned ends that."""
        self._watchers[told] = None
        return lambda: self._watchers.pop(told, None) and None
