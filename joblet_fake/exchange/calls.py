"""The journal: every call that reached a server, in the order in which they came."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from joblet_fake.exchange import secrets
from joblet_fake.exchange.fault_words import predicate_name
from joblet_fake.exchange.misses import Expected, nearest
from joblet_fake.exchange.waiting import wait_until, wait_until_async
from joblet_fake.model.secrets import Secrets
from joblet_fake.services import UNKNOWN_ROLE, generation_of
from joblet_fake.words import check_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joblet_fake.exchange.call import Call
    from joblet_fake.wire import Api

CALLS_KEPT: Final = 10_000
BYTES_KEPT: Final = 256 * 1024 * 1024
"""How many bytes of requests and answers the journal keeps at most."""

LOGS: Final = "JobService.GetJobLogs"

NOBODY: Final = "nobody"
"""What the certificate without a role is called where clients are given theirs."""


class Calls:
    """The calls of one server, oldest first.

    The newest 10,000 are kept, and of their messages 256 MiB; the others are counted.

    Args:
        api: the wire version, which knows the methods' names.
        check: raises where waiting would be for ever.

    Attributes:
        dropped: how many calls were too old to be kept.
        on_follow: told of every stream that now gets what is to come, on the same thread.
        on_end: told of every call that was answered, on the server's own thread.
    """

    def __init__(self, api: Api, check: Callable[[], None] = lambda: None) -> None:
        self._api = api
        self._check = check
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._watchers: dict[Callable[[], None], None] = {}
        self._bytes = 0
        self._secrets = Secrets()
        self.dropped = 0
        self.on_follow: Callable[[Call], None] | None = None
        self.on_end: Callable[[Call], None] | None = None

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, place: int) -> Call:
        return self._calls[place]

    def to(self, method: str) -> list[Call]:
        """Give the calls of one method.

        Args:
            method: its name; a short one where that is unique.

        Raises:
            ValueError: no method, or more than one, has that name.
        """
        key = self._api.method(method).key
        return [call for call in self if call.method == key]

    def where(self, predicate: Callable[[Call], object]) -> list[Call]:
        """Give the calls for which a predicate holds.

        Raises:
            TypeError: it is no predicate, even where there is no call to ask it about.
        """
        predicate_name(predicate)
        return [call for call in self if predicate(call)]

    def last(self) -> Call:
        """Give the newest call.

        Raises:
            LookupError: nobody has called yet.
        """
        if not self._calls:
            raise LookupError("no call has reached this server yet")
        return self._calls[-1]

    def wait_for(self, method: str, n: int = 1, timeout: float = 5) -> list[Call]:
        """Wait until a method has been called and answered.

        Args:
            method: its name; a short one where that is unique.
            n: how many answered calls to wait for.
            timeout: real seconds to wait at most.

        Returns:
            The answered calls of the method, at least `n`.

        Raises:
            TimeoutError: there were fewer; the message says what was called.
            ValueError: no method, or more than one, has that name; or `n` is below 1.
            RuntimeError: called on the fake's own thread, which could not go on.
        """
        key = self._api.method(method).key
        __tracebackhide__ = True
        _check_number(n)
        self._check()
        if not wait_until(lambda: len(self._answered(key)) >= n, self._watch, timeout):
            raise self._too_few(key, n, timeout)
        return self._answered(key)

    async def wait_for_async(self, method: str, n: int = 1, timeout: float = 5) -> list[Call]:  # noqa: ASYNC109 - as its twin
        """Wait like `wait_for`, without blocking the event loop."""
        key = self._api.method(method).key
        __tracebackhide__ = True
        _check_number(n)
        self._check()
        if not await wait_until_async(lambda: len(self._answered(key)) >= n, self._watch, timeout):
            raise self._too_few(key, n, timeout)
        return self._answered(key)

    def wait_for_subscriber(self, job_id: str, n: int = 1, timeout: float = 5) -> list[Call]:
        """Wait until clients follow a job's log: what it writes from now on reaches them live.

        Args:
            job_id: the job; a client that asked with a prefix of the id counts too.
            n: how many clients to wait for.
            timeout: real seconds to wait at most.

        Returns:
            Their calls, all of them open.

        Raises:
            TimeoutError: there were fewer; the message says what was called.
            RuntimeError: called on the fake's own thread, which could not go on.
        """
        __tracebackhide__ = True
        _check_number(n)
        self._check()
        if not wait_until(lambda: len(self._following(job_id)) >= n, self._watch, timeout):
            raise self._too_few_followers(job_id, n, timeout)
        return self._following(job_id)

    async def wait_for_subscriber_async(
        self,
        job_id: str,
        n: int = 1,
        timeout: float = 5,  # noqa: ASYNC109 - as its twin
    ) -> list[Call]:
        """Wait like `wait_for_subscriber`, without blocking the event loop."""
        __tracebackhide__ = True
        _check_number(n)
        self._check()
        if not await wait_until_async(
            lambda: len(self._following(job_id)) >= n, self._watch, timeout
        ):
            raise self._too_few_followers(job_id, n, timeout)
        return self._following(job_id)

    # Expectations

    def assert_called(
        self,
        method: str,
        *,
        times: int | None = None,
        role: str | None = None,
        code: object = None,
        **fields: object,
    ) -> list[Call]:
        """Expect that a method was called so; the fields that are not named may be anything.

        Args:
            method: its name; a short one where that is unique.
            times: how often exactly; None for at least once.
            role: the caller's role; that of a certificate without one is `"nobody"`.
            code: the code that the call ended with, its name or a member of `grpc.StatusCode`.
            **fields: fields of the request, by their newest names.

        Returns:
            The calls that are so.

        Raises:
            AssertionError: there were more or fewer; the message shows the nearest misses, field
                by field.
            ValueError: no method, field, role or code has that name; the message says what is
                possible.
        """
        __tracebackhide__ = True
        if times is not None:
            check_whole(f"times={times!r}", times)
            if times < 0:
                raise ValueError(f"times={times}: give 0 or more")
        roles = (*generation_of(self._api.version).roles, UNKNOWN_ROLE)
        # What `joblet.rpc` and the configuration file call it.
        role = UNKNOWN_ROLE if role == NOBODY else role
        name = getattr(code, "name", code)  # a member of grpc.StatusCode is as good
        expected = Expected(self._api.method(method), fields, role, name, roles)
        numbered = [
            (place, call) for place, call in enumerate(self) if call.method == expected.shape.key
        ]
        found = [call for _, call in numbered if not expected.differences(call)]
        if len(found) == times or (times is None and found):
            return found
        wanted = "at least one call" if times is None else f"{times} call{'s' * (times != 1)}"
        there = f"there were {len(found)}, and {len(numbered)} to the method"
        lines = [f"expected {wanted} to {expected}; {there}"]
        misses = nearest(expected, numbered)
        if misses and len(found) < (times or 1):
            lines.append(misses)
        elif not numbered:
            lines.append(f"calls so far: {self._so_far()}")
        raise AssertionError("\n".join(lines))

    def assert_not_called(
        self,
        method: str,
        *,
        role: str | None = None,
        code: object = None,
        **fields: object,
    ) -> None:
        """Expect that a method was not called, or not so.

        Args:
            method: its name; a short one where that is unique.
            role: the caller's role.
            code: the code that the call ended with, its name or a member of `grpc.StatusCode`.
            **fields: fields of the request, by their newest names.

        Raises:
            AssertionError: it was; the message says how often.
            ValueError: no method, field, role or code has that name; the message says what is
                possible.
        """
        __tracebackhide__ = True
        if "times" in fields:
            raise TypeError("times=: there is to be no call; assert_called(times=n) expects n")
        self.assert_called(method, times=0, role=role, code=code, **fields)

    @property
    def secrets(self) -> set[str]:
        """What callers sent as secrets, in calls that were dropped too."""
        return {*self._secrets, *(each for call in self for each in secrets.of_call(call))}

    # The server's side

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()
        self._secrets.clear()
        self.dropped = 0
        self._bytes = 0

    def add(self, call: Call) -> None:
        """Note a call that came."""
        if len(self._calls) == CALLS_KEPT:
            self._drop()
        self._calls.append(call)
        call.counted = len(call.request_bytes)
        self._bytes += call.counted

    def _count(self, call: Call) -> None:
        """Bring the count of bytes up to date with a call, and drop the oldest over the limit."""
        if call.counted is None:
            return
        size = call.size
        self._bytes += size - call.counted
        call.counted = size
        while self._bytes > BYTES_KEPT and len(self._calls) > 1:
            self._drop()

    def _drop(self) -> None:
        oldest = self._calls.popleft()
        self._secrets.note(secrets.of_call(oldest))
        self.dropped += 1
        self._bytes -= oldest.counted or 0
        oldest.counted = None

    def followed(self, call: Call) -> None:
        """Note that a stream now gets what is to come, as it comes."""
        call.following = True
        if self.on_follow is not None:
            self.on_follow(call)
        self._tell()

    def end(self, call: Call, now_ns: int, code: str, details: str = "") -> None:
        """Note how a call ended, unless that is noted already."""
        if call.code is not None:
            return
        call.ended_ns = now_ns
        call.code = code
        call.details = details
        call.following = False
        self._count(call)
        if self.on_end is not None:
            self.on_end(call)
        self._tell()

    def _tell(self) -> None:
        if self._watchers:
            for told in tuple(self._watchers):
                told()

    def _watch(self, told: Callable[[], None]) -> Callable[[], object]:
        self._watchers[told] = None
        return lambda: self._watchers.pop(told, None)

    def _answered(self, key: str) -> list[Call]:
        return [call for call in self if call.method == key and call.code is not None]

    def _following(self, job_id: str) -> list[Call]:
        return [
            call
            for call in self
            if call.following and call.method == LOGS and job_id.startswith(call.request.uuid)
        ]

    def _too_few(self, key: str, n: int, timeout: float) -> TimeoutError:
        return TimeoutError(
            f"{len(self._answered(key))} of {n} calls to {key} answered after {timeout:g} s; "
            f"calls so far: {self._so_far()}",
        )

    def _too_few_followers(self, job_id: str, n: int, timeout: float) -> TimeoutError:
        return TimeoutError(
            f"{len(self._following(job_id))} of {n} clients follow the log of {job_id} after "
            f"{timeout:g} s; calls so far: {self._so_far()}",
        )

    def _so_far(self) -> str:
        seen = Counter((call.method, call.code or "open") for call in self)
        calls = ", ".join(
            f"{method} ({code}{f', {count} times' if count > 1 else ''})"
            for (method, code), count in seen.items()
        )
        return calls or "none"


def _check_number(n: int) -> None:
    """Refuse to wait for what is there already.

    Raises:
        ValueError: it is not 1 or more.
    """
    if n < 1:
        raise ValueError(f"n={n!r}: wait for one call at least")
