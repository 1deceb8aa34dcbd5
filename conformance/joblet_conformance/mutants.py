"""Misbehaviour made by hand: a target that does one thing wrong, to see that the suite finds it.

Each breaks a fact, and a case that covers that fact has to find it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import grpc
from google.protobuf.message import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from joblet_conformance.target import Target
    from joblet_fake import Method

Memory = dict[str, Any]
"""What a misbehaviour remembers of the calls before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehaviour:
    """One wrong behaviour.

    Attributes:
        says: what is wrong, in a sentence.
        fact: the fact that it breaks.
        role: gives the role that a call really goes out with.
        message: changes a reply's message; None drops it.
        end: changes a call's code and text.
        unasked: gives a reply that the server is not asked for.
    """

    says: str
    fact: str
    role: Callable[[str, str], str] = lambda _method, role: role
    message: Callable[[Memory, Method, Any, int, Any], Any] = lambda _m, _k, _r, _n, message: (
        message
    )
    end: Callable[[str, str, str], tuple[str, str]] = lambda _method, code, details: (code, details)
    unasked: Callable[[str], dict[str, object] | None] = lambda _method: None


def _viewer_may_stop(method: str, role: str) -> str:
    return "admin" if method == "JobService.StopJob" else role


def _viewer_may_create(method: str, role: str) -> str:
    return "admin" if method.startswith(("NetworkService.Create", "VolumeService.Cre")) else role


def _anybody_may_list(method: str, role: str) -> str:
    return "viewer" if method == "JobService.ListJobs" and role == "nobody" else role


def _lose_second_chunk(_m: Memory, method: Method, _r: Any, number: int, message: Any) -> Any:  # noqa: ANN401
    return None if method.key == "JobService.GetJobLogs" and number == 1 else message


def _log_once(_m: Memory, method: Method, _r: Any, number: int, message: Any) -> Any:  # noqa: ANN401
    if method.key != "JobService.GetJobLogs":
        return message
    if number == 0:
        _m["first"] = message.payload
        return message
    return None if number == 1 and message.payload == _m["first"] else message


