from __future__ import annotations

import pytest
from hypothesis import find, given, settings

from joblet_fake import FakeJoblet
from joblet_fake.strategies import FaultPlan, faults


@pytest.fixture(scope="module")
def joblet() -> FakeJoblet:
    return FakeJoblet(tls=False)


@given(plan=faults(actions=["fail", "end", "reorder", "corrupt", "truncate", "delay", "restart"]))
@settings(max_examples=200, deadline=None)
def test_every_plan_is_rules_that_a_fake_takes(joblet: FakeJoblet, plan: FaultPlan) -> None:
    rules = plan.apply(joblet)

    # A rule's own repr has the method's whole name.
    short = [repr(rule).partition(").")[2] for rule in rules]
    assert short == [repr(rule).partition(").")[2] for rule in plan.rules]
    joblet.faults.clear()


@pytest.mark.parametrize(
    ("word", "shortest"),
    [
        ("", "[]"),
        ("RunJob", "[on('RunJob').fail('UNAVAILABLE', times=1)]"),
        ("after_effect", "[on('RunJob').after_effect().fail('UNAVAILABLE', times=1)]"),
        ("skip(2)", "[on('RunJob').skip(2).fail('UNAVAILABLE', times=1)]"),
        ("INTERNAL", "[on('RunJob').fail('INTERNAL', times=1)]"),
        ("duplicate", "[on('GetJobLogs').times(1).duplicate()]"),
        ("after(m", "[on('GetJobLogs').after(messages=1).fail('UNAVAILABLE', times=1)]"),
        (
            "), on(",
            "[" + ", ".join(["on('RunJob').fail('UNAVAILABLE', times=1)"] * 2) + "]",
        ),
    ],
)
def test_plans_shrink_to_the_shortest(word: str, shortest: str) -> None:
    assert repr(find(faults("RunJob", "GetJobLogs"), lambda plan: word in repr(plan))) == shortest


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"actions": ["drop"]}, "there is no 'drop'"),
        ({"actions": ["corupt"]}, "near: 'corrupt'"),
        ({"codes": ["UNAVAILIBLE"]}, "near: 'UNAVAILABLE'"),
        ({"codes": []}, "'fail' needs one at least"),
        ({"actions": ["end", "reorder"]}, "RunJob answers with one message"),
    ],
)
def test_what_can_never_be_is_refused(options: dict[str, list[str]], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        faults("RunJob", **options)
