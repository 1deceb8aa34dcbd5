"""(i) QueryLogs of very many stored lines, read by one client to the end."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from benchmarks import wire
from benchmarks.bare import CHANNELS, Bare, open_channel
from benchmarks.harness import RATE, Target, alternate, compare
from benchmarks.work import seconds_of_stream
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    import grpc

    from benchmarks.harness import Result

MANY: Final = 100_000
LINE: Final = b"x" * 99 + b"\n"
MILLISECOND: Final = 1_000_000
ROUNDS: Final = 9
"""How many rounds there are at most: one takes as long as many short ones."""

TARGET: Final = Target(0.90, at_most=False)


def fill(joblet: FakeJoblet, lines: int) -> tuple[str, int]:
    """Store a log of lines that came a millisecond after each other.

    Args:
        joblet: where.
        lines: how many.

    Returns:
        The job's id, and the first line's time in nanoseconds since 1970.
    """
    model = joblet.model
    uuid = joblet.jobs.add("talk").uuid
    job = model.jobs.stored.exact(uuid)
    if job is None:
        raise RuntimeError(f"no job {uuid}")
    # Past the wire and the clock, which would take much longer.
    with model.change():
        start: int = job.start_ns
        for number in range(lines):
            job.log.append(LINE, start + number * MILLISECOND)
        model.history.store(uuid, job.log, 0, lines)
    return uuid, start


def measure(rounds: int, many: int = MANY) -> list[Result]:
    """Measure it, over each kind of channel.

    Args:
        rounds: how many rounds count, at most `ROUNDS`.
        many: how many lines there are.
    """
    return [_measure(min(rounds, ROUNDS), many, tls=tls) for tls in CHANNELS]


def _measure(rounds: int, many: int, *, tls: bool) -> Result:
    with ExitStack() as stack:
        joblet = stack.enter_context(FakeJoblet(tls=tls, clock="frozen"))
        uuid, _ = fill(joblet, many)
        path, request = wire.path("QueryLogs"), wire.request("QueryLogs", job_uuid=uuid)
        fake = joblet.persist_channel()
        answers = wire.streamed(fake, "QueryLogs", request)

        def bare_channel() -> grpc.Channel:
            server = stack.enter_context(Bare({}, {path: answers}, tls=tls))
            return stack.enter_context(open_channel(server.persist_address, tls=tls))

        bare, control = bare_channel(), bare_channel()

        def read(channel: grpc.Channel) -> float:
            return seconds_of_stream(channel, path, request, many)

        times = alternate(lambda: read(bare), lambda: read(fake), lambda: read(control), rounds)
        return compare(
            f"QueryLogs, {many:,} lines",
            times,
            RATE,
            over=CHANNELS[tls],
            bare=f"{many / times.middle_of_bare:,.0f} messages/s",
            target=TARGET,
        )
