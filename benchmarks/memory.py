"""(k) The memory that very many log lines take, over their bytes."""

from __future__ import annotations

from contextlib import contextmanager
from operator import truediv
from typing import TYPE_CHECKING, Final

from benchmarks.child import Child
from benchmarks.harness import Scale, Target, Times, compare
from benchmarks.history import LINE
from benchmarks.store import memory
from joblet_fake import FakeJoblet, Stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.harness import Result
    from joblet_fake import RunningJob

MANY: Final = 1_000_000
ROUNDS: Final = 3
"""How many rounds there are at most, each in a process of its own."""

PATIENCE: Final = 300.0
"""Real seconds in which a job has to have written everything."""

TARGET: Final = Target(1.5, at_most=True)
MEMORY: Final = Scale("memory", truediv, 1.0, 0.03, "{:.3f}")


class Written:
    """A fake, and a job of it that writes lines one by one."""

    def __init__(self, joblet: FakeJoblet) -> None:
        self._joblet = joblet

    def growth(self, lines: int) -> int:
        """Run the job, and give the bytes by which the process has grown.

        Raises:
            RuntimeError: another number of bytes was written.
        """

        @self._joblet.programs.register("talk")
        def talk(job: RunningJob) -> Iterator[Stdout]:
            for _ in range(int(job.args[0])):
                yield Stdout(LINE)

        def run(count: int) -> str:
            answer = self._joblet.rpc("RunJob", command="talk", args=[str(count)])
            return self._joblet.jobs.wait(answer.job_uuid, PATIENCE).uuid

        run(1)
        before = memory()
        uuid = run(lines)
        grown = memory() - before
        written = len(self._joblet.jobs[uuid].output_bytes)
        if written != lines * len(LINE):
            raise RuntimeError(f"{written} bytes were written")
        return grown


@contextmanager
def written() -> Iterator[Written]:
    """Give a started fake."""
    with FakeJoblet(tls=False) as joblet:
        yield Written(joblet)


def measure(rounds: int, many: int = MANY) -> list[Result]:
    """Measure it; the bare side is the number of bytes that the lines have.

    Args:
        rounds: how many rounds count, at most `ROUNDS`.
        many: how many lines there are.
    """
    size = float(many * len(LINE))
    grown = []
    for _ in range(min(rounds, ROUNDS)):
        with Child(written) as child:
            grown.append(float(child.ask("growth", many)))
    return [
        compare(
            f"{many:,} log lines of {len(LINE)} bytes",
            Times([size] * len(grown), grown, [size] * len(grown)),
            MEMORY,
            over="over their bytes",
            bare=f"{size / 1e6:,.1f} MB",
            target=TARGET,
        ),
    ]
