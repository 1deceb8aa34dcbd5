"""The persist service as its core sees it: up, gone, or hung."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Final, TypeVar

from joblet_fake.clock import NANOS, seconds
from joblet_fake.model.copying import Due
from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from joblet_fake.clock import Clock, Timer
    from joblet_fake.model.copying import Copying
    from joblet_fake.model.feed import Feed
    from joblet_fake.model.history import History

T = TypeVar("T")

UP: Final = "up"
GONE: Final = "gone"
HUNG: Final = "hung"
STATES: Final = (UP, GONE, HUNG)

SOCKET: Final = "/opt/joblet/run/persist-grpc.sock"
"""Where a real core finds its persist service; error texts name it."""
PATIENCE: Final = {
    HUNG: "context deadline exceeded",
    GONE: (
        'latest balancer error: connection error: desc = "transport: Error while dialing: '
        f'dial unix {SOCKET}: connect: connection refused"'
    ),
}
"""What the core's client says when its patience is over (PER-70)."""
PING_LIMIT: Final = 2.0
"""Clock seconds that a core waits for an answer to its health ping (JOB-RUN-02)."""
LATE: Final = 5.0
"""Clock seconds that a core which starts may be without it (TIME-19)."""
DELETE_LIMIT: Final = 10.0
"""Clock seconds that it waits for a deletion (PER-74)."""


