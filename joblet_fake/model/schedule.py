"""When a scheduled job is due."""

from __future__ import annotations

from dataclasses import dataclass

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.gotime import TimeParseError, parse_rfc3339


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


def parse_schedule(text: str) -> Schedule:
    """Read RunJob's schedule: RFC 3339 and nothing else (JOB-RUN-40).

    Raises:
        Refusal: with Go's text (JOB-RUN-41).

    >>> parse_schedule("2026-01-01T02:00:00+02:00").echo
    '2026-01-01T02:00:00+02:00'
    """
    try:
        when_ns, echo = parse_rfc3339(text)
    except TimeParseError as error:
        raise Refusal(Kind.INTERNAL, f"invalid schedule format: {error}") from None
    return Schedule(when_ns, echo)
