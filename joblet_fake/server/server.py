"""The pair of listening ports, core and persist."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

from joblet_fake.server.listener import HOST, Listener

if TYPE_CHECKING:
    from joblet_fake.server.backend import Backend
    from joblet_fake.server.tls import Tls


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
        tls: the certificates with which they listen; None for plaintext.
        host: the address that they listen on.
    """

    def __init__(self, backend: Backend, tls: Tls | None, host: str = HOST) -> None:
        credentials = None if tls is None else tls.server_credentials
        self.host = host
        self.backend = backend
        self.core = Listener(backend, "core", credentials, host)
        self.persist = Listener(backend, "persist", credentials, host)

    @property
    def core_port(self) -> int:
        """The number of the five services' port."""
        return self.core.number

    @property
    def persist_port(self) -> int:
        """The number of PersistService's port."""
        return self.persist.number

    async def start(self, core_port: int, persist_port: int) -> None:
        """Listen.

        Args:
            core_port: the port of the five services; 0 for any free one.
            persist_port: the port of PersistService; 0 for any free one.

        Raises:
            PortError: a port is taken or not allowed; the message says which.
        """
        try:
            await self.core.listen(core_port)
            await self.persist.listen(persist_port)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End open calls, then close the ports."""
        if self.backend.close():
            # Streams end themselves first: then a stop is quick and prints nothing.
            await asyncio.sleep(0)
        await asyncio.gather(self.core.close(), self.persist.close())
