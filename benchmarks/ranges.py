"""(j) QueryLogs of a small part of very many stored lines, over a read of all of them."""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks import wire
from benchmarks.bare import CHANNELS
from benchmarks.harness import RATE, Target, Times, compare
from benchmarks.history import MILLISECOND, fill
from benchmarks.work import seconds_of_stream
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from benchmarks.harness import Result

MANY: Final = 1_000_000
PART: Final = 1_000
ROUNDS: Final = 3
"""How many rounds there are at most: each reads everything twice."""

PATIENCE: Final = 300.0
"""Real seconds that a read of everything may take."""

SECOND: Final = 1_000 * MILLISECOND

TARGET: Final = Target(5.0, at_most=False)


def measure(rounds: int, many: int = MANY, part: int = PART) -> list[Result]:
    """Measure it, in plaintext; the value is how many times faster the part is there.

    Args:
        rounds: how many rounds count, at most `ROUNDS`.
        many: how many lines are stored; whole seconds of them.
        part: how many lines are read; a second of them.
    """
    with FakeJoblet(tls=False, clock="frozen") as joblet:
        uuid, start = fill(joblet, many)
        path, channel = wire.path("QueryLogs"), joblet.persist_channel()
        # The last of the whole seconds that stored times have (PER-32).
        last = start // SECOND * SECOND + (many // part - 1) * SECOND
        asked = {
            "time range": {"start_time": last, "end_time": last},
            "offset": {"offset": many - part},
        }
        everything = wire.request("QueryLogs", job_uuid=uuid)
        full = partial(seconds_of_stream, channel, path, everything, many, PATIENCE)
        some = {
            what: wire.request("QueryLogs", job_uuid=uuid, **fields)
            for what, fields in asked.items()
        }
        bare, control = [], []
        parts: dict[str, list[float]] = {what: [] for what in some}
        # By hand, and none for nothing: both kinds of part share the reads of everything.
        for _ in range(min(rounds, ROUNDS)):
            bare.append(full())
            for what, request in some.items():
                parts[what].append(seconds_of_stream(channel, path, request, part))
            control.append(full())
        return [
            compare(
                f"QueryLogs, {part:,} of {many:,} lines by {what}",
                Times(bare, seconds, control),
                RATE,
                over=f"{CHANNELS[False]}, over all lines",
                bare=f"{statistics.median(bare):.2f} s",
                target=TARGET,
            )
            for what, seconds in parts.items()
        ]
