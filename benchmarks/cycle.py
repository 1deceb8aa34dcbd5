"""(a) A fixture's whole cycle: start a pair, two channels, a call on each, close, stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from benchmarks import wire
from benchmarks.bare import CHANNELS, Bare, open_channel
from benchmarks.harness import TIME, Target, alternate, compare
from benchmarks.work import unary
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.harness import Result

SLICES: Final = 20
"""How many cycles a side does in a round."""

TARGET: Final = Target(1.10, at_most=True)


def measure(rounds: int, slices: int = SLICES) -> list[Result]:
    """Measure it, over each kind of channel.

    Args:
        rounds: how many rounds count.
        slices: how often a side gets its turn in a round.
    """
    return [_measure(rounds, slices, tls=tls) for tls in CHANNELS]


def _measure(rounds: int, slices: int, *, tls: bool) -> Result:
    core, persist = wire.path("ListJobs"), wire.path("Ping")
    with FakeJoblet(tls=tls) as joblet:
        listed = wire.answered(joblet.channel(), "ListJobs")
        pong = wire.answered(joblet.persist_channel(), "Ping")

    def fake() -> None:
        with FakeJoblet(tls=tls) as joblet:
            unary(joblet.channel(), core)(b"")
            unary(joblet.persist_channel(), persist)(b"")

    def bare() -> None:
        with Bare({core: listed}, {persist: pong}, tls=tls) as server:
            channels = (
                open_channel(server.address, tls=tls),
                open_channel(server.persist_address, tls=tls),
            )
            unary(channels[0], core)(b"")
            unary(channels[1], persist)(b"")
            for channel in channels:
                channel.close()

    def seconds(cycle: Callable[[], None]) -> float:
        start = time.perf_counter()
        cycle()
        return time.perf_counter() - start

    times = alternate(
        lambda: seconds(bare), lambda: seconds(fake), lambda: seconds(bare), rounds, slices
    )
    each = times.middle_of_bare / slices
    return compare(
        "fixture cycle",
        times,
        TIME,
        over=CHANNELS[tls],
        bare=f"{each * 1e3:.2f} ms",
        target=TARGET,
    )
