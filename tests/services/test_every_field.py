"""Every field of every request with every kind of bad value, by the descriptors: none is left out.

What the answers are is compared with a real server's elsewhere; here it is that there are answers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor

from joblet_fake import FakeJoblet, load_api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor

    from joblet_fake.wire import Method

API = load_api("2.3.1")
METHODS = sorted(API.methods.values(), key=lambda method: method.key)
PATIENCE: Final = 20.0
"""Real seconds after which a call hangs."""

LONG: Final = "x" * 100_000
LONGEST: Final = "y" * 1_000_000
TEXTS: Final = (
    "", LONG, "\x00", "a\x01\x1b[2J\x7f\n\t", "../../../etc/passwd", "/", "a/../b",
    "日本é\U0001f600", "\u202e\ufeff", "%s%n", "--help",
)  # fmt: skip
DATA: Final = (b"", b"\x00", b"\xff" * 100_000)
BITS: Final = {
    **dict.fromkeys(("INT32", "SINT32", "SFIXED32", "ENUM"), (-(2**31), 2**31 - 1)),
    **dict.fromkeys(("INT64", "SINT64", "SFIXED64"), (-(2**63), 2**63 - 1)),
    **dict.fromkeys(("UINT32", "FIXED32"), (0, 2**32 - 1)),
    **dict.fromkeys(("UINT64", "FIXED64"), (0, 2**64 - 1)),
}
TYPES: Final = {
    getattr(FieldDescriptor, name): name.removeprefix("TYPE_")
    for name in vars(FieldDescriptor)
    if name.startswith("TYPE_")
}
VARIED: Final = ("RunJob", "RunWorkflow", "CreateVolume", "QueryLogs", "ValidateRuntimeSpec")
"""The methods that get the longest text as well."""

GOOD: Final[dict[str, Any]] = {
    "command": "true", "workflow": "w.yaml", "yaml_content": "jobs: {a: {command: echo}}",
    "size": "1MB", "type": "filesystem", "cidr": "10.9.0.0/24", "name": "named",
    "runtime_spec": "python-3.11", "repository": "owner/name", "branch": "main", "path": "p",
}  # fmt: skip
"""What the other fields hold, so that a request gets as far as the bad one."""

# A unary call without any message is UNKNOWN on real servers (SRV-23): none of these is one.
CODES: Final = frozenset(
    {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL", "UNIMPLEMENTED", "ALREADY_EXISTS",
     "FAILED_PRECONDITION"}
)  # fmt: skip


def bad(field: FieldDescriptor, depth: int = 3) -> Iterator[Any]:
    """Give bad values for one of a field's items, of every kind that its type can hold."""
    kind = TYPES[field.type]
    if kind == "MESSAGE":
        assert field.message_type is not None
        yield {}
        if depth:
            yield from (value for _, value in bad_messages(field.message_type, depth - 1))
    elif kind == "STRING":
        yield from TEXTS
    elif kind == "BYTES":
        yield from DATA
    elif kind == "BOOL":
        yield from (False, True)
    elif kind in ("DOUBLE", "FLOAT"):
        yield from (0.0, -1.0, 3e38, math.inf, -math.inf, math.nan)
    else:
        least, most = BITS[kind]
        yield from {0: None, -1 if least else 1: None, least: None, most: None}


def bad_values(field: FieldDescriptor, depth: int) -> Iterator[Any]:
    """Give bad values for a whole field: a list's and a map's are in each of their places."""
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        keys, values = entry.fields_by_name["key"], entry.fields_by_name["value"]
        yield from ({key: "v"} for key in bad(keys))
        yield from ({"K": value} for value in bad(values))
    elif field.is_repeated:
        yield []
        yield from ([value] for value in bad(field, depth))
        yield [next(bad(field, depth))] * 100
    else:
        yield from bad(field, depth)


def bad_messages(message: Descriptor, depth: int = 3) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give messages in which one field is bad, with that field's name."""
    for field in message.fields:
        for value in bad_values(field, depth):
            yield field.name, {field.name: value}


