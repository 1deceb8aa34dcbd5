"""The virtual clock: a heap of timers and three ways in which time passes."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, get_args

from joblet_fake.clock.hold import Holds
from joblet_fake.words import check_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from joblet_fake.clock.hold import Hold

Mode = Literal["flowing", "frozen", "skipping"]
CLOCK_MODES: Final[tuple[str, ...]] = get_args(Mode)

NANOS: Final = 1_000_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_START: Final = datetime(2026, 1, 1, tzinfo=UTC)

PAUSE: Final = 50e-6
"""Real seconds in which other threads have a turn between two parts of something long."""


def seconds(value: float) -> int:
    """Give a number of seconds in nanoseconds, the clock's own unit."""
    return round(value * NANOS)


def _nothing() -> None:
    """Do nothing."""


class Timer:
    """Something that is due at a moment; made by `Clock.call_at` and `Clock.call_later`.

    Attributes:
        when: the moment, nanoseconds since 1970.
        relative: whether it was asked for as a delay, which lasts however the clock is set.
        repeats: whether it asks for itself again as long as somebody listens.
    """

    __slots__ = ("action", "relative", "repeats", "when")

    def __init__(
        self,
        when: int,
        action: Callable[[], None],
        *,
        relative: bool = False,
        repeats: bool = False,
    ) -> None:
        self.when = when
        self.relative = relative
        self.repeats = repeats
        self.action: Callable[[], None] | None = action

    def like(self) -> Timer:
        """Give one for the same moment that does nothing yet."""
        made = Timer(self.when, _nothing, relative=self.relative, repeats=self.repeats)
        made.action = None
        return made

    def cancel(self) -> None:
        """Make sure that the timer never fires; one that has fired is left alone."""
        self.action = None


