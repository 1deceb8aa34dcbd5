"""Strategies: jobs that are accepted, requests that are not, and no server that dies of any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from joblet_fake import FakeJoblet, load_api
from joblet_fake.strategies import garbage, jobs, requests

if TYPE_CHECKING:
    from collections.abc import Iterator

API = load_api("2.3.1")
METHODS = sorted(method.key for method in API.methods.values())
QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PATIENCE = 5.0
CODES = {
    "OK", "INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL", "UNIMPLEMENTED", "ALREADY_EXISTS",
    "FAILED_PRECONDITION",
}  # fmt: skip


@pytest.fixture(scope="module")
def joblet() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="skipping") as fake:
        yield fake


@given(request=jobs())
@QUICK
def test_a_job_is_accepted(joblet: FakeJoblet, request: dict[str, Any]) -> None:
    answer = joblet.rpc("RunJob", **request)

    assert answer.status == "RUNNING"
    seen = joblet.rpc("GetJobStatus", uuid=answer.job_uuid)
    assert seen.command == request["command"]
    assert dict(seen.environment) == request.get("environment", {})


def test_a_field_can_be_given_a_strategy_of_its_own() -> None:
    found = find(jobs(max_cpu=st.integers(1, 100)), lambda request: request["max_cpu"] > 7)

    assert found["max_cpu"] == 8


def test_shrinking_ends_with_the_plainest_job() -> None:
    assert find(jobs(), lambda _: True) == {"command": "echo", "args": []}


def test_extremes_and_hostile_texts_come_up() -> None:
    assert find(requests("RunJob"), lambda r: r.get("max_cpu") == -(2**31))
    assert find(requests("RunJob"), lambda r: r.get("command") == "../../etc/passwd")
    assert find(requests("RunJob"), lambda r: any(u.get("path") for u in r.get("uploads", [])))


@pytest.mark.parametrize("method", METHODS)
def test_whatever_is_asked_gets_an_answer(joblet: FakeJoblet, method: str) -> None:
    """Never UNKNOWN, never a hang, never an error inside the fake, and the server lives on."""

    @given(request=requests(method))
    @QUICK
    def asked(request: dict[str, Any]) -> None:
        answered(joblet, API.method(method).encode_request(request), method)

    asked()
    joblet.check()


@pytest.mark.parametrize("method", METHODS)
def test_whatever_bytes_come_get_an_answer(joblet: FakeJoblet, method: str) -> None:
    @given(data=garbage(method))
    @QUICK
    def asked(data: bytes) -> None:
        answered(joblet, data, method)

    asked()
    joblet.check()


def answered(joblet: FakeJoblet, data: bytes, method: str) -> None:
    """Make a call with these bytes, and look at the code; a stream may have no end."""
    shape = API.method(method)
    channel: Any = joblet.persist_channel() if shape.persist else joblet.channel()
    code = "OK"
    try:
        if shape.server_streaming:
            call = channel.unary_stream(shape.path)(data, timeout=PATIENCE)
            next(call, None)
            call.cancel()
        else:
            channel.unary_unary(shape.path)(data, timeout=PATIENCE)
    except grpc.RpcError as error:
        code = error.code().name  # type: ignore[attr-defined]
    assert code in CODES