def good(message: Descriptor, job_id: str) -> dict[str, Any]:
    """Give a request that its method takes, as far as is known."""
    given: dict[str, Any] = {}
    for field in message.fields:
        if field.is_repeated:
            continue
        if field.name in ("uuid", "job_uuid", "workflow_uuid") and message.name != "RunJobRequest":
            given[field.name] = job_id
        elif field.name in GOOD:
            given[field.name] = GOOD[field.name]
    return given


@pytest.fixture(scope="module")
def joblet() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="skipping", tls=False) as fake:
        yield fake


def asked(joblet: FakeJoblet, method: Method, data: bytes) -> str:
    """Give the code of a call with these bytes; of a stream that goes on, after some messages."""
    core, persist = channels[joblet]
    channel: Any = persist if method.persist else core
    try:
        if method.server_streaming:
            call = channel.unary_stream(method.path)(data, timeout=PATIENCE)
            for _, _message in zip(range(3), call, strict=False):
                pass
            call.cancel()
        else:
            channel.unary_unary(method.path)(data, timeout=PATIENCE)
    except grpc.RpcError as error:
        return str(error.code().name)  # type: ignore[attr-defined]  # it has one
    return "OK"


channels: dict[FakeJoblet, tuple[grpc.Channel, grpc.Channel]] = {}


@pytest.fixture(autouse=True)
def _opened(joblet: FakeJoblet) -> None:
    if joblet not in channels:
        channels[joblet] = joblet.channel(), joblet.persist_channel()


def still_answers(joblet: FakeJoblet) -> None:
    """See that nothing went wrong inside, and that the server does its work."""
    joblet.check()
    job_id = joblet.rpc("RunJob", command="echo", args=["still here"], timeout=PATIENCE).job_uuid
    assert joblet.jobs[job_id].stdout == "still here\n"


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.key)
def test_every_bad_value_of_every_field_gets_an_answer(joblet: FakeJoblet, method: Method) -> None:
    """Never UNKNOWN, never a hang, never an error inside the fake, and the server lives on."""
    message = method.request.DESCRIPTOR
    tried: dict[str, int] = dict.fromkeys(message.fields_by_name, 0)
    wrong: list[str] = []
    cases = list(bad_messages(message))
    if method.name in VARIED:
        (name, *_) = (field.name for field in message.fields if not field.is_repeated)
        cases.append((name, {name: LONGEST}))
    for name, fields in cases:
        job_id = joblet.jobs.add("train", status="COMPLETED", stdout="x\n").uuid
        data = method.encode_request({**good(message, job_id), **fields})
        code = asked(joblet, method, data)
        tried[name] += 1
        # An error that repeats a long text is more metadata than a client takes, by its own word.
        too_long = code == "RESOURCE_EXHAUSTED" and len(data) > len(LONG)
        if code not in CODES and not too_long:
            wrong.append(f"{name}={fields[name]!r:.60}: {code}")

    assert wrong == []
    assert all(tried.values())
    still_answers(joblet)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.key)
def test_bytes_that_are_no_message_get_an_answer(joblet: FakeJoblet, method: Method) -> None:
    """SRV-21, and what is a message after all."""
    message = method.request.DESCRIPTOR
    whole = method.encode_request(good(message, "00000000-0000-4000-8000-000000000000"))
    garbage = [
        b"\xff", b"\x00", b"\x0b", b"\x0c", b"\x0a\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x08",
        b"\xff" * 100_000, bytes(range(256)) * 10, whole[:-1], whole + b"\x0a\x05x",
        # Text that is no UTF-8, and another wire type, in each of the fields.
        *(_tag(field.number, 2) + b"\x02\xff\xfe" for field in message.fields),
        *(_tag(field.number, 0) + b"\xff" * 9 + b"\x01" for field in message.fields),
        *(_tag(field.number, 5) + b"\xff" * 4 for field in message.fields),
    ]  # fmt: skip
    wrong = [
        f"{data!r:.60}: {code}"
        for data in garbage
        if (code := asked(joblet, method, data)) not in CODES
    ]

    assert wrong == []
    still_answers(joblet)


def _tag(number: int, kind: int) -> bytes:
    value = number << 3 | kind
    return bytes([value]) if value < 128 else bytes([value & 127 | 128, value >> 7])