class Clock:
    """The time of one fake server.

    Args:
        mode: `"flowing"` is real time that can also be jumped; `"frozen"` moves only when told;
            `"skipping"` is frozen, and jumps to the next due timer when clients only wait.
        start: the first moment of a frozen or skipping clock, and of a flowing one if given;
            an aware datetime. A flowing clock starts at the real time otherwise.
        lock: the lock under which timers fire; the model shares it.
        check: raises where moving time by hand would block its own effects; asked by `advance`,
            `run_until_idle` and `run_until`.

    Raises:
        ValueError: the mode is unknown, or `start` has no time zone.

    >>> clock = Clock("frozen")
    >>> _ = clock.call_later(60, lambda: print("fired at", clock.now().time()))
    >>> clock.advance(minutes=2)
    fired at 00:01:00
    >>> clock.now().isoformat()
    '2026-01-01T00:02:00+00:00'
    """

    def __init__(
        self,
        mode: str = "flowing",
        *,
        start: datetime | None = None,
        lock: threading.RLock | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        if mode not in CLOCK_MODES:
            raise ValueError(f"unknown clock {mode!r}: it is one of {', '.join(CLOCK_MODES)}")
        if start is not None and start.utcoffset() is None:
            raise ValueError(
                f"start={start!r} has no time zone: give an aware datetime, "
                "such as datetime(2026, 1, 1, tzinfo=timezone.utc)",
            )
        self.mode = mode
        self.lock = lock or threading.RLock()
        self._check = check
        self._heap: list[tuple[int, int, Timer]] = []
        self._order = itertools.count()
        if start is None and mode == "flowing":
            self._base = time.time_ns() // 1000 * 1000  # whole microseconds, as datetimes have
        else:
            self._base = self._nanos(start or DEFAULT_START)
        self._base_real = time.monotonic_ns()
        self._skew = 0
        self._firing: int | None = None
        self._rearm: Callable[[], None] | None = None
        self._moved: dict[Callable[[], None], None] = {}
        self._moving = threading.Lock()
        self._waited = threading.local()
        self.holds = Holds(self.lock)

    # Reading

    @property
    def moves_by_itself(self) -> bool:
        """Whether time passes without anybody telling it to (flowing), or can (skipping)."""
        return self.mode != "frozen"

    def now_ns(self) -> int:
        """Give the present moment in nanoseconds since 1970."""
        firing = self._firing
        if firing is not None:
            return firing
        if self.mode == "flowing":
            return self._base + time.monotonic_ns() - self._base_real
        return self._base

    def now(self) -> datetime:
        """Give the present moment as an aware datetime, in UTC.

        >>> Clock("frozen").now()
        datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
        """
        return EPOCH + timedelta(microseconds=self.now_ns() // 1000)

    def next_due(self) -> int | None:
        """Give the moment of the earliest timer in nanoseconds since 1970; None without one."""
        with self.lock:
            while self._heap and self._heap[0][2].action is None:
                heapq.heappop(self._heap)
            return self._heap[0][0] if self._heap else None

    def next_event(self) -> int | None:
        """Give the moment of the earliest timer that does not repeat by itself; None without."""
        with self.lock:
            events = (
                when
                for when, _, timer in self._heap
                if timer.action is not None and not timer.repeats
            )
            return min(events, default=None)

    # Timers

    def call_at(self, when: int, action: Callable[[], None], *, repeats: bool = False) -> Timer:
        """Have an action done at a moment, under the clock's lock.

        Args:
            when: nanoseconds since 1970; a moment in the past is due now.
            action: called once, in the order of the moments, then of asking.
            repeats: whether it asks for itself again as long as somebody listens; such a timer
                alone does not keep `run_until_idle` from ending.
        """
        return self._enter(Timer(when, action, repeats=repeats))

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        """Have an action done after a delay.

        Args:
            delay: seconds from now; 0 means before the present change is over.
            action: called once, under the clock's lock.
        """
        return self._enter(Timer(self.now_ns() + seconds(delay), action, relative=True))

    def _enter(self, timer: Timer) -> Timer:
        with self.lock:
            heapq.heappush(self._heap, (timer.when, next(self._order), timer))
            earliest = self._heap[0][2] is timer
        if earliest and self._rearm is not None:
            self._rearm()
        return timer

    # Moving

    def settle(self) -> None:
        """Fire everything that is due now; whoever ends a change calls this.

        Where time stands still, what comes after a hold waits for its release, which settles the
        rest: programs that are due at one moment have their turns one after another.
        """
        if not self._heap or self._firing is not None or self._heap[0][0] > self.now_ns():
            return
        with self.lock:
            if self._firing is not None:
                return
            now = self.now_ns()
            flowing = self.mode == "flowing"
            in_turn = not flowing or self.holds.cause is not None
            begun = self.holds.begun
            try:
                while self._heap and self._heap[0][0] <= now:
                    when, _, timer = heapq.heappop(self._heap)
                    action, timer.action = timer.action, None
                    if action is not None:
                        # A late timer of a flowing clock fires at its own moment: what follows
                        # from it is not late for that.
                        self._firing = when if flowing else now
                        action()
                        if in_turn and begun != self.holds.begun:
                            return
            finally:
                self._firing = None

    def advance(
        self,
        seconds: float = 0,
        *,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
    ) -> None:
        """Move time forward and fire everything that falls due on the way, in order.

        Programs of the test that fall due on the way have gone on to where they wait again when
        it returns, each at its own moment.

        Args:
            seconds: how far, in seconds; `minutes`, `hours` and `days` are added to it.
            minutes: minutes to add.
            hours: hours to add.
            days: days to add.

        Raises:
            ValueError: the sum is negative; time only moves forward.
            RuntimeError: called from inside a timer's action or a program, or on the fake's own
                thread.
            Exception: what a program raised on the way; time stands at that moment. On another
                thread than the test's it is kept too, and fails the test at its end.
        """
        self._check()
        try:
            delta = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        except TypeError:
            given = {"seconds": seconds, "minutes": minutes, "hours": hours, "days": days}
            for name, value in given.items():
                check_number(f"advance({name}={value!r})", value, "a number")
            raise
        if delta < timedelta(0):
            raise ValueError(f"advance({delta.total_seconds()} s): time only moves forward")
        nanos = delta // timedelta(microseconds=1) * 1000
        self._jump(lambda: self.now_ns() + nanos)

    async def advance_async(
        self,
        seconds: float = 0,
        *,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
    ) -> None:
        """Move time like `advance`; the running event loop goes on while programs have their turns.

        `advance` blocks it meanwhile: that is enough where no program needs this loop.
        """
        self._check()
        await self._elsewhere(
            lambda: self.advance(seconds, minutes=minutes, hours=hours, days=days)
        )

    def run_until_idle(self, *, limit: float = 366 * 86_400) -> None:
        """Move time to each next due timer until there is none but for ticks of open streams.

        Args:
            limit: virtual seconds after which something that repeats for ever is given up.

        Raises:
            TimeoutError: timers were still due after `limit`.
            RuntimeError: as `advance`.
            Exception: as `advance`.
        """
        self._check()
        end = self.now_ns() + round(limit * NANOS)
        self._jump(self.now_ns)
        while self._busy() and (due := self.next_due()) is not None:
            if due > end:
                raise TimeoutError(
                    f"not idle after {limit:g} virtual seconds: something repeats; "
                    "use advance() or run_until()",
                )
            self._jump(lambda due=due: due)  # type: ignore[misc]  # a default keeps this turn's

    async def run_until_idle_async(self, *, limit: float = 366 * 86_400) -> None:
        """Move time like `run_until_idle`; the running event loop goes on meanwhile."""
        self._check()
        await self._elsewhere(lambda: self.run_until_idle(limit=limit))

    def _busy(self) -> bool:
        with self.lock:
            return any(timer.action is not None and not timer.repeats for _, _, timer in self._heap)

    def run_until(self, predicate: Callable[[], object], *, limit: float = 366 * 86_400) -> None:
        """Move time to each next due timer until a predicate holds.

        Args:
            predicate: called without the lock, between timers.
            limit: virtual seconds to go at most.

        Raises:
            TimeoutError: nothing more is due, or `limit` is reached, and it still does not hold.
            RuntimeError: as `advance`.
            Exception: as `advance`.
        """
        self._check()
        end = self.now_ns() + round(limit * NANOS)
        while not predicate():
            # What works now may ask for a timer.
            self._jump(self.now_ns)
            due = self._next_towards(end)
            self._jump(lambda due=due: due)  # type: ignore[misc]  # a default keeps this turn's

    async def run_until_async(
        self,
        predicate: Callable[[], object],
        *,
        limit: float = 366 * 86_400,
    ) -> None:
        """Move time like `run_until`; tasks of the running event loop get their turn in between.

        Args:
            predicate: called on the running loop, between timers.
            limit: virtual seconds to go at most.
        """
        self._check()
        end = self.now_ns() + round(limit * NANOS)
        while not predicate():
            if self.holds:
                # What works now may ask for a timer.
                await self._elsewhere(lambda: self._jump(self.now_ns))
            self._hop(self._next_towards(end))
            if self.holds:
                await self._elsewhere(lambda: self._jump(self.now_ns))
            else:
                await asyncio.sleep(0)

    def _next_towards(self, end: int) -> int:
        due = self.next_due()
        if due is None:
            raise TimeoutError(
                f"the predicate does not hold at {self.now().isoformat()} and nothing more is due",
            )
        if due > end:
            raise TimeoutError(
                f"the predicate does not hold at {self.now().isoformat()}, "
                "and the next event lies behind the limit",
            )
        return due

    def skip(self) -> bool:
        """Move a skipping clock to its next due timer; tell whether there was one."""
        return self.mode == "skipping" and self.step()

    def step(self) -> bool:
        """Move any clock to its next due timer, without waiting; tell whether there was one."""
        with self.lock:
            due = self.next_due()
            if due is None:
                return False
            self._hop(due)
            return True

    def skew(self, offset: float) -> None:
        """Set the clock wrong, as a host's wall clock can be.

        What was asked for after a delay still takes that long; what was asked for at a moment
        comes when the clock shows it.

        Args:
            offset: by how many seconds it goes before the time that it would show otherwise;
                negative after it, 0 to set it right.

        Raises:
            RuntimeError: called from inside a timer's action, or on the fake's own thread.
        """
        self._check()
        with self.lock:
            if self._firing is not None:
                raise RuntimeError("the clock is firing timers: set it from outside")
            shift = seconds(offset) - self._skew
            self._skew += shift
            self._shift(shift)
            self.settle()
            self._tell_of_move()

    def pending(self) -> list[Timer]:
        """Give the timers that are to fire, in their order."""
        with self.lock:
            return [timer for *_, timer in sorted(self._heap) if timer.action is not None]

    def put_at(self, moment: int) -> None:
        """Put a clock that does not flow to a moment, earlier or later, and fire nothing.

        What was asked for after a delay still takes that long.

        Args:
            moment: nanoseconds since 1970.
        """
        with self.lock:
            self._shift(moment - self._base)
            self._tell_of_move()

    def drop(self, which: Callable[[Timer], bool]) -> None:
        """Drop some of the timers."""
        with self.lock:
            for *_, timer in self._heap:
                if which(timer):
                    timer.cancel()

    def take_over(self, timers: Iterable[Timer], shift: int) -> None:
        """Have timers of another clock fire here, in the order given.

        Args:
            timers: what that clock's `pending` gave, or copies.
            shift: by how many nanoseconds this clock is ahead; it counts for what was asked for
                after a delay.
        """
        for timer in timers:
            if timer.relative:
                timer.when += shift
            self._enter(timer)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Take the lock at a moment at which no code works outside of it, and time is not moved."""
        with self._moving, self.lock:
            if self._firing is not None:
                raise RuntimeError("the clock is firing timers: do this from outside")
            self.holds.rest()
            yield

    @property
    def skew_ns(self) -> int:
        """By how many nanoseconds it was set wrong."""
        return self._skew

    def cancel_all(self) -> None:
        """Drop every timer."""
        with self.lock:
            for _, _, timer in self._heap:
                timer.cancel()
            self._heap.clear()

    # Code that works outside of the lock

    def hold(self) -> Hold:
        """Keep time where it is while code works for this moment; called under the lock.

        Whoever moves time by hand waits until `let_go`.
        """
        return self.holds.begin(self.now_ns())

    def aside(self, work: Callable[[], None]) -> None:
        """Have one part of something long done under the lock, and yet not now; called under it.

        It is done at this moment, on a thread of its own, so that neither the fake's own thread nor
        the lock is kept for all the parts together. Whoever caused it waits, and so does time.

        Args:
            work: what is done.
        """
        hold = self.hold()

        def run() -> None:
            failure: BaseException | None = None
            time.sleep(PAUSE)
            with self.at_moment_of(hold):
                try:
                    work()
                except Exception as error:  # noqa: BLE001 - it must fail the test
                    failure = error
            self.let_go(hold, failure)

        threading.Thread(target=run, name="joblet-fake-aside", daemon=True).start()

    @contextmanager
    def by_hand(self) -> Iterator[None]:
        """Change something as a test does, then wait, without the lock, for what it set to work."""
        cause = object()
        with self.holds.caused_by(cause):
            yield
            self.settle()
        self.holds.wait_for(cause)

    @contextmanager
    def at_moment_of(self, hold: Hold) -> Iterator[None]:
        """Change something, under the lock, at the moment for which code works.

        On a flowing clock that is the moment at which the hold began: code takes no time. What the
        change makes due happens when the hold is over.
        """
        with self.holds.caused_by(hold.cause):
            self._firing = hold.moment if self.mode == "flowing" else self.now_ns()
            try:
                yield
            finally:
                self._firing = None

    def let_go(self, hold: Hold, failure: BaseException | None = None) -> None:
        """End a hold; a second time does nothing.

        Args:
            hold: the hold.
            failure: why the code failed: raised by whoever moves time by hand, if anybody does,
                otherwise told to `holds.failed`, as is what the test would not get to see.
        """
        holds = self.holds
        with holds.caused_by(hold.cause):
            if not holds.has(hold):
                return
            if failure is not None:
                holds.fail(failure)
            try:
                # It is over only then: what follows from it may begin other holds, and whoever
                # looks without the lock must not find a moment with none.
                self.settle()
            except Exception as error:  # noqa: BLE001 - whoever is here now could not tell anybody
                holds.fail(error)
            finally:
                holds.end(hold)
                holds.tell()

    # For the server, which drives a flowing clock

    def drive(self, rearm: Callable[[], None] | None) -> None:
        """Name the callback that is told whenever the earliest timer may have changed."""
        self._rearm = rearm
        if rearm is not None and self._heap:
            rearm()

    def delay_ns(self) -> int | None:
        """Give the real nanoseconds until the next timer of a flowing clock; None without one."""
        due = self.next_due()
        return None if due is None else max(0, due - self.now_ns())

    def on_move(self, moved: Callable[[], None]) -> Callable[[], object]:
        """Name a callback for every jump, which tells streams that time was not stuck.

        Returns:
            What ends that.
        """
        self._moved[moved] = None
        return lambda: self._moved.pop(moved, None)

    # Inside

    def _jump(self, target: Callable[[], int]) -> None:
        """Move time by hand, to a moment; the lock is free while code has its turn.

        Everything due on the way is fired at its own moment, and what is set to work for it has
        ended before time goes on.
        """
        if self._firing is not None:
            with self.lock:
                self._refuse_inside()
        holds = self.holds
        with self._moving, self.lock, holds.heard(self._reaches_test):
            try:
                holds.wait()
                goal = target()
                while (due := self.next_due()) is not None and due <= goal:
                    self._move(due)
                    holds.cause = self
                    try:
                        self.settle()
                    finally:
                        holds.cause = None
                    holds.wait()
                self._move(goal)
            finally:
                self._tell_of_move()

    async def _elsewhere(self, move: Callable[[], None]) -> None:
        """Move time on another thread, for whoever awaits it here.

        Whether an error reaches the test is a question of the awaiting thread, as long as it does
        await.
        """
        waited = self.holds.by_test()

        def work() -> None:
            self._waited.reaches = lambda: waited
            try:
                move()
            finally:
                del self._waited.reaches

        try:
            await asyncio.to_thread(work)
        except asyncio.CancelledError:
            waited = False
            raise

    def _reaches_test(self) -> bool:
        reaches: Callable[[], bool] = getattr(self._waited, "reaches", self.holds.by_test)
        return reaches()

    def _hop(self, moment: int) -> None:
        """Move time to a moment at which something is due, and wait for nothing."""
        with self.lock:
            self._refuse_inside()
            self._move(moment)
            try:
                self.settle()
            finally:
                self._tell_of_move()

    def _shift(self, by: int) -> None:
        """Show another time; what was asked for after a delay still takes that long."""
        self._base += by
        moved: list[tuple[int, int, Timer]] = []
        for _, order, timer in self._heap:
            if timer.relative:
                timer.when += by
            moved.append((timer.when, order, timer))
        heapq.heapify(moved)
        self._heap = moved

    def _refuse_inside(self) -> None:
        if self._firing is not None:
            raise RuntimeError("the clock is firing timers: advance it from outside")

    def _move(self, moment: int) -> None:
        ahead = moment - self.now_ns()
        if ahead > 0:
            self._base += ahead

    def _tell_of_move(self) -> None:
        for moved in tuple(self._moved):
            moved()
        if self._rearm is not None:
            self._rearm()

    @staticmethod
    def _nanos(moment: datetime) -> int:
        return (moment - EPOCH) // timedelta(microseconds=1) * 1000
