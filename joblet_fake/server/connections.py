"""The connections that a port has accepted: found among the process's descriptors, and cut.

No relay stands between clients and the server. gRPC does not give its sockets away, but they are
descriptors of this process, and the system knows each one's peer: a duplicate of the right one is
enough to end the connection, and costs those that are left alone nothing.
"""

from __future__ import annotations

import ctypes
import os
import socket
import stat
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joblet_fake.server.fork import DESCRIPTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAPPED: Final = "::ffff:"
"""How an IPv6 socket shows an IPv4 peer."""

NOTHING: Final = struct.pack("=H14x", socket.AF_UNSPEC)
"""The address that a socket is connected to in order to be connected to nobody."""


class ConnectionsError(RuntimeError):
    """The system does not let a process look at its own connections."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A client's connection to one port of a fake.

    Attributes:
        peer: where the client is, as `host:port`.
        port: `"core"` or `"persist"`.
        number: that port's number.
        told: called with the peer before the connection is cut; what it gives is kept until then.
    """

    peer: str
    port: str
    number: int
    told: Callable[[str], object]

    def __repr__(self) -> str:
        return f"<connection from {self.peer} to {self.port}>"

    def drop(self) -> bool:
        """Close it, with all calls on it; tell whether it was still there."""
        return self._cut(_close)

    def reset(self) -> bool:
        """Reset it (TCP RST), with all calls on it; tell whether it was still there."""
        return self._cut(_reset)

    def _cut(self, how: Callable[[socket.socket], None]) -> bool:
        kept = self.told(self.peer)
        found = False
        for peer, end in _accepted(self.number):
            if peer == self.peer:
                found = True
                # Whoever closed it first did what was to be done.
                with suppress(OSError):
                    how(end)
        del kept
        return found


def connections(port: str, number: int, told: Callable[[str], object]) -> list[Connection]:
    """Give the connections that a port has.

    Args:
        port: `"core"` or `"persist"`.
        number: the port's number.
        told: called with the peer of each connection that is cut.

    Raises:
        ConnectionsError: the system does not let us see them.
    """
    peers = dict.fromkeys(peer for peer, _ in _accepted(number))
    return [Connection(peer, port, number, told) for peer in peers]


def peer_of(name: str) -> str:
    """Give a peer as `host:port`, from the name that gRPC has for it.

    >>> peer_of("ipv4:127.0.0.1:4711"), peer_of("ipv6:%5B::1%5D:4711")
    ('127.0.0.1:4711', '[::1]:4711')
    """
    return name.partition(":")[2].replace("%5B", "[").replace("%5D", "]")


def check_possible() -> None:
    """Refuse to cut connections on a system where that can't be done.

    Raises:
        ConnectionsError: it can't.
    """
    if not any(os.path.isdir(folder) for folder in DESCRIPTORS):  # noqa: PTH112 - as in fork
        raise ConnectionsError(
            "connections can't be cut on this system: it shows a process its own descriptors "
            f"neither in {' nor in '.join(DESCRIPTORS)}; .fail('UNAVAILABLE') ends calls",
        )


def _accepted(number: int) -> Iterator[tuple[str, socket.socket]]:
    """Give a duplicate of each accepted socket of a port; it is closed after its turn."""
    check_possible()
    folder = next(path for path in DESCRIPTORS if os.path.isdir(path))  # noqa: PTH112 - as above
    for name in os.listdir(folder):  # noqa: PTH208 - as above
        try:
            descriptor = os.dup(int(name))
        except OSError:
            continue  # closed meanwhile, or the folder's own
        try:
            known = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
            end = socket.socket(fileno=descriptor) if known else None
        except OSError:
            end = None
        if end is None:
            os.close(descriptor)
            continue
        with end:
            peer = _peer(end, number)
            if peer is not None:
                yield peer, end


def _peer(end: socket.socket, number: int) -> str | None:
    if end.family not in (socket.AF_INET, socket.AF_INET6) or end.type != socket.SOCK_STREAM:
        return None
    try:
        if end.getsockname()[1] != number:
            return None
        host, port = end.getpeername()[:2]
    except OSError:
        return None  # a listening socket, or one that is closed
    host = host.removeprefix(MAPPED)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _close(end: socket.socket) -> None:
    end.shutdown(socket.SHUT_RDWR)


def _reset(end: socket.socket) -> None:
    if sys.platform == "linux":
        # Linux takes a connected socket back to nothing, and tells the peer by a reset.
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.connect(end.fileno(), NOTHING, len(NOTHING)) == 0:
            return
    # Elsewhere the reset comes when gRPC closes its end, behind the end of the stream.
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.shutdown(socket.SHUT_RDWR)
