"""The state of one fake server, and the one lock that guards it."""

from __future__ import annotations

import random
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from joblet_fake.model.history import History
from joblet_fake.model.jobs import Jobs
from joblet_fake.model.lifecycle import Lifecycle
from joblet_fake.model.log_feed import LogFeed
from joblet_fake.model.network import Networks
from joblet_fake.model.pace import PACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job
    from joblet_fake.model.process import Launcher


class Model:
    """Jobs, networks and history of one server, on one clock.

    Args:
        clock: where all time comes from; its lock guards the model.
        launcher: starts what jobs run.
        pace: `"immediate"` or `"real"`.
        seed: where ids come from.

    Attributes:
        disk_full: whether the server's disk has no room left (FAULT-01, FAULT-02).
        persist_state: whether the persist process is `"up"`, `"gone"` or `"hung"` (PER-70).

    Raises:
        ValueError: the pace is unknown.
    """

    def __init__(
        self,
        clock: Clock,
        launcher: Launcher,
        *,
        pace: str = "immediate",
        seed: int = 0,
    ) -> None:
        if pace not in PACES:
            raise ValueError(f"unknown pace {pace!r}: it is one of {', '.join(PACES)}")
        self.clock = clock
        self.launcher = launcher
        self.pace = PACES[pace]
        self.seed = seed
        self.disk_full = False
        self.persist_state = "up"
        self._begin()

    def clear(self) -> None:
        """Forget everything, as if the server had just been made; open streams and calls end."""
        lifecycle, jobs = self.lifecycle, self.jobs
        # What was to happen to the old jobs must not happen to the new state.
        self.clock.cancel_all()
        self._begin(jobs.listener)
        lifecycle.give_up()
        for job in jobs.buffered:
            job.touch()

    def restart(self) -> None:
        """Forget what a server forgets that is restarted, and keep what lies on its disk.

        Jobs, their output in memory and the networks that were made are gone (JOB-RST-01);
        stored output, volumes and runtimes are not (JOB-RST-02). What still runs, runs on
        out of everybody's reach (JOB-RST-07).
        """
        lifecycle, jobs = self.lifecycle, self.jobs
        self.clock.cancel_all()
        self._boot(jobs.listener)
        lifecycle.give_up()
        for job in jobs.buffered:
            job.erased = True
            job.touch()

    def _begin(self, listener: Callable[[Job], None] | None = None) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - ids must repeat with the seed
        self.node_id = self.new_uuid()
        self.history = History()
        self.volumes: set[str] = set()
        self.runtimes: set[str] = set()
        self._boot(listener)

    def _boot(self, listener: Callable[[Job], None] | None) -> None:
        # Whoever listens to the jobs of before listens to those to come.
        self.jobs = Jobs(listener)
        self.networks = Networks()
        self.lifecycle = Lifecycle(self)

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock for one change; everything that it makes due now happens before the end."""
        with self.clock.lock:
            try:
                yield
            finally:
                self.clock.settle()

    def new_uuid(self) -> str:
        """Give the next id: a version 4 UUID, the same ones for the same seed (JOB-RUN-60)."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def follow_log(self, text: str) -> LogFeed:
        """Open a job's log stream for a reader that sent this id (JOB-LOG-20)."""
        return LogFeed(self, text)