def _stopped_stays(memory: Memory, method: Method, request: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    if method.key == "JobService.StopJob":
        memory[request.uuid] = True
    elif method.key == "JobService.GetJobStatus" and request.uuid in memory:
        message.status = "STOPPED"
    return message


def _exit_code_lost(_m: Memory, method: Method, _r: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    if method.key == "JobService.GetJobStatus":
        message.exit_code = 0
    return message


def _secrets_shown(memory: Memory, method: Method, request: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    if method.key == "JobService.RunJob":
        memory[message.job_uuid] = dict(request.secret_environment)
    elif method.key == "JobService.GetJobStatus":
        message.secret_environment.update(memory.get(message.uuid, {}))
    return message


def _history_in_stderr(_m: Memory, method: Method, _r: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    if method.key == "PersistService.QueryLogs":
        message.stream = 2
    return message


def _exact_times(_m: Memory, method: Method, _r: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    if method.key == "PersistService.QueryLogs":
        message.timestamp += 123_456_789
    return message


def _numbers_from_one(_m: Memory, method: Method, _r: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    if method.key == "PersistService.QueryLogs":
        message.sequence += 1
    return message


def _cancelled_failed(_m: Memory, method: Method, _r: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    if method.key == "JobService.GetWorkflowStatus":
        for job in message.jobs:
            job.status = job.status.replace("CANCELED", "FAILED")
    return message


def _metrics_in_ns(_m: Memory, method: Method, _r: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    if method.key == "PersistService.QueryMetrics":
        message.timestamp *= 10**9
    return message


def _metrics_once(_m: Memory, method: Method, _r: Any, _n: int, message: Any) -> Any:  # noqa: ANN401
    stored = method.key == "JobService.GetJobMetrics" and message.timestamp == 1
    return None if stored else message


def _not_found(method: str, code: str, details: str) -> tuple[str, str]:
    if method in {"JobService.StopJob", "JobService.DeleteJob"} and code == "INTERNAL":
        return "NOT_FOUND", details
    return code, details


def _python_words(_method: str, code: str, details: str) -> tuple[str, str]:
    if "unmarshal" in details:
        return code, "Exception deserializing request!"
    return code, details


def _history_empty(method: str, code: str, details: str) -> tuple[str, str]:
    if method == "PersistService.QueryLogs" and "no logs found" in details:
        return "OK", ""
    return code, details


MISBEHAVIOURS: Final[dict[str, Misbehaviour]] = {
    "viewer-may-stop": Misbehaviour(
        says="a viewer may stop jobs", fact="JOB-GEN-05", role=_viewer_may_stop
    ),
    "viewer-may-create": Misbehaviour(
        says="a viewer may create networks and volumes",
        fact="AUTH-09",
        role=_viewer_may_create,
    ),
    "anybody-may-list": Misbehaviour(
        says="a certificate without a role may list jobs",
        fact="JOB-GEN-02",
        role=_anybody_may_list,
    ),
    "log-chunk-lost": Misbehaviour(
        says="the second chunk of a log is lost",
        fact="JOB-LOG-03",
        message=_lose_second_chunk,
    ),
    "log-not-doubled": Misbehaviour(
        says="a late reader gets the first chunk once",
        fact="JOB-LOG-13",
        message=_log_once,
    ),
    "stopped-stays": Misbehaviour(
        says="STOPPED is not overwritten by what the process came to",
        fact="JOB-STP-07",
        message=_stopped_stays,
    ),
    "exit-code-lost": Misbehaviour(
        says="every exit code is 0", fact="JOB-SM-12", message=_exit_code_lost
    ),
    "secrets-shown": Misbehaviour(
        says="GetJobStatus shows secrets", fact="JOB-STA-03", message=_secrets_shown
    ),
    "stderr-apart": Misbehaviour(
        says="the history says STDERR",
        fact="PER-30",
        message=_history_in_stderr,
    ),
    "exact-times": Misbehaviour(
        says="the history has fractions of a second",
        fact="PER-32",
        message=_exact_times,
    ),
    "numbers-from-one": Misbehaviour(
        says="the history's numbers begin with one",
        fact="PER-33",
        message=_numbers_from_one,
    ),
    "cancelled-failed": Misbehaviour(
        says="a workflow's job that can't start any more has failed",
        fact="JOB-WF-12",
        message=_cancelled_failed,
    ),
    "metrics-in-ns": Misbehaviour(
        says="stored samples have true nanoseconds",
        fact="PER-37",
        message=_metrics_in_ns,
    ),
    "metrics-once": Misbehaviour(
        says="a job's stored samples do not come with its metrics",
        fact="JOB-MET-22",
        message=_metrics_once,
    ),
    "not-found-code": Misbehaviour(
        says="an unknown job is NOT_FOUND to stop", fact="JOB-STP-02", end=_not_found
    ),
    "python-words": Misbehaviour(
        says="bytes that are no message get another library's words",
        fact="SRV-21",
        end=_python_words,
    ),
    "history-empty": Misbehaviour(
        says="the history of a job without output is empty, not an error",
        fact="PER-20",
        end=_history_empty,
    ),
    "cancel-works": Misbehaviour(
        says="CancelJob works",
        fact="JOB-CAN-01",
        unasked=lambda method: {"status": "CANCELED"} if method == "JobService.CancelJob" else None,
    ),
    "delete-forgets": Misbehaviour(
        says="DeleteJob says that it did, and did not",
        fact="JOB-DEL-06",
        unasked=lambda method: (
            {"success": True, "message": "Job deleted successfully"}
            if method == "JobService.DeleteJob"
            else None
        ),
    ),
}


def mutated(target: Target, name: str) -> Target:
    """Give a target that does one thing wrong.

    Args:
        target: who does everything else.
        name: one of `MISBEHAVIOURS`.

    Raises:
        ValueError: there is no such; the message lists them.
    """
    if name not in MISBEHAVIOURS:
        listed = "\n".join(f"  {key}: {each.says}" for key, each in MISBEHAVIOURS.items())
        raise ValueError(f"no mutant is called {name!r}; there are\n{listed}")
    # To a case it is a target like any other: all but the calls are the target's own.
    return cast("Target", _Mutated(target, MISBEHAVIOURS[name]))


class _Mutated:
    def __init__(self, inner: Target, misbehaviour: Misbehaviour) -> None:
        self._inner = inner
        self._misbehaviour = misbehaviour
        self._memory: Memory = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a target has
        return getattr(self._inner, name)

    def invoke(self, method: Method, request: bytes, role: str, timeout: float) -> Any:  # noqa: ANN401
        answer = self._misbehaviour.unasked(method.key)
        if answer is not None:
            return _Answer([method.encode(answer)])
        sent = self._misbehaviour.role(method.key, role)
        call = self._inner.invoke(method, request, sent, timeout)
        return _MutatedCall(call, method, request, self._misbehaviour, self._memory)


@dataclass
class _Answer:
    messages: list[bytes]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.messages)

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.OK

    def details(self) -> str:
        return ""

    def initial_metadata(self) -> tuple[()]:
        return ()

    trailing_metadata = initial_metadata

    def cancel(self) -> None:
        pass


@dataclass
class _MutatedCall:
    call: Any
    method: Method
    request: bytes
    misbehaviour: Misbehaviour
    memory: Memory
    _sent: Message | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[bytes]:
        request = self.method.request()
        try:
            request.ParseFromString(self.request)
        except DecodeError:
            yield from self.call
            return
        for number, data in enumerate(self.call):
            message = self.method.decode_response(data)
            change = self.misbehaviour.message
            changed = change(self.memory, self.method, request, number, message)
            if changed is not None:
                yield changed.SerializeToString()

    def _end(self) -> tuple[str, str]:
        code, details = self.call.code().name, self.call.details() or ""
        return self.misbehaviour.end(self.method.key, code, details)

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode[self._end()[0]]

    def details(self) -> str:
        return self._end()[1]

    def initial_metadata(self) -> Any:  # noqa: ANN401 - gRPC's own
        return self.call.initial_metadata()

    def trailing_metadata(self) -> Any:  # noqa: ANN401 - gRPC's own
        return self.call.trailing_metadata()

    def cancel(self) -> None:
        self.call.cancel()
