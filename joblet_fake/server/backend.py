"""What the two ports of one server share: the exchange, the journal, the drive, the end."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from joblet_fake.programs import LIMIT, Interrupted, stuck
from joblet_fake.server.connections import peer_of
from joblet_fake.server.drive import Drive
from joblet_fake.services import StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joblet_fake.clock import Clock
    from joblet_fake.exchange import Calls, Exchange, FaultRules
    from joblet_fake.server.loop import Loop

T = TypeVar("T")

STALL_TIMEOUT: Final = 30.0
"""Real seconds that a stream waits on a clock that nobody moves."""

SHORTLY: Final = 0.01
"""Real seconds between two looks at a frozen clock by a call that waits for a local process."""

ASKED_AT_ONCE: Final = 200
"""How many calls can wait for code of the test at once; a predicate that asks itself gets there."""

INSTEAD: Final = (
    "a predicate says yes or no at once, by what it is given; the call that it is asked about "
    "waits for it, so it can't wait for the fake, nor for a clock to go on"
)
"""What is right for a predicate that waits."""

TEXT_SHOWN: Final = 500
"""How many characters of an error's text a client sees."""

READS_KEPT: Final = 1000
"""How many different reads are remembered to see that a client polls."""


class StalledError(RuntimeError):
    """A stream waited for a frozen clock that nobody moved."""


class Waker:
    """Lets one call wait on the loop for the model; bounded when the clock is frozen."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Wake the call, from any thread."""
        self._backend.loop.soon(self._event.set)

    def clear(self) -> None:
        """Forget wake-ups so far."""
        self._event.clear()

    async def wait(self) -> None:
        """Wait for a wake-up that the clock brings.

        Raises:
            StatusError: the server stops, or the clock is frozen and nobody moved it for long.
        """
        backend = self._backend
        backend.check_open()
        backend.drive.wait()
        try:
            if backend.clock.mode == "frozen":
                await self._wait_on_frozen()
            else:
                await self._event.wait()
        finally:
            backend.drive.wake()
        self._event.clear()
        backend.check_open()

    async def wait_for_code(self) -> None:
        """Wait for a wake-up by code that runs elsewhere in real time; no clock has a part in it.

        Raises:
            StatusError: the server stops.
        """
        self._backend.check_open()
        await self._event.wait()
        self._event.clear()
        self._backend.check_open()

    async def wait_shortly(self) -> None:
        """Wait for a wake-up, or a few milliseconds.

        Raises:
            StatusError: the server stops.
        """
        self._backend.check_open()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), SHORTLY)
        self._event.clear()
        self._backend.check_open()

    async def wait_at_most(self, seconds: float) -> bool:
        """Wait for a wake-up for some real time, whatever the clock does; tell whether it came.

        Raises:
            StatusError: the server stops.
        """
        backend = self._backend
        backend.check_open()
        backend.drive.wait()
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            backend.drive.wake()
        self._event.clear()
        backend.check_open()
        return True

    async def _wait_on_frozen(self) -> None:
        backend = self._backend
        while True:
            moves = backend.moves
            try:
                await asyncio.wait_for(self._event.wait(), backend.stall_timeout)
            except TimeoutError:
                # A local process takes its real time, and ends by itself.
                if backend.moves == moves and not backend.launcher.busy:
                    raise backend.stalled() from None
            else:
                return


