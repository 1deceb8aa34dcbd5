"""The pair of listening servers, core and persist."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Final

import grpc

from joblet_fake.server import fork
from joblet_fake.server.port import Port

if TYPE_CHECKING:
    from joblet_fake.server.backend import Backend

HOST: Final = "127.0.0.1"
"""Where everything listens unless told otherwise: a fake is for this machine alone."""

GRACE: Final = 0.1
"""Real seconds that connections get to close; streams have ended themselves before."""

OPTIONS: Final = (
    # Two fakes must never share a port in silence.
    ("grpc.so_reuseport", 0),
    # The exchange has the limit, with the real server's text (SRV-03).
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 16 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 1000),
    # Keepalive as on the real server (SRV-05): clients may ping every 5 s, also without a call.
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.server_handshake_timeout_ms", 10_000),
)


class PortError(OSError):
    """A port that was asked for can't be listened on."""


def is_loopback(host: str) -> bool:
    """Tell whether an address is one of this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Server:
    """A started pair of ports.

    Args:
        backend: what they serve.
        credentials: how they listen; None for plaintext.
        host: the address that they listen on.
    """

    def __init__(
        self,
        backend: Backend,
        credentials: grpc.ServerCredentials | None,
        host: str = HOST,
    ) -> None:
        self.host = host
        self.backend = backend
        self.core_port = 0
        self.persist_port = 0
        self._credentials = credentials
        self._servers: list[grpc.aio.Server] = []

    async def start(self, core_port: int, persist_port: int) -> None:
        """Listen.

        Args:
            core_port: the port of the five services; 0 for any free one.
            persist_port: the port of PersistService; 0 for any free one.

        Raises:
            PortError: a port is taken or not allowed; the message says which.
        """
        try:
            self.core_port = await self._listen(core_port, persist=False)
            self.persist_port = await self._listen(persist_port, persist=True)
        except BaseException:
            await self.stop()
            raise

    async def _listen(self, port: int, *, persist: bool) -> int:
        server = grpc.aio.server(
            handlers=(Port(self.backend, persist=persist, tls=self._credentials is not None),),
            options=OPTIONS,
        )
        address = f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"
        try:
            if self._credentials is None:
                bound = server.add_insecure_port(address)
            else:
                bound = server.add_secure_port(address, self._credentials)
        except RuntimeError:
            bound = 0
        if not bound:
            await server.stop(None)
            name, option = ("persist", "persist_port") if persist else ("core", "core_port")
            flag = "--persist-port" if persist else "--port"
            raise PortError(
                f"the {name} port can't listen on {address}: another program may use it; "
                f"choose another with {option}= (command line: {flag}), or 0 for any free one",
            )
        self._servers.append(server)
        fork.ports.add(bound)
        await server.start()
        return bound

    async def stop(self) -> None:
        """End open calls, then close the ports."""
        self.backend.close()
        # Streams end themselves first: then a stop is quick and prints nothing.
        await asyncio.sleep(0)
        await asyncio.gather(*(server.stop(GRACE) for server in self._servers))
        self._servers.clear()
        fork.ports.difference_update((self.core_port, self.persist_port))
