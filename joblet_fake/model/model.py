"""The state of one fake server, and the one lock that guards it."""

from __future__ import annotations

import random
from copy import copy
from typing import TYPE_CHECKING, Final

from joblet_fake.clock import Clock
from joblet_fake.model.collector import Collectors
from joblet_fake.model.history import History
from joblet_fake.model.host import HOSTS, Host, HostSettings
from joblet_fake.model.host_local import LocalHost
from joblet_fake.model.host_seeded import SeededHost
from joblet_fake.model.ids import Ids
from joblet_fake.model.jobs import Jobs
from joblet_fake.model.lifecycle import Lifecycle
from joblet_fake.model.log_feed import LogFeed
from joblet_fake.model.metrics_feed import MetricsFeed
from joblet_fake.model.network import Networks
from joblet_fake.model.pace import PACES
from joblet_fake.model.persist import Persist
from joblet_fake.model.quirks import Quirks
from joblet_fake.model.retention import Retention
from joblet_fake.model.runtimes import Runtimes
from joblet_fake.model.secrets import Secrets
from joblet_fake.model.volume import Volumes
from joblet_fake.model.workflows import Workflows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from joblet_fake.clock import Timer
    from joblet_fake.model.copying import Copying
    from joblet_fake.model.feed import Feed
    from joblet_fake.model.job import Job
    from joblet_fake.model.metrics_feed import Shown
    from joblet_fake.model.process import Launcher


PARTS: Final = (
    "lifecycle",
    "jobs",
    "history",
    "volumes",
    "host",
    "runtimes",
    "networks",
    "persist",
    "collectors",
    "workflows",
)
"""What a state is made of."""


class Change:
    """Holds a clock's lock, and settles the clock before it lets go.

    Every call makes one: it is a class, since a generator's context takes three times as long.
    """

    __slots__ = ("_clock",)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __enter__(self) -> None:
        self._clock.lock.acquire()

    def __exit__(self, *_: object) -> None:
        try:
            self._clock.settle()
        finally:
            self._clock.lock.release()


