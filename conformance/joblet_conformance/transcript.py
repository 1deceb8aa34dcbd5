"""What was said between a case and a target, step by step, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from joblet_conformance.plain import Plain


@dataclass(slots=True)
class Step:
    """One call and all that came back.

    Attributes:
        method: its key, such as `"JobService.RunJob"`, or the path of a method that is none.
        role: whose certificate the client showed; `"none"` for no certificate.
        request: the request's fields; for bytes that are no message, those bytes.
        messages: the messages that came, in order.
        code: the gRPC code's name; `"open"` if the case left a stream before its end.
        details: the text beside the code.
        metadata: initial and trailing metadata of the server's own, which is none on real ones.
        seconds: how long it took on the target's clock.
    """

    method: str
    role: str
    request: Plain
    messages: list[Plain] = field(default_factory=list)
    code: str = "open"
    details: str = ""
    metadata: list[list[str]] = field(default_factory=list)
    seconds: float = 0.0

    def plain(self) -> dict[str, Plain]:
        """Give the step as plain data."""
        return {
            "method": self.method,
            "role": self.role,
            "request": self.request,
            "messages": self.messages,
            "code": self.code,
            "details": self.details,
            "metadata": self.metadata,
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """Read a step from plain data.

        Raises:
            TypeError: a key is missing, or is none of a step's.
        """
        return cls(**data)


@dataclass(slots=True)
class Transcript:
    """The steps of one run of a case, and the expectations of facts that did not hold."""

    case: str
    steps: list[Step] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    error: str = ""

    def plain(self) -> list[dict[str, Plain]]:
        """Give the steps as plain data."""
        return [step.plain() for step in self.steps]
