"""What expectations of SDKs are made of: values like others, and what versions differ in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

Told = dict[str, dict[str, Any]]
"""By method and call, what it gives; an error is `Name: text`."""


class Like:
    """Equals every text that a pattern describes."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._pattern.fullmatch(other) is not None

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<like {self._pattern.pattern}>"


class Holding:
    """Equals every mapping that holds at least these."""

    def __init__(self, **held: object) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, dict)
            and self._held.items()
            <= {name: value for name, value in other.items() if name in self._held}.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<holding {self._held}>"


class Stream:
    """Equals every list that begins and ends with these."""

    def __init__(self, first: list[Any], last: list[Any]) -> None:
        self._first, self._last = first, last

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, list)
            and other[: len(self._first)] == self._first
            and other[-len(self._last) :] == self._last
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._first} and at last {self._last}>"


class Moment:
    """Equals every moment of the story, in whole seconds, as a number of some unit."""

    def __init__(self, unit: int) -> None:
        self._unit = unit

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int) or other % self._unit:
            return False
        return datetime.fromtimestamp(other // self._unit, UTC).date().isoformat() == "2026-01-01"

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<a moment in 1/{self._unit} s>"


SECONDS, NANOSECONDS = Moment(1), Moment(1_000_000_000)
UUID = Like(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = Like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Version:
    """What differs between versions, beside the methods that they have."""

    def __init__(self, text: str) -> None:
        self.text = text
        number = tuple(map(int, text.split(".")))
        # SDK-13: from 2.5.0 on there are errors of their own, and empty values are not sent.
        self.strict = number >= (2, 5)
        # SDK-30: it reads fields that its own messages do not have.
        self.broken = text == "2.5.2"
        self.workflows = number < (2, 2)
        # SDK-23: it asks PersistService itself, on its own port.
        self.persists = number < (2, 1, 1)
        self.installs = number < (2, 4)

    def empty(self, checked: str, sent: object) -> object:
        """Give what an empty value comes to: not sent at all from 2.5.0 on."""
        return f"ValidationError: {checked}" if self.strict else sent

    @property
    def operation(self) -> str:
        """The error of an operation on jobs."""
        return "JobOperationError" if self.strict else "JobNotFoundError"
