"""The state of one fake server, and the one lock that guards it."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from joblet_fake.model.history import History
from joblet_fake.model.jobs import Jobs
from joblet_fake.model.lifecycle import Lifecycle
from joblet_fake.model.log_feed import LogFeed
from joblet_fake.model.network import Networks
from joblet_fake.model.pace import PACES

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.clock import Clock
    from joblet_fake.model.job import Job
    from joblet_fake.model.process import Launcher


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
        seed: where ids come from.

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
        self._change = Change(clock)
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

    def _begin(self, listener: Callable[[Job], None] | None = None) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - ids must repeat with the seed
        self.node_id = self.new_uuid()
        # Whoever listens to the jobs of before listens to those to come.
        self.jobs = Jobs(listener)
        self.networks = Networks()
        self.history = History()
        self.volumes: set[str] = set()
        self.runtimes: set[str] = set()
        self.lifecycle = Lifecycle(self)

    def change(self) -> Change:
        """Hold the lock for one change; everything that it makes due now happens before the end."""
        return self._change

    def new_uuid(self) -> str:
        """Give the next id: a version 4 UUID, the same ones for the same seed (JOB-RUN-60)."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def follow_log(self, text: str) -> LogFeed:
        """Open a job's log stream for a reader that sent this id (JOB-LOG-20)."""
        return LogFeed(self, text)
