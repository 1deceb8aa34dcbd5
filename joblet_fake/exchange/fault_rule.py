"""The grammar of fault rules: conditions, an action, and what comes then."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, Protocol, Self, TypeVar, cast

from joblet_fake.clock import seconds as nanos
from joblet_fake.exchange import fault_words as words
from joblet_fake.exchange.fault_actions import (
    BOTH_WAYS,
    Cut,
    Damage,
    Delay,
    End,
    Fail,
    Restart,
    Stall,
)
from joblet_fake.exchange.fault_stage import Stage
from joblet_fake.words import Named

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from joblet_fake.exchange.fault_actions import Action
    from joblet_fake.exchange.fault_plan import Plan
    from joblet_fake.wire import Method

P = ParamSpec("P")
T = TypeVar("T")


class Book(Protocol):
    """Where rules are entered."""

    lock: threading.Lock

    def now_ns(self) -> int:
        """Give the clock's time in nanoseconds since 1970."""

    def arm(self, rule: Rule) -> None:
        """Let a rule have effect from now on; the lock is held."""

    def remove(self, rule: Rule) -> None:
        """Take a rule back."""


def refusing(verb: Callable[P, T]) -> Callable[P, T]:
    """Take a rule back whose writing is refused before it says any action: it will say none."""

    @functools.wraps(verb)
    def write(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verb(*args, **kwargs)
        except (TypeError, ValueError):
            cast("Rule", args[0])._forget_if_unsaid()  # noqa: SLF001 - its own
            raise

    return write


class Rule(Named):
    """What goes wrong with calls; made by `joblet.faults.on`, and continued.

    Conditions come first, then the action, then perhaps `.then` and the next ones. Calls that a
    rule does not hit are left to the rules after it.

    Args:
        book: where it is entered.
        plan: its inside.
        methods: the methods whose calls reach it.

    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet() as joblet:
    ...     rule = joblet.faults.on("ListJobs").times(1).fail("UNAVAILABLE").then.delay(0.01)
    ...     rule
    on('JobService.ListJobs').times(1).fail('UNAVAILABLE').then.delay(0.01)
    """

    _called = "a fault rule"

    def __init__(self, book: Book, plan: Plan, methods: Sequence[Method]) -> None:
        self._book = book
        self._plan = plan
        self._unary = next((method.key for method in methods if not method.server_streaming), None)
        self._then = False

    def __repr__(self) -> str:
        return repr(self._plan)

    # Conditions

    @refusing
    def times(self, n: int) -> Self:
        """Hit n calls, and be used up then; without it, all until the rule is cleared.

        Args:
            n: how many, at least 1.

        Raises:
            ValueError: n is too small, or the condition does not fit what stands before it.
        """
        written = f"times({n!r})"
        count = words.whole(written, n)
        self._condition(written).times = count
        return self

    @refusing
    def skip(self, n: int) -> Self:
        """Let the first n calls go that reach the rule.

        Args:
            n: how many, at least 1.

        Raises:
            ValueError: as for `times`.
        """
        written = f"skip({n!r})"
        count = words.whole(written, n)
        self._condition(written).skip = count
        return self

    @refusing
    def every(self, n: int) -> Self:
        """Hit each nth call that reaches the rule: the nth, the 2nth and so on.

        Args:
            n: the distance between two calls that are hit, at least 1.

        Raises:
            ValueError: as for `times`.
        """
        written = f"every({n!r})"
        count = words.whole(written, n)
        self._condition(written).every = count
        return self

    @refusing
    def probability(self, p: float) -> Self:
        """Hit a share of the calls, drawn from the fake's seed: the same ones for the same seed.

        Args:
            p: the share, above 0 and at most 1.

        Raises:
            ValueError: p is no such share, or as for `times`.
        """
        value = words.share(p)
        stage = self._condition(f"probability({p!r})")
        stage.probability = value
        stage.draw(self._plan.chance)
        return self

    @refusing
    def quota(self, calls: int, per: float) -> Self:
        """Hit what is too much: calls beyond a number within a window of time.

        Args:
            calls: how many calls a window has room for.
            per: how long a window is, in clock seconds; the first begins with the first call, the
                next one with the first call after its end.

        Raises:
            ValueError: a number is too small, or as for `times`.
        """
        written = f"quota({calls!r}, per={per!r})"
        count, window = words.whole(written, calls, least=0), words.length(written, per)
        self._condition(written).quota = (count, nanos(window))
        return self

    @refusing
    def during(self, seconds: float) -> Self:
        """Hit calls for some time from now on, and none after it.

        Args:
            seconds: how long, on the clock.

        Raises:
            ValueError: that is no length of time, or as for `times`.
        """
        written = f"during({seconds!r})"
        length = words.length(written, seconds)
        stage = self._condition(written)
        stage.during = self._book.now_ns() + nanos(length)
        return self

    @refusing
    def after(self, messages: int | None = None, bytes: int | None = None) -> Self:  # noqa: A002 - the word of the grammar
        """Act inside a stream, and not before it.

        Args:
            messages: after so many messages.
            bytes: as soon as the messages sent are so many bytes long together, or longer.

        Raises:
            ValueError: not one of both is given, the method answers with one message, or as for
                `times`.
        """
        if (messages is None) == (bytes is None):
            raise ValueError("after() takes either messages=n or bytes=n")
        name, value = ("bytes", bytes) if messages is None else ("messages", messages)
        written = f"after({name}={value!r})"
        count = words.whole(written, value)
        self._for_streams(written, ".after_effect() is between its work and its reply")
        stage = self._condition(written)
        if messages is None:
            stage.size = count
        else:
            stage.messages = count
        return self

    @refusing
    def after_effect(self) -> Self:
        """Act when the work is done, in place of the reply; of a stream, in place of its end.

        Raises:
            ValueError: as for `times`.
        """
        self._condition("after_effect()").late = True
        return self

    # Actions

    @refusing
    def fail(
        self,
        code: object,
        details: str = "",
        trailers: Mapping[str, str | bytes] | None = None,
        times: int | None = None,
    ) -> Self:
        """End the call with an error.

        Args:
            code: the gRPC code's name, or a member of `grpc.StatusCode`.
            details: the text beside it.
            trailers: trailing metadata; keys that end in `-bin` have bytes as values.
            times: the condition `.times(n)`, in a shorter way.

        Raises:
            ValueError: there is no such code, and the text says which is near; or the action does
                not fit what stands before it.
        """
        name = words.code_name(code)
        if not isinstance(details, str):
            raise TypeError(f"fail({name!r}, {details!r}): details are text")
        words.sendable(f"fail({name!r}, ...)", details)
        sent = words.trailers(trailers)
        shown = repr(name)
        shown += f", {details!r}" if details else ""
        shown += f", trailers={dict(sent)!r}" if sent else ""
        if times is not None:
            shown += f", times={words.whole(f'times={times!r}', times)}"
        return self._act(Fail(name, details, sent), f"fail({shown})", times)

    @refusing
    def end(self) -> Self:
        """End a stream early, and with OK: that something is missing shows nowhere.

        Raises:
            ValueError: the method answers with one message, or as for `fail`.
        """
        self._for_streams("end()", ".fail(code) ends any call")
        return self._act(End(), "end()")

    @refusing
    def delay(self, seconds: float) -> Self:
        """Have the call wait; another action may follow.

        Args:
            seconds: how long, on the clock.

        Raises:
            ValueError: that is no length of time, or as for `fail`.
        """
        written = f"delay({seconds!r})"
        return self._act(Delay(words.length(written, seconds, most=words.LONGEST)), written)

    @refusing
    def stall(self) -> Self:
        """Give no answer until the caller gives up or the rule is cleared.

        A caller that does not give up within `stall_timeout` real seconds has no deadline: its
        call ends then, and the test fails with the reason.

        Raises:
            ValueError: as for `fail`.
        """
        return self._act(Stall(), "stall()")

    @refusing
    def drop_connection(self) -> Self:
        """Close the caller's connection, with all calls that are open on it.

        Raises:
            ValueError: as for `fail`.
        """
        return self._act(Cut(), "drop_connection()")

    @refusing
    def reset(self) -> Self:
        """Reset the caller's connection (TCP RST), with all calls that are open on it.

        Raises:
            ValueError: as for `fail`.
        """
        return self._act(Cut(reset=True), "reset()")

    @refusing
    def restart(self) -> Self:
        """Crash and restart the whole server, as `joblet.restart()` does.

        Raises:
            ValueError: as for `fail`.
        """
        return self._act(Restart(), "restart()")

    @refusing
    def truncate(self, bytes: int, *, messages: int | None = None) -> Self:  # noqa: A002 - as above
        """Cut messages off; what is left may be no message at all.

        Args:
            bytes: how many bytes of each are left.
            messages: how many messages are cut at most; None for all.

        Raises:
            ValueError: a number is too small, or as for `fail`.
        """
        size = words.whole(f"truncate({bytes!r})", bytes, least=0)
        return self._damage("truncate", messages, size, shown=str(size))

    @refusing
    def duplicate(self, *, messages: int | None = None) -> Self:
        """Send messages twice.

        Args:
            messages: how many at most; None for all.

        Raises:
            ValueError: the method answers with one message, or as for `fail`.
        """
        return self._damage("duplicate", messages)

    @refusing
    def reorder(self, *, messages: int | None = None) -> Self:
        """Send each message after the one that should follow it, pair by pair.

        Args:
            messages: how many pairs at most; None for all.

        Raises:
            ValueError: the method answers with one message, or as for `fail`.
        """
        return self._damage("reorder", messages)

    @refusing
    def corrupt(self, *, messages: int | None = None) -> Self:
        """Send messages that no decoder takes.

        Args:
            messages: how many at most; None for all.

        Raises:
            ValueError: as for `fail`.
        """
        return self._damage("corrupt", messages)

    # What comes then

    @property
    def then(self) -> Self:
        """What comes when all so far is used up; before a `.then`, no `times` means once.

        Raises:
            ValueError: no action stands before it.
        """
        if not self._plan.stages[-1].actions:
            raise ValueError(f"{self!r}.then: an action comes before it, such as .fail(code)")
        self._then = True
        return self

    def clear(self) -> None:
        """Take the rule back; calls that it holds up go on."""
        self._book.remove(self)

    # How it went

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods whose calls reach the rule, such as `"JobService.RunJob"`."""
        return self._plan.methods

    @property
    def fired(self) -> int:
        """How many calls it has hit."""
        return self._plan.fired

    @property
    def wanted(self) -> int:
        """How many calls it has to hit to be used; one for each step that says nothing."""
        return self._plan.wanted

    @property
    def used(self) -> bool:
        """Whether it has hit as many calls as it says, or one where it says nothing.

        Of a rule with a probability it is enough that a call has reached it.
        """
        return self._plan.used

    # Writing

    def _forget_if_unsaid(self) -> None:
        if not self._plan.stages[0].actions:
            self._book.remove(self)

    def _last(self) -> Stage:
        return Stage() if self._then else self._plan.stages[-1]

    def _condition(self, written: str) -> Stage:
        stage = self._last()
        name = written.partition("(")[0]
        there = {condition.partition("(")[0] for condition in stage.conditions}
        if stage.actions:
            right = "".join(f".{one}" for one in (*stage.conditions, written, *stage.verbs))
            raise ValueError(f"{self!r}.{written}: conditions come before the action: {right}")
        if name in there:
            raise ValueError(f"{self!r}.{written}: .{name} stands there already")
        if {name, *there} >= {"after", "after_effect"}:
            raise ValueError(
                f"{self!r}.{written}: after() is inside a stream, after_effect() at its end; "
                "a rule has one of them",
            )
        with self._book.lock:
            stage = self._open()
            stage.conditions.append(written)
        return stage

    def _act(self, action: Action, written: str, times: int | None = None) -> Self:
        stage = self._last()
        before = stage.actions[-1] if stage.actions else None
        if stage.ends:
            raise ValueError(
                f"{self!r}.{written}: the call is over before it; .then.{written} is for the next",
            )
        if isinstance(before, Delay) and isinstance(action, Delay):
            raise ValueError(  # noqa: TRY004 - no type is wrong
                f"{self!r}.{written}: it waits already: one .delay with the sum",
            )
        if isinstance(before, Damage) and not isinstance(action, Damage):
            raise ValueError(  # noqa: TRY004 - as above
                f"{self!r}.{written}: one rule damages messages or does something else to the "
                f"call: .then.{written} is for the next one",
            )
        if isinstance(action, Damage) and stage.late:
            raise ValueError(
                f"{self!r}.{written}: .after_effect() is when there is no message any more: "
                "leave it out, the reply comes after the work anyway",
            )
        if times is not None and stage.times is not None:
            raise ValueError(f"{self!r}.{written}: .times stands there already")
        with self._book.lock:
            stage = self._open()
            stage.times = times if times is not None else stage.times
            stage.actions.append(action)
            stage.verbs.append(written)
            self._book.arm(self)
        return self

    def _open(self) -> Stage:
        stages = self._plan.stages
        if self._then:
            stages[-1].times = stages[-1].times or 1
            stages.append(Stage())
            self._then = False
        return stages[-1]

    def _damage(self, kind: str, messages: int | None, size: int = 0, *, shown: str = "") -> Self:
        if messages is not None:
            words.whole(f"{kind}(messages={messages!r})", messages)
            shown += f"{', ' * bool(shown)}messages={messages}"
        written = f"{kind}({shown})"
        if kind not in BOTH_WAYS:
            self._for_streams(written, ".truncate(bytes) and .corrupt() fit a single one too")
        return self._act(Damage(kind, size, messages), written)

    def _for_streams(self, written: str, instead: str) -> None:
        if self._unary is not None:
            raise ValueError(
                f"{self!r}.{written}: {self._unary} answers with a single message, and this is "
                f"for streams; {instead}",
            )
