"""(g) GetJobStatus while very many fault rules wait, over a fake without any."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks import wire
from benchmarks.bare import CHANNELS
from benchmarks.harness import RATE, Target, alternate, compare
from benchmarks.work import seconds_of_calls
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    import grpc

    from benchmarks.harness import Result

MANY: Final = 1000
CALLS: Final = 50
SLICES: Final = 8

TARGET: Final = Target(0.9, at_most=False)


def _of_other_methods(joblet: FakeJoblet, many: int) -> None:
    for _ in range(many):
        joblet.faults.on("RunJob").fail("UNAVAILABLE")


def _of_the_method(joblet: FakeJoblet, many: int) -> None:
    for number in range(many):
        joblet.faults.on("GetJobStatus").skip(10**9 + number).fail("UNAVAILABLE")


def measure(rounds: int, slices: int = SLICES, many: int = MANY) -> list[Result]:
    """Measure it, in plaintext; the bare side is a fake without rules.

    Args:
        rounds: how many rounds count.
        slices: how often a side gets its turn in a round.
        many: how many rules wait.
    """
    with ExitStack() as stack:

        def client(joblet: FakeJoblet) -> grpc.Channel:
            stack.enter_context(joblet)
            job_id = joblet.rpc("RunJob", command="echo").job_uuid
            requests[joblet] = [wire.request("GetJobStatus", uuid=job_id)] * CALLS
            return joblet.channel()

        requests: dict[FakeJoblet, list[bytes]] = {}
        path = wire.path("GetJobStatus")
        sides = [FakeJoblet(tls=False) for _ in range(4)]
        few, others, own, control = (
            partial(seconds_of_calls, client(joblet), path, requests[joblet]) for joblet in sides
        )
        _of_other_methods(sides[1], many)
        _of_the_method(sides[2], many)
        results = []
        for what, full in (("other methods'", others), ("its own", own)):
            times = alternate(few, full, control, rounds, slices)
            results.append(
                compare(
                    f"GetJobStatus, {many:,} fault rules, {what}",
                    times,
                    RATE,
                    over=f"{CHANNELS[False]}, over none",
                    bare=f"{CALLS * slices / times.middle_of_bare:,.0f} calls/s",
                    target=TARGET,
                ),
            )
        return results
