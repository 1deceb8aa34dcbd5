"""The journal: every call that reached a server, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joblet_fake.wire import Api, Method

CALLS_KEPT: Final = 10_000
FRAMES_KEPT: Final = 100


@dataclass(slots=True)
class Call:
    """One call: who asked what, and how it was answered.

    Attributes:
        method: the method's key, such as `"JobService.RunJob"`, or the path of an unknown one.
        role: the caller's role.
        request_bytes: the request as it came.
        started: the clock's time at which it came, nanoseconds since 1970.
        ended: the clock's time at which it was answered; None while it is open.
        code: the gRPC code's name; None while it is open.
        details: the text beside the code.
        frames: the first messages that were sent, as bytes; `sent` counts all of them.
        sent: how many messages were sent.
    """

    method: str
    role: str
    request_bytes: bytes
    started: int
    shape: Method | None = None
    ended: int | None = None
    code: str | None = None
    details: str = ""
    frames: list[bytes] = field(default_factory=list)
    sent: int = 0

    def note(self, message: bytes) -> None:
        """Note a message that was sent."""
        self.sent += 1
        if self.sent <= FRAMES_KEPT:
            self.frames.append(message)

    @property
    def request(self) -> Any:  # noqa: ANN401 - a run-time message class
        """The request's message, with its fields by their newest names; None if it is none."""
        if self.shape is None:
            return None
        try:
            return self.shape.decode(self.request_bytes)
        except ValueError:
            return None

    @property
    def duration(self) -> float | None:
        """How long the answer took, in clock seconds; None while the call is open."""
        return None if self.ended is None else (self.ended - self.started) / 1e9


class Calls:
    """The calls of one server, oldest first; the newest 10,000 are kept, the others counted."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._came = threading.Condition()
        self._waiting = 0
        self.dropped = 0
        self.on_end: Callable[[Call], None] | None = None

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, place: int) -> Call:
        return self._calls[place]

    def to(self, method: str) -> list[Call]:
        """Give the calls of one method.

        Args:
            method: its name; a short one where that is unique.

        Raises:
            ValueError: no method, or more than one, has that name.
        """
        key = self._api.method(method).key
        return [call for call in self if call.method == key]

    def where(self, predicate: Callable[[Call], object]) -> list[Call]:
        """Give the calls for which a predicate holds."""
        return [call for call in self if predicate(call)]

    def last(self) -> Call:
        """Give the newest call.

        Raises:
            LookupError: nobody has called yet.
        """
        if not self._calls:
            raise LookupError("no call has reached this server yet")
        return self._calls[-1]

    def wait_for(self, method: str, n: int = 1, timeout: float = 5) -> list[Call]:
        """Wait until a method has been called and answered.

        Args:
            method: its name; a short one where that is unique.
            n: how many answered calls to wait for.
            timeout: real seconds to wait at most.

        Returns:
            The answered calls of the method, at least `n`.

        Raises:
            TimeoutError: there were fewer; the message says what was called.
            ValueError: no method, or more than one, has that name.
        """
        self._api.method(method)

        def answered() -> list[Call]:
            return [call for call in self.to(method) if call.code is not None]

        with self._came:
            self._waiting += 1
            try:
                if self._came.wait_for(lambda: len(answered()) >= n, timeout):
                    return answered()
            finally:
                self._waiting -= 1
        seen = ", ".join(f"{call.method} ({call.code or 'open'})" for call in self) or "none"
        raise TimeoutError(
            f"{len(answered())} of {n} calls to {method} after {timeout:g} s; calls so far: {seen}",
        )

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()
        self.dropped = 0

    def add(self, call: Call) -> None:
        """Note a call that came."""
        if len(self._calls) == CALLS_KEPT:
            self.dropped += 1
        self._calls.append(call)

    def end(self, call: Call, now_ns: int, code: str, details: str = "") -> None:
        """Note how a call ended."""
        call.ended = now_ns
        call.code = code
        call.details = details
        if self.on_end is not None:
            self.on_end(call)
        if self._waiting:
            with self._came:
                self._came.notify_all()
