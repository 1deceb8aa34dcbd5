"""What both sides are made to do: calls by one thread or several, a stream read to its end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import grpc

DEADLINE: Final = 60.0
"""Real seconds after which a call is given up, so that nothing hangs."""


def unary(channel: grpc.Channel, path: str) -> Any:  # noqa: ANN401 - gRPC's own callable
    """Give a unary method that takes and gives bytes, so that no client's decoding is measured."""
    return channel.unary_unary(path, None, None)


def stream(channel: grpc.Channel | grpc.aio.Channel, path: str) -> Any:  # noqa: ANN401 - as above
    """Give a streaming method that takes and gives bytes."""
    return channel.unary_stream(path, None, None)


def seconds_of_calls(channel: grpc.Channel, path: str, requests: list[bytes]) -> float:
    """Make calls one after another, and give the seconds that they took."""
    call = unary(channel, path)
    start = time.perf_counter()
    for request in requests:
        call(request, timeout=DEADLINE)
    return time.perf_counter() - start


def seconds_of_threads(
    channel: grpc.Channel, path: str, requests: list[bytes], threads: int
) -> float:
    """Make the same calls on each of several threads, over one channel."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            seconds_of_calls(channel, path, requests)
        except BaseException as error:  # noqa: BLE001 - told on the caller's thread
            errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    taken = time.perf_counter() - start
    if errors:
        raise errors[0]
    return taken


def seconds_of_stream(
    channel: grpc.Channel, path: str, request: bytes, messages: int, deadline: float = DEADLINE
) -> float:
    """Read a stream to its end, and give the seconds that it took.

    Args:
        channel: what it is read over.
        path: the method's.
        request: what is asked.
        messages: how many should come.
        deadline: real seconds after which it is given up.

    Raises:
        RuntimeError: another number of messages came than should.
    """
    start = time.perf_counter()
    came = len(list(stream(channel, path)(request, timeout=deadline)))
    taken = time.perf_counter() - start
    if came != messages:
        raise RuntimeError(f"{path}: {came} messages of {messages}")
    return taken
