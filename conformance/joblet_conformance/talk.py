"""What a case says to its target, and hears from it."""

from __future__ import annotations

import contextlib
import threading
import uuid
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import DecodeError

from joblet_conformance.plain import plain_bytes, plain_message
from joblet_conformance.transcript import Step, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from joblet_conformance.plain import Plain
    from joblet_conformance.target import Target
    from joblet_fake import Method

OVER: Final = frozenset({"COMPLETED", "FAILED", "STOPPED", "CANCELED"})
CALL_S: Final = 20.0
STREAM_S: Final = 120.0
LOOK_S: Final = 0.1
"""Seconds that may pass on a fake's clock between two looks at something."""

LATE_S: Final = 0.5
"""Seconds after which nothing that a stopped job left behind is written any more (JOB-STP-07)."""

MARK: Final = "CONFORMANCE_RUN"
"""The variable by which a run knows its jobs in a list, those too whose id it was never told."""

OWN_METADATA: Final = ("grpc-", "grpc.", "content-type", "user-agent", "accept-encoding", "date")


class Unmet(AssertionError):  # noqa: N818 - not a fault of anybody's, but a finding
    """A case can't go on: what it waits for does not come, or a reply has no message."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a call ended.

    Attributes:
        code: the gRPC code's name.
        details: the text beside it.
        messages: the messages that came.
    """

    code: str
    details: str
    messages: tuple[Message, ...]

    @property
    def message(self) -> Any:  # noqa: ANN401 - run-time message classes have no static type
        """The only message.

        Raises:
            Unmet: there is not exactly one.
        """
        if len(self.messages) != 1:
            raise Unmet(f"{len(self.messages)} messages, not one: {self.code} {self.details!r}")
        return self.messages[0]


