"""(e) GetJobStatus with very many jobs in the store, and what a job takes of memory."""

from __future__ import annotations

import gc
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks import wire
from benchmarks.bare import CHANNELS
from benchmarks.child import Child
from benchmarks.harness import RATE, Target, alternate, compare
from benchmarks.work import seconds_of_calls
from joblet_fake import FakeJoblet
from joblet_fake.model.job import JobSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc

    from benchmarks.harness import Result

MANY: Final = 100_000
FEW: Final = 10
CALLS: Final = 50
SLICES: Final = 8

TARGET: Final = Target(0.9, at_most=False)


class Store:
    """A fake with so many finished jobs, and a client that asks for ten of them."""

    def __init__(self, joblet: FakeJoblet, jobs: int) -> None:
        before = memory()
        for _ in range(jobs):
            # Past the wire, whose calls the journal would keep.
            with joblet.model.change():
                joblet.model.lifecycle.run(JobSpec("echo", args=("hello",)))
        self._per_job = (memory() - before) / jobs
        uuids = [job.uuid for job in joblet.model.jobs.stored][:: max(jobs // FEW, 1)][:FEW]
        self._path = wire.path("GetJobStatus")
        self._requests = [wire.request("GetJobStatus", uuid=uuid) for uuid in uuids]
        self._channel: grpc.Channel = joblet.channel()

    def per_job(self) -> float:
        """Give the bytes that a job takes of the process's memory."""
        return self._per_job

    def seconds(self, calls: int) -> float:
        """Make calls one after another, and give the seconds that they took."""
        requests = [self._requests[number % len(self._requests)] for number in range(calls)]
        return seconds_of_calls(self._channel, self._path, requests)


@contextmanager
def store(*, jobs: int, tls: bool) -> Iterator[Store]:
    """Give a filled store."""
    with FakeJoblet(tls=tls) as joblet:
        yield Store(joblet, jobs)


def memory() -> int:
    """Give the process's memory in bytes, without what nobody uses any more."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def measure(rounds: int, slices: int = SLICES, many: int = MANY) -> list[Result]:
    """Measure it, over each kind of channel; the bare side is a fake with ten jobs.

    Args:
        rounds: how many rounds count.
        slices: how often a side gets its turn in a round.
        many: how many jobs the full store has.
    """
    return [_measure(rounds, slices, many, tls=tls) for tls in CHANNELS]


def _measure(rounds: int, slices: int, many: int, *, tls: bool) -> Result:
    with ExitStack() as stack:
        few, full, control = (
            stack.enter_context(Child(store, jobs=jobs, tls=tls)) for jobs in (FEW, many, FEW)
        )
        times = alternate(
            lambda: few.ask("seconds", CALLS),
            lambda: full.ask("seconds", CALLS),
            lambda: control.ask("seconds", CALLS),
            rounds,
            slices,
        )
        return compare(
            f"GetJobStatus, {many:,} jobs",
            times,
            RATE,
            over=f"{CHANNELS[tls]}, over {FEW} jobs",
            bare=f"{CALLS * slices / times.middle_of_bare:,.0f} calls/s",
            target=TARGET,
            note=f"{full.ask('per_job'):,.0f} bytes a job",
        )
