from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model.gotime import TimeParseError, parse_rfc3339, rfc3339

NANOS = 10**9
TABLE = json.loads(Path(__file__).with_name("data").joinpath("gotime.json").read_text("utf-8"))
"""What Go itself answered: the seconds, the nanoseconds and the echo, or the error's text."""


def answer(text: str) -> dict[str, Any]:
    try:
        moment, echo = parse_rfc3339(text)
    except TimeParseError as error:
        return {"text": text, "error": str(error)}
    seconds, nanos = divmod(moment, NANOS)
    more = {"nanos": nanos} if nanos else {}
    return {"text": text, "unix": seconds, **more, "echo": echo}


def test_every_answer_is_gos() -> None:
    """JOB-RUN-40, JOB-RUN-41: over 3,000 texts, most of them wrong somewhere."""
    different = [(row, got) for row in TABLE["rows"] if (got := answer(row["text"])) != row]
    assert different == []
    assert len(TABLE["rows"]) > 3000
    assert sum("echo" in row for row in TABLE["rows"]) > 500


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "10s",
            'parsing time "10s" as "2006-01-02T15:04:05Z07:00": cannot parse "10s" as "2006"',
        ),
        (
            "2025-01-01T00:00:00",
            (
                'parsing time "2025-01-01T00:00:00" as "2006-01-02T15:04:05Z07:00": '
                'cannot parse "" as "Z07:00"'
            ),
        ),
        ("2025-13-01T00:00:00Z", 'parsing time "2025-13-01T00:00:00Z": month out of range'),
    ],
)
def test_the_texts_that_were_seen(text: str, error: str) -> None:
    """JOB-RUN-41."""
    with pytest.raises(TimeParseError) as caught:
        parse_rfc3339(text)
    assert str(caught.value) == error


@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_with_any_offset_is_read_as_python_reads_it(shown: datetime, minutes: int) -> None:
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    offset = f"{sign}{size // 60:02}:{size % 60:02}"
    text = f"{shown.isoformat(timespec='microseconds')}{offset}"
    moment, echo = parse_rfc3339(text)
    utc = shown.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    assert moment == (utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert echo == f"{shown.isoformat(timespec='seconds')}{offset if minutes else 'Z'}"


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    got = answer(text)
    assert "error" in got or got["echo"]


@given(st.integers(0, 253_402_300_799 * NANOS))
def test_what_is_written_is_whole_seconds_in_utc(moment: int) -> None:
    """JOB-STA-05."""
    text = rfc3339(moment)
    assert parse_rfc3339(text) == (moment // NANOS * NANOS, text)
