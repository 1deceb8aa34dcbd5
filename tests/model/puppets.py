"""Jobs whose processes do what a test says, on a model without programs and without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joblet_fake.clock import Clock
from joblet_fake.model import JobSpec, Model
from joblet_fake.model.process import LaunchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.model import Job
    from joblet_fake.model.log_feed import LogFeed
    from joblet_fake.model.outcome import Outcome
    from joblet_fake.model.process import Output


class Puppet:
    """A process; `obeys` ends it on SIGTERM, as one with a handler does."""

    def __init__(self, clock: Clock, output: Output, exited: Callable[[int], None]) -> None:
        self._clock = clock
        self._output = output
        self._exited = exited
        self._ended: Callable[[], None] | None = None
        self.obeys: int | None = None
        self.over = False
        self.signals: list[str] = []

    def write(self, data: bytes, stream: str = "stdout") -> None:
        with self._clock.lock:
            self._output(data, stream)
            self._clock.settle()

    def exit(self, code: int = 0) -> None:
        with self._clock.lock:
            self._end(code)
            self._clock.settle()

    def _end(self, code: int) -> None:
        if self.over:
            return
        self.over = True
        self._exited(code)
        if self._ended is not None:
            self._ended()

    def stop(self, grace: float, ended: Callable[[], None]) -> None:
        self._ended = ended
        self.signals.append("SIGTERM")
        if self.obeys is not None:
            self._end(self.obeys)
        elif grace:
            self._clock.call_later(grace, self._kill)
        else:
            self._kill()

    def _kill(self) -> None:
        if not self.over:
            self.signals.append("SIGKILL")
            self._end(-1)


class Stage:
    """A model under a frozen clock, and the puppets of its jobs by id."""

    def __init__(self, pace: str = "immediate", mode: str = "frozen") -> None:
        self.clock = Clock(mode)
        self.puppets: dict[str, Puppet] = {}
        self.refusal: Exception | None = None
        self.real = False
        self.model = Model(self.clock, self, pace=pace)

    def launch(
        self, job: Job, output: Output, exited: Callable[[int], None], delay: float
    ) -> Puppet:
        assert delay == self.model.pace.start
        if self.refusal is not None:
            raise self.refusal
        puppet = self.puppets[job.uuid] = Puppet(self.clock, output, exited)
        return puppet

    def refuse(self, reason: str) -> None:
        self.refusal = LaunchError(reason)

    def submit(self, command: str = "work", **fields: Any) -> Outcome[Job]:
        with self.model.change():
            return self.model.lifecycle.run(JobSpec(command, **fields))

    def run(self, command: str = "work", **fields: Any) -> Job:
        """Submit a job, and let pass what its answer takes."""
        return self.finish(self.submit(command, **fields))

    def finish(self, outcome: Outcome[Any]) -> Any:
        while not outcome.done:
            due = self.clock.next_due()
            assert due is not None, "nothing is due, and the answer is not there"
            self.clock.advance((due - self.clock.now_ns()) / 1e9)
        return outcome.result()

    def puppet(self, job: Job) -> Puppet:
        return self.puppets[job.uuid]

    def ask_stop(self, job: Job) -> Outcome[None]:
        with self.model.change():
            return self.model.lifecycle.stop(job.uuid)

    def stop(self, job: Job) -> None:
        self.finish(self.ask_stop(job))

    def delete(self, job: Job) -> None:
        with self.model.change():
            outcome = self.model.lifecycle.delete(job.uuid)
        self.finish(outcome)

    def delete_all(self) -> tuple[int, int]:
        with self.model.change():
            outcome = self.model.lifecycle.delete_all()
        deleted, skipped = self.finish(outcome)
        return deleted, skipped

    def words(self, job: Job) -> list[str]:
        return [status for _, status in job.statuses]

    def seconds(self, job: Job) -> list[tuple[float, str]]:
        """Give a job's statuses with clock seconds since the first moment."""
        start = 1_767_225_600 * 10**9
        return [(round((at - start) / 1e9, 6), status) for at, status in job.statuses]


class Reader:
    """Someone who reads a log stream as the server does: takes when woken."""

    def __init__(self, stage: Stage, text: str, *, limit: int = 64) -> None:
        self._limit = limit
        self.wakes = 0
        self.chunks: list[bytes] = []
        self.error: Exception | None = None
        with stage.model.change():
            self.feed: LogFeed = stage.model.follow_log(text)
            self.feed.subscribe(self._woken)
        self.read()

    def _woken(self) -> None:
        self.wakes += 1

    @property
    def ended(self) -> bool:
        self.read()
        return self.feed.ended

    @property
    def got(self) -> bytes:
        self.read()
        return b"".join(self.chunks)

    def read(self) -> None:
        while not self.feed.ended and self.error is None:
            try:
                taken = self.feed.take(self._limit)
            except Exception as error:  # noqa: BLE001 - the test looks at it
                self.error = error
                return
            self.chunks += taken
            if not taken:
                return
