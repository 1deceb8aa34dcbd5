"""The fault rules of one method: which of them hits a call."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

from joblet_fake.exchange.fault_stage import NEVER

if TYPE_CHECKING:
    from collections.abc import Container

    from joblet_fake.exchange.fault_plan import Plan
    from joblet_fake.exchange.fault_stage import Stage


class Queue:
    """Plans in the order in which their rules were written; the first that hits a call has it.

    As long as every plan waits for a certain number of calls, a call costs the same, however many
    plans there are: how many calls may go by is known, and they are counted afterwards.
    """

    def __init__(self) -> None:
        self._plans: list[tuple[int, Plan]] = []
        self._calls = 0
        self._counted = 0
        self._quiet = 0
        self.asking: tuple[Plan, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._plans)

    def add(self, number: int, plan: Plan) -> None:
        """Take a plan in, at its place, unless it is there."""
        self.settle()
        if (number, plan) not in self._plans:
            insort(self._plans, (number, plan), key=lambda entry: entry[0])
            self._look_for_predicates()

    def remove(self, plan: Plan) -> None:
        """Take a plan out, if it is there."""
        self.settle()
        self._plans = [entry for entry in self._plans if entry[1] is not plan]
        self._look_for_predicates()

    def settle(self) -> None:
        """Count the calls that went by, and look at the next one closely."""
        missed = self._calls - self._counted
        if missed:
            for _, plan in self._plans:
                stage = plan.stage()
                if stage is not None:
                    stage.seen += missed
            self._counted = self._calls
        self._quiet = self._calls

    def take(self, now_ns: int, fitting: Container[Plan]) -> tuple[Plan, Stage] | None:
        """Give what hits a call that has come.

        Args:
            now_ns: the clock's time, nanoseconds since 1970.
            fitting: those of the plans with a predicate for which it holds.
        """
        if self._calls < self._quiet:
            self._calls += 1
            return None
        self.settle()
        hit: tuple[Plan, Stage] | None = None
        for _, plan in self._plans:
            if plan.when is not None and plan not in fitting:
                continue
            stage = plan.meet(now_ns)
            if stage is not None:
                stage.claimed += 1
                hit = plan, stage
                break
        self._calls += 1
        self._counted = self._calls
        self._quiet = self._calls + self._calls_until_a_hit() - 1
        return hit

    def _calls_until_a_hit(self) -> int:
        least = NEVER
        for _, plan in self._plans:
            if not plan.counts:
                return 1
            stage = plan.stage()
            if stage is not None:
                least = min(least, stage.due_in())
                if least == 1:
                    break
        return least

    def _look_for_predicates(self) -> None:
        self.asking = tuple(plan for _, plan in self._plans if plan.when is not None)