class Persist:
    """The persist service of a server; every method runs under the model's lock.

    Args:
        clock: where time comes from.
        history: what it stores.
        relink: clock seconds between two tries of a core that has lost it.
        late: whether a core that starts is late to find it (JOB-LOG-25).

    Attributes:
        state: `"up"`, `"gone"` or `"hung"`.
    """

    def __init__(
        self, clock: Clock, history: History, relink: float, *, late: bool = False
    ) -> None:
        self.state = UP
        self._clock = clock
        self._history = history
        self._relink = seconds(relink)
        self._began = clock.now_ns()
        self._linking: Timer | None = None
        self._waiting: dict[Callable[[], None], None] = {}
        self._promised: dict[Outcome[Any], None] = {}
        self._earliest = self._began + seconds(LATE) if late else self._began
        if late:
            self._unlink()
            self._link_soon()
        elif not history.linked:
            self._link()

    def copied(self, copying: Copying) -> Persist:
        """Give one in the same state, of which nobody waits for anything."""
        made = copying.note(self, copy(self))
        made._clock = copying.clock  # noqa: SLF001 - its own kind
        made._history = copying.of(self._history)  # noqa: SLF001
        made._linking = copying.of(self._linking)  # noqa: SLF001
        made._waiting, made._promised = {}, {}  # noqa: SLF001
        return made

    def become(self, state: str) -> None:
        """Change its state.

        Args:
            state: `"up"`; `"gone"`, as if it had crashed: what jobs write meanwhile is not stored;
                or `"hung"`, as if it stood still: what jobs write is stored when it goes on.

        Raises:
            ValueError: there is no such state.
        """
        if state not in STATES:
            raise ValueError(f"persist_state={state!r}: it is one of {', '.join(STATES)}")
        if state == self.state:
            return
        self.state = state
        if state == GONE:
            self._unlink()
        elif state == UP:
            self._link_soon()
            waiting, self._waiting = self._waiting, {}
            for action in waiting:
                action()

    def begin(self) -> None:
        """Start along with a core that starts: it finds it at once, or late where that is on."""
        self.become(UP)
        if self._linking is not None and self._clock.now_ns() >= self._earliest:
            self._linking.cancel()
            self._link()

    def _unlink(self) -> None:
        if self._linking is not None:
            self._linking.cancel()
            self._linking = None
        self._history.linked = False
        self._history.metrics.unlink()

    def _link_soon(self) -> None:
        if self._history.linked or self._linking is not None:
            return
        now = due = self._clock.now_ns()
        if self._relink:
            # The core tries again on a beat of its own (PER-44).
            due = self._began + ((now - self._began) // self._relink + 1) * self._relink
        due = max(due, self._earliest)
        if due > now:
            self._linking = self._clock.call_at(due, Due(self._link))
        else:
            self._link()

    def _link(self) -> None:
        self._linking = None
        self._history.linked = True
        self._history.metrics.link()

    # What the core asks of it

    def when_up(self, action: Callable[[], None]) -> Callable[[], object]:
        """Do something once it is up again; what is returned takes that back."""
        self._waiting[action] = None
        return lambda: self._waiting.pop(action, None)

    def ping(self) -> Outcome[None]:
        """Ask whether it is well, as a core does before it runs a job (JOB-RUN-02).

        Returns:
            Nothing when it is; a refusal after two seconds when it is not (PER-70).
        """
        return self._ask(lambda: None, PING_LIMIT, self._unwell)

    def wait(self) -> Outcome[None]:
        """Give what comes when it is up again; nobody knows when."""
        outcome: Outcome[None] = Outcome(timed=False)
        self.when_up(lambda: None if outcome.done else outcome.resolve(None))
        self._promise(outcome)
        return outcome

    def delete(self, uuid: str) -> Outcome[None]:
        """Have a job's history removed, as a core does when the job is deleted (JOB-DEL-06).

        Returns:
            Nothing, once it is removed, or after ten seconds without that (PER-74).
        """
        return self._ask(lambda: self._history.forget(uuid), DELETE_LIMIT, lambda: None)

    def feed(self, make: Callable[[], Feed[T]]) -> Feed[T]:
        """Give a feed that begins with a question to it, and so waits for it (PER-71)."""
        return make() if self.state == UP else _Waiting(self, make)

    def give_up(self) -> None:
        """Fail every answer that is owed, and begin every feed: their state is forgotten."""
        while self._promised:
            outcome, _ = self._promised.popitem()
            outcome.fail(Refusal(Kind.UNAVAILABLE, "joblet-fake was reset during this call"))
        waiting, self._waiting = self._waiting, {}
        for action in waiting:
            action()

    def _unwell(self) -> Refusal:
        return Refusal(
            Kind.UNAVAILABLE,
            "persist service unavailable: ping failed: rpc error: code = DeadlineExceeded "
            f"desc = {PATIENCE[self.state]} - cannot execute job to prevent data loss",
        )

    def _ask(
        self,
        work: Callable[[], None],
        limit: float,
        late: Callable[[], Refusal | None],
    ) -> Outcome[None]:
        outcome: Outcome[None] = Outcome()
        if self.state == UP:
            work()
            outcome.resolve(None)
            return outcome

        def answered() -> None:
            timer.cancel()
            if not outcome.done:
                work()
                outcome.resolve(None)

        def over() -> None:
            if outcome.done:
                # Given up: the state that it was about has been forgotten.
                return
            forget()
            error = late()
            if error is None:
                outcome.resolve(None)
            else:
                outcome.fail(error)

        forget = self.when_up(answered)
        timer = self._clock.call_at(self._clock.now_ns() + round(limit * NANOS), over)
        self._promise(outcome)
        return outcome

    def _promise(self, outcome: Outcome[None]) -> None:
        self._promised[outcome] = None
        outcome.on_done(lambda: self._promised.pop(outcome, None))


class _Waiting:
    """A feed whose first question is not answered yet."""

    def __init__(self, persist: Persist, make: Callable[[], Feed[Any]]) -> None:
        self._make = make
        self._inner: Feed[Any] | None = None
        self._refusal: Refusal | None = None
        self._wake: Callable[[], None] | None = None
        self._forget = persist.when_up(self._begin)

    @property
    def ended(self) -> bool:
        """Whether nothing will come after what was taken."""
        return self._inner is not None and self._inner.ended

    def take(self, limit: int) -> Sequence[Any]:
        """Give the messages that are ready, at most `limit` of them.

        Raises:
            Refusal: the question was answered with it, or what it began ends so.
        """
        if self._refusal is not None:
            raise self._refusal
        return () if self._inner is None else self._inner.take(limit)

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Have a callback told whenever there may be something new."""
        self._wake = wake
        if self._inner is not None:
            self._inner.subscribe(wake)

    def close(self) -> None:
        """End the subscription; the reader is gone."""
        self._forget()
        self._wake = None
        if self._inner is not None:
            self._inner.close()

    def _begin(self) -> None:
        try:
            self._inner = self._make()
        except Refusal as refusal:
            self._refusal = refusal
        if self._wake is not None:
            if self._inner is not None:
                self._inner.subscribe(self._wake)
            self._wake()
