from __future__ import annotations

from fractions import Fraction

import pytest

from joblet_fake.model import Kind, Refusal
from joblet_fake.model.schedule import parse_schedule

SECOND = 1_767_225_600
"""2026-01-01T00:00:00Z."""


@pytest.mark.parametrize(
    ("text", "when", "echo"),
    [
        ("2026-01-01T00:00:00Z", SECOND, "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00+00:00", SECOND, "2026-01-01T00:00:00Z"),
        ("2026-01-01T02:00:00+02:00", SECOND, "2026-01-01T02:00:00+02:00"),
        ("2025-12-31T12:30:00-11:30", SECOND, "2025-12-31T12:30:00-11:30"),
        ("2026-01-01T00:00:00.5Z", SECOND + Fraction(1, 2), "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00,25Z", SECOND + Fraction(1, 4), "2026-01-01T00:00:00Z"),
    ],
)
def test_the_echo_keeps_the_offset_and_drops_the_fraction(
    text: str, when: Fraction, echo: str
) -> None:
    """JOB-RUN-40, JOB-STA-05."""
    schedule = parse_schedule(text)
    assert (schedule.when_ns, schedule.echo) == (when * 10**9, echo)


@pytest.mark.parametrize("text", ["10s", "1h", "now", "2026-01-01t00:00:00z", "x" * 10_000, "\0"])
def test_anything_else_is_refused_in_gos_words(text: str) -> None:
    """JOB-RUN-40, JOB-RUN-41: INTERNAL."""
    with pytest.raises(Refusal, match=r"^invalid schedule format: parsing time \"") as caught:
        parse_schedule(text)
    assert caught.value.kind is Kind.INTERNAL
