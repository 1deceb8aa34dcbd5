"""Which rule hits which call, how rules are used up, and what is said of the unused."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.clock import Clock
from joblet_fake.exchange import Call, FaultRules, UnusedFaultError
from joblet_fake.wire import load

if TYPE_CHECKING:
    from joblet_fake.exchange import Claim

API = load("2.3.1")


def call(method: str = "RunJob", role: str = "admin", **fields: object) -> Call:
    shape = API.method(method)
    return Call(shape.key, role, shape.encode_request(fields), 0, shape)


def new_rules(seed: int = 0) -> FaultRules:
    return FaultRules(API, Clock("frozen"), seed)


def code(claim: Claim | None) -> str:
    """Give what a claim does, and have it happen."""
    if claim is None:
        return ""
    claim.fire()
    fail: Any = claim.stage.acts[0]
    return str(fail.code)


def codes(rules: FaultRules, n: int, method: str = "RunJob") -> list[str]:
    return [code(rules.claim(call(method))) for _ in range(n)]


def test_a_rule_without_times_hits_until_it_is_cleared() -> None:
    rules = new_rules()
    rule = rules.on("RunJob").fail("ABORTED")
    assert codes(rules, 3) == ["ABORTED"] * 3

    rule.clear()

    assert codes(rules, 2) == ["", ""]
    assert rules.armed == {}


def test_rules_are_used_up_in_the_order_written() -> None:
    rules = new_rules()
    rules.on("RunJob").fail("ABORTED", times=2)
    rules.on("RunJob").fail("UNKNOWN", times=1)
    rules.on("RunJob").skip(1).fail("DATA_LOSS", times=1)

    assert codes(rules, 6) == ["ABORTED", "ABORTED", "UNKNOWN", "", "DATA_LOSS", ""]
    assert rules.armed == {}
    assert rules.unused == []


def test_the_order_is_that_of_writing_not_of_finishing() -> None:
    rules = new_rules()
    first, second = rules.on("RunJob").times(1), rules.on("RunJob").times(1)
    second.fail("UNKNOWN")
    first.fail("ABORTED")

    assert codes(rules, 2) == ["ABORTED", "UNKNOWN"]


def test_a_call_that_a_rule_lets_go_is_left_to_the_next() -> None:
    rules = new_rules()
    rules.on("RunJob", when=lambda call: call.request.command == "train").fail("ABORTED")
    rules.on("RunJob").every(2).fail("UNKNOWN")

    asked = [code(rules.claim(call(command=name))) for name in ("a", "train", "a", "a")]

    assert asked == ["", "ABORTED", "UNKNOWN", ""]


def test_only_calls_that_fit_are_counted() -> None:
    rules = new_rules()
    rules.on("RunJob", when=lambda call: call.role == "viewer").skip(1).fail("ABORTED")

    asked = [code(rules.claim(call(role=role))) for role in ("admin", "viewer") * 3]

    assert asked == ["", "", "", "ABORTED", "", "ABORTED"]


def test_rules_of_other_methods_do_not_matter() -> None:
    rules = new_rules()
    rules.on("ListJobs").fail("ABORTED")
    rules.on("PersistService.*").fail("UNKNOWN")

    assert codes(rules, 1) == [""]
    assert codes(rules, 1, "ListJobs") == ["ABORTED"]
    assert codes(rules, 1, "PersistService.DeleteJob") == ["UNKNOWN"]


def test_a_rule_for_several_methods_counts_all_their_calls() -> None:
    rules = new_rules()
    rules.on("*").skip(2).times(2).fail("ABORTED")

    methods = ["RunJob", "ListJobs", "Ping", "RunJob", "ListJobs"]

    assert [codes(rules, 1, one)[0] for one in methods] == ["", "", "ABORTED", "ABORTED", ""]
    assert rules.armed == {}


def test_what_comes_then_comes_when_the_rest_is_used_up() -> None:
    rules = new_rules()
    rule = rules.on("RunJob").fail("ABORTED", times=2).then.skip(1).fail("UNKNOWN")
    rule = rule.then.fail("DATA_LOSS")
    assert rule.used is False

    # Before a `.then`, no times means once; at the end, for ever.
    assert codes(rules, 6) == ["ABORTED", "ABORTED", "", "UNKNOWN", "DATA_LOSS", "DATA_LOSS"]
    assert (rule.used, rule.fired) == (True, 5)


def test_a_quota_lets_so_many_go_in_each_window() -> None:
    clock = Clock("frozen")
    rules = FaultRules(API, clock)
    rules.on("RunJob").quota(2, per=60).fail("RESOURCE_EXHAUSTED")
    full = "RESOURCE_EXHAUSTED"
    clock.advance(30)

    assert codes(rules, 3) == ["", "", full]
    clock.advance(59)
    assert codes(rules, 1) == [full]
    clock.advance(1)
    assert codes(rules, 3) == ["", "", full]


def test_a_rule_for_some_time_ends_on_the_clock() -> None:
    clock = Clock("frozen")
    rules = FaultRules(API, clock)
    rules.on("RunJob").during(60).fail("ABORTED")

    clock.advance(59.999)
    assert codes(rules, 1) == ["ABORTED"]
    clock.advance(0.001)
    assert codes(rules, 1) == [""]


def test_chance_is_the_same_for_the_same_seed_and_place() -> None:
    def drawn(seed: int, place: int) -> list[str]:
        rules = new_rules(seed)
        for _ in range(place):
            rules.on("ListJobs").stall()
        rules.on("RunJob").probability(0.3).fail("ABORTED")
        return codes(rules, 50)

    assert drawn(1, 0) == drawn(1, 0)
    assert len({tuple(drawn(seed, place)) for seed in (1, 2) for place in (0, 1)}) == 4


@given(st.floats(0.05, 0.95), st.integers(0, 1000))
def test_chance_hits_about_the_share_that_was_asked_for(p: float, seed: int) -> None:
    rules = new_rules(seed)
    rules.on("RunJob").probability(p).fail("ABORTED")

    hits = sum(map(bool, codes(rules, 400)))

    # Five standard deviations.
    assert abs(hits - 400 * p) <= 5 * (400 * p * (1 - p)) ** 0.5 + 1e-9


def test_a_claim_that_nothing_came_of_is_given_back() -> None:
    """A stream that ends before its fault's point has not used the rule up."""
    rules = new_rules()
    rule = rules.on("GetJobLogs").times(1).after(messages=3).fail("ABORTED")
    first, second = rules.claim(call("GetJobLogs")), rules.claim(call("GetJobLogs"))
    assert first is not None
    assert second is None

    first.release()
    first.release()

    assert (rule.fired, rules.unused, rules.fired) == (0, [rule], [])
    assert codes(rules, 2, "GetJobLogs") == ["ABORTED", ""]
    first.fire()
    assert rule.fired == 1


