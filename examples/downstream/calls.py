"""What a project's generated stubs are: `Calls(channel).RunJob(command="train", timeout=5)`.

`joblet-fake protos` gives the files that a real project has its stubs made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joblet_fake import load_api

if TYPE_CHECKING:
    import grpc


class Calls:
    """The methods of JobService, by name.

    Args:
        channel: what they are called over.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._api = load_api("2.3.1")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - messages are made at run time
        method = self._api.method(f"JobService.{name}")
        make = self._channel.unary_stream if method.server_streaming else self._channel.unary_unary
        call = make(method.path, method.encode_request, method.decode_response)
        return lambda timeout=None, **fields: call(fields, timeout=timeout)
