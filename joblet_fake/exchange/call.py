"""One call of the journal: who asked what, and how it was answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from google.protobuf.message import DecodeError as ProtobufError

from joblet_fake.clock import EPOCH
from joblet_fake.exchange import telling
from joblet_fake.exchange.harm import harm

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from joblet_fake.wire import Method

Metadata = tuple[tuple[str, str | bytes], ...]

INSIDE: Final = ("joblet-fake-inside", "1")
"""What `joblet.rpc` sends along from inside of a program; the journal does not show it."""

FRAMES_KEPT: Final = 100
"""How many messages of an answer are kept, the first ones; the others are counted."""

BYTES_KEPT: Final = 1024 * 1024
"""How many bytes of an answer's messages are kept at most."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of a call.

    Attributes:
        direction: `"in"` for the request, `"out"` for what was sent.
        at: the clock's time at which it came or went.
        data: its bytes.
        message: the message, with its fields by their newest names; None if it is none.
    """

    direction: Literal["in", "out"]
    at: datetime
    data: bytes
    message: Any


def _moment(nanos: int) -> datetime:
    return EPOCH + timedelta(microseconds=nanos // 1000)


@dataclass(slots=True, eq=False)
class Call:
    """One call: who asked what, and how it was answered.

    Attributes:
        method: the method's key, such as `"JobService.RunJob"`, or the path of an unknown one.
        role: the caller's role.
        request_bytes: the request as it came.
        started_ns: the clock's time at which it came, nanoseconds since 1970.
        shape: the method; None for an unknown one.
        metadata: what the caller sent beside the request, as pairs.
        peer: where the caller is, as gRPC writes it, such as `"ipv4:127.0.0.1:40312"`.
        deadline: real seconds that the caller gave the call; None for no deadline.
        ended_ns: the clock's time at which it was answered; None while it is open.
        code: the gRPC code's name; None while it is open.
        details: the text beside the code.
        inside: whether a program of the test made it, by `joblet.rpc`.
        following: whether it is a stream that waits for what is to come.
        sent: how many messages were sent.
        fault: the fault rule that hit it, as it was written; "" if none did.
        counted: how many bytes of it the journal has counted; None once it was dropped.

    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet() as joblet:
    ...     _ = joblet.rpc("RunJob", command="echo", args=["hi"], role="admin")
    ...     call = joblet.calls.last()
    >>> call.method, call.code, call.role, call.request.args, call.sent
    ('JobService.RunJob', 'OK', 'admin', ['hi'], 1)
    """

    method: str
    role: str
    request_bytes: bytes
    started_ns: int
    shape: Method | None = None
    metadata: Metadata = ()
    peer: str = ""
    deadline: float | None = None
    ended_ns: int | None = None
    code: str | None = None
    details: str = ""
    inside: bool = False
    following: bool = False
    sent: int = 0
    fault: str = ""
    counted: int | None = field(default=0, repr=False)
    _kept: list[tuple[int, bytes]] = field(default_factory=list, repr=False)
    _kept_bytes: int = field(default=0, repr=False)

    def __str__(self) -> str:
        return telling.line(self)

    def line(self, hide: Callable[[str], str] = str) -> str:
        """Give it in one line for a person, as `str` does.

        Args:
            hide: masks what is secret in a text, before it is cut: `joblet.masks()` gives one.
        """
        return telling.line(self, hide)

    def whole(self, hide: Callable[[str], str] = str) -> str:
        """Give all that is known of it for a person: metadata, each message with its time.

        Secret variables are masked, and metadata that says who the caller is; of uploads only the
        sizes are shown.

        Args:
            hide: masks what is secret elsewhere: `joblet.masks()` gives one.
        """
        return telling.whole(self, hide)

    @property
    def harm(self) -> str:
        """What it would have done to a real server, while it harms nothing here; "" if nothing."""
        return harm(self)

    def note(self, message: bytes, now_ns: int) -> None:
        """Note a message that was sent."""
        self.sent += 1
        if self.sent <= FRAMES_KEPT and self._kept_bytes + len(message) <= BYTES_KEPT:
            self._kept.append((now_ns, message))
            self._kept_bytes += len(message)

    @property
    def size(self) -> int:
        """How many bytes of messages are kept of it."""
        return len(self.request_bytes) + self._kept_bytes

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
    def responses(self) -> list[Any]:
        """The messages that were sent, as many as were kept."""
        return [frame.message for frame in self.frames if frame.direction == "out"]

    @property
    def frames(self) -> list[Frame]:
        """The request and the first messages that were sent, each with its time.

        At most 100 messages and 1 MiB of an answer are kept; `sent` counts all of them.
        """
        asked = Frame("in", self.started, self.request_bytes, self.request)
        return [
            asked,
            *(Frame("out", _moment(at), data, self._response(data)) for at, data in self._kept),
        ]

    def _response(self, data: bytes) -> Any:  # noqa: ANN401 - a run-time message class
        if self.shape is None:
            return None
        try:
            return self.shape.decode_response(data)
        except ProtobufError:
            return None  # a fault has made it none

    @property
    def started(self) -> datetime:
        """The clock's time at which it came."""
        return _moment(self.started_ns)

    @property
    def ended(self) -> datetime | None:
        """The clock's time at which it was answered; None while it is open."""
        return None if self.ended_ns is None else _moment(self.ended_ns)

    @property
    def duration(self) -> float | None:
        """How long the answer took, in clock seconds; None while the call is open."""
        return None if self.ended_ns is None else (self.ended_ns - self.started_ns) / 1e9
