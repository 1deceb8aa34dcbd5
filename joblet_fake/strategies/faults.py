"""Fault plans: what goes wrong with calls, as data that shrinks to the shortest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hypothesis import strategies as st

from joblet_fake.exchange.fault_words import code_name
from joblet_fake.options import DEFAULT_API
from joblet_fake.wire import load
from joblet_fake.words import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

    from joblet_fake.exchange import Rule
    from joblet_fake.fake import FakeJoblet
    from joblet_fake.wire import Method

FAILURES: Final = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL")
"""The codes that calls fail with, unless others are given."""

ARGUMENTS: Final[dict[str, Sequence[Any]]] = {
    "truncate": range(9),
    "delay": (1.0, 60.0),
}
"""What an action besides `fail` takes, where it takes anything."""

SURE: Final = (
    *("fail", "drop_connection", "reset", "end", "duplicate", "reorder", "corrupt"),
    "truncate",
)
"""The actions that neither wait nor make the server forget anything."""

EVERY: Final = (*SURE, "delay", "stall", "restart")
OF_STREAMS: Final = frozenset({"end", "duplicate", "reorder"})
DAMAGES: Final = frozenset({"duplicate", "reorder", "corrupt", "truncate"})

MOST: Final = 3
"""How many rules a plan has at most, and after how many messages one acts."""

NUMBERS: Final = ((1, 0), (1, 0), (1, 1), (2, 0), (1, 2), (3, 0), (2, 1))
"""How many calls a rule hits, and how many it lets go first: often the next one, and no other."""


@dataclass(frozen=True, slots=True, repr=False)
class PlannedFault:
    """One rule of a plan; its repr is the rule as a test would write it.

    Attributes:
        method: the method whose calls it hits.
        action: what it does: `"fail"`, `"drop_connection"` and the like.
        argument: what the action takes; None for nothing.
        times: how many calls it hits.
        skip: how many calls it lets go first.
        messages: after how many messages of a stream it acts; 0 for before the first.
        late: whether it acts when the work is done, in place of the reply.

    >>> PlannedFault("RunJob", "fail", "UNAVAILABLE", skip=1, late=True)
    on('RunJob').skip(1).after_effect().fail('UNAVAILABLE', times=1)
    """

    method: str
    action: str
    argument: Any = None
    times: int = 1
    skip: int = 0
    messages: int = 0
    late: bool = False

    def __repr__(self) -> str:
        return f"on({self.method!r})" + "".join(
            f".{name}({', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in named.items())])})"
            for name, args, named in self._words()
        )

    def apply(self, joblet: FakeJoblet) -> Rule:
        """Write the rule on a fake.

        Args:
            joblet: the fake.
        """
        rule = joblet.faults.on(self.method)
        for name, args, named in self._words():
            getattr(rule, name)(*args, **named)
        return rule

    def _words(self) -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
        if self.skip:
            yield "skip", (self.skip,), {}
        if self.action != "fail":
            yield "times", (self.times,), {}
        if self.late:
            yield "after_effect", (), {}
        if self.messages:
            yield "after", (), {"messages": self.messages}
        arguments = () if self.argument is None else (self.argument,)
        yield self.action, arguments, {"times": self.times} if self.action == "fail" else {}


@dataclass(frozen=True, slots=True, repr=False)
class FaultPlan:
    """Some rules, to be written on a fake together.

    Attributes:
        rules: what they are.
    """

    rules: tuple[PlannedFault, ...] = ()

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self.rules))}]"

    def apply(self, joblet: FakeJoblet) -> list[Rule]:
        """Write the rules on a fake, in their order.

        Args:
            joblet: the fake.

        >>> from joblet_fake import FakeJoblet
        >>> joblet = FakeJoblet()
        >>> FaultPlan((PlannedFault("RunJob", "stall"),)).apply(joblet)
        [on('JobService.RunJob').times(1).stall()]
        """
        return [rule.apply(joblet) for rule in self.rules]


def faults(
    *methods: str,
    actions: Sequence[str] = SURE,
    codes: Sequence[str] = FAILURES,
    min_rules: int = 0,
    max_rules: int = MOST,
    api: str = DEFAULT_API,
) -> SearchStrategy[FaultPlan]:
    """Give fault plans, to be used with `plan.apply(joblet)`.

    They shrink to fewer rules, earlier methods, actions and codes, smaller numbers. A rule that
    no call has met fails a pytest test: `@pytest.mark.joblet(unused_faults=True)` lets it be.

    Args:
        *methods: whose calls go wrong, by their names as for `joblet.faults.on`; none for all.
        actions: what may happen. Beside the default there are `"delay"`, for which the clock has
            to go on, `"stall"`, for which a client needs deadlines, and `"restart"`, after which
            jobs are gone.
        codes: what calls may fail with.
        min_rules: the fewest rules of a plan.
        max_rules: the most.
        api: the API version that the fake serves.

    Raises:
        ValueError: there is no such method, action or code, or none fits; the text says what is
            near.

    >>> from hypothesis import find
    >>> find(faults("RunJob", "StopJob"), lambda plan: "StopJob" in repr(plan))
    [on('StopJob').fail('UNAVAILABLE', times=1)]
    """
    for action in actions:
        if action not in EVERY:
            raise ValueError(f"actions: there is no {action!r}; {near(action, EVERY)}")
    failures = [code_name(code) for code in codes]
    if not failures and "fail" in actions:
        raise ValueError("codes: 'fail' needs one at least")
    known = load(api)
    names = methods or tuple(sorted(method.key for method in known.methods.values()))
    kinds = [kind for name in names for kind in _kinds(name, known.method(name), actions, failures)]
    # Few draws for each: Hypothesis finds out sooner what a failure can do without.
    one = st.builds(
        lambda kind, place, numbers: PlannedFault(
            *kind.words, *numbers, *kind.places[place % len(kind.places)]
        ),
        st.sampled_from(kinds),
        st.integers(0, MOST + 1),
        st.sampled_from(NUMBERS),
    )
    rules = st.lists(one, min_size=min_rules, max_size=max_rules)
    return rules.map(lambda found: FaultPlan(tuple(found)))


class Kind(NamedTuple):
    """What a rule can be, but for its numbers.

    Attributes:
        words: the method, the action and its argument.
        places: after how many messages of a stream it acts, and whether when the work is done.
    """

    words: tuple[str, str, Any]
    places: Sequence[tuple[int, bool]]


def _kinds(
    name: str, method: Method, actions: Sequence[str], codes: Sequence[str]
) -> Iterator[Kind]:
    fitting = [one for one in actions if method.server_streaming or one not in OF_STREAMS]
    if not fitting:
        raise ValueError(f"{name} answers with one message: {', '.join(actions)} are for streams")
    for action in fitting:
        # A rule acts inside a stream or when the work is done, never both.
        places = [(0, False)]
        if action not in DAMAGES | {"end"}:
            places.append((0, True))
        if method.server_streaming:
            places += [(messages, False) for messages in range(1, MOST + 1)]
        for argument in codes if action == "fail" else ARGUMENTS.get(action, (None,)):
            yield Kind((name, action, argument), places)
