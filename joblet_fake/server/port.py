"""One listening port: gRPC's handlers over an exchange."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import grpc

from joblet_fake.exchange import INSIDE, Call, role_of
from joblet_fake.model.errors import Refusal
from joblet_fake.model.outcome import Outcome
from joblet_fake.server.connections import connections
from joblet_fake.server.faulty import Faulty
from joblet_fake.server.gate import Gate
from joblet_fake.server.tls import client_name
from joblet_fake.server.turn import Turn
from joblet_fake.services import Asked, StatusError, Streamed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from joblet_fake.exchange import Cut, Trailers
    from joblet_fake.server.backend import Backend, Waker
    from joblet_fake.services import Answer
    from joblet_fake.wire import Method

    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

BATCH: Final = 64
"""How many messages of a stream are taken under one hold of the lock."""

CODES: Final = {code.name: code for code in grpc.StatusCode}

BEFORE_DEADLINE: Final = 0.1
"""Real seconds before its caller's deadline at which a stream that ends with OK does so."""

ON_ITS_WAY: Final = 0.1
"""Real seconds that a call may have been on its way on a busy machine."""

POLLED: Final = frozenset(
    {
        "JobService.GetJobStatus",
        "JobService.GetWorkflowJobs",
        "JobService.GetWorkflowStatus",
        "JobService.ListJobs",
        "JobService.ListWorkflows",
    },
)
"""The reads that clients repeat while they wait for something to happen."""


def _given_up(context: Context) -> str:
    """Give the code under which a caller that went away has seen its call end."""
    # The stubs don't know that it is None without a deadline.
    left = cast("float | None", context.time_remaining())
    # The caller's time began before ours, by as long as the call was on its way.
    return "CANCELLED" if left is None or left > ON_ITS_WAY else "DEADLINE_EXCEEDED"


