"""(c) GetJobLogs of a job that is over, read by one client to the end."""

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

MESSAGES: Final = 500
SLICES: Final = 4
"""How often a side gets its turn in a round."""
LINE: Final = b"x" * 63 + b"\n"

TARGET: Final = Target(0.95, at_most=False)


def measure(rounds: int, slices: int = SLICES) -> list[Result]:
    """Measure it, over each kind of channel.

    Args:
        rounds: how many rounds count.
        slices: how often a side gets its turn in a round.
    """
    return [_measure(rounds, slices, tls=tls) for tls in CHANNELS]


def _measure(rounds: int, slices: int, *, tls: bool) -> Result:
    with ExitStack() as stack:
        joblet = stack.enter_context(FakeJoblet(tls=tls))
        script = joblet.programs.on("talk")
        for _ in range(MESSAGES):
            script.prints(LINE)
        job_id = joblet.rpc("RunJob", command="talk").job_uuid
        path = wire.path("GetJobLogs")
        request = wire.request("GetJobLogs", uuid=job_id)
        fake = joblet.channel()
        answers = wire.streamed(fake, "GetJobLogs", request)

        def bare_channel() -> grpc.Channel:
            server = stack.enter_context(Bare({path: answers}, tls=tls))
            return stack.enter_context(open_channel(server.address, tls=tls))

        bare, control = bare_channel(), bare_channel()

        def read(channel: grpc.Channel) -> float:
            return seconds_of_stream(channel, path, request, MESSAGES)

        times = alternate(
            lambda: read(bare), lambda: read(fake), lambda: read(control), rounds, slices
        )
        return compare(
            "GetJobLogs, one reader",
            times,
            RATE,
            over=CHANNELS[tls],
            bare=f"{MESSAGES * slices / times.middle_of_bare:,.0f} messages/s",
            target=TARGET,
        )