class Backend:
    """The inside of one server, whatever its sockets.

    Args:
        exchange: serves calls.
        calls: the journal.
        loop: where the server lives.
        faults: what shall go wrong with calls.
        errors: where errors of the fake itself are kept.
        plaintext_role: the role of callers without a certificate, on a server without TLS.
        stall_timeout: real seconds that a stream waits on a frozen clock that nobody moves.
        code_timeout: real seconds that a predicate of the test may take.
    """

    def __init__(
        self,
        exchange: Exchange,
        calls: Calls,
        loop: Loop,
        *,
        faults: FaultRules,
        errors: list[BaseException] | None = None,
        plaintext_role: str = "admin",
        stall_timeout: float = STALL_TIMEOUT,
        code_timeout: float = LIMIT,
    ) -> None:
        self.exchange = exchange
        self.calls = calls
        self.loop = loop
        self.faults = faults
        self.plaintext_role = plaintext_role
        self.stall_timeout = stall_timeout
        self.code_timeout = code_timeout
        self.clock: Clock = exchange.model.clock
        self.launcher = exchange.model.launcher
        self.drive = Drive(self.clock, loop, self.fire)
        self.errors: list[BaseException] = [] if errors is None else errors
        self.moves = 0
        self._wakers: set[Waker] = set()
        self._closing = False
        self._last_seen: dict[tuple[str, bytes], object] = {}
        self._asked = 0
        # What the fake in front does: restart, and make new connections for its own calls.
        self.restart: Callable[[], object] = lambda: None
        self.reconnect: Callable[[], object] = lambda: None
        self._unwatch = self.clock.on_move(self._moved)

    def _moved(self) -> None:
        self.moves += 1

    @contextmanager
    def waker(self) -> Iterator[Waker]:
        """Give a call something to wait with, for as long as it is open."""
        waker = Waker(self)
        self._wakers.add(waker)
        try:
            yield waker
        finally:
            self._wakers.discard(waker)

    def seen(self, key: str, request: bytes, answer: object) -> bool:
        """Note a read's answer; tell whether it is what the same read got before."""
        same = self._last_seen.get((key, request)) == answer
        if len(self._last_seen) > READS_KEPT:
            self._last_seen.clear()
        self._last_seen[key, request] = answer
        return same

    def forget(self) -> None:
        """Forget the reads so far: the state that they showed is gone."""
        self._last_seen.clear()

    def fire(self, action: Callable[[], object]) -> None:
        """Move the clock from the loop's thread; an error in it is kept for the test."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - it must fail the test, not kill the loop
            self.errors.append(error)

    async def ask(self, question: Callable[[], T], *, of_test: bool = True) -> T:
        """Have code run on a thread of its own, and wait for what it gives.

        Args:
            question: that code.
            of_test: whether it is the test's, which has to come back in time; our own does, in a
                time that grows with what a client sent.

        Raises:
            StatusError: it failed, and its error is kept for the test; or the server stops.
        """
        given: list[T] = []
        failed: list[BaseException] = []
        with self.waker() as waker:

            def work() -> None:
                # What is given up has its error already.
                with suppress(Interrupted):
                    try:
                        given.append(question())
                    except Interrupted:
                        raise
                    except BaseException as error:  # noqa: BLE001 - pytest.fail() is no Exception
                        failed.append(error)
                    waker.wake()

            if self._asked >= ASKED_AT_ONCE and of_test:
                raise self.broken(
                    RecursionError(
                        f"{ASKED_AT_ONCE} predicates are being asked at once: a call that one of "
                        "them makes seems to ask it again",
                    ),
                    "a predicate of the test failed",
                )
            self._asked += of_test
            try:
                thread = threading.Thread(target=work, name="joblet-fake-asks", daemon=True)
                thread.start()
                while not given and not failed:
                    try:
                        limit = self.code_timeout if of_test else None
                        await asyncio.wait_for(waker.wait_for_code(), limit)
                    except TimeoutError:
                        late = stuck(
                            "a predicate", self.code_timeout, thread, work.__code__, INSTEAD
                        )
                        if late is not None and not given:
                            failed.append(late)
            finally:
                self._asked -= of_test
        if failed and not of_test:
            raise failed[0]
        if failed:
            raise self.broken(failed[0], "a predicate of the test failed")
        return given[0]

    def broken(
        self,
        error: BaseException,
        what: str = "joblet-fake failed by itself",
    ) -> StatusError:
        """Keep an error that is not the client's, and give what the client sees meanwhile."""
        self.errors.append(error)
        text = str(error)
        if len(text) > TEXT_SHOWN:
            # An error that quotes another call's error must not grow from call to call.
            text = f"{text[:TEXT_SHOWN]}..."
        return StatusError(
            "INTERNAL",
            f"{what} ({type(error).__name__}: {text}); "
            "the test that it ran in fails with the traceback",
        )

    async def hold_up(
        self,
        holds: Callable[[], bool],
        watch: Callable[[Callable[[], None]], Callable[[], object]],
        what: str,
    ) -> None:
        """Keep a call waiting for as long as something holds it up.

        Args:
            holds: tells whether it does.
            watch: has a callback told when it may hold no longer; what it gives ends that.
            what: what holds it up, for the error's text.

        Raises:
            StatusError: the client has not given up after `stall_timeout` real seconds, and the
                test fails with the reason; or the server stops.
        """
        end = time.monotonic() + self.stall_timeout
        with self.waker() as waker:
            unwatch = watch(waker.wake)
            try:
                while holds():
                    left = end - time.monotonic()
                    if left <= 0:
                        raise self.waited_for(what)
                    await waker.wait_at_most(left)
            finally:
                unwatch()

    def waited_for(self, what: str) -> StatusError:
        """Keep the news that a client waits for ever, and give what it gets then."""
        reason = (
            f"{what} gave no answer for {self.stall_timeout:g} s, and the client still waits: "
            "it has no deadline, or a longer one"
        )
        self.errors.append(StalledError(reason))
        return StatusError("ABORTED", f"joblet-fake: {reason}")

    def note_cut(self, peer: str) -> object:
        """Note that a client's connection is about to be cut, and what its open calls see.

        Args:
            peer: where the client is, as `host:port`.

        Returns:
            What must not go before the cut: the fake's own channels, which it uses no more.
        """
        now = self.clock.now_ns()
        for call in self.calls:
            if call.code is None and peer_of(call.peer) == peer:
                self.calls.end(call, now, "UNAVAILABLE")
        return self.reconnect()

    def stalled(self) -> StatusError:
        """Keep the news that a stream waited in vain, and give what the client sees."""
        due = self.clock.next_due()
        if due is None:
            reason = "clock is frozen and nothing is due: no advance() can end this wait"
        else:
            seconds = (due - self.clock.now_ns()) / 1e9
            reason = f"clock is frozen, next event in {seconds:g} s: advance()"
        self.errors.append(StalledError(reason))
        return StatusError("ABORTED", f"joblet-fake: {reason}")

    @property
    def closing(self) -> bool:
        """Whether the server stops."""
        return self._closing

    def check_open(self) -> None:
        """Refuse to go on when the server stops.

        Raises:
            StatusError: it does.
        """
        if self._closing:
            raise StatusError("UNAVAILABLE", "joblet-fake: the server was stopped")

    def close(self) -> bool:
        """Stop time, and have every open call end; on the loop's thread.

        Returns:
            Whether any call was waiting.
        """
        self._closing = True
        self.drive.stop()
        self._unwatch()
        for waker in tuple(self._wakers):
            waker.wake()
        return bool(self._wakers)