def test_what_happened_is_told_in_order_with_the_calls() -> None:
    clock = Clock("frozen")
    rules = FaultRules(API, clock)
    rule = rules.on("RunJob").fail("ABORTED", times=2)
    calls = [call(command="a"), call(command="b")]
    for one in calls:
        code(rules.claim(one))
        clock.advance(1)

    assert [(fired.rule, fired.call, fired.at.second) for fired in rules.fired] == [
        (rule, calls[0], 0),
        (rule, calls[1], 1),
    ]
    assert [one.fault for one in calls] == [repr(rule)] * 2
    assert rules.active == []
    # Those that are cleared afterwards have happened all the same.
    rules.clear()
    assert len(rules.fired) == 2
    rules.forget()
    assert rules.fired == []


def test_unused_rules_are_told_with_what_is_missing() -> None:
    rules = new_rules()
    rules.on("RunJob").fail("ABORTED", times=2)
    rules.on("ListJobs").delay(1)
    rules.on("Ping").times(3)
    rules.on("StopJob").stall().then.skip(1)
    codes(rules, 1)

    with pytest.raises(UnusedFaultError) as caught:
        rules.check()

    assert str(caught.value).splitlines()[1:5] == [
        "  on('JobService.RunJob').fail('ABORTED', times=2) hit 1 of 2 calls",
        "  on('JobService.ListJobs').delay(1) hit 0 of 1 call",
        (
            "  on('PersistService.Ping').times(3) has no action: continue it, "
            "such as with .fail(code)"
        ),
        (
            "  on('JobService.StopJob').stall().then.skip(1) has no action: continue it, "
            "such as with .fail(code)"
        ),
    ]


def test_a_rule_that_chance_has_spared_is_used() -> None:
    rules = new_rules()
    rules.on("RunJob").probability(1e-9).fail("ABORTED")
    assert len(rules.unused) == 1

    codes(rules, 3)

    rules.check()


def test_rules_may_be_written_and_cleared_by_many_threads_while_calls_come() -> None:
    rules = new_rules()
    stop = threading.Event()
    problems: list[BaseException] = []

    def write() -> None:
        try:
            while not stop.is_set():
                rule = rules.on("RunJob").times(1).fail("ABORTED").then.delay(1)
                rules.on("*", when=lambda _call: True).times(1).stall()
                rule.clear()
        except BaseException as error:  # noqa: BLE001 - told below
            problems.append(error)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(60):
        claim = rules.claim(call())
        if claim is not None:
            claim.fire()
    stop.set()
    for writer in writers:
        writer.join(10)
    rules.clear()

    assert not problems
    assert rules.armed == {}
    assert rules.active == []


# A model of the consumption, as plain as can be


