"""(l) StreamSystemMetrics, read by one client while the clock is moved on."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Final

from benchmarks import wire
from benchmarks.bare import CHANNELS, Bare, open_channel
from benchmarks.harness import RATE, Target, alternate, compare
from benchmarks.work import DEADLINE, stream
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from benchmarks.harness import Result

MESSAGES: Final = 500
SLICES: Final = 4
"""How often a side gets its turn in a round."""

TARGET: Final = Target(0.90, at_most=False)


def measure(rounds: int, slices: int = SLICES, messages: int = MESSAGES) -> list[Result]:
    """Measure it, over each kind of channel.

    Args:
        rounds: how many rounds count.
        slices: how often a side gets its turn in a round.
        messages: how many messages a turn reads.
    """
    return [_measure(rounds, slices, messages, tls=tls) for tls in CHANNELS]


def _measure(rounds: int, slices: int, messages: int, *, tls: bool) -> Result:
    with ExitStack() as stack:
        joblet = stack.enter_context(FakeJoblet(tls=tls, clock="frozen"))
        path = wire.path("StreamSystemMetrics")
        request = wire.request("StreamSystemMetrics", interval_seconds=1)
        fake = joblet.channel()

        def advance() -> None:
            joblet.clock.advance(messages - 1)

        answers = _read(fake, path, request, messages, advance)[1]

        def bare_channel() -> grpc.Channel:
            server = stack.enter_context(Bare({path: answers}, tls=tls))
            return stack.enter_context(open_channel(server.address, tls=tls))

        bare, control = bare_channel(), bare_channel()

        def seconds(channel: grpc.Channel, begun: Callable[[], None] = lambda: None) -> float:
            return _read(channel, path, request, messages, begun)[0]

        times = alternate(
            lambda: seconds(bare),
            lambda: seconds(fake, advance),
            lambda: seconds(control),
            rounds,
            slices,
        )
        return compare(
            "StreamSystemMetrics, one reader",
            times,
            RATE,
            over=CHANNELS[tls],
            bare=f"{messages * slices / times.middle_of_bare:,.0f} messages/s",
            target=TARGET,
        )


def _read(
    channel: grpc.Channel, path: str, request: bytes, messages: int, begun: Callable[[], None]
) -> tuple[float, list[bytes]]:
    """Read messages, the first of which comes by itself; give the seconds, and the messages.

    Raises:
        RuntimeError: fewer came.
    """
    start = time.perf_counter()
    call = stream(channel, path)(request, timeout=DEADLINE)
    came = [next(call)]
    begun()
    came += islice(call, messages - 1)
    taken = time.perf_counter() - start
    call.cancel()
    if len(came) != messages:
        raise RuntimeError(f"{path}: {len(came)} messages of {messages}")
    return taken, came
