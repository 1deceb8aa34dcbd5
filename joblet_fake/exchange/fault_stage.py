"""One step of a fault rule: which calls it hits, and what it does to them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from joblet_fake.exchange.fault_actions import Damage, Damager, Delay

if TYPE_CHECKING:
    import random

    from joblet_fake.exchange.fault_actions import Action

NEVER = 1 << 62
"""More calls than there will ever be."""


@dataclass(slots=True, eq=False)
class Stage:
    """The conditions and actions between two `.then`s, and how often they have been met.

    Attributes:
        times: how many calls it hits; None for all until it is cleared.
        skip: how many calls it lets go first.
        every: which calls it hits after those: each one, each second one, ...
        probability: the share of calls that it hits; None for all.
        quota: how many calls in how many clock nanoseconds it lets go; None for none.
        during: until which moment of the clock it hits, nanoseconds since 1970; None for ever.
        messages: how many messages of a stream come before the action; None for none.
        size: how many bytes of messages come before it; None for none.
        late: whether the action comes after the work, in place of the reply.
        actions: what it does, in order.
        conditions: the conditions as they were written.
        verbs: the actions as they were written.
        seen: how many calls have reached it.
        fired: how many it has hit.
        claimed: how many may still be hit: their streams have not got to the point.
    """

    times: int | None = None
    skip: int = 0
    every: int = 1
    probability: float | None = None
    quota: tuple[int, int] | None = None
    during: int | None = None
    messages: int | None = None
    size: int | None = None
    late: bool = False
    actions: list[Action] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    seen: int = 0
    fired: int = 0
    claimed: int = 0
    _chance: random.Random | None = None
    _next: int = 1
    _window: int | None = None
    _in_window: int = 0

    def __str__(self) -> str:
        return "".join(f".{written}" for written in (*self.conditions, *self.verbs))

    @property
    def spent(self) -> bool:
        """Whether it can hit no further call, unless one is given back."""
        return self.times is not None and self.fired + self.claimed >= self.times

    @property
    def used(self) -> bool:
        """Whether it has done what it was written for."""
        if self.probability is not None:
            # Chance may spare every call: it is enough that some were exposed to it.
            return self.seen > 0
        return self.fired >= (self.times or 1)

    @property
    def counts(self) -> bool:
        """Whether nothing happens with calls between two hits that would have to be noted."""
        return self.quota is None

    @property
    def midway(self) -> bool:
        """Whether the action comes inside a stream."""
        return self.messages is not None or self.size is not None

    def reached(self, messages: int, size: int) -> bool:
        """Tell whether a stream has got to where the action comes."""
        if self.messages is not None:
            return messages >= self.messages
        return self.size is not None and size >= self.size

    def draw(self, chance: random.Random) -> None:
        """Let chance choose which call is hit first, and later each next one."""
        self._chance = chance
        self._next = self._gap()

    def due_in(self) -> int:
        """Give the number of calls until it may hit one, that one included."""
        return NEVER if self.spent else self.skip + self.every * self._next - self.seen

    def meet(self, now_ns: int) -> bool:
        """Count a call that has reached it, and tell whether it is hit."""
        self.seen += 1
        step, rest = divmod(self.seen - self.skip, self.every)
        if step <= 0 or rest:
            return False
        chosen = step >= self._next
        if chosen:
            self._next = step + self._gap()
        if self.during is not None and now_ns >= self.during:
            return False
        return (self.quota is None or self._over(self.quota, now_ns)) and chosen

    def _gap(self) -> int:
        """Give how many calls further the next hit is: one, or what chance says.

        One draw says how long it takes, so that the calls before it need none.
        """
        if self._chance is None or self.probability in (None, 1.0):
            return 1
        spared = math.log(1.0 - self._chance.random()) / math.log1p(-(self.probability or 0.0))
        return 1 + min(int(spared), NEVER)

    def _over(self, quota: tuple[int, int], now_ns: int) -> bool:
        calls, window = quota
        if self._window is None or not self._window <= now_ns < self._window + window:
            self._window, self._in_window = now_ns, 0
        self._in_window += 1
        return self._in_window > calls

    def damager(self) -> Damager | None:
        """Give what damages the messages of one call; None where nothing does."""
        damages = [action for action in self.actions if isinstance(action, Damage)]
        return Damager(damages) if damages else None

    @property
    def acts(self) -> list[Action]:
        """The actions that are no damage to messages."""
        return [action for action in self.actions if not isinstance(action, Damage)]

    @property
    def ends(self) -> bool:
        """Whether nothing can come after its last action."""
        return bool(self.actions) and not isinstance(self.actions[-1], Damage | Delay)
