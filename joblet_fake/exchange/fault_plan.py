"""A fault rule's inside: its steps, whose turn it is, and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_fake.exchange.fault_stage import Stage

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from joblet_fake.exchange.call import Call


class Plan:
    """What goes wrong with calls, step by step; whoever changes it holds the book's lock.

    Args:
        methods: the keys of the methods whose calls reach it.
        written: how the rule begins, as it was written.
        when: a predicate over a call, code of the test; None for none.
        chance: where its probabilities come from.

    Attributes:
        chance: where its probabilities come from.
        stages: its steps; each one's turn comes when those before it are used up.
        cleared: whether it was taken back.
    """

    def __init__(
        self,
        methods: tuple[str, ...],
        written: str,
        when: Callable[[Call], object] | None,
        chance: random.Random,
    ) -> None:
        self.methods = methods
        self.when = when
        self.stages = [Stage()]
        self.cleared = False
        self._written = written
        self.chance = chance
        self._watchers: dict[Callable[[], None], None] = {}

    def __repr__(self) -> str:
        return self._written + ".then".join(map(str, self.stages))

    @property
    def fired(self) -> int:
        """How many calls it has hit."""
        return sum(stage.fired for stage in self.stages)

    @property
    def wanted(self) -> int:
        """How many calls it says it hits, or one where it says nothing."""
        return sum(stage.times or 1 for stage in self.stages)

    @property
    def used(self) -> bool:
        """Whether it has hit as many calls as it says, or one where it says nothing."""
        return self.complete and all(stage.used for stage in self.stages)

    @property
    def complete(self) -> bool:
        """Whether it says what happens."""
        return all(stage.actions for stage in self.stages)

    @property
    def drawn(self) -> bool:
        """Whether chance has a part in it."""
        return any(stage.probability is not None for stage in self.stages)

    @property
    def counts(self) -> bool:
        """Whether the number of calls to one method alone says which ones it hits."""
        return (
            self.when is None
            and len(self.methods) == 1
            and all(stage.counts for stage in self.stages)
        )

    @property
    def over(self) -> bool:
        """Whether it can never hit a call again."""
        return all(stage.spent and not stage.claimed for stage in self.stages)

    def complaint(self) -> str:
        """Say why it has proved nothing; "" if it did what it was written for."""
        if not self.complete:
            return f"{self!r} has no action: continue it, such as with .fail(code)"
        if self.used:
            return ""
        return f"{self!r} hit {self.fired} of {self.wanted} call{'s' * (self.wanted > 1)}"

    def stage(self) -> Stage | None:
        """Give the step whose turn it is; None when all are used up, or it says nothing yet."""
        for stage in self.stages:
            if not stage.spent:
                return stage if stage.actions else None
        return None

    def meet(self, now_ns: int) -> Stage | None:
        """Count a call that has reached it; give the step that hits the call, if one does."""
        stage = self.stage()
        return stage if stage is not None and stage.meet(now_ns) else None

    def on_clear(self, told: Callable[[], None]) -> Callable[[], object]:
        """Have a callback told when it is taken back; calling what is returned ends that."""
        self._watchers[told] = None
        return lambda: self._watchers.pop(told, None)

    def clear(self) -> None:
        """Take it back, and wake the calls that it holds up."""
        self.cleared = True
        for told in tuple(self._watchers):
            told()
