"""A bare connection to a target: TLS as a case wants it, and HTTP/2 frame by frame.

What gRPC's own client never does, a case does with this: offer an old TLS version or no ALPN, look
at the settings that a server sends, ping too often.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    from joblet_conformance.target import Pem, Target

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD: Final = struct.Struct(">BHBBI")
SETTINGS, PING, GOAWAY = 4, 6, 7
ACK: Final = 1
SETTING_NAMES: Final = {
    1: "HEADER_TABLE_SIZE",
    2: "ENABLE_PUSH",
    3: "MAX_CONCURRENT_STREAMS",
    4: "INITIAL_WINDOW_SIZE",
    5: "MAX_FRAME_SIZE",
    6: "MAX_HEADER_LIST_SIZE",
}
VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True)
class Frame:
    """One HTTP/2 frame.

    Attributes:
        kind: its type.
        flags: its flags.
        payload: what it carries.
    """

    kind: int
    flags: int
    payload: bytes

    @property
    def settings(self) -> dict[str, int]:
        """The settings that a SETTINGS frame tells; those without a name by their number."""
        pairs = struct.iter_unpack(">HI", self.payload)
        return {SETTING_NAMES.get(key, str(key)): value for key, value in pairs}


class Connection:
    """A connection to a target's core port; made by `connect`.

    Args:
        stream: the open socket.
    """

    def __init__(self, stream: ssl.SSLSocket) -> None:
        self._stream = stream
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.close()

    @property
    def version(self) -> str:
        """The version of TLS that was agreed on."""
        return self._stream.version() or ""

    @property
    def protocol(self) -> str:
        """The protocol that was agreed on by ALPN; empty if none was."""
        return self._stream.selected_alpn_protocol() or ""

    @property
    def names(self) -> set[str]:
        """The names and addresses in the server's certificate."""
        told = self._stream.getpeercert() or {}
        return {str(pair[1]) for pair in told.get("subjectAltName", ())}

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._stream.sendall(data)

    def frame(self, kind: int, flags: int = 0, payload: bytes = b"") -> None:
        """Send a frame of the connection itself."""
        size = len(payload)
        self.send(HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, 0) + payload)

    def frames(self, seconds: float, until: int | None = None) -> tuple[list[Frame], bool]:
        """Give the frames that come, and whether the connection's end came too.

        Args:
            seconds: real seconds to wait at most.
            until: the type of a frame with which to stop waiting.

        Raises:
            ssl.SSLError: an alert came.
        """
        end = time.monotonic() + seconds
        found: list[Frame] = []
        ended = False
        while not ended and (left := end - time.monotonic()) > 0:
            self._stream.settimeout(left)
            try:
                data = self._stream.recv(65_536)
            except TimeoutError:
                break
            except ConnectionError:
                data = b""
            ended = not data
            self._read += data
            found += self._whole()
            if any(frame.kind == until for frame in found):
                break
        return found, ended

    def _whole(self) -> list[Frame]:
        """Take the frames that are there as a whole."""
        found = []
        while len(self._read) >= HEAD.size:
            high, low, kind, flags, _stream = HEAD.unpack_from(self._read)
            end = HEAD.size + (high << 16 | low)
            if len(self._read) < end:
                break
            found.append(Frame(kind, flags, self._read[HEAD.size : end]))
            self._read = self._read[end:]
        return found


def connect(
    target: Target,
    role: str = "admin",
    *,
    version: str = "1.3",
    protocols: tuple[str, ...] = ("h2",),
    name: str = "joblet",
    seconds: float = 5,
) -> Connection:
    """Connect to a target's core port.

    Args:
        target: which.
        role: whose certificate to show.
        version: the only version of TLS that is offered, a key of `VERSIONS`.
        protocols: what is offered by ALPN.
        name: the name that the server's certificate must have.
        seconds: real seconds to wait at most, each time.

    Raises:
        ssl.SSLError: the handshake fails.
        OSError: nothing listens, or the connection is cut.
    """
    host, _, port = target.address.rpartition(":")
    context = _context(target.pem(role))
    context.minimum_version = context.maximum_version = VERSIONS[version]
    if protocols:
        context.set_alpn_protocols(list(protocols))
    plain = socket.create_connection((host, int(port)), seconds)
    try:
        return Connection(context.wrap_socket(plain, server_hostname=name))
    except BaseException:
        plain.close()
        raise


def _context(pem: Pem) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem.ca.decode())
    if pem.cert:
        # The standard library takes a client's certificate from a file alone.
        with tempfile.NamedTemporaryFile(suffix=".pem", delete=False) as file:
            file.write(pem.key + b"\n" + pem.cert)
        try:
            context.load_cert_chain(file.name)
        finally:
            with contextlib.suppress(OSError):
                Path(file.name).unlink()
    return context
