"""The journal: every call that reached a server, in the order in which they came."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.clock import EPOCH
from joblet_fake.exchange.waiting import wait_until, wait_until_async

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from joblet_fake.wire import Api, Method

Metadata = tuple[tuple[str, str | bytes], ...]

CALLS_KEPT: Final = 10_000
FRAMES_KEPT: Final = 100


@dataclass(slots=True)
class Call:
    """One call: who asked what, and how it was answered.

    Attributes:
        method: the method's key, such as `"JobService.RunJob"`, or the path of an unknown one.
        role: the caller's role.
        request_bytes: the request as it came.
        started_ns: the clock's time at which it came, nanoseconds since 1970.
        shape: the method; None for an unknown one.
        metadata: what the caller sent beside the request, as pairs.
        ended_ns: the clock's time at which it was answered; None while it is open.
        code: the gRPC code's name; None while it is open.
        details: the text beside the code.
        frames: the first messages that were sent, as bytes; `sent` counts all of them.
        sent: how many messages were sent.
        fault: the fault rule that hit it, as it was written; "" if none did.
    """

    method: str
    role: str
    request_bytes: bytes
    started_ns: int
    shape: Method | None = None
    metadata: Metadata = ()
    ended_ns: int | None = None
    code: str | None = None
    details: str = ""
    frames: list[bytes] = field(default_factory=list)
    sent: int = 0
    fault: str = ""

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
    def started(self) -> datetime:
        """The clock's time at which it came."""
        return EPOCH + timedelta(microseconds=self.started_ns // 1000)

    @property
    def ended(self) -> datetime | None:
        """The clock's time at which it was answered; None while it is open."""
        if self.ended_ns is None:
            return None
        return EPOCH + timedelta(microseconds=self.ended_ns // 1000)

    @property
    def duration(self) -> float | None:
        """How long the answer took, in clock seconds; None while the call is open."""
        return None if self.ended_ns is None else (self.ended_ns - self.started_ns) / 1e9


class Calls:
    """The calls of one server, oldest first; the newest 10,000 are kept, the others counted.

    Args:
        api: the wire version, which knows the methods' names.
        check: raises where waiting would be for ever.

    Attributes:
        dropped: how many calls were too old to be kept.
        on_end: told of every call that was answered, on the server's own thread.
    """

    def __init__(self, api: Api, check: Callable[[], None] = lambda: None) -> None:
        self._api = api
        self._check = check
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._watchers: dict[Callable[[], None], None] = {}
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
            RuntimeError: called on the fake's own thread, which could not go on.
        """
        key = self._api.method(method).key
        self._check()
        if not wait_until(lambda: len(self._answered(key)) >= n, self._watch, timeout):
            raise self._too_few(key, n, timeout)
        return self._answered(key)

    async def wait_for_async(self, method: str, n: int = 1, timeout: float = 5) -> list[Call]:  # noqa: ASYNC109 - as its twin
        """Wait like `wait_for`, without blocking the event loop."""
        key = self._api.method(method).key
        self._check()
        if not await wait_until_async(lambda: len(self._answered(key)) >= n, self._watch, timeout):
            raise self._too_few(key, n, timeout)
        return self._answered(key)

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
        call.ended_ns = now_ns
        call.code = code
        call.details = details
        if self.on_end is not None:
            self.on_end(call)
        if self._watchers:
            for told in tuple(self._watchers):
                told()

    def _watch(self, told: Callable[[], None]) -> Callable[[], object]:
        self._watchers[told] = None
        return lambda: self._watchers.pop(told, None)

    def _answered(self, key: str) -> list[Call]:
        return [call for call in self if call.method == key and call.code is not None]

    def _too_few(self, key: str, n: int, timeout: float) -> TimeoutError:
        seen = Counter((call.method, call.code or "open") for call in self)
        calls = ", ".join(
            f"{method} ({code}{f', {count} times' if count > 1 else ''})"
            for (method, code), count in seen.items()
        )
        return TimeoutError(
            f"{len(self._answered(key))} of {n} calls to {key} answered after {timeout:g} s; "
            f"calls so far: {calls or 'none'}",
        )
