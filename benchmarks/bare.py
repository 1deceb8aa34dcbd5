"""A bare pair of `grpc.aio` servers: it answers with given bytes and looks at nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import grpc

from joblet_fake.fake import CHANNEL_OPTIONS
from joblet_fake.server import HOST, Tls, shared_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from types import TracebackType

    Given: TypeAlias = bytes | list[bytes] | Callable[..., Any]

GRACE: Final = 0.1
ROLES: Final = ("admin",)

CHANNELS: Final = {False: "plaintext", True: "mutual TLS"}
"""The kinds of channel, by whether it has TLS."""


@cache
def tls_of_all() -> Tls:
    """Give the certificates: those of the process's fakes, made once."""
    return Tls(ROLES)


def open_channel(address: str, *, tls: bool) -> grpc.Channel:
    """Open a channel of the same kind as the fake's own.

    Args:
        address: where the server listens.
        tls: whether it is over mutual TLS.
    """
    if not tls:
        return grpc.insecure_channel(address, CHANNEL_OPTIONS)
    return grpc.secure_channel(address, tls_of_all().channel_credentials(), CHANNEL_OPTIONS)


def answering(given: Given) -> grpc.RpcMethodHandler[Any, Any]:
    """Give a handler that answers with a message, a stream, or whatever a coroutine gives."""
    if isinstance(given, bytes):

        async def unary(_data: bytes, _context: object) -> bytes:
            return given

        return grpc.unary_unary_rpc_method_handler(unary)
    if isinstance(given, list):

        async def stream(_data: bytes, _context: object) -> AsyncIterator[bytes]:
            for message in given:
                yield message

        return grpc.unary_stream_rpc_method_handler(stream)
    return grpc.unary_stream_rpc_method_handler(given)


class Handlers(grpc.GenericRpcHandler):
    """The handlers of one port, by path."""

    def __init__(self, answers: Mapping[str, Given]) -> None:
        self._handlers = {path: answering(given) for path, given in answers.items()}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Give the handler for a path."""
        return self._handlers.get(details.method)


@dataclass(slots=True)
class Bare:
    """A pair of servers on the loop that the fakes of the process live on.

    gRPC's asyncio server has one poller for a process: a second loop would cost both sides.

    Args:
        core: what the core port answers, by path.
        persist: what the persist port answers.
        tls: whether it listens with mutual TLS.
    """

    core: Mapping[str, Given]
    persist: Mapping[str, Given] = field(default_factory=dict)
    tls: bool = False
    address: str = ""
    persist_address: str = ""
    _servers: list[grpc.aio.Server] = field(default_factory=list)

    def __enter__(self) -> Self:
        shared_loop().run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shared_loop().run(self._stop())

    async def _start(self) -> None:
        self.address = await self._listen(self.core, self._credentials())
        self.persist_address = await self._listen(self.persist, self._credentials())

    def _credentials(self) -> grpc.ServerCredentials | None:
        return tls_of_all().server_credentials() if self.tls else None

    async def _listen(
        self, answers: Mapping[str, Given], credentials: grpc.ServerCredentials | None
    ) -> str:
        server = grpc.aio.server(handlers=(Handlers(answers),))
        if credentials is None:
            port = server.add_insecure_port(f"{HOST}:0")
        else:
            port = server.add_secure_port(f"{HOST}:0", credentials)
        await server.start()
        self._servers.append(server)
        return f"{HOST}:{port}"

    async def _stop(self) -> None:
        await asyncio.gather(*(server.stop(GRACE) for server in self._servers))
        self._servers.clear()
