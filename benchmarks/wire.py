"""Paths, requests and answers as bytes, of the API version that a fake serves unless told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.work import DEADLINE, stream, unary
from joblet_fake.options import DEFAULT_API
from joblet_fake.wire import load

if TYPE_CHECKING:
    import grpc

API: Final = load(DEFAULT_API)


def path(method: str) -> str:
    """Give a method's path."""
    return API.method(method).path


def request(method: str, **fields: object) -> bytes:
    """Give a request's bytes."""
    return API.method(method).encode_request(fields)


def answer(method: str, **fields: object) -> bytes:
    """Give an answer's bytes."""
    return API.method(method).encode(fields)


def job_of(answer: bytes) -> str:
    """Give the job that RunJob's answer names."""
    decoded: Any = API.method("RunJob").decode_response(answer)
    return str(decoded.job_uuid)


def answered(channel: grpc.Channel, method: str, request: bytes = b"") -> bytes:
    """Give a unary answer's bytes, as a server sends them."""
    return bytes(unary(channel, path(method))(request, timeout=DEADLINE))


def streamed(channel: grpc.Channel, method: str, request: bytes) -> list[bytes]:
    """Give a stream's messages, as a server sends them."""
    return list(stream(channel, path(method))(request, timeout=DEADLINE))
