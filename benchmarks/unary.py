"""(b) GetJobStatus, one call after another and from eight threads."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks import wire
from benchmarks.bare import CHANNELS, Bare, open_channel
from benchmarks.harness import RATE, Target, alternate, compare
from benchmarks.work import seconds_of_calls, seconds_of_threads
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    import grpc

    from benchmarks.harness import Result

CALLS: Final = 50
THREADS: Final = 8
CALLS_OF_A_THREAD: Final = 10
SLICES: Final = 8
"""How often a side gets its turn in a round."""

SEQUENTIAL: Final = Target(0.95, at_most=False)
THREADED: Final = Target(0.90, at_most=False)


def measure(rounds: int, slices: int = SLICES) -> list[Result]:
    """Measure it, over each kind of channel.

    Args:
        rounds: how many rounds count.
        slices: how often a side gets its turn in a round.
    """
    return [result for tls in CHANNELS for result in _measure(rounds, slices, tls=tls)]


def _measure(rounds: int, slices: int, *, tls: bool) -> list[Result]:
    with ExitStack() as stack:
        joblet = stack.enter_context(FakeJoblet(tls=tls))
        job_id = joblet.rpc("RunJob", command="echo", args=["hello"]).job_uuid
        path = wire.path("GetJobStatus")
        request = wire.request("GetJobStatus", uuid=job_id)
        fake = joblet.channel()
        answer = wire.answered(fake, "GetJobStatus", request)

        def bare_channel() -> grpc.Channel:
            server = stack.enter_context(Bare({path: answer}, tls=tls))
            return stack.enter_context(open_channel(server.address, tls=tls))

        bare, control = bare_channel(), bare_channel()

        def sequential(channel: grpc.Channel) -> float:
            return seconds_of_calls(channel, path, [request] * CALLS)

        def threaded(channel: grpc.Channel) -> float:
            return seconds_of_threads(channel, path, [request] * CALLS_OF_A_THREAD, THREADS)

        results = []
        for what, work, calls, target in (
            ("GetJobStatus, sequential", sequential, CALLS, SEQUENTIAL),
            (
                f"GetJobStatus, {THREADS} threads",
                threaded,
                CALLS_OF_A_THREAD * THREADS,
                THREADED,
            ),
        ):
            times = alternate(
                partial(work, bare),
                partial(work, fake),
                partial(work, control),
                rounds,
                slices,
            )
            results.append(
                compare(
                    what,
                    times,
                    RATE,
                    over=CHANNELS[tls],
                    bare=f"{calls * slices / times.middle_of_bare:,.0f} calls/s",
                    target=target,
                ),
            )
        return results
