"""The state of a server at one moment, kept to come back to."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from weakref import ref

from joblet_fake.clock import EPOCH
from joblet_fake.model.copying import Copying, Due
from joblet_fake.model.process import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from joblet_fake.clock import Timer
    from joblet_fake.model.job import Job
    from joblet_fake.model.model import Model
    from joblet_fake.model.process import Process


class Snapshot:
    """The state of a fake at one moment; made by `FakeJoblet.snapshot`.

    It never changes, and can be restored any number of times.

    Args:
        model: the state's model; its lock is held, and no code works outside of it.
        options: what a fake must have been made with to take the state.

    Raises:
        SnapshotError: a job runs as a real process, which nobody could run again.

    Attributes:
        options: the same.
    """

    def __init__(self, model: Model, options: Mapping[str, object]) -> None:
        self.options = dict(options)
        self._moment = model.clock.now_ns()
        self._skew = model.clock.skew_ns
        self._origin = ref(model)
        self._model = model.twin()
        copying = Copying(self._model, shares=True)
        self._model.take(copying, model)
        self.launcher_state = model.launcher.state(copying)
        if copying.real:
            ids = ", ".join(job.uuid for job in copying.real)
            raise SnapshotError(
                f"{len(copying.real)} of the jobs run as real processes, which can't be brought "
                f"again to where they are: wait for their end, or stop them: {ids}"
            )
        pending = (timer for timer in model.clock.pending() if isinstance(timer.action, Due))
        self._timers = tuple([copying.of(timer) for timer in pending])

    @property
    def moment(self) -> datetime:
        """What the clock showed, an aware datetime in UTC."""
        return EPOCH + timedelta(microseconds=self._moment // 1000)

    @property
    def jobs(self) -> tuple[str, ...]:
        """The ids of the jobs, the oldest first."""
        jobs = sorted(self._model.jobs.stored, key=lambda job: job.number)
        return tuple([job.uuid for job in jobs])

    def __repr__(self) -> str:
        count = Counter(job.status for job in self._model.jobs.stored)
        said = ", ".join(f"{number} {status}" for status, number in sorted(count.items()))
        jobs = f"{sum(count.values())} job{'s' if sum(count.values()) != 1 else ''}"
        more = f" ({said})" if said else ""
        return f"<snapshot of {jobs}{more} at {self.moment.isoformat()}>"

    def check(self, options: Mapping[str, object]) -> None:
        """Refuse a fake that can't take the state.

        Args:
            options: what the fake was made with.

        Raises:
            ValueError: some options differ; the text says which, and what would be right.
        """
        wrong = [name for name, value in self.options.items() if options[name] != value]
        if wrong:
            right = ", ".join(f"{name}={self.options[name]!r}" for name in wrong)
            has = ", ".join(f"{name}={options[name]!r}" for name in wrong)
            raise ValueError(
                f"this snapshot is of a fake with {right}, and this one has {has}: restore it into "
                f"FakeJoblet({right})"
            )

    def prepared(self, model: Model) -> Prepared:
        """Make the state anew for a model; takes no lock.

        Raises:
            SnapshotError: a program does not do again what it did.
        """
        # Of two fakes, each has its own lock.
        shares = self._origin() is model
        return Prepared(self, model, self._model, self._timers, shares=shares)

    def shown_on(self, model: Model) -> int:
        """Give what a model's clock shows at the state's moment, however wrong it is set now."""
        return self._moment - self._skew + model.clock.skew_ns

    def ahead(self, model: Model) -> int:
        """Give by how many nanoseconds a model's clock is ahead of the state."""
        return model.clock.now_ns() - self._moment


class Prepared:
    """A state that is about to become a model's.

    Args:
        snapshot: what it is of.
        model: the model.
        source: the snapshot's own model.
        timers: what is to happen.
        shares: whether what can't change any more is shared with the model.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        model: Model,
        source: Model,
        timers: tuple[Timer, ...],
        *,
        shares: bool,
    ) -> None:
        self._snapshot = snapshot
        self._model = model
        self._source = source
        self.processes: list[Process] = []
        self._copying = Copying(model, self._resume, shares=shares)
        self._twin = model.twin()
        self._twin.take(self._copying, source)
        self._timers = [self._copying.of(timer) for timer in timers]
        for process in self.processes:
            process.gone_through()

    def _resume(self, copying: Copying, job: Job, laid: Process) -> Process:
        process = copying.of(self._source.lifecycle).resume(copying, job, laid)
        self.processes.append(process)
        return process

    def begin(self) -> None:
        """Put it in the place of the model's state; the lock is held, and no code works.

        A clock that does not flow shows the state's moment again.
        """
        model, snapshot = self._model, self._snapshot
        model.launcher.restore(snapshot.launcher_state, self._copying, self.processes)
        clock = model.clock
        # What is due of the old state goes; what calls wait for, such as a fault's delay, stays.
        clock.drop(lambda timer: isinstance(timer.action, Due))
        if clock.mode != "flowing":
            clock.put_at(snapshot.shown_on(model))
        model.become(self._twin, self._timers, snapshot.ahead(model))


__all__ = ["Prepared", "Snapshot", "SnapshotError"]
