"""Limits of a job: what is refused, what is silently dropped."""

from __future__ import annotations

import re
from typing import Final

from joblet_fake.model.errors import Kind, Refusal

HIGHEST_CPU: Final = 100
HIGHEST_SANE_CPU: Final = 10_000
HIGHEST_NUMBER: Final = 2**63 - 1
"""The largest number that a Go int holds."""


def check_limits(max_cpu: int, max_memory: int, max_io_bps: int) -> None:
    """Refuse negative limits, in the real server's order (JOB-RUN-11).

    Args:
        max_cpu: percent.
        max_memory: MB.
        max_io_bps: bytes per second.

    Raises:
        Refusal: one is negative.
    """
    for name, value in (("maxCPU", max_cpu), ("maxMemory", max_memory), ("maxIOBPS", max_io_bps)):
        if value < 0:
            raise Refusal(
                Kind.INVALID,
                f"request validation failed: {name} cannot be negative",
            )


def checked_cpu(max_cpu: int, highest: int = HIGHEST_CPU) -> int:
    """Give the CPU limit that a job gets (JOB-RUN-30, JOB-RUN-31).

    Args:
        max_cpu: percent; several cores' worth, such as 200, is refused whatever docs say.
        highest: percent that are not refused.

    Returns:
        The limit; 0, which is none, for an absurdly high one.

    Raises:
        Refusal: it is above the highest and not absurdly high.

    >>> checked_cpu(50), checked_cpu(10_001)
    (50, 0)
    """
    if highest < max_cpu <= HIGHEST_SANE_CPU:
        raise Refusal(Kind.INVALID, "job creation failed: invalid CPU limit: must be between 0-100")
    return 0 if max_cpu > HIGHEST_SANE_CPU else max(max_cpu, 0)


def kept_cores(cpu_cores: str) -> str:
    """Give the cores that a job keeps: what was sent, or "" when it is malformed (JOB-RUN-32).

    Args:
        cpu_cores: one range, one number, or a list of distinct numbers.

    >>> kept_cores("0-3"), kept_cores(" 0 , 2 "), kept_cores("0-3,5"), kept_cores("3-1")
    ('0-3', ' 0 , 2 ', '', '')
    """
    if "-" in cpu_cores:
        span = [_number(part) for part in cpu_cores.split("-")]
        match span:
            case [int(first), int(last)] if first <= last:
                return cpu_cores
        return ""
    numbers = [_number(part) for part in cpu_cores.split(",")]
    distinct = None not in numbers and len(set(numbers)) == len(numbers)
    return cpu_cores if distinct else ""


def _number(text: str) -> int | None:
    """Read a number as Go's Atoi does, blanks around it left out; None when it is none."""
    match = re.fullmatch(r"\+?0*([0-9]{1,19})", text.strip())
    number = int(match[1]) if match else HIGHEST_NUMBER + 1
    return number if number <= HIGHEST_NUMBER else None
