"""One listening port: it listens, refuses connections, or lets its calls run out."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import grpc

from joblet_fake.server import fork
from joblet_fake.server.connections import ConnectionsError, connections
from joblet_fake.server.port import Port

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.server.backend import Backend
    from joblet_fake.server.connections import Connection

HOST: Final = "127.0.0.1"
"""Where everything listens unless told otherwise: a fake is for this machine alone."""

GRACE: Final = 0.1
"""Real seconds that connections get to close; streams have ended themselves before."""

AGAIN: Final = 0.005
"""Real seconds between two looks for connections that were made while a port was to refuse them."""

DRAIN: Final = 86_400.0
"""Real seconds that calls get to end by themselves on a port that drains."""

PINGS: Final = 5.0
"""Real seconds between a client's pings at least, on a real server (SRV-05)."""

OPTIONS: Final = (
    # Two fakes must never share a port in silence.
    ("grpc.so_reuseport", 0),
    # The exchange has the limit, with the real server's text (SRV-03).
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 16 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 1000),
    # Keepalive as on the real server (SRV-05).
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.server_handshake_timeout_ms", 10_000),
)


class PortError(OSError):
    """A port that was asked for can't be listened on."""


class Listener:
    """One port of a server; everything is done on the loop's thread.

    Args:
        backend: what it serves.
        name: `"core"` or `"persist"`.
        credentials: gives how it listens; None for plaintext.
        host: the address that it listens on.

    Attributes:
        number: the port's number, once it has listened.
        port: the handlers behind it.
        pings: the real seconds between a client's pings at least; faster ones end the connection.
    """

    def __init__(
        self,
        backend: Backend,
        name: str,
        credentials: Callable[[], grpc.ServerCredentials] | None,
        host: str = HOST,
    ) -> None:
        self.name = name
        self.number = 0
        self.port = Port(backend, persist=name == "persist", tls=credentials is not None)
        self.pings = PINGS
        self._backend = backend
        self._credentials = credentials
        self._host = host
        self._server: grpc.aio.Server | None = None
        self._draining: dict[asyncio.Task[None], grpc.aio.Server] = {}
        self._kept: socket.socket | None = None

    @property
    def listens(self) -> bool:
        """Whether it takes connections."""
        return self._server is not None

    async def listen(self, number: int) -> None:
        """Take connections, unless it does already.

        Args:
            number: the port's number; 0 for any free one.

        Raises:
            PortError: the port is taken or not allowed; the message says which it is.
        """
        if self._server is not None:
            return
        self._give_up_number()
        if number and not self._is_free(number):
            # Asked first, since gRPC prints a line of its own about what it can't have.
            raise self._taken(number)
        server = grpc.aio.server(handlers=(self.port,), options=(*OPTIONS, *self._policy()))
        address = self._at(number)
        try:
            if self._credentials is None:
                bound = server.add_insecure_port(address)
            else:
                bound = server.add_secure_port(address, self._credentials())
        except RuntimeError:
            bound = 0
        if not bound:
            await server.stop(None)
            raise self._taken(number)
        self._server = server
        self.number = self.port.number = bound
        fork.ports.add(bound)
        await server.start()

    def connections(self) -> list[Connection]:
        """Give the connections that clients have to it.

        Raises:
            ConnectionsError: the system does not let us see them.
        """
        return connections(self.name, self.number, self._backend.note_cut)

    async def refuse(self) -> None:
        """Cut all connections, and take no new ones; the number stays reserved."""
        servers = [*self._draining.values()]
        if self._server is not None:
            servers.append(self._server)
        gate = self.port.gate
        stood_still = gate.closed
        # A process that is killed stops listening at the same moment: who connects anew before
        # gRPC has done so must get no answer, or it would meet a server that is dead and lives.
        gate.close()
        try:
            self._drop_all()
            stopping = asyncio.create_task(self._stop(servers))
            while not (await asyncio.wait({stopping}, timeout=AGAIN))[0]:
                self._drop_all()
            await stopping
            self._keep_number()
        finally:
            if not stood_still:
                gate.open()

    def _drop_all(self) -> None:
        # Nobody gets a goodbye: as when a process is killed.
        with suppress(ConnectionsError):
            for connection in self.connections():
                connection.drop()

    async def drain(self) -> None:
        """Send GOAWAY: open calls go on to their end, new connections are refused."""
        server, self._server = self._server, None
        if server is None:
            return
        task = asyncio.create_task(server.stop(DRAIN))
        self._draining[task] = server
        task.add_done_callback(lambda done: self._draining.pop(done, None))
        # The number can be reserved as soon as nobody listens any more.
        for _ in range(1000):
            await asyncio.sleep(0)
            if self._keep_number():
                return
            await asyncio.sleep(0.001)

    async def rebind(self) -> None:
        """Listen again, on the same number.

        Raises:
            PortError: another program has taken it meanwhile.
        """
        await self.listen(self.number)

    async def police(self, interval: float | None) -> None:
        """Allow clients' pings at certain intervals from now on; open connections get GOAWAY.

        Args:
            interval: real seconds; None for what a real server allows (SRV-05).
        """
        self.pings = PINGS if interval is None else interval
        if self.listens:
            await self.drain()
            await self.rebind()

    async def close(self) -> None:
        """End all calls, and give the number up."""
        servers = [*self._draining.values()]
        if self._server is not None:
            servers.append(self._server)
        await self._stop(servers)
        self._give_up_number()
        fork.ports.discard(self.number)

    async def _stop(self, servers: list[grpc.aio.Server]) -> None:
        self._server = None
        for task in tuple(self._draining):
            # A stop with a long grace would hold the short one up.
            task.cancel()
        self._draining.clear()
        if len(servers) == 1:
            # As nearly always: a task for it would take longer than what it waits for.
            await servers[0].stop(GRACE)
        else:
            await asyncio.gather(*(server.stop(GRACE) for server in servers))

    def _policy(self) -> tuple[tuple[str, int], ...]:
        return (
            ("grpc.http2.min_ping_interval_without_data_ms", round(self.pings * 1000)),
            # A real server allows them without a call too.
            ("grpc.keepalive_permit_without_calls", int(self.pings == PINGS)),
        )

    def _at(self, number: int) -> str:
        return f"[{self._host}]:{number}" if ":" in self._host else f"{self._host}:{number}"

    def _taken(self, number: int) -> PortError:
        wrong = _wrong_host(self._host)
        if wrong:
            return PortError(
                f"the {self.name} port can't listen on {self._at(number)}: {wrong}; choose one of "
                "this machine's with listen= (command line: --host), such as 127.0.0.1",
            )
        option = f"{self.name}_port"
        flag = "--persist-port" if self.name == "persist" else "--port"
        return PortError(
            f"the {self.name} port can't listen on {self._at(number)}: another program may use it; "
            f"choose another with {option}= (command line: {flag}), or 0 for any free one",
        )

    def _is_free(self, number: int) -> bool:
        """Tell whether somebody could listen on a number, by binding it as gRPC does."""
        try:
            places = socket.getaddrinfo(self._host, number, type=socket.SOCK_STREAM)
        except OSError:
            return False
        return any(map(_can_bind, places))

    def _keep_number(self) -> bool:
        """Bind the number without listening, so that nobody else gets it meanwhile."""
        if self._kept is None:
            where = socket.getaddrinfo(self._host, self.number, type=socket.SOCK_STREAM)[0]
            kept = socket.socket(where[0], socket.SOCK_STREAM)
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                kept.bind(where[4])
            except OSError:
                kept.close()
                return False
            # Connections of before may linger on the number; from now on nobody shares it.
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            self._kept = kept
        return True

    def _give_up_number(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def _can_bind(place: tuple[Any, ...]) -> bool:
    """Tell whether an address, as `getaddrinfo` gives one, can be bound now."""
    with socket.socket(place[0], socket.SOCK_STREAM) as trial:
        if os.name == "posix":
            # Connections that linger do not matter, who listens does; elsewhere it is the opposite.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(place[4])
        except OSError:
            return False
    return True


def _wrong_host(host: str) -> str:
    """Tell what is wrong with an address, whatever the port is; "" if nothing."""
    try:
        where = socket.getaddrinfo(host.strip("[]"), 0, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        return f"the address {host!r} can't be resolved"
    with socket.socket(where[0], socket.SOCK_STREAM) as probe:
        try:
            probe.bind(where[4])
        except OSError:
            return f"{host} is no address of this machine"
    return ""