class Port(grpc.GenericRpcHandler):
    """Handlers for every path on one port, known or not.

    Args:
        backend: what all ports of a server share.
        persist: whether this is the persist port.
        tls: whether callers show certificates.

    Attributes:
        name: `"core"` or `"persist"`.
        gate: what all its calls pass.
        number: where it listens.
    """

    def __init__(self, backend: Backend, *, persist: bool, tls: bool) -> None:
        self.name = "persist" if persist else "core"
        self.gate = Gate()
        self.number = 0
        self._backend = backend
        self._faulty = Faulty(backend, self.gate, self._cut)
        self._tls = tls
        api, roles = backend.exchange.api, backend.exchange.generation.roles
        self._by_name = {client_name(role).encode(): role for role in roles}
        self._services = api.persist if persist else api.core
        self._persist = persist
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Give the handler for a path; there is one for every path."""
        path = details.method
        handler = self._handlers.get(path)
        if handler is None:
            method = self._backend.exchange.api.methods.get(path)
            if method is None or method.persist != self._persist:
                return self._unknown(path)
            # A test uses few of the methods: each gets its handler when it is first called.
            handler = self._handlers[path] = self._handler(method)
        return handler

    def _handler(self, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(self._stream(method))
        return grpc.unary_unary_rpc_method_handler(self._unary(method))

    def _unknown(self, path: str) -> grpc.RpcMethodHandler[Any, Any]:
        backend = self._backend
        error = backend.exchange.unknown(path, self._services)

        async def refuse(_requests: object, context: Context) -> None:
            metadata = context.invocation_metadata() or ()
            now = backend.clock.now_ns()
            call = Call(path, self._role(context), b"", now, metadata=tuple(metadata))
            backend.calls.add(call)
            backend.calls.end(call, now, error.code, error.details)
            await context.abort(CODES[error.code], error.details)

        # Answers before any message comes, and whatever the number of messages.
        return grpc.stream_stream_rpc_method_handler(refuse)

    def _call(self, method: Method, data: bytes, context: Context) -> Call:
        """Enter a call in the journal."""
        backend = self._backend
        metadata = tuple(context.invocation_metadata() or ())
        inside = INSIDE in metadata
        if inside:
            metadata = tuple(pair for pair in metadata if pair != INSIDE)
        call = Call(
            method.key,
            self._role(context),
            data,
            backend.clock.now_ns(),
            method,
            metadata,
            context.peer(),
            # The stubs don't know that it is None without a deadline.
            cast("float | None", context.time_remaining()),
            inside=inside,
        )
        backend.calls.add(call)
        return call

    def _cut(self, peer: str, how: Cut) -> None:
        """End the connection of a peer."""
        for connection in connections(self.name, self.number, self._backend.note_cut):
            if connection.peer == peer:
                connection.reset() if how.reset else connection.drop()

    def _role(self, context: Context) -> str:
        if not self._tls:
            return self._backend.plaintext_role
        # The certificates that we issue are known by their names: gRPC gives those at once, and
        # takes as long for a certificate as the rest of a call takes here.
        for name in context.peer_identities() or ():
            role = self._by_name.get(name)
            if role is not None:
                return role
        certificate = next(iter(context.auth_context()["x509_pem_cert"]))
        return role_of(certificate, self._backend.exchange.generation.roles)

    def _unary(self, method: Method) -> Callable[..., Any]:
        backend = self._backend
        begin, holds = backend.exchange.begin, backend.clock.holds
        key = method.key
        polled = key in POLLED and backend.clock.mode == "skipping"
        armed, gate = backend.faults.armed, self.gate

        async def finish(call: Call, data: bytes, answer: Answer) -> bytes:
            turn = Turn(backend, call)
            if polled and isinstance(answer, bytes) and backend.seen(key, data, answer):
                # A client that reads the same again waits for the clock: let it get there.
                await turn.skip()
                answer = begin(method, call.role, data)
                backend.seen(key, data, answer)
            if not isinstance(answer, bytes):
                answer = await self._later(answer, turn, call)
            await turn.free()
            return answer

        async def work(call: Call, data: bytes) -> bytes:
            with holds.caused_by(call):
                answer = begin(method, call.role, data)
            return await finish(call, data, answer)

        async def handle(data: bytes, context: Context) -> bytes:
            call = self._call(method, data, context)
            backend.drive.enter()
            try:
                if key in armed or gate.closed:
                    answer = await self._faulty.unary(method, call, lambda: work(call, data))
                else:
                    # Most calls end here at once: they are spared a coroutine.
                    with holds.caused_by(call):
                        begun = begin(method, call.role, data)
                    if isinstance(begun, bytes) and not polled and not holds:
                        answer = begun
                    else:
                        answer = await finish(call, data, begun)
            except StatusError as error:
                failure = error
            except asyncio.CancelledError:
                backend.calls.end(call, backend.clock.now_ns(), _given_up(context))
                raise
            except Exception as error:  # noqa: BLE001 - a bug of ours must fail the test, not hide
                failure = backend.broken(error)
            else:
                now = backend.clock.now_ns()
                call.note(answer, now)
                backend.calls.end(call, now, "OK")
                return answer
            finally:
                backend.drive.leave()
            backend.calls.end(call, backend.clock.now_ns(), failure.code, failure.details)
            await context.abort(CODES[failure.code], failure.details, failure.trailers)
            raise AssertionError  # abort never returns

        return handle

    async def _later(self, answer: Answer, turn: Turn, call: Call) -> bytes:
        """Give a unary method's answer that takes time, or the test's own code."""
        backend = self._backend
        while isinstance(answer, Asked | Outcome):
            if isinstance(answer, Asked):
                given = await backend.ask(answer.question, of_test=answer.of_test)
                with backend.clock.holds.caused_by(call):
                    answer = backend.exchange.go_on(answer, given)
            else:
                await turn.done(answer)
                answer = answer.result()
        if not isinstance(answer, bytes):
            raise TypeError(f"a unary method answered with {answer!r}")
        return answer

    def _stream(self, method: Method) -> Callable[..., Any]:
        backend = self._backend
        key = method.key
        armed, gate = backend.faults.armed, self.gate

        def work(call: Call, data: bytes) -> AsyncGenerator[list[bytes], None]:
            return self._batches(backend.exchange.begin(method, call.role, data), call)

        async def handle(
            data: bytes,
            context: Context,
        ) -> AsyncIterator[bytes]:
            call = self._call(method, data, context)
            backend.drive.enter()
            code, details = "OK", ""
            trailers: Trailers = ()
            try:
                if key in armed or gate.closed:
                    batches = self._faulty.stream(method, call, lambda: work(call, data))
                else:
                    batches = work(call, data)
                async for batch in batches:
                    for message in batch:
                        call.note(message, backend.clock.now_ns())
                        yield message
            except StatusError as error:
                code, details, trailers = error.code, error.details, error.trailers
            except (asyncio.CancelledError, GeneratorExit):
                code = _given_up(context)
                raise
            except Exception as error:  # noqa: BLE001 - as above
                failure = backend.broken(error)
                code, details = failure.code, failure.details
            finally:
                backend.drive.leave()
                backend.calls.end(call, backend.clock.now_ns(), code, details)
            if code != "OK":
                await context.abort(CODES[code], details, trailers)

        return handle

    async def _batches(self, answer: Answer, call: Call) -> AsyncGenerator[list[bytes], None]:
        if not isinstance(answer, Streamed):
            return
        feed, encode, gate = answer.feed, answer.encode, self.gate
        turn = Turn(self._backend, call)
        lock = self._backend.clock.lock
        with self._backend.waker() as waker, self._in_time(call, waker) as over:
            try:
                with lock:
                    feed.subscribe(waker.wake)
                self._backend.calls.followed(call)
                while True:
                    if gate.closed:
                        await gate.passed(self._backend)
                    waker.clear()
                    with lock:
                        try:
                            batch = feed.take(BATCH)
                        except Refusal as refusal:
                            raise answer.refused(refusal) from None
                        ended = feed.ended
                    # All at once: one by one, between two sends, takes several times as long.
                    yield [encode(item) for item in batch]
                    if ended or over():
                        return
                    if not batch:
                        await turn.wait(waker)
            finally:
                with lock:
                    feed.close()

    @contextmanager
    def _in_time(self, call: Call, waker: Waker) -> Iterator[Callable[[], bool]]:
        """Give what tells whether a stream is to end because of its caller's deadline.

        A real server ends it at the same moment as the caller gives up, and either can be first
        (TIME-22).
        """
        if call.deadline is None or "deadline-ends-ok" not in self._backend.exchange.model.quirks:
            yield lambda: False
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + call.deadline - BEFORE_DEADLINE
        timer = loop.call_at(end, waker.wake)
        try:
            yield lambda: loop.time() >= end
        finally:
            timer.cancel()
