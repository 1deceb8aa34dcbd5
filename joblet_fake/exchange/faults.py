"""The fault rules of one server: written by the test, met by calls, looked at in the end."""

from __future__ import annotations

import itertools
import random
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joblet_fake.exchange.fault_plan import Plan
from joblet_fake.exchange.fault_queue import Queue
from joblet_fake.exchange.fault_rule import Rule
from joblet_fake.exchange.fault_words import predicate_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from joblet_fake.clock import Clock
    from joblet_fake.exchange.call import Call
    from joblet_fake.exchange.fault_stage import Stage
    from joblet_fake.wire import Api, Method

FIRED_KEPT: Final = 1000


class UnusedFaultError(AssertionError):
    """A fault rule has proved nothing: it says no action, or too few calls have met it."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A fault that happened.

    Attributes:
        rule: the rule that said so.
        call: the call that it hit, as the journal has it.
        at: the clock's time at which it happened.
    """

    rule: Rule
    call: Call
    at: datetime

    def __repr__(self) -> str:
        return f"<{self.rule!r} hit {self.call.method} at {self.at.isoformat()}>"


class Claim:
    """A call that a rule hits, from the moment at which that is settled until it has happened.

    Attributes:
        plan: the rule's inside.
        stage: the step that hits it.
    """

    def __init__(self, rules: FaultRules, plan: Plan, stage: Stage, call: Call) -> None:
        self.plan = plan
        self.stage = stage
        self.call = call
        self._rules = rules
        self._open = True

    def fire(self) -> None:
        """Count what happens now, once."""
        if self._open:
            self._open = False
            self._rules.count(self, fired=True)

    def release(self) -> None:
        """Give the call back, if nothing has happened."""
        if self._open:
            self._open = False
            self._rules.count(self, fired=False)


