"""(l) A history that is laid down: a job's time with many jobs beside that with few."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from benchmarks.harness import TIME, Target, alternate, compare
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from benchmarks.harness import Result

MANY: Final = 10_000
FEW: Final = 1_000
ROUNDS: Final = 5
"""How many rounds there are at most: each lays down twelve thousand jobs."""

TARGET: Final = Target(1.2, at_most=True)


def measure(rounds: int, many: int = MANY, few: int = FEW) -> list[Result]:
    """Measure it; the jobs have their logs and metrics.

    Args:
        rounds: how many rounds count, but for the bound above.
        many: how many jobs the one side has.
        few: how many the other has.
    """
    times = alternate(
        lambda: _seconds_a_job(few),
        lambda: _seconds_a_job(many),
        lambda: _seconds_a_job(few),
        min(rounds, ROUNDS),
    )
    each = sorted(times.fake)[len(times.fake) // 2]
    return [
        compare(
            f"populate, {many:,} jobs, by job",
            times,
            TIME,
            over=f"over {few:,} jobs",
            bare=f"{times.middle_of_bare * 1e3:.2f} ms",
            target=TARGET,
            note=f"{many:,} jobs with logs and metrics are populated in {each * many:.1f} s",
        )
    ]


def _seconds_a_job(jobs: int) -> float:
    with FakeJoblet(tls=False) as joblet:
        start = time.perf_counter()
        joblet.populate(jobs=jobs, networks=3, volumes=3, runtimes=3, days=30)
        taken = time.perf_counter() - start
        if len(joblet.jobs) < jobs:
            raise RuntimeError(f"{len(joblet.jobs)} of {jobs} jobs are there")
        return taken / jobs
