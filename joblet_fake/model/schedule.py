"""When a scheduled job is due."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.gotime import TimeParseError, parse_rfc3339, rfc3339

NANOS: Final = 1_000_000_000

UNITS: Final = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86_400}
"""The units of a relative schedule, in seconds."""

PART: Final = re.compile(r"([0-9]{1,9})([a-z]+)")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job's due time.

    Attributes:
        when_ns: nanoseconds since 1970.
        echo: how status and list show it: the sender's offset kept, sub-seconds dropped
            (JOB-STA-05).
    """

    when_ns: int
    echo: str


def parse_schedule(text: str, now_ns: int | None = None) -> Schedule:
    """Read RunJob's schedule: RFC 3339 and nothing else (JOB-RUN-40).

    Args:
        text: the schedule, as it was sent.
        now_ns: nanoseconds since 1970, if documented forms such as `1h30m` are to be read too
            (DOC-01): they mean so long from then.

    Raises:
        Refusal: with Go's text (JOB-RUN-41).

    >>> parse_schedule("2026-01-01T02:00:00+02:00").echo
    '2026-01-01T02:00:00+02:00'
    >>> parse_schedule("1h30m", now_ns=0).echo
    '1970-01-01T01:30:00Z'
    """
    length = None if now_ns is None else _length(text)
    if now_ns is not None and length is not None:
        return Schedule(now_ns + length * NANOS, rfc3339(now_ns + length * NANOS))
    try:
        when_ns, echo = parse_rfc3339(text)
    except TimeParseError as error:
        raise Refusal(Kind.INTERNAL, f"invalid schedule format: {error}") from None
    return Schedule(when_ns, echo)


def _length(text: str) -> int | None:
    """Give the seconds of a relative schedule; None for what is none."""
    parts = PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text or any(u not in UNITS for _, u in parts):
        return None
    return sum(int(number) * UNITS[unit] for number, unit in parts)
