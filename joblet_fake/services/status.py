"""The error that a client gets: a gRPC code by name, and its text."""

from __future__ import annotations

from typing import Final

CODES: Final = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
"""The names of gRPC's codes, each at the place of its number."""


class StatusError(Exception):
    """A call ends with a code other than OK.

    Args:
        code: the code's name.
        details: the text beside it.
        trailers: trailing metadata; a real server sends none (SRV-07).
    """

    def __init__(
        self,
        code: str,
        details: str,
        trailers: tuple[tuple[str, str | bytes], ...] = (),
    ) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details
        self.trailers = trailers
