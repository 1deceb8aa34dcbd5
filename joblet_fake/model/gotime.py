"""Times as a Go server writes and reads them: RFC 3339, and Go's words for what is wrong."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final

from joblet_fake.clock import EPOCH, NANOS

LAYOUT: Final = "2006-01-02T15:04:05Z07:00"
"""How Go writes the layout RFC 3339, which its errors quote."""

HOURS, MINUTES, MONTHS = 24, 60, 12
CONTROL, ASCII = 0x20, 0x80

# The elements of the layout in order: the text that must stand before, Go's name, and its form.
_ELEMENTS: Final = (
    ("", "2006", r"\d{4}"),
    ("-", "01", r"\d{2}"),
    ("-", "02", r"\d{2}"),
    # Go takes a single digit for the hour, here and nowhere else.
    ("T", "15", r"\d{1,2}"),
    (":", "04", r"\d{2}"),
    (":", "05", r"\d{2}"),
)


class TimeParseError(ValueError):
    """A text is no RFC 3339 time; the text of the error is Go's."""


def rfc3339(ns: int) -> str:
    """Write a moment as a server on UTC does: RFC 3339, whole seconds (JOB-STA-05).

    Args:
        ns: nanoseconds since 1970.

    >>> rfc3339(1_767_225_600_999_999_999)
    '2026-01-01T00:00:00Z'
    """
    return (EPOCH + timedelta(seconds=ns // NANOS)).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> tuple[int, str]:
    """Read a time as Go's `time.Parse(time.RFC3339, text)` does (JOB-RUN-40, JOB-RUN-41).

    Args:
        text: what a client sent.

    Returns:
        Nanoseconds since 1970, and the time as Go writes it back: whole seconds, the offset
        kept, `+00:00` become `Z`.

    Raises:
        TimeParseError: in Go's words.

    >>> parse_rfc3339("2026-01-01T01:00:00.5+01:00")
    (1767225600500000000, '2026-01-01T01:00:00+01:00')
    >>> parse_rfc3339("10s")
    Traceback (most recent call last):
    joblet_fake.model.gotime.TimeParseError: parsing time "10s" as "2006-01-02T15:04:05Z07:00": \
cannot parse "10s" as "2006"
    """
    rest = text
    values: list[int] = []
    for before, element, form in _ELEMENTS:
        rest = _literal(text, rest, before)
        rest, digits = _digits(text, rest, element, form)
        value = int(digits)
        _in_range(text, element, value)
        values.append(value)
    nanos = 0
    fraction = re.match(r"[.,]([0-9]+)", rest)
    if fraction is not None:
        digits = fraction[1]
        nanos = int(digits[:9].ljust(9, "0"))
        rest = rest[fraction.end() :]
    offset, rest = _zone(text, rest)
    if rest:
        raise TimeParseError(f"parsing time {_quote(text)}: extra text: {_quote(rest)}")
    year, month, day, hour, minute, second = values
    # Go knows the year 0 and judges its February as a leap year's; Python has no such year.
    if day < 1 or day > monthrange(year or 4, month)[1]:
        raise TimeParseError(f"parsing time {_quote(text)}: day out of range")
    shown = datetime(year or 4, month, day, hour, minute, second, tzinfo=UTC)
    moment = (shown - EPOCH) // timedelta(seconds=1) - offset
    if not year:
        moment -= (datetime(4, 1, 1, tzinfo=UTC) - datetime(1, 1, 1, tzinfo=UTC)).days * 86_400
        moment -= 366 * 86_400
    echo = f"{year:04}{shown:-%m-%dT%H:%M:%S}{_zone_echo(offset)}"
    return moment * NANOS + nanos, echo


def _literal(text: str, rest: str, before: str) -> str:
    if before and not rest.startswith(before):
        raise _cannot(text, rest, before)
    return rest[len(before) :]


def _digits(text: str, rest: str, element: str, form: str) -> tuple[str, str]:
    match = re.match(form, rest, re.ASCII)
    if match is None:
        raise _cannot(text, rest, element)
    return rest[match.end() :], match[0]


def _in_range(text: str, element: str, value: int) -> None:
    problem = {
        "01": "month out of range" if not 1 <= value <= MONTHS else "",
        "02": "",
        "15": "hour out of range" if value >= HOURS else "",
        "04": "minute out of range" if value >= MINUTES else "",
        "05": "second out of range" if value >= MINUTES else "",
    }.get(element, "")
    if problem:
        raise TimeParseError(f"parsing time {_quote(text)}: {problem}")


def _zone(text: str, rest: str) -> tuple[int, str]:
    if rest.startswith("Z"):
        return 0, rest[1:]
    # Go counts bytes here, and looks at the sign last.
    match = re.match(rb"(.)(\d{2}):(..)", rest.encode(), re.DOTALL)
    if match is None:
        raise _cannot(text, rest, "Z07:00")
    sign, hours = match[1], int(match[2])
    minutes = int(match[3]) if match[3].isdigit() else None
    # Go tells a value out of range before a form that is wrong, and the last such value.
    if minutes is not None and minutes > MINUTES:
        raise TimeParseError(f"parsing time {_quote(text)}: time zone offset minute out of range")
    if hours > HOURS:
        raise TimeParseError(f"parsing time {_quote(text)}: time zone offset hour out of range")
    if minutes is None or sign not in (b"+", b"-"):
        raise _cannot(text, rest, "Z07:00")
    offset = hours * 3600 + minutes * 60
    # All six bytes are ASCII by now, so they are six characters too.
    return (-offset if sign == b"-" else offset), rest[match.end() :]


def _zone_echo(offset: int) -> str:
    if not offset:
        return "Z"
    sign, minutes = ("-", -offset // 60) if offset < 0 else ("+", offset // 60)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"


def _cannot(text: str, rest: str, element: str) -> TimeParseError:
    return TimeParseError(
        f'parsing time {_quote(text)} as "{LAYOUT}": cannot parse {_quote(rest)} as "{element}"',
    )


def _quote(text: str) -> str:
    r"""Quote a text as Go's time package does: other than plain ASCII becomes `\\xNN`."""
    quoted = ['"']
    for character in text:
        if character in '"\\':
            quoted.append("\\" + character)
        elif CONTROL <= ord(character) < ASCII:
            quoted.append(character)
        else:
            quoted.extend(f"\\x{byte:02x}" for byte in character.encode())
    return "".join(quoted) + '"'
