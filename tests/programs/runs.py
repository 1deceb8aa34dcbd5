"""Jobs run by programs on a model, without a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from joblet_fake.clock import Clock
from joblet_fake.model import JobSpec, Model
from joblet_fake.programs import Programs

if TYPE_CHECKING:
    from joblet_fake.model import Job
    from joblet_fake.model.outcome import Outcome


@dataclass
class Host:
    """A model with programs."""

    model: Model
    programs: Programs
    clock: Clock
    errors: list[BaseException] = field(default_factory=list)

    def submit(self, command: str, *args: str, **fields: Any) -> Outcome[Job]:
        with self.clock.by_hand():
            return self.model.lifecycle.run(JobSpec(command, args, **fields))

    def run(self, command: str, *args: str, **fields: Any) -> Job:
        """Submit a job of which the answer is there at once."""
        return self.submit(command, *args, **fields).result()

    def stop(self, job: Job) -> Outcome[None]:
        with self.clock.by_hand():
            return self.model.lifecycle.stop(job.uuid)

    def stopped(self, job: Job) -> list[str]:
        """Stop a job; give the statuses that it got of it."""
        before = len(job.statuses)
        self.stop(job).result()
        return [status for _, status in job.statuses[before:]]


def host(pace: str = "immediate", mode: str = "frozen", **options: Any) -> Host:
    clock = Clock(mode)
    programs = Programs(clock, **options)
    here = Host(Model(clock, programs, pace=pace), programs, clock)
    clock.holds.failed = here.errors.append
    return here


def output(job: Job) -> bytes:
    return job.log.content()
