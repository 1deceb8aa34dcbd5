"""Calls without generated code, to a fake or to a real server."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from joblet_fake.words import check_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import grpc

    from joblet_fake.wire import Api


class Client:
    """Makes calls by name, with fields by their newest names, whatever the server's version.

    Args:
        api: the version that the server speaks.
        channel: gives the channel to the core services for a role.
        persist_channel: gives the channel to PersistService for a role.
        metadata: what every call sends along, as pairs.

    >>> from joblet_fake import FakeJoblet, load_api
    >>> with FakeJoblet() as joblet:
    ...     client = Client(load_api("2.3.1"), joblet.channel, joblet.persist_channel)
    ...     client.rpc("RunJob", command="true").status
    'RUNNING'
    """

    def __init__(
        self,
        api: Api,
        channel: Callable[[str], grpc.Channel],
        persist_channel: Callable[[str], grpc.Channel],
        metadata: Callable[[], Sequence[tuple[str, str]]] = tuple,
    ) -> None:
        self._api = api
        self._metadata = metadata
        self._open = {False: channel, True: persist_channel}
        self._channels: dict[tuple[str, bool], grpc.Channel] = {}
        self._lock = threading.Lock()

    def rpc(
        self,
        method: str,
        *,
        role: str = "admin",
        timeout: float | None = None,
        **fields: object,
    ) -> Any:  # noqa: ANN401 - run-time message classes have no static type
        """Make one call.

        Args:
            method: its name; `"RunJob"` where that is unique, else `"PersistService.DeleteJob"`.
            role: whose certificate to show.
            timeout: the call's deadline in real seconds; None for none.
            **fields: the request's fields, by their newest names.

        Returns:
            The response message; for a server stream an iterator of messages, which has gRPC's
            `cancel()`, `code()` and the like.

        Raises:
            grpc.RpcError: the call did not end with OK.
            ValueError: no such method or field, or an ambiguous name; the message lists them.
        """
        if timeout is not None:
            check_number(f"timeout={timeout!r}", timeout)
        shape = self._api.method(method)
        request = shape.encode_request(fields)
        key = (role, shape.persist)
        with self._lock:
            channel = self._channels.get(key)
            if channel is None:
                channel = self._channels[key] = self._open[shape.persist](role)
        make: Any = channel.unary_stream if shape.server_streaming else channel.unary_unary
        call = make(shape.path, None, shape.decode_response)
        return call(request, timeout=timeout, metadata=self._metadata())

    def forget(self) -> list[grpc.Channel]:
        """Forget the channels, which whoever opened them closes; new calls open new ones.

        Returns:
            The channels; a connection may end when the last reference to its channel does.
        """
        with self._lock:
            channels = [*self._channels.values()]
            self._channels.clear()
        return channels
