"""What a call differs in from what a test expected: field by field, the nearest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.exchange.telling import short, shown_field
from joblet_fake.services import CODES
from joblet_fake.words import near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from joblet_fake.exchange.call import Call
    from joblet_fake.wire import Method

NEAREST: Final = 3
"""How many of the nearest calls a failed expectation shows."""

LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Expected:
    """What a test expects of a call.

    Args:
        shape: the method.
        fields: fields of the request, by their newest names; those not named may be anything.
        role: the caller's role; None for any.
        code: the code that it ended with; None for any, an open call too.
        roles: the roles that a caller can have.

    Raises:
        ValueError: a field that the request does not have, or a value that it can't have; a role
            or a code that there is not.
    """

    shape: Method
    fields: Mapping[str, object]
    role: str | None = None
    code: object = None
    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.shape.encode_request(self.fields)
        if self.role is not None and self.role not in self.roles:
            raise ValueError(
                f"role={self.role!r}: no caller has that role; {near(str(self.role), self.roles)}",
            )
        if self.code is not None and self.code not in CODES:
            raise ValueError(
                f"code={self.code!r}: there is no such code; {near(str(self.code), CODES)}"
            )

    def __str__(self) -> str:
        told = [f"{name}={shown(name, value)}" for name, value in self.fields.items()]
        told += [f"{name}={value!r}" for name, value in self._beside() if value is not None]
        return self.shape.key + (f" with {', '.join(told)}" if told else "")

    def differences(self, call: Call) -> list[str]:
        """Give what a call of the method differs in, a line each."""
        found = [
            f"{name}: expected {wanted!r}, was {was!r}"
            for (name, wanted), was in zip(self._beside(), (call.role, call.code), strict=True)
            if wanted is not None and wanted != was
        ]
        request = call.request
        if request is None:
            return [*found, "the request is no message"]
        wanted_message = self.shape.decode(self.shape.encode_request(self.fields))
        for name in self.fields:
            wanted, was = getattr(wanted_message, name), getattr(request, name)
            if wanted != was:
                found.append(f"{name}: expected {shown(name, wanted)}, was {shown(name, was)}")
        return found

    def _beside(self) -> tuple[tuple[str, object], ...]:
        return ("role", self.role), ("code", self.code)


def shown(name: str, value: Any) -> str:  # noqa: ANN401 - any field's value
    """Give a field's value for a person; a secret's stays hidden."""
    return short(repr(shown_field(name, value)), LONGEST)


def nearest(expected: Expected, calls: Iterable[tuple[int, Call]]) -> str:
    """Give the calls that differ least from what was expected, with what they differ in.

    Args:
        expected: what was expected.
        calls: calls of the method, each with its place in the journal.
    """
    differing = [(expected.differences(call), place, call) for place, call in calls]
    differing = [each for each in differing if each[0]]
    differing.sort(key=lambda each: (len(each[0]), -each[1]))
    lines = []
    for differences, place, call in differing[:NEAREST]:
        lines.append(f"  call {place}, {call.role}, {call.code or 'open'}:")
        lines += [f"    {difference}" for difference in differences]
    if not lines:
        return ""
    return "\n".join(["nearest:", *lines])
