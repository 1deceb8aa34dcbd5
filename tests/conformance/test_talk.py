"""The client side of the suite, against scripted replies: what differs in any place is seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import grpc
import grpc_testing
import pytest

from joblet_conformance import Talk, Target, Unmet, compare
from joblet_fake import load_api

API = load_api("2.3.1")
SECONDS = 10


class ScriptedTarget(Target):
    """A target whose only channel is grpcio-testing's."""

    def __init__(self) -> None:
        super().__init__("script", "2.3.1", "nowhere", None, credentials={}, persist_credentials={})
        self.scripted = grpc_testing.channel((), grpc_testing.strict_real_time())

    def channel(self, role: str, *, persist: bool = False) -> Any:  # noqa: ARG002 - one for all
        return self.scripted

    def opened(self) -> None:
        pass


@dataclass(frozen=True)
class Script:
    """One scripted answer: everything that a server can say in a call."""

    messages: tuple[dict[str, object], ...] = ({"payload": b"one"}, {"payload": b"two"})
    code: grpc.StatusCode = grpc.StatusCode.OK
    details: str = "fine"
    initial: tuple[tuple[str, str], ...] = ()
    trailing: tuple[tuple[str, str], ...] = ()


class Named:
    """As much of a method's descriptor as grpcio-testing looks at."""

    def __init__(self, path: str) -> None:
        service, _, name = path[1:].rpartition("/")
        self.name = name
        self.containing_service = type("Service", (), {"full_name": service})


def said(method: str, script: Script, **fields: object) -> tuple[Talk, bytes]:
    """Make one call that is answered by a script; give the talk, and the request that was sent."""
    target = ScriptedTarget()
    talk = Talk(target, "scripted")
    shape = API.method(method)
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(talk.call, method, **fields)  # type: ignore[arg-type]
        _, request, rpc = target.scripted.take_unary_stream(Named(shape.path))
        rpc.send_initial_metadata(script.initial)
        for message in script.messages:
            rpc.send_response(shape.encode(message))
        rpc.terminate(script.trailing, script.code, script.details)
        calling.result(SECONDS)
    return talk, request


def steps(script: Script) -> list[dict[str, Any]]:
    talk, _ = said("GetJobLogs", script, uuid="a")
    return talk.transcript.plain()


def test_a_call_is_a_step_with_all_that_was_said() -> None:
    talk, request = said("GetJobLogs", Script(), uuid="a job")
    (step,) = talk.transcript.plain()

    assert request == API.method("GetJobLogs").encode_request({"uuid": "a job"})
    assert step["method"] == "JobService.GetJobLogs"
    assert step["role"] == "admin"
    assert step["request"] == {"uuid": "a job"}
    assert [message["payload"] for message in step["messages"]] == [
        {"text": "one"},
        {"text": "two"},
    ]
    assert (step["code"], step["details"], step["metadata"]) == ("OK", "fine", [])


def test_the_same_script_twice_is_no_difference() -> None:
    assert compare(steps(Script()), steps(Script())) == []


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        ("a first message", replace(Script(), messages=({"payload": b"eno"}, {"payload": b"two"}))),
        ("a last message", replace(Script(), messages=({"payload": b"one"}, {"payload": b"owt"}))),
        ("the order", replace(Script(), messages=({"payload": b"two"}, {"payload": b"one"}))),
        ("a message too few", replace(Script(), messages=({"payload": b"one"},))),
        ("no message", replace(Script(), messages=())),
        (
            "a message too many",
            replace(Script(), messages=(*Script().messages, {"payload": b""})),
        ),
        ("borders", replace(Script(), messages=({"payload": b"onet"}, {"payload": b"wo"}))),
        ("the code", replace(Script(), code=grpc.StatusCode.INTERNAL)),
        ("the text", replace(Script(), details="fine ")),
        ("initial metadata", replace(Script(), initial=(("x-a", "b"),))),
        ("trailing metadata", replace(Script(), trailing=(("x-a", "b"),))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_difference_anywhere_in_a_call_is_seen(place: str, changed: Script) -> None:
    assert compare(steps(Script()), steps(changed)), place


def test_a_reply_that_is_no_message_is_told_as_the_bytes_that_came() -> None:
    target = ScriptedTarget()
    talk = Talk(target, "scripted")
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(talk.call, "GetJobStatus", uuid="a")
        _, _, rpc = target.scripted.take_unary_stream(Named("/joblet.JobService/GetJobStatus"))
        rpc.send_initial_metadata(())
        rpc.send_response(b"\xff\xff")
        rpc.terminate((), grpc.StatusCode.OK, "")
        calling.result(SECONDS)

    assert talk.transcript.plain()[0]["messages"] == [{"broken": {"base64": "//8="}}]


def test_what_a_case_waits_for_in_vain_is_a_finding_with_a_bound() -> None:
    talk = Talk(ScriptedTarget(), "scripted")

    with pytest.raises(Unmet, match=r"not within 0\.05 s: pigs fly"):
        talk.until("pigs fly", lambda: False, seconds=0.05)


def test_findings_are_told_with_their_fact() -> None:
    talk = Talk(ScriptedTarget(), "scripted")

    talk.expect("JOB-RUN-10", "the code", "OK", "INVALID_ARGUMENT")
    talk.check("JOB-RUN-10", "nothing was recorded", holds=False)
    talk.expect("JOB-RUN-10", "the code", 1, 1)

    assert talk.transcript.unmet == [
        "JOB-RUN-10: the code is 'OK', not 'INVALID_ARGUMENT'",
        "JOB-RUN-10: it does not hold that nothing was recorded",
    ]
