"""From a request's bytes to an answer: decode, ask for the role, serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_fake.services import Answer, Asked, Handlers, StatusError
from joblet_fake.wire import DecodeError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from joblet_fake.model.model import Model
    from joblet_fake.services import Generation
    from joblet_fake.wire import Api, Method

CANCEL: Final = "JobService.CancelJob"
"""The method that has a handler here, and none on a real server (JOB-CAN-01)."""

MESSAGE_LIMIT: Final = 128 * 1024 * 1024
"""The longest request in bytes; one more is refused (SRV-03)."""

DECODED_KEPT: Final = 100
"""How many decoded requests are kept, none of them longer than `SHORT` bytes."""

SHORT: Final = 256


class Exchange:
    """The way of a call through one server, without sockets.

    Args:
        api: the wire version that is served.
        generation: whose behaviour it has.
        model: the server's state.
        roles: whether a role limits what its owner may do.
    """

    def __init__(
        self, api: Api, generation: Generation, model: Model, *, roles: bool = True
    ) -> None:
        self.api = api
        self.generation = generation
        self.model = model
        self._roles = roles
        # Clients that wait for something ask the same again and again.
        self._decoded: dict[tuple[str, bytes], Message] = {}
        self._handlers = Handlers(api, generation, model)

    def unknown(self, path: str, services: frozenset[str]) -> StatusError:
        """Give the answer to a path that names no method of a port (SURF-06, JOB-GEN-07).

        Args:
            path: the request's path, with its leading slash.
            services: the full names of the services on the port.
        """
        rest = path.removeprefix("/")
        service, slash, name = rest.rpartition("/")
        if not slash:
            return StatusError("UNIMPLEMENTED", f'malformed method name: "{path}"')
        if service in services:
            return StatusError("UNIMPLEMENTED", f"unknown method {name} for service {service}")
        return StatusError("UNIMPLEMENTED", f"unknown service {service}")

    def begin(self, method: Method, role: str, data: bytes) -> Answer:
        """Serve one request.

        Args:
            method: which method the path named.
            role: the caller's role.
            data: the request's bytes.

        Raises:
            StatusError: what the client gets instead of an answer.
        """
        request = self.admit(method, role, data)
        if self._unhandled(method):
            raise StatusError("UNIMPLEMENTED", f"method {method.name} not implemented")
        try:
            handler = self._handlers[method.key]
        except KeyError:
            raise StatusError(
                "UNIMPLEMENTED",
                f"joblet-fake does not serve {method.key} yet; a real server does",
            ) from None
        with self.model.change():
            return handler(request)

    def admit(self, method: Method, role: str, data: bytes) -> Message:
        """Read a request, and see whether its sender may make it.

        Decoding comes before the role is asked for, and the role before anything else (AUTH-07).
        A method without a handler asks for no role.

        Args:
            method: which method the path named.
            role: the caller's role.
            data: the request's bytes.

        Raises:
            StatusError: what the client gets instead of an answer.
        """
        if len(data) > MESSAGE_LIMIT:
            raise StatusError(
                "RESOURCE_EXHAUSTED",
                f"grpc: received message larger than max ({len(data)} vs. {MESSAGE_LIMIT})",
            )
        request = self._decoded.get((method.key, data)) or self._decode(method, data)
        operation = None
        if not self._unhandled(method):
            operation = self.generation.operations.get(method.key)
        if self._roles and operation is not None and not self.generation.may(role, operation):
            raise StatusError(
                "PERMISSION_DENIED",
                f"role {role} is not allowed to perform operation {operation}",
            )
        return request

    def _unhandled(self, method: Method) -> bool:
        """Tell whether a method is declared and nobody is there for it (SURF-05)."""
        if method.key not in self.generation.unhandled:
            return False
        return method.key != CANCEL or "cancel-works" not in self.model.quirks

    def _decode(self, method: Method, data: bytes) -> Message:
        try:
            request = method.decode(data)
        except DecodeError as error:
            prefix = (
                "grpc: failed to unmarshal the received message"
                if method.server_streaming
                else "grpc: error unmarshalling request"
            )
            text = str(error)
            if "no-break-space" in self.model.quirks:
                text = text.replace("proto: ", "proto:\N{NO-BREAK SPACE}", 1)
            raise StatusError("INTERNAL", f"{prefix}: {text}") from None
        if len(data) <= SHORT:
            if len(self._decoded) == DECODED_KEPT:
                self._decoded.clear()
            self._decoded[method.key, data] = request
        return request

    def go_on(self, asked: Asked, given: object) -> Answer:
        """Serve the rest of a request that needed the test's own code.

        Args:
            asked: what `begin` gave.
            given: what its question gave.

        Raises:
            StatusError: what the client gets instead of an answer.
        """
        with self.model.change():
            return asked.go_on(given)
