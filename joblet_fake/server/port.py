"""One listening port: gRPC's handlers over an exchange."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import grpc

from joblet_fake.exchange import Call, role_of
from joblet_fake.model.errors import Refusal
from joblet_fake.model.outcome import Outcome
from joblet_fake.server.tls import client_name
from joblet_fake.services import Asked, StatusError, Streamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
        tls: whether callers show certificates.
    """

    def __init__(self, backend: Backend, *, persist: bool, tls: bool) -> None:
        self._backend = backend
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
        begin = backend.exchange.begin
        key = method.key
        polled = key in POLLED and backend.clock.mode == "skipping"

        async def handle(data: bytes, context: Context) -> bytes:
            call = self._call(method, data, context)
            backend.drive.enter()
            try:
                answer = begin(method, call.role, data)
                if polled and isinstance(answer, bytes) and backend.seen(key, data, answer):
                    # A client that reads the same again waits for the clock: let it get there.
                    backend.fire(backend.clock.skip)
                    answer = begin(method, call.role, data)
                    backend.seen(key, data, answer)
                if not isinstance(answer, bytes):
                    answer = await self._later(answer)
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
            await context.abort(CODES[failure.code], failure.details)
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

        async def handle(
            data: bytes,
            context: Context,
        ) -> AsyncIterator[bytes]:
            call = self._call(method, data, context)
            backend.drive.enter()
            code, details = "OK", ""
            try:
                answer = backend.exchange.begin(method, call.role, data)
                if isinstance(answer, Streamed):
                    async for batch in self._batches(answer, call):
                        for message in batch:
                            call.note(message, backend.clock.now_ns())
                            yield message
            except StatusError as error:
                code, details = error.code, error.details
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
                await context.abort(CODES[code], details)

        return handle

    async def _batches(self, streamed: Streamed, call: Call) -> AsyncIterator[list[bytes]]:
        feed, encode = streamed.feed, streamed.encode
        lock = self._backend.clock.lock
        with self._backend.waker() as waker:
            try:
                with lock:
                    feed.subscribe(waker.wake)
                self._backend.calls.followed(call)
                while True:
                    waker.clear()
                    with lock:
                        try:
                            batch = feed.take(BATCH)
                        except Refusal as refusal:
                            raise streamed.refused(refusal) from None
                        ended = feed.ended
                    # All at once: one by one, between two sends, takes several times as long.
                    yield [encode(item) for item in batch]
                    if ended:
                        return
                    if not batch:
                        await waker.wait()
            finally:
                with lock:
                    feed.close()