class FaultRules:
    """What shall go wrong with calls; the part of `joblet.faults` that knows no sockets.

    Args:
        api: the wire version, which knows the methods.
        clock: when things happen.
        seed: where probabilities come from.

    Attributes:
        armed: the rules that can still hit a call, by method; empty where there are none.
        seed: that number; the same one gives the same draws.

    >>> from joblet_fake.clock import Clock
    >>> from joblet_fake.wire import load
    >>> rules = FaultRules(load("2.3.1"), Clock("frozen"))
    >>> rules.on("RunJob").skip(1).fail("UNAVAILABLE", times=2)
    on('JobService.RunJob').skip(1).fail('UNAVAILABLE', times=2)
    >>> rules.on("RunJobs")
    Traceback (most recent call last):
    ValueError: API 2.3.1 has no method 'RunJobs'; near: JobService.RunJob
    """

    def __init__(self, api: Api, clock: Clock, seed: int = 0) -> None:
        self.lock = threading.Lock()
        self.armed: dict[str, Queue] = {}
        self.seed = seed
        self._api = api
        self._clock = clock
        self._plans: dict[Rule, tuple[int, Plan]] = {}
        self._rules: dict[Plan, Rule] = {}
        self._numbers = itertools.count(1)
        self._fired: deque[Fired] = deque(maxlen=FIRED_KEPT)

    # The test's side

    def on(self, method: str, when: Callable[[Call], object] | None = None) -> Rule:
        """Begin a rule for a method's calls: continue it with conditions and an action.

        Several rules for one method are used up in the order in which they were written. A call
        has come through decoding and its role's check when a rule meets it.

        Args:
            method: its name, a short one where that is unique; `"*"` for all, `"JobService.*"`
                for those of a service.
            when: a predicate over the call, which has `.request`, `.role`, `.metadata` and the
                like. It is called for each call of the method, on a thread of its own and
                outside of all locks, so that it may call the fake; what it raises fails the test.

        Raises:
            ValueError: no method, or more than one, has that name; the text says what is near.
            TypeError: `when` can't be called with a call.
        """
        methods = self._methods(method)
        shown = repr(methods[0].key if len(methods) == 1 else method)
        shown += "" if when is None else f", when={predicate_name(when)}"
        with self.lock:
            number = next(self._numbers)
            chance = random.Random(f"{self.seed}/{number}")  # noqa: S311 - it must repeat
            plan = Plan(tuple(one.key for one in methods), f"on({shown})", when, chance)
            rule = Rule(self, plan, methods)
            self._plans[rule] = (number, plan)
            self._rules[plan] = rule
        return rule

    @property
    def active(self) -> list[Rule]:
        """The rules that can still hit a call, in the order written."""
        with self.lock:
            return [
                rule
                for rule, (_, plan) in self._plans.items()
                if not plan.over and plan.stages[0].actions
            ]

    @property
    def fired(self) -> list[Fired]:
        """The faults that happened, oldest first; the newest 1,000 are kept."""
        with self.lock:
            return list(self._fired)

    @property
    def unused(self) -> list[Rule]:
        """The rules that have not done what they say: too few calls met them, or no action."""
        with self.lock:
            return [rule for rule, (_, plan) in self._plans.items() if not plan.used]

    @property
    def drawn(self) -> bool:
        """Whether chance has a part in any rule."""
        with self.lock:
            return any(plan.drawn for _, plan in self._plans.values())

    def clear(self) -> None:
        """Take all rules back; calls that they hold up go on."""
        for rule in tuple(self._plans):
            self.remove(rule)

    def check(self) -> None:
        """Raise if a rule has proved nothing; the fixtures do so when a test has passed.

        Raises:
            UnusedFaultError: a rule is unused or says no action; the text lists them.
        """
        with self.lock:
            complaints = [plan.complaint() for _, plan in self._plans.values()]
        told = [complaint for complaint in complaints if complaint]
        if told:
            lines = "\n".join(f"  {complaint}" for complaint in told)
            raise UnusedFaultError(
                f"fault rules that were not used:\n{lines}\n"
                "(clear() takes a rule back; unused_faults=True, an option of the fake and of "
                "@pytest.mark.joblet, allows it)",
            )

    def forget(self) -> None:
        """Take all rules back, and forget what happened."""
        self.clear()
        with self.lock:
            self._fired.clear()
            self._numbers = itertools.count(1)

    # The rules' side

    def now_ns(self) -> int:
        """Give the clock's time in nanoseconds since 1970."""
        return self._clock.now_ns()

    def arm(self, rule: Rule) -> None:
        """Let a rule have effect from now on; the lock is held."""
        entry = self._plans.get(rule)
        if entry is None:
            raise ValueError(f"{rule!r} was cleared: write it anew with joblet.faults.on(...)")
        for key in entry[1].methods:
            self.armed.setdefault(key, Queue()).add(*entry)

    def remove(self, rule: Rule) -> None:
        """Take a rule back."""
        with self.lock:
            entry = self._plans.pop(rule, None)
            if entry is None:
                return
            self._rules.pop(entry[1])
            self._disarm(entry[1])
        entry[1].clear()

    def _disarm(self, plan: Plan) -> None:
        for key in plan.methods:
            queue = self.armed.get(key)
            if queue is not None:
                queue.remove(plan)
                if not queue:
                    del self.armed[key]

    # The server's side

    def asks(self, method: str) -> bool:
        """Tell whether a method's rules have predicates, which are code of the test."""
        queue = self.armed.get(method)
        return queue is not None and bool(queue.asking)

    def claim(self, call: Call) -> Claim | None:
        """Give what hits a call that has come.

        Where `asks` says so, it calls code of the test: never under a lock, nor on the loop.
        """
        queue = self.armed.get(call.method)
        if queue is None:
            return None
        fitting = {plan for plan in queue.asking if plan.when is not None and plan.when(call)}
        now = self.now_ns()
        with self.lock:
            hit = queue.take(now, fitting)
            return None if hit is None else Claim(self, *hit, call)

    def count(self, claim: Claim, *, fired: bool) -> None:
        """Note what has become of a claim."""
        plan, stage, call = claim.plan, claim.stage, claim.call
        with self.lock:
            if not fired:
                for key in plan.methods:
                    queue = self.armed.get(key)
                    if queue is not None:
                        queue.settle()
                stage.claimed -= 1
                return
            stage.claimed -= 1
            stage.fired += 1
            call.fault = repr(plan)
            rule = self._rules.get(plan)
            if rule is not None:
                self._fired.append(Fired(rule, call, self._clock.now()))
            if plan.over:
                self._disarm(plan)

    def _methods(self, name: str) -> list[Method]:
        if not isinstance(name, str):
            raise TypeError(f"on({name!r}): it takes a method's name, such as 'RunJob'")
        if not name.endswith("*"):
            return [self._api.method(name)]
        every = sorted(self._api.methods.values(), key=lambda method: method.key)
        service = name.removesuffix("*").removesuffix(".")
        services = sorted({method.key.partition(".")[0] for method in every})
        if name != "*" and (service not in services or name != f"{service}.*"):
            possible = ", ".join(repr(f"{one}.*") for one in services)
            raise ValueError(f"on({name!r}): it is '*', or one of {possible}")
        return [method for method in every if name == "*" or method.key.startswith(f"{service}.")]
