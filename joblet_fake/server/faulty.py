"""Calls that fault rules may hit: what happens to them before, instead of and after their work."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from joblet_fake.exchange import Cut, Delay, End, Fail, Restart, Stall
from joblet_fake.server.connections import peer_of
from joblet_fake.services import StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from joblet_fake.exchange import Call, Claim
    from joblet_fake.server.backend import Backend
    from joblet_fake.server.gate import Gate
    from joblet_fake.wire import Method

ON_THE_WAY: Final = 0.1
"""Real seconds that messages get to be read before their connection goes.

Clients forget what they have received and not yet read when a connection is lost.
"""

CUT_SHORTLY: Final = 10.0
"""Real seconds within which a call is cancelled that lost its connection; it takes 1 or 2 ms."""


class Faulty:
    """The way of calls through fault rules, on one port.

    Args:
        backend: what all ports of a server share.
        gate: what all calls of the port pass.
        cut: ends the connection of a peer, `host:port`.
    """

    def __init__(self, backend: Backend, gate: Gate, cut: Callable[[str, Cut], object]) -> None:
        self._backend = backend
        self._gate = gate
        self._cut = cut

    async def unary(
        self,
        method: Method,
        call: Call,
        work: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        """Give a unary call's reply.

        Args:
            method: the method.
            call: the call, as the journal has it.
            work: has the service do it, and gives its reply.

        Raises:
            StatusError: what the client gets instead.
        """
        await self._gate.passed(self._backend)
        claim = await self._claim(method, call)
        if claim is None:
            return await work()
        damager = claim.stage.damager()
        if not claim.stage.late:
            await self._act(claim)
            reply = await work()
            if damager is not None:
                (reply,) = damager.take(reply)
                claim.fire() if damager.done else claim.release()
            return reply
        refused: StatusError | None = None
        reply = b""
        try:
            reply = await work()
        except StatusError as error:
            refused = error
        await self._act(claim)
        if refused is not None:
            raise refused
        return reply

    async def stream(
        self,
        method: Method,
        call: Call,
        work: Callable[[], AsyncGenerator[list[bytes], None]],
    ) -> AsyncGenerator[list[bytes], None]:
        """Give a stream's messages, several together where nothing comes between them.

        Args:
            method: the method.
            call: the call, as the journal has it.
            work: has the service do it, and gives its messages.

        Raises:
            StatusError: how the stream ends instead.
        """
        await self._gate.passed(self._backend)
        claim = await self._claim(method, call)
        messages = work() if claim is None else self._one_by_one(claim, work)
        try:
            async with aclosing(messages):
                async for batch in messages:
                    yield batch
        finally:
            if claim is not None:
                claim.release()

    async def _one_by_one(
        self,
        claim: Claim,
        work: Callable[[], AsyncGenerator[list[bytes], None]],
    ) -> AsyncGenerator[list[bytes], None]:
        stage = claim.stage
        damager = stage.damager()
        waits = stage.midway
        if not waits and not stage.late and not await self._act(claim):
            return
        sent = size = 0
        async with aclosing(work()) as batches:
            async for batch in batches:
                for message in batch:
                    if damager is None or waits:
                        out = [message]
                    else:
                        out = damager.take(message)
                        if damager.done:
                            # Before it is sent: the client may end the call when it has it.
                            claim.fire()
                    for one in out:
                        yield [one]
                        sent, size = sent + 1, size + len(one)
                    if waits and stage.reached(sent, size):
                        waits = False
                        if not await self._act(claim):
                            return
        if damager is not None:
            for one in damager.rest():
                yield [one]
        if stage.late:
            await self._act(claim)

    async def _claim(self, method: Method, call: Call) -> Claim | None:
        backend = self._backend
        backend.exchange.admit(method, call.role, call.request_bytes)
        if not backend.faults.asks(method.key):
            return backend.faults.claim(call)
        made: list[Claim] = []
        gone = threading.Event()

        def ask() -> Claim | None:
            claim = backend.faults.claim(call)
            if claim is not None:
                made.append(claim)
                if gone.is_set():
                    claim.release()
            return claim

        try:
            return await backend.ask(ask)
        except asyncio.CancelledError:
            # Whoever called has gone: what its predicates find is for nobody.
            gone.set()
            for claim in made:
                claim.release()
            raise

    async def _act(self, claim: Claim) -> bool:
        """Do what a rule says; tell whether the call goes on."""
        acts = claim.stage.acts
        if acts:
            claim.fire()
        for action in acts:
            match action:
                case Delay():
                    await self._delay(claim, action.seconds)
                case Fail():
                    raise StatusError(action.code, action.details, action.trailers)
                case End():
                    return False
                case Stall():
                    what = f"{claim.call.method}, stalled by {claim.plan!r},"
                    await self._backend.hold_up(
                        lambda: not claim.plan.cleared, claim.plan.on_clear, what
                    )
                case Cut() | Restart():
                    if claim.stage.midway:
                        await asyncio.sleep(ON_THE_WAY)
                    if isinstance(action, Cut):
                        self._cut(peer_of(claim.call.peer), action)
                    else:
                        self._restart()
                    await self._be_cancelled()
        return True

    async def _delay(self, claim: Claim, seconds: float) -> None:
        over = False

        def ring() -> None:
            nonlocal over
            over = True
            waker.wake()

        with self._backend.waker() as waker:
            timer = self._backend.clock.call_later(seconds, ring)
            unwatch = claim.plan.on_clear(waker.wake)
            try:
                while not over and not claim.plan.cleared:
                    await waker.wait()
            finally:
                timer.cancel()
                unwatch()

    def _restart(self) -> None:
        backend = self._backend

        def restart() -> None:
            try:
                backend.restart()
            except BaseException as error:  # noqa: BLE001 - it must fail the test
                if not backend.closing:
                    backend.errors.append(error)

        # The call that this hits ends with the server: it can't wait for it.
        threading.Thread(target=restart, name="joblet-fake-restarts", daemon=True).start()

    @staticmethod
    async def _be_cancelled() -> None:
        """Wait for gRPC to see that the connection is gone."""
        await asyncio.sleep(CUT_SHORTLY)
        raise StatusError("UNAVAILABLE", "joblet-fake: the connection should be gone, and is not")
