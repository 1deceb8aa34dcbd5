"""Moments as a test's author says them, and as the model counts them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import overload

from joblet_fake.clock import EPOCH


@overload
def to_moment(nanos: int) -> datetime: ...
@overload
def to_moment(nanos: None) -> None: ...
@overload
def to_moment(nanos: int | None) -> datetime | None: ...


def to_moment(nanos: int | None) -> datetime | None:
    """Give an aware datetime for nanoseconds since 1970; None for None.

    >>> to_moment(1_500_000_000).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    return None if nanos is None else EPOCH + timedelta(microseconds=nanos // 1000)


def to_nanos(moment: datetime) -> int:
    """Give nanoseconds since 1970 for an aware datetime.

    Raises:
        TypeError: it is no datetime.
        ValueError: it has no time zone.
    """
    given: object = moment
    if not isinstance(given, datetime):
        raise TypeError(f"{given!r}: give an aware datetime")
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone: give an aware datetime")
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
