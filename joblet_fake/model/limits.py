"""Limits of a job: what is refused, what is silently dropped."""

from __future__ import annotations

import re
from typing import Final

from joblet_fake.model.errors import Kind, Refusal

HIGHEST_CPU: Final = 100
HIGHEST_SANE_CPU: Final = 10_000


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


def checked_cpu(max_cpu: int) -> int:
    """Give the CPU limit that a job gets (JOB-RUN-30, JOB-RUN-31).

    Args:
        max_cpu: percent; several cores' worth, such as 200, is refused whatever docs say.

    Returns:
        The limit; 0, which is none, for an absurdly high one.

    Raises:
        Refusal: it is above 100 and not absurdly high.

    >>> checked_cpu(50), checked_cpu(10_001)
    (50, 0)
    """
    if HIGHEST_CPU < max_cpu <= HIGHEST_SANE_CPU:
        raise Refusal(Kind.INVALID, "job creation failed: invalid CPU limit: must be between 0-100")
    return 0 if max_cpu > HIGHEST_SANE_CPU else max(max_cpu, 0)


def kept_cores(cpu_cores: str) -> str:
    """Give the cores that a job keeps: what was sent, or "" when it is malformed (JOB-RUN-32).

    >>> kept_cores("0-3"), kept_cores(" 0 , 2 "), kept_cores("0-3,5"), kept_cores("3-1")
    ('0-3', ' 0 , 2 ', '', '')
    """
    span = re.fullmatch(r"\s*\+?(\d+)\s*-\s*\+?(\d+)\s*", cpu_cores, re.ASCII)
    if span is not None:
        return cpu_cores if int(span[1]) <= int(span[2]) else ""
    numbers = []
    for part in cpu_cores.split(","):
        if not re.fullmatch(r"\s*\d+\s*", part, re.ASCII):
            return ""
        numbers.append(int(part))
    return cpu_cores if len(set(numbers)) == len(numbers) else ""
