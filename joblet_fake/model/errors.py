"""What the model refuses, in the real server's words, without the codes of the wire."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """Why something is refused; services turn it into a gRPC code, by call site."""

    INVALID = "invalid"
    NOT_FOUND = "not found"
    CONFLICT = "wrong state"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


class Refusal(Exception):  # noqa: N818 - a domain's no, which is no failure of the program
    """The model does not do what was asked.

    Args:
        kind: why.
        text: the core of the text that a client sees, without the call site's prefix.
    """

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