class Model:
    """Jobs, networks and history of one server, on one clock.

    Args:
        clock: where all time comes from; its lock guards the model.
        launcher: starts what jobs run.
        pace: `"immediate"` or `"real"`.
        behavior: `"server"` or `"documented"`: the quirks that are on.
        seed: where ids come from, and what is not said of the host.
        host: `"seeded"` or `"local"`.
        keep_jobs: how many jobs are kept that are over; None for all.
        keep_bytes: how many bytes of output and uploads they may have; None for any.

    Attributes:
        quirks: the switches that are on, asked where the behaviour is.
        chance: what real servers leave to chance, from the seed; ids come from elsewhere.
        retention: forgets jobs that are over, beyond the bound.
        secrets: what jobs were given as secrets, those that are forgotten too.

    Raises:
        ValueError: the pace or the host is unknown.
    """

    lifecycle: Lifecycle
    jobs: Jobs
    history: History
    volumes: Volumes
    runtimes: Runtimes
    networks: Networks
    persist: Persist
    collectors: Collectors
    workflows: Workflows
    _ids: Ids
    _chance: random.Random | None
    _host: Host | None

    def __init__(
        self,
        clock: Clock,
        launcher: Launcher,
        *,
        pace: str = "immediate",
        behavior: str = "server",
        seed: int = 0,
        host: str = "seeded",
        keep_jobs: int | None = None,
        keep_bytes: int | None = None,
    ) -> None:
        if host not in HOSTS:
            raise ValueError(f"unknown host {host!r}: it is one of {', '.join(HOSTS)}")
        if pace not in PACES:
            raise ValueError(f"unknown pace {pace!r}: it is one of {', '.join(PACES)}")
        self.clock = clock
        self.launcher = launcher
        self.pace = PACES[pace]
        self.quirks = Quirks(behavior)
        self.seed = seed
        self._disk_full = False
        self.secrets = Secrets()
        self.retention = Retention(self, keep_jobs, keep_bytes)
        self._change = Change(clock)
        self._local = host == "local"
        self._begin()

    def clear(self) -> None:
        """Forget everything, as if the server had just been made; open streams and calls end."""
        jobs, end = self.jobs, self._ending()
        self.quirks.reset()
        self.secrets.clear()
        # What was to happen to the old jobs must not happen to the new state.
        self.clock.cancel_all()
        self._begin(jobs.listener)
        end()
        for job in jobs.buffered:
            job.touch()

    def restart(self) -> None:
        """Forget what a server forgets that is restarted, and keep what lies on its disk.

        Jobs, their output and samples in memory, workflows and the networks that were made are
        gone (JOB-RST-01); stored output and samples, volumes and runtimes are not (JOB-RST-02).
        What still runs, runs on out of everybody's reach (JOB-RST-07).
        """
        jobs, devices, end = self.jobs, self.networks.devices, self._ending()
        self.clock.cancel_all()
        self.volumes.restarted(self.clock.now_ns())
        self._boot(jobs.listener)
        self.networks.devices = devices
        if self._host is not None:
            self._host.begin_again()
        end()
        for job in jobs.buffered:
            job.erased = True
            job.touch()

    def twin(self) -> Model:
        """Give a model like this one, with the same settings, for a copy of the state.

        Its clock stands still; nothing runs there.
        """
        made = copy(self)
        made.clock = Clock("frozen")
        made._change = Change(made.clock)  # noqa: SLF001 - its own kind
        return made

    def take(self, copying: Copying, other: Model) -> None:
        """Have the copies of another model's state.

        Args:
            copying: made them, for this model.
            other: the other one, whose state does not change meanwhile.
        """
        for part in PARTS:
            setattr(self, part, copying.of(getattr(other, part)))
        self._ids = other._ids.copy()
        self._chance = None
        if other._chance is not None:
            self.chance.setstate(other._chance.getstate())

    def become(self, other: Model, timers: Iterable[Timer], shift: int) -> None:
        """Put a state that was made for this model in the place of its own; calls and streams end.

        What happens to the server stays: whether persist is there, and its disk's room.

        Args:
            other: a twin that has the state.
            timers: what is to happen to it, in order.
            shift: by how many nanoseconds this clock is ahead of the state's.
        """
        jobs, end, persist_state = self.jobs, self._ending(), self.persist_state
        for part in (*PARTS, "_ids", "_chance"):
            setattr(self, part, getattr(other, part))
        self.lifecycle.shift(shift)
        self.clock.take_over(timers, shift)
        self.persist_state = persist_state
        self.history.metrics.fill(full=self.disk_full)
        self.jobs.listen(jobs.listener)
        for job in self.jobs.buffered:
            self.secrets.note(job.spec.secret_environment.values())
        end()
        for job in jobs.buffered:
            if self.jobs.buffered.exact(job.uuid) is not job:
                job.erased = True
                job.touch()

    def architecture(self) -> str:
        """Give the host's architecture, by Go's name."""
        return self.host.architecture

    def host_jobs(self) -> Iterable[Job]:
        """Give the jobs that show on the host."""
        return self.jobs.buffered

    def _ending(self) -> Callable[[], None]:
        """Give what ends the calls and streams of the state at this moment."""
        owing = (self.lifecycle, self.persist, self.collectors, self._host, self.runtimes)

        def end() -> None:
            for each in owing:
                if each is not None:
                    each.give_up()

        return end

    def _begin(self, listener: Callable[[Job], None] | None = None) -> None:
        self._ids = Ids(self.seed)
        self._chance = None
        self.history = History()
        self.history.metrics.fill(full=self.disk_full)
        self.volumes = Volumes()
        self._host = None
        self._began_ns = self.clock.now_ns()
        self.runtimes = Runtimes(self.architecture)
        self._boot(listener)

    def _boot(self, listener: Callable[[Job], None] | None = None) -> None:
        # Whoever listens to the jobs of before listens to those to come.
        self.jobs = Jobs(listener)
        self.networks = Networks()
        late = "late-link" in self.quirks
        self.persist = Persist(self.clock, self.history, self.pace.relink, late=late)
        self.collectors = Collectors(self.clock, self.seed, self.history.metrics)
        self.lifecycle = Lifecycle(self)
        self.workflows = Workflows(self)

    def _make_host(self) -> Host:
        if self._local:
            return Host(self.clock, LocalHost(), None)
        settings = HostSettings()
        source = SeededHost(settings, self.seed, self._began_ns, self.host_jobs)
        return Host(self.clock, source, settings)

    @property
    def chance(self) -> random.Random:
        """Where random outcomes come from, which are the same for the same seed."""
        # Few tests meet one, and seeding takes longer than most parts of a model.
        if self._chance is None:
            self._chance = random.Random(f"chance {self.seed}")  # noqa: S311 - as the ids
        return self._chance

    def change(self) -> Change:
        """Hold the lock for one change; everything that it makes due now happens before the end."""
        return self._change

    def new_uuid(self) -> str:
        """Give the next id: a version 4 UUID, the same ones for the same seed (JOB-RUN-60)."""
        return self._ids.next()

    @property
    def node_id(self) -> str:
        """The server's own id."""
        return self._ids.node

    @property
    def host(self) -> Host:
        """The host that the server says that it runs on."""
        # Few tests look at it, and it has many parts.
        with self.clock.lock:
            if self._host is None:
                self._host = self._make_host()
            return self._host

    @host.setter
    def host(self, host: Host) -> None:
        self._host = host

    @property
    def persist_state(self) -> str:
        """Whether the persist service is `"up"`, `"gone"` or `"hung"`, as its core sees it."""
        return self.persist.state

    @persist_state.setter
    def persist_state(self, state: str) -> None:
        self.persist.become(state)

    @property
    def disk_full(self) -> bool:
        """Whether the server's disk has no room left (FAULT-01 to FAULT-08)."""
        return self._disk_full

    @disk_full.setter
    def disk_full(self, full: bool) -> None:
        self._disk_full = full
        self.history.metrics.fill(full=full)

    def follow_log(self, text: str) -> Feed[bytes]:
        """Open a job's log stream for a reader that sent this id (JOB-LOG-20)."""
        return self.persist.feed(lambda: LogFeed(self, text))

    def follow_metrics(self, text: str) -> Feed[Shown]:
        """Open a job's metrics stream for a reader that sent this id (JOB-MET-21)."""
        return self.persist.feed(lambda: MetricsFeed(self, text))
