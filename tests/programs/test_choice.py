"""Which program runs for a job, and what is said about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import host

from joblet_fake.model import JobSpec
from joblet_fake.programs import RunningJob, Stdout

if TYPE_CHECKING:
    from collections.abc import Generator

    from joblet_fake.programs import Step

SINCE = r"the arguments are \['--slow'\] and the job has no name and GPU is '1'"
ON = r"on\(command='train'"
HERE = r"\(tests/programs/test_choice.py:\d+\)"


def explained(text: str) -> list[str]:
    return text.replace("\\", "/").splitlines()


def test_scripts_and_generators_stand_in_one_order() -> None:
    here = host()
    here.programs.on("x", args=["a"]).exits(1)

    @here.programs.register("x")
    def program(_job: RunningJob) -> Generator[Step]:
        yield Stdout(b"")
        return 2

    assert here.run("x", "a").exit_code == 1
    assert here.run("x").exit_code == 2
    here.programs.on("x").exits(3)
    assert here.run("x").exit_code == 3
    here.programs.register("x")(program)
    assert here.run("x").exit_code == 2


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({}, True),
        ({"command": "train"}, True),
        ({"command": "trai"}, False),
        ({"args": ["a"]}, True),
        ({"args": []}, False),
        ({"name": "nightly"}, True),
        ({"env": {"A": "1"}}, True),
        ({"env": {"A": "2"}}, False),
    ],
)
def test_a_generator_is_matched_as_a_script_is(conditions: dict[str, Any], *, fits: bool) -> None:
    here = host()

    @here.programs.register(**conditions)
    def program(_job: RunningJob) -> Generator[Step]:
        yield Stdout(b"")
        return 42

    job = here.run("train", "a", name="nightly", environment={"A": "1"})
    assert (job.exit_code == 42) == fits


def test_an_explanation_says_why_each_program_was_chosen_or_not() -> None:
    here = host()
    here.programs.on("eval").exits(1)
    here.programs.on("train", args=["--fast"], name="n", env={"GPU": "0"}).exits(2)
    here.programs.on().exits(3)
    here.programs.on("train").exits(4)
    here.programs.on("train", env={"KEY": "mine"}).exits(5)
    here.programs.on("train").prints("loss").exits(6)
    job = here.run(
        "train", "--slow", environment={"GPU": "1"}, secret_environment={"KEY": "theirs"}
    )
    lines = explained(here.programs.explain(job.uuid))
    assert lines[:3] == [
        f"job {job.uuid}: train --slow",
        "scripted: on(command='train').prints('loss').exits(6)",
        "why: of the 3 that fit it is as specific as any, and written last",
    ]
    patterns = [
        rf"does not fit, since the secret KEY is another: {ON}, env={{'KEY': 'mine'}}\) {HERE}",
        rf"fits, but was written before: on\(command='train'\) {HERE}",
        rf"fits, but asks for less: on\(\) {HERE}",
        rf"does not fit, since {SINCE}: {ON}, args=.*, name='n', env={{'GPU': '0'}}\) {HERE}",
        rf"does not fit, since the command is 'train': on\(command='eval'\) {HERE}",
    ]
    assert len(lines[3:]) == len(patterns)
    for line, pattern in zip(lines[3:], patterns, strict=True):
        assert re.fullmatch(pattern, line)


def test_an_explanation_says_what_predicates_said() -> None:
    here = host()

    def big(spec: JobSpec) -> bool:
        return spec.max_memory > 100

    here.programs.on("x", when=big).exits(1)
    here.programs.on("x").exits(2)
    spec = JobSpec("x", max_memory=1)
    asked = here.run("x", max_memory=1, program=here.programs.choose(spec))
    not_asked = here.run("x", max_memory=500)
    assert "does not fit, since its predicate said no: on(command='x', when=big)" in (
        here.programs.explain(asked.uuid)
    )
    assert "its predicate was not asked: on(command='x', when=big)" in (
        here.programs.explain(not_asked.uuid)
    )


def test_the_most_specific_one_is_said_to_be_so() -> None:
    here = host()
    here.programs.on("x", args=["a"]).exits(1)
    here.programs.on("x").exits(2)
    job = here.run("x", "a")
    assert "why: of the 2 that fit it is the most specific" in here.programs.explain(job.uuid)


def test_a_generator_is_named_with_its_place() -> None:
    here = host()

    @here.programs.register("train.py", args=["1"])
    def train(_job: RunningJob) -> Generator[Step]:
        yield Stdout(b"")

    job = here.run("train.py", "1")
    _, line, why = explained(here.programs.explain(job.uuid))
    assert re.fullmatch(
        rf"program: train {HERE}, register\(command='train.py', args=\['1'\]\)", line
    )
    assert why == "why: it alone fits"


def test_what_is_built_in_is_explained_too() -> None:
    here = host()
    here.programs.on("x").exits(1)
    lines = explained(here.programs.explain(here.run("echo", "hi").uuid))
    assert lines[1:3] == ["built in: echo", "why: no program of the test fits"]
    assert len(lines) == 4


def test_a_job_that_no_program_was_started_for_can_not_be_explained() -> None:
    with pytest.raises(KeyError, match="no program was started for a job 'x'"):
        host().programs.explain("x")


def test_only_so_many_jobs_are_kept_to_be_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("joblet_fake.programs.registry.EXPLAINED", 2)
    here = host()
    first, second, third = (here.run("true") for _ in range(3))
    with pytest.raises(KeyError):
        here.programs.explain(first.uuid)
    assert "true" in here.programs.explain(second.uuid)
    assert "true" in here.programs.explain(third.uuid)


CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "command": st.sampled_from(["a", "b"]),
        "args": st.sampled_from([[], ["1"]]),
        "name": st.sampled_from(["n", ""]),
        "env": st.sampled_from([{}, {"K": "1"}, {"K": "2"}]),
    },
)


@given(st.lists(CONDITIONS, max_size=8), st.sampled_from("ab"), st.sampled_from(["", "n"]))
def test_the_winner_fits_and_no_fitting_one_asks_for_more_or_for_as_much_later(
    conditions: list[dict[str, Any]], command: str, name: str
) -> None:
    here = host()
    entries = [here.programs.on(**each) for each in conditions]
    spec = JobSpec(command, ("1",), name=name, environment={"K": "1"})
    choice = here.programs.choose(spec)
    fitting = [entry for entry in entries if entry.matches(spec)]
    assert [entry for entry in entries if not entry.misses(spec)] == fitting
    if choice.entry is None:
        assert fitting == []
        return
    best = max(entry.weight for entry in fitting)
    assert choice.entry is [entry for entry in fitting if entry.weight == best][-1]
    assert len(list(choice.verdicts())) == len(entries) - 1
