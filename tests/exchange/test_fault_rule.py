"""The grammar of fault rules: what can be written, and what is said to the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake.clock import Clock
from joblet_fake.exchange import FaultRules
from joblet_fake.wire import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake.exchange import Rule


@pytest.fixture
def rules() -> FaultRules:
    return FaultRules(load("2.3.1"), Clock("frozen"))


WRITTEN: list[tuple[str, Callable[[FaultRules], Rule]]] = [
    (
        "on('JobService.RunJob').fail('UNAVAILABLE', times=2)",
        lambda rules: rules.on("RunJob").fail("UNAVAILABLE", times=2),
    ),
    (
        "on('JobService.RunJob').fail('ABORTED', 'text', trailers={'a': 'b', 'c-bin': b'd'})",
        lambda rules: rules.on("RunJob").fail(
            grpc.StatusCode.ABORTED, "text", {"a": "b", "c-bin": b"d"}
        ),
    ),
    (
        "on('JobService.GetJobLogs').skip(1).every(2).times(3).after(messages=4).stall()",
        lambda rules: rules.on("GetJobLogs").skip(1).every(2).times(3).after(messages=4).stall(),
    ),
    (
        "on('JobService.GetJobLogs').after(bytes=9).delay(1.5).reset()",
        lambda rules: rules.on("GetJobLogs").after(bytes=9).delay(1.5).reset(),
    ),
    (
        "on('PersistService.DeleteJob').after_effect().drop_connection()",
        lambda rules: rules.on("PersistService.DeleteJob").after_effect().drop_connection(),
    ),
    (
        "on('JobService.ListJobs').probability(0.5).quota(3, per=60).during(9).restart()",
        lambda rules: rules.on("ListJobs").probability(0.5).quota(3, per=60).during(9).restart(),
    ),
    (
        "on('JobService.GetJobLogs').duplicate(messages=1).truncate(3).reorder().corrupt()",
        lambda rules: rules.on("GetJobLogs").duplicate(messages=1).truncate(3).reorder().corrupt(),
    ),
    (
        "on('JobService.GetJobLogs').fail('ABORTED').then.skip(1).delay(1).then.end()",
        lambda rules: rules.on("GetJobLogs").fail("ABORTED").then.skip(1).delay(1).then.end(),
    ),
    ("on('*').stall()", lambda rules: rules.on("*").stall()),
    ("on('PersistService.*').stall()", lambda rules: rules.on("PersistService.*").stall()),
    ("on('JobService.RunJob', when=bool).stall()", lambda rules: rules.on("RunJob", bool).stall()),
]


@pytest.mark.parametrize(("text", "write"), WRITTEN, ids=[text for text, _ in WRITTEN])
def test_a_rule_shows_as_it_was_written(
    rules: FaultRules, text: str, write: Callable[[FaultRules], Rule]
) -> None:
    rule = write(rules)

    assert repr(rule) == text
    assert rules.active == rules.unused == [rule]


WRONG: list[tuple[str, Callable[[FaultRules], Any], str]] = [
    # The method
    ("unknown method", lambda r: r.on("RunJobs"), "near: JobService.RunJob"),
    (
        "ambiguous method",
        lambda r: r.on("DeleteJob"),
        "'JobService.DeleteJob' or 'PersistService.DeleteJob'",
    ),
    ("unknown service", lambda r: r.on("JobServices.*"), "'*', or one of 'JobService.*'"),
    ("half a pattern", lambda r: r.on("Job*"), "'*', or one of 'JobService.*'"),
    ("no name", lambda r: r.on(3), "a method's name, such as 'RunJob'"),
    ("no predicate", lambda r: r.on("RunJob", when="train"), "a predicate over the call"),
    # Numbers
    ("no times", lambda r: r.on("RunJob").times(0), "times(0): the least is 1"),
    ("negative times", lambda r: r.on("RunJob").fail("ABORTED", times=-1), "times=-1: the least"),
    ("times by half", lambda r: r.on("RunJob").times(1.5), "times(1.5): it takes a whole number"),
    ("a truth", lambda r: r.on("RunJob").skip(n=True), "skip(True): it takes a whole number"),
    ("no distance", lambda r: r.on("RunJob").every(0), "every(0): the least is 1"),
    ("never", lambda r: r.on("RunJob").probability(0), "above 0, 1 at most"),
    ("percent", lambda r: r.on("RunJob").probability(50), "above 0, 1 at most"),
    ("no time", lambda r: r.on("RunJob").delay(0), "delay(0): it takes a number of seconds"),
    ("for ever", lambda r: r.on("RunJob").delay(float("inf")), "delay(inf): it takes a number"),
    ("words", lambda r: r.on("RunJob").delay("1s"), "delay('1s'): it takes a number of seconds"),
    ("negative size", lambda r: r.on("RunJob").truncate(-1), "truncate(-1): the least is 0"),
    ("no window", lambda r: r.on("RunJob").quota(1, per=0), "quota(1, per=0): it takes a number"),
    # Codes and metadata
    ("misspelt code", lambda r: r.on("RunJob").fail("UNAVAILBLE"), "near: 'UNAVAILABLE'"),
    ("small letters", lambda r: r.on("RunJob").fail("not_found"), "near: 'NOT_FOUND'"),
    ("a number", lambda r: r.on("RunJob").fail(14), "it is one of CANCELLED, UNKNOWN,"),
    ("no failure", lambda r: r.on("RunJob").fail("OK"), "end() ends a stream early with OK"),
    ("no text", lambda r: r.on("RunJob").fail("ABORTED", b"x"), "details are text"),
    (
        "capitals",
        lambda r: r.on("RunJob").fail("ABORTED", trailers={"Retry-After": "1"}),
        "near: 'retry-after'",
    ),
    (
        "bytes as text",
        lambda r: r.on("RunJob").fail("ABORTED", trailers={"a": b"1"}),
        "right is a: text, or a-bin: bytes",
    ),
    (
        "gRPC's own",
        lambda r: r.on("RunJob").fail("ABORTED", trailers={"grpc-status": "1"}),
        "gRPC's own",
    ),
    ("no pairs", lambda r: r.on("RunJob").fail("ABORTED", trailers=3), "a mapping or pairs"),
    # Combinations
    (
        "inside one message",
        lambda r: r.on("RunJob").after(messages=1),
        "this is for streams; .after_effect() is between its work and its reply",
    ),
    ("inside some", lambda r: r.on("*").after(bytes=1), "answers with a single message"),
    ("an early end of one", lambda r: r.on("RunJob").end(), ".fail(code) ends any call"),
    ("two of one", lambda r: r.on("RunJob").duplicate(), ".truncate(bytes) and .corrupt() fit"),
    ("order of one", lambda r: r.on("RunJob").reorder(), "answers with a single message"),
    ("neither", lambda r: r.on("GetJobLogs").after(), "either messages=n or bytes=n"),
    ("both", lambda r: r.on("GetJobLogs").after(messages=1, bytes=1), "either messages=n or"),
    (
        "inside and after",
        lambda r: r.on("GetJobLogs").after(messages=1).after_effect(),
        "a rule has one of them",
    ),
    ("twice", lambda r: r.on("RunJob").times(1).times(2), ".times stands there already"),
    ("twice in another way", lambda r: r.on("RunJob").times(1).fail("ABORTED", times=2), ".times"),
    (
        "the wrong way round",
        lambda r: r.on("RunJob").fail("ABORTED").times(2),
        "conditions come before the action: .times(2).fail('ABORTED')",
    ),
    (
        "two ends",
        lambda r: r.on("RunJob").fail("ABORTED").fail("UNKNOWN"),
        "the call is over before it; .then.fail('UNKNOWN') is for the next",
    ),
    ("an end and damage", lambda r: r.on("RunJob").fail("ABORTED").corrupt(), ".then.corrupt()"),
    ("damage and an end", lambda r: r.on("RunJob").corrupt().fail("ABORTED"), ".then.fail("),
    ("two waits", lambda r: r.on("RunJob").delay(1).delay(2), "one .delay with the sum"),
    ("a lost reply", lambda r: r.on("RunJob").after_effect().corrupt(), "leave it out"),
    ("then what", lambda r: r.on("RunJob").then, "an action comes before it"),
    ("then after a condition", lambda r: r.on("RunJob").times(1).then, "an action comes before"),
]


@pytest.mark.parametrize(("write", "text"), [case[1:] for case in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_rule_is_refused_when_it_is_written(
    rules: FaultRules, write: Callable[[Any], Any], text: str
) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        write(rules)

    assert text in str(caught.value)


def test_a_misspelt_verb_is_told_what_is_near(rules: FaultRules) -> None:
    rule: Any = rules.on("RunJob")

    with pytest.raises(AttributeError, match=r"a fault rule has no \.fails; near: 'fail'"):
        rule.fails("ABORTED")


def test_a_predicate_that_would_have_to_be_awaited_is_refused(rules: FaultRules) -> None:
    async def when(_call: object) -> bool:
        return True

    with pytest.raises(TypeError, match="a plain function"):
        rules.on("RunJob", when=when)


def test_what_was_refused_has_changed_nothing(rules: FaultRules) -> None:
    rule = rules.on("RunJob").times(2).fail("ABORTED")

    for wrong in (rule.corrupt, rule.stall, lambda: rule.skip(1)):
        with pytest.raises(ValueError, match="ABORTED"):
            wrong()

    assert repr(rule) == "on('JobService.RunJob').times(2).fail('ABORTED')"


def test_a_cleared_rule_is_not_continued(rules: FaultRules) -> None:
    rule = rules.on("RunJob").delay(1)
    rule.clear()

    with pytest.raises(ValueError, match="was cleared: write it anew"):
        rule.fail("ABORTED")