class Stream:
    """A server stream that a case reads while other things go on; made by `Talk.follow`."""

    def __init__(
        self,
        target: Target,
        method: Method,
        call: Any,  # noqa: ANN401 - gRPC's call object
        step: Step,
        cut: Callable[[Any], None] | None = None,
    ) -> None:
        self._target = target
        self._cut = cut
        self._method = method
        self._call = call
        self._step = step
        self._messages: list[Message] = []
        self._ended = threading.Event()
        self._began = target.now()
        self._left = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(grpc.RpcError):
            for data in self._call:
                message = self._method.decode_response(data)
                if self._cut is not None:
                    self._cut(message)
                self._step.messages.append(plain_message(message))
                self._messages.append(message)
        self._ended.set()

    @property
    def method(self) -> str:
        """The method's key."""
        return self._method.key

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages that came until now."""
        return tuple(self._messages)

    @property
    def ended(self) -> bool:
        """Whether the server has ended it."""
        return self._ended.is_set()

    def output(self) -> bytes:
        """Give the bytes that came until now, of log chunks or stored lines."""
        field = "payload" if "GetJobLogs" in self._method.key else "content"
        return b"".join(getattr(message, field) for message in self.messages)

    def take(self, enough: Callable[[Stream], bool], seconds: float = 20) -> None:
        """Read until there is enough.

        Args:
            enough: tells so of the stream.
            seconds: how long to wait at most, on the target's clock.

        Raises:
            Unmet: the stream ended before, or it takes longer.
        """
        until = self._target.now() + seconds
        while not enough(self):
            if self.ended and not enough(self):
                raise Unmet(f"{self._method.key} ended after {len(self.messages)} messages")
            if self._target.now() > until:
                raise Unmet(f"{self._method.key}: not enough in {seconds:g} s: {self.output()!r}")
            self._ended.wait(self._target.pause)
            self._target.poll()

    def rest(self, seconds: float = 30) -> Reply:
        """Read until the server ends the stream.

        Raises:
            Unmet: it does not within some seconds on the target's clock.
        """
        self.take(lambda stream: stream.ended, seconds)
        return self._close()

    def leave(self, keep: int | None = None) -> None:
        """Go away before the end; the step's code stays `open`.

        Args:
            keep: how many messages stay in the step; all without a say. Where a stream goes on by
                itself, one more or less can come until it is left.
        """
        self._left = True
        self._call.cancel()
        self._ended.wait(CALL_S)
        del self._step.messages[len(self._step.messages) if keep is None else keep :]

    def _close(self) -> Reply:
        self._ended.wait(CALL_S)
        _note_end(self._step, self._call)
        self._step.seconds = self._target.now() - self._began
        return Reply(self._step.code, self._step.details, self.messages)


class Talk:
    """One run of a case: every call is a step of its transcript.

    Args:
        target: who is talked to.
        case: the case's id.
    """

    def __init__(self, target: Target, case: str) -> None:
        self.target = target
        self.transcript = Transcript(case)
        self.mark = str(uuid.uuid4())
        self._jobs: list[str] = []
        self._untold = False
        self._streams: list[Stream] = []

    # Calls

    def call(
        self,
        method: str,
        *,
        role: str = "admin",
        raw: bytes | None = None,
        said: Plain | None = None,
        timeout: float = CALL_S,
        record: bool = True,
        cut: Callable[[Any], None] | None = None,
        persist: bool | None = None,
        **fields: object,
    ) -> Reply:
        """Make one call and wait for its end.

        Args:
            method: its name, as `joblet.rpc` takes it, or a path that is none.
            role: whose certificate to show.
            raw: the request's bytes, in place of fields.
            said: what the step says of the request where its bytes are too many.
            timeout: the call's deadline, real seconds.
            record: whether it becomes a step.
            cut: takes out of a message what others have put there, before it is noted.
            persist: which port, for a path; the one where its service is if not given.
            **fields: the request's fields, by their newest names.
        """
        shape, request, told = self._request(method, raw, fields)
        if shape is not None and persist not in (None, shape.persist):
            shape = None
        step = Step(shape.key if shape else method, role, told if said is None else said)
        began = self.target.now()
        messages: list[Any] = []
        if shape is None:
            there = "persist" in method if persist is None else persist
            call = self._unknown(method, request, role, timeout, persist=there)
        else:
            call = self.target.invoke(shape, request, role, timeout)

        def read() -> None:
            with contextlib.suppress(grpc.RpcError):
                for data in call:
                    _note_message(step, shape, data, cut, messages)

        if step.method == "JobService.RunJob":
            try:
                _to_its_end(read, timeout)
            finally:
                self._jobs += [message.job_uuid for message in messages]
                # A launch that fails leaves a job all the same, and does not tell its id.
                self._untold = self._untold or not messages
        else:
            read()
        _note_end(step, call)
        step.seconds = self.target.now() - began
        if record:
            self.transcript.steps.append(step)
        return Reply(step.code, step.details, tuple(messages))

    def follow(
        self,
        method: str,
        *,
        role: str = "admin",
        timeout: float = STREAM_S,
        cut: Callable[[Any], None] | None = None,
        **fields: object,
    ) -> Stream:
        """Begin to read a server stream, and go on when it is being served.

        Args:
            method: its name.
            role: whose certificate to show.
            timeout: the call's deadline, real seconds.
            cut: takes out of a message what others have put there, before it is noted.
            **fields: the request's fields.
        """
        shape, request, told = self._request(method, None, fields)
        if shape is None:
            raise ValueError(f"{method} is no stream")
        step = Step(shape.key, role, told)
        self.transcript.steps.append(step)
        call = self.target.invoke(shape, request, role, timeout)
        stream = Stream(self.target, shape, call, step, cut)
        self._streams.append(stream)
        self.target.opened(stream)
        return stream

    def send(
        self,
        method: str,
        *requests: bytes,
        said: Plain,
        role: str = "admin",
        timeout: float = CALL_S,
        **options: object,
    ) -> Reply:
        """Make a call as gRPC's clients never do by themselves, as a step.

        Args:
            method: its name.
            *requests: the messages, any number of them.
            said: what the step says of them.
            role: whose certificate to show.
            timeout: the call's deadline, real seconds.
            **options: gRPC's own, such as `compression` or `metadata`.
        """
        shape = self.target.api.method(method)
        step = Step(shape.key, role, said)
        self.transcript.steps.append(step)
        channel: Any = self.target.channel(role, persist=shape.persist)
        call = channel.stream_stream(shape.path, None, None)(
            iter(requests), timeout=timeout, **options
        )
        messages = []
        with contextlib.suppress(grpc.RpcError):
            for data in call:
                messages.append(shape.decode_response(data))
                step.messages.append(plain_message(messages[-1]))
        _note_end(step, call)
        return Reply(step.code, step.details, tuple(messages))

    def note(
        self,
        what: str,
        role: str,
        request: Plain,
        *messages: Plain,
        code: str = "",
        details: str = "",
    ) -> None:
        """Make a step of something that is no call, or none of `call`'s.

        Args:
            what: the method, or what was done in brackets, such as `"(handshake)"`.
            role: whose certificate was shown.
            request: what was sent.
            *messages: what came.
            code: how it ended: a gRPC code's name, or nothing.
            details: the text beside the code.
        """
        step = Step(what, role, request, list(messages), code, details)
        self.transcript.steps.append(step)

    def _request(
        self,
        method: str,
        raw: bytes | None,
        fields: dict[str, object],
    ) -> tuple[Method | None, bytes, Any]:
        if method.startswith("/") and method not in self.target.api.methods:
            return None, raw or b"", plain_bytes(raw or b"")
        shape = self.target.api.method(method)
        if raw is not None:
            return shape, raw, {"bytes": plain_bytes(raw)}
        request = shape.encode_request(fields)
        sent = plain_message(shape.request.FromString(request))
        # A request tells only what was said: its defaults are nobody's words.
        return shape, request, {name: sent[name] for name in fields}

    def _unknown(
        self, path: str, request: bytes, role: str, timeout: float, *, persist: bool
    ) -> Any:  # noqa: ANN401 - gRPC's call object
        channel: Any = self.target.channel(role, persist=persist)
        return channel.unary_stream(path, None, None)(request, timeout=timeout)

    # Jobs

    def run(self, command: str, *args: str, **fields: Any) -> str:  # noqa: ANN401 - as `call`
        """Run a job and give its id.

        Raises:
            Unmet: the server does not run it.
        """
        reply = self.call("RunJob", command=command, args=list(args), **fields)
        job_id: str = reply.message.job_uuid
        return job_id

    def shell(self, script: str, **fields: Any) -> str:  # noqa: ANN401 - as `call`
        """Run `sh -c` with a script and give the job's id."""
        return self.run("sh", "-c", script, **fields)

    def status(self, job_id: str) -> Any:  # noqa: ANN401 - a run-time message
        """Ask for a job's status without a step of its own."""
        return self.call("GetJobStatus", uuid=job_id, record=False).message

    def until_status(self, job_id: str, *statuses: str, seconds: float = 30) -> Any:  # noqa: ANN401
        """Wait until a job has one of some statuses; the last look at it is a step.

        Raises:
            Unmet: it has none of them in time.
        """
        wanted = statuses or tuple(OVER)
        self.until(
            f"{job_id} is {' or '.join(sorted(wanted))}",
            lambda: self.status(job_id).status in wanted,
            seconds,
        )
        return self.call("GetJobStatus", uuid=job_id).message

    @property
    def marked(self) -> dict[str, str]:
        """The environment of a job that `listed` is to find whose id the server does not tell."""
        return {MARK: self.mark}

    def listed(self, *, record: bool = True) -> list[Any]:
        """Ask for all jobs and give this run's; the step has no others."""

        def cut(message: Any) -> None:  # noqa: ANN401 - a run-time message
            ours = [
                job
                for job in message.jobs
                if job.uuid in self._jobs or job.environment.get(MARK) == self.mark
            ]
            self._jobs += [job.uuid for job in ours if job.uuid not in self._jobs]
            kept = [type(job).FromString(job.SerializeToString()) for job in ours]
            del message.jobs[:]
            message.jobs.extend(kept)

        return list(self.call("JobService.ListJobs", record=record, cut=cut).message.jobs)

    def output(self, job_id: str, *, record: bool = True) -> bytes:
        """Read a job's log to its end.

        Args:
            job_id: the job.
            record: whether that is a step.
        """
        reply = self.call("GetJobLogs", uuid=job_id, record=record)
        return b"".join(message.payload for message in reply.messages)  # type: ignore[attr-defined]

    # Time

    def wait(self, seconds: float) -> None:
        """Let seconds pass on the target's clock."""
        self.target.wait(seconds)

    def moment(self, seconds: float, hours: int = 0) -> str:
        """Give a time as a schedule has it.

        Args:
            seconds: how far it is from now on the target's clock.
            hours: the offset of the time zone in which it is written.
        """
        zone = timezone(timedelta(hours=hours))
        when = (self.target.moment() + timedelta(seconds=seconds)).astimezone(zone)
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def until(self, what: str, check: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until something holds.

        Raises:
            Unmet: it does not in time, on the target's clock.
        """
        end = self.target.now() + seconds
        while not check():
            if self.target.now() > end:
                raise Unmet(f"not within {seconds:g} s: {what}")
            self.target.poll(LOOK_S)

    # Findings

    def expect(self, fact: str, what: str, actual: object, expected: object) -> None:
        """Note whether something is as a fact says; the case goes on either way."""
        if actual != expected:
            self.transcript.unmet.append(f"{fact}: {what} is {actual!r}, not {expected!r}")

    def check(self, fact: str, what: str, holds: object) -> None:
        """Note whether something that a fact says holds; the case goes on either way."""
        if not holds:
            self.transcript.unmet.append(f"{fact}: it does not hold that {what}")

    def refused(self, fact: str, reply: Reply, code: str, details: str) -> None:
        """Note whether a call was refused as a fact says."""
        self.expect(fact, "the code", reply.code, code)
        self.expect(fact, "the text", reply.details, details)

    # The end

    def clean(self) -> None:
        """Leave streams, and end and remove the jobs that this run made, and nothing else."""
        for stream in self._streams:
            if not stream.ended:
                stream.leave()
        if self._untold:
            self._untold = False
            with contextlib.suppress(grpc.RpcError, Unmet):
                self.listed(record=False)
        self.remove(self._jobs)
        self._jobs.clear()

    def remove(self, jobs: Iterable[str]) -> None:
        """End and remove jobs, in silence."""
        left = list(dict.fromkeys(jobs))
        statuses = {job_id: self._known_status(job_id) for job_id in left}
        ran = False
        for job_id in left:
            if statuses[job_id] not in {"", *OVER}:
                with contextlib.suppress(grpc.RpcError):
                    self.call("StopJob", uuid=job_id, record=False)
                ran = ran or statuses[job_id] != "SCHEDULED"
        if ran or "STOPPED" in statuses.values():
            # Stopped and deleted at once, a job comes back as FAILED (JOB-STP-07, JOB-DEL-05).
            self.target.wait(LATE_S)
        for job_id in left:
            if statuses[job_id]:
                with contextlib.suppress(grpc.RpcError):
                    self.call("JobService.DeleteJob", uuid=job_id, record=False)

    def _known_status(self, job_id: str) -> str:
        with contextlib.suppress(grpc.RpcError, Unmet):
            status: str = self.status(job_id).status
            return status
        return ""


def _to_its_end(work: Callable[[], None], seconds: float) -> None:
    """Do something to its end, though Ctrl-C come meanwhile: what it makes must be known.

    Args:
        work: what to do.
        seconds: how long it takes at most after a Ctrl-C.
    """
    # Not the thread's join(), which forgets to wait once it was interrupted.
    ended = threading.Event()

    def worker() -> None:
        try:
            work()
        finally:
            ended.set()

    threading.Thread(target=worker, daemon=True).start()
    try:
        ended.wait()
    except BaseException:
        ended.wait(seconds)
        raise


def _note_message(
    step: Step,
    shape: Method | None,
    data: bytes,
    cut: Callable[[Any], None] | None,
    messages: list[Any],
) -> None:
    if shape is None:
        step.messages.append(plain_bytes(data))
        return
    try:
        message = shape.decode_response(data)
    except DecodeError:
        step.messages.append({"broken": plain_bytes(data)})
        return
    if cut is not None:
        cut(message)
    step.messages.append(plain_message(message))
    messages.append(message)


def _note_end(step: Step, call: Any) -> None:  # noqa: ANN401 - gRPC's call object
    step.code = call.code().name
    step.details = call.details() or ""
    pairs = [*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())]
    step.metadata = [
        [key, value if isinstance(value, str) else value.hex()]
        for key, value in pairs
        if not key.startswith(OWN_METADATA)
    ]
