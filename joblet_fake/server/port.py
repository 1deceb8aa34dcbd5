"""One listening port: gRPC's handlers over an exchange."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import grpc

from joblet_fake.exchange import Call, role_of
from joblet_fake.model.errors import Refusal
from joblet_fake.model.outcome import Outcome
from joblet_fake.server.connections import connections
from joblet_fake.server.faulty import Faulty
from joblet_fake.server.gate import Gate
from joblet_fake.services import Asked, StatusError, Streamed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from joblet_fake.exchange import Cut, Trailers
    from joblet_fake.server.backend import Backend
    from joblet_fake.services import Answer
    from joblet_fake.wire import Method

    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

BATCH: Final = 64
"""How many messages of a stream are taken under one hold of the lock."""

CODES: Final = {code.name: code for code in grpc.StatusCode}

POLLED: Final = frozenset({"JobService.GetJobStatus", "JobService.ListJobs"})
"""The reads that clients repeat while they wait for something to happen."""


LATEST: Final = 2_000_000_000
"""Clock nanoseconds that a call takes at most, with all durations of a pace in a row."""


def _given_up(context: Context) -> str:
    """Give the code under which a caller that went away has seen its call end."""
    # The stubs don't know that it is None without a deadline.
    left = cast("float | None", context.time_remaining())
    return "CANCELLED" if left is None or left > 0 else "DEADLINE_EXCEEDED"


class Port(grpc.GenericRpcHandler):
    """Handlers for every path on one port, known or not.

    Args:
        backend: what all ports of a server share.
        persist: whether this is the persist port.

    Attributes:
        name: `"core"` or `"persist"`.
        gate: what all its calls pass.
        number: where it listens.
    """

    def __init__(self, backend: Backend, *, persist: bool) -> None:
        self.gate = Gate()
        self.name = "persist" if persist else "core"
        self._backend = backend
        self.number = 0
        self._faulty = Faulty(backend, self.gate, self._cut)
        api = backend.exchange.api
        self._services = api.persist if persist else api.core
        self._handlers = {
            method.path: self._handler(method)
            for method in api.methods.values()
            if method.persist == persist
        }

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Give the handler for a path; there is one for every path."""
        handler = self._handlers.get(details.method)
        return handler if handler is not None else self._unknown(details.method)

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
        call = Call(
            method.key,
            self._role(context),
            data,
            backend.clock.now_ns(),
            method,
            tuple(context.invocation_metadata() or ()),
            context.peer(),
            # The stubs don't know that it is None without a deadline.
            cast("float | None", context.time_remaining()),
        )
        backend.calls.add(call)
        return call

    def _cut(self, peer: str, how: Cut) -> None:
        """End the connection of a peer."""
        for connection in connections(self.name, self.number, self._backend.note_cut):
            if connection.peer == peer:
                connection.reset() if how.reset else connection.drop()

    def _role(self, context: Context) -> str:
        certificates = context.auth_context().get("x509_pem_cert")
        if not certificates:
            return self._backend.plaintext_role
        return role_of(next(iter(certificates)), self._backend.exchange.generation.roles)

    def _unary(self, method: Method) -> Callable[..., Any]:
        backend = self._backend
        begin = backend.exchange.begin
        key = method.key
        polled = key in POLLED and backend.clock.mode == "skipping"
        armed, gate = backend.faults.armed, self.gate

        async def work(call: Call, data: bytes) -> bytes:
            answer = begin(method, call.role, data)
            if polled and isinstance(answer, bytes) and backend.seen(key, data, answer):
                # A client that reads the same again waits for the clock: let it get there.
                backend.fire(backend.clock.skip)
                answer = begin(method, call.role, data)
                backend.seen(key, data, answer)
            return answer if isinstance(answer, bytes) else await self._later(answer)

        async def handle(data: bytes, context: Context) -> bytes:
            call = self._call(method, data, context)
            backend.drive.enter()
            try:
                if key in armed or gate.closed:
                    answer = await self._faulty.unary(method, call, lambda: work(call, data))
                else:
                    answer = await work(call, data)
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

    async def _later(self, answer: Answer) -> bytes:
        """Give a unary method's answer that takes time, or the test's own code."""
        if isinstance(answer, Asked):
            given = await self._backend.ask(answer.question)
            answer = self._backend.exchange.go_on(answer, given)
        if isinstance(answer, Outcome):
            await self._done(answer)
            answer = answer.result()
        if not isinstance(answer, bytes):
            raise TypeError(f"a unary method answered with {answer!r}")
        return answer

    async def _done(self, outcome: Outcome[bytes]) -> None:
        backend, clock = self._backend, self._backend.clock
        if outcome.done:
            return
        with backend.waker() as waker:
            with clock.lock:
                outcome.on_done(waker.wake)
            latest = clock.now_ns() + LATEST
            while not outcome.done:
                if clock.mode != "frozen":
                    await waker.wait()
                elif (due := clock.next_due()) is not None and due <= latest:
                    # Only the caller could move this clock, and it waits for us: the call itself
                    # takes its time off the clock.
                    clock.step()
                elif backend.launcher.busy:
                    await waker.wait_shortly()
                else:
                    await waker.wait()

    def _stream(self, method: Method) -> Callable[..., Any]:
        backend = self._backend
        key = method.key
        armed, gate = backend.faults.armed, self.gate

        def work(call: Call, data: bytes) -> AsyncGenerator[bytes, None]:
            return self._messages(backend.exchange.begin(method, call.role, data), call)

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
                    messages = self._faulty.stream(method, call, lambda: work(call, data))
                else:
                    messages = work(call, data)
                async for message in messages:
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

    async def _messages(self, answer: Answer, call: Call) -> AsyncGenerator[bytes, None]:
        if not isinstance(answer, Streamed):
            return
        feed, encode, gate = answer.feed, answer.encode, self.gate
        lock = self._backend.clock.lock
        with self._backend.waker() as waker:
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
                    for item in batch:
                        yield encode(item)
                    if ended:
                        return
                    if not batch:
                        await waker.wait()
            finally:
                with lock:
                    feed.close()