@dataclass
class Step:
    times: int | None
    skip: int
    every: int
    seen: int = 0
    taken: int = 0


@dataclass
class Plain:
    """A rule of the plain model: only calls with its letter reach it, if it has one."""

    number: int
    letter: str | None
    steps: list[Step]
    cleared: bool = False

    def meets(self, letter: str) -> Step | None:
        if self.cleared or self.letter not in (None, letter):
            return None
        for step in self.steps:
            if step.times is None or step.taken < step.times:
                step.seen += 1
                after = step.seen - step.skip
                return step if after > 0 and after % step.every == 0 else None
        return None


STEPS = st.builds(
    Step,
    times=st.none() | st.integers(1, 3),
    skip=st.integers(0, 3),
    every=st.integers(1, 3),
)
RULE = st.tuples(
    st.sampled_from([None, None, None, "a", "b"]), st.lists(STEPS, min_size=1, max_size=3)
)


@dataclass
class World:
    rules: FaultRules = field(default_factory=new_rules)
    plain: list[Plain] = field(default_factory=list)
    real: list[Any] = field(default_factory=list)
    claims: list[tuple[Claim, Step]] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    def write(self, letter: str | None, steps: list[Step]) -> None:
        number = next(self.numbers)
        when = None if letter is None else (lambda call: call.request.command == letter)
        rule: Any = self.rules.on("RunJob", when=when)
        for place, step in enumerate(steps):
            rule = rule if place == 0 else rule.then
            rule = rule if step.times is None else rule.times(step.times)
            rule = rule if step.skip == 0 else rule.skip(step.skip)
            rule = rule if step.every == 1 else rule.every(step.every)
            rule = rule.fail("ABORTED", str(number))
        plain = [Step(step.times, step.skip, step.every) for step in steps]
        for step in plain[:-1]:
            step.times = step.times or 1
        self.plain.append(Plain(number, letter, plain))
        self.real.append(rule)

    def call(self, letter: str, *, hold: bool) -> None:
        expected: tuple[Plain, Step] | None = None
        for plain in self.plain:
            step = plain.meets(letter)
            if step is not None:
                step.taken += 1
                expected = plain, step
                break
        claim = self.rules.claim(call(command=letter))
        if expected is None:
            assert claim is None
            return
        assert claim is not None
        fail: Any = claim.stage.acts[0]
        assert fail.details == str(expected[0].number)
        if hold:
            self.claims.append((claim, expected[1]))
        else:
            claim.fire()

    def give_back(self, place: int) -> None:
        if self.claims:
            claim, step = self.claims.pop(place % len(self.claims))
            step.taken -= 1
            claim.release()

    def clear(self, place: int) -> None:
        if self.real:
            self.real[place % len(self.real)].clear()
            self.plain[place % len(self.plain)].cleared = True


DEEDS = st.one_of(
    st.tuples(st.just("write"), RULE),
    st.tuples(st.sampled_from(["call", "hold"]), st.sampled_from("abc")),
    st.tuples(st.sampled_from(["call", "call"]), st.sampled_from("abc")),
    st.tuples(st.just("give back"), st.integers(0, 5)),
    st.tuples(st.just("clear"), st.integers(0, 5)),
)


@given(st.lists(DEEDS, max_size=60))
def test_rules_are_used_up_as_a_plain_model_says(deeds: list[tuple[str, Any]]) -> None:
    world = World()
    for deed, what in deeds:
        match deed:
            case "write":
                world.write(*what)
            case "call" | "hold":
                world.call(what, hold=deed == "hold")
            case "give back":
                world.give_back(what)
            case _:
                world.clear(what)
    for claim, _ in world.claims:
        claim.fire()
    alive = [plain for plain in world.plain if not plain.cleared]

    assert [sum(step.taken for step in plain.steps) for plain in alive] == [
        rule.fired for rule, plain in zip(world.real, world.plain, strict=True) if not plain.cleared
    ]
    spent = [all(s.times is not None and s.taken >= s.times for s in p.steps) for p in alive]
    assert len(world.rules.active) == spent.count(False)
    if all(spent):
        assert world.rules.armed == {}


@given(st.integers(1, 200), st.integers(0, 300))
def test_waiting_for_a_call_costs_the_same_for_any_number_of_rules(n: int, calls: int) -> None:
    """What waits by number alone is looked at when its call comes, and not before."""
    rules = new_rules()
    for number in range(n):
        rules.on("RunJob").skip(1000 + number).times(1).fail("ABORTED")
    queue = rules.armed["JobService.RunJob"]
    codes(rules, 1)
    looked = 0
    original = queue.settle

    def settle() -> None:
        nonlocal looked
        looked += 1
        original()

    queue.settle = settle  # type: ignore[method-assign]  # to see how often it looks
    assert codes(rules, calls) == [""] * calls
    assert looked == 0
