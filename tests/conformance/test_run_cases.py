"""What a run says of a case: same, different, listed, gone, not applicable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import joblet_conformance.cases
from joblet_conformance import (
    CASES,
    Case,
    FakeTarget,
    Known,
    Recording,
    TargetError,
    Unmet,
    read_known,
    read_recordings,
    run,
    run_case,
)
from joblet_conformance.run import judge, missing
from joblet_conformance.transcript import Transcript
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_conformance import Talk, Target

assert joblet_conformance.cases.__all__
LISTED = Known("jobs/x", "JOB-RUN-10", "deliberate", "it is so on purpose", ("0 code",))


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with FakeJoblet(clock="frozen", pace="real") as fake:
        made = FakeTarget(fake)
        yield made
        made.close()


def refused(talk: Talk) -> None:
    """An empty command is refused."""
    reply = talk.call("RunJob", command="")
    talk.expect("JOB-RUN-10", "the code", reply.code, "INVALID_ARGUMENT")


def mistaken(talk: Talk) -> None:
    """An empty command is accepted."""
    talk.expect("JOB-RUN-10", "the code", talk.call("RunJob", command="").code, "OK")


def made(body: object, **more: object) -> Case:
    return Case("jobs/x", ("JOB-RUN-10",), body, **more)  # type: ignore[arg-type]


def recorded(target: Target, code: str | None = None) -> Recording:
    steps = run_case(made(refused), target).plain()
    if code is not None:
        steps[0]["code"] = code
    return Recording("jobs/x", "2.3.1", "v", "2026-01-01", [], [steps])


def verdict(target: Target, case: Case, recording: Recording | None, known: Known | None) -> str:
    (finding,) = run(
        [case],
        target,
        {} if recording is None else {"jobs/x": recording},
        {} if known is None else {"jobs/x": known},
    )
    return finding.verdict


def test_a_case_as_its_recording_and_its_facts_say_is_the_same(target: Target) -> None:
    assert verdict(target, made(refused), recorded(target), None) == "same"


def test_a_recording_that_says_something_else_is_a_difference(target: Target) -> None:
    recording = recorded(target, code="INTERNAL")
    (finding,) = run([made(refused)], target, {"jobs/x": recording}, {})

    assert finding.verdict == "different"
    assert [str(each) for each in finding.differences] == [
        "step 0 JobService.RunJob, code: real 'INTERNAL', here 'INVALID_ARGUMENT'",
    ]


def test_a_fact_that_does_not_hold_is_a_difference_without_a_recording_too(target: Target) -> None:
    (finding,) = run([made(mistaken)], target, {}, {})

    assert finding.verdict == "different"
    assert finding.unmet == ["JOB-RUN-10: the code is 'INVALID_ARGUMENT', not 'OK'"]
    assert not finding.compared


def test_a_listed_difference_is_known_and_gone_when_it_is_none(target: Target) -> None:
    differs = recorded(target, code="INTERNAL")

    assert verdict(target, made(refused), differs, LISTED) == "known"
    assert verdict(target, made(refused), recorded(target), LISTED) == "gone"


def test_a_listed_difference_hides_nothing_else_of_its_case(target: Target) -> None:
    differs = recorded(target, code="INTERNAL")
    differs.runs[0][0]["details"] = "other words"
    (finding,) = run([made(refused)], target, {"jobs/x": differs}, {"jobs/x": LISTED})

    assert finding.verdict == "different"
    assert [each.where for each in finding.differences] == ["details"]


@pytest.mark.parametrize("case_id", sorted(read_known()))
def test_nothing_but_what_is_listed_passes_in_a_listed_case(case_id: str) -> None:
    """An empty transcript, and one more fact that does not hold, are differences there too."""
    case, known = CASES[case_id], read_known()[case_id]
    recording = read_recordings("2.3.1")[case_id]

    nothing = judge(case, Transcript(case_id), recording, known)
    more = judge(case, Transcript(case_id, unmet=["JOB-RUN-10: it is not"]), None, known)

    assert nothing.verdict == "different"
    assert more.verdict == "different"
    assert more.unmet == ["JOB-RUN-10: it is not"]


def test_an_expectation_is_unmet_as_often_as_it_is_listed_and_no_more() -> None:
    known = Known("jobs/x", "A-1", "deliberate", "so", ("0 code",), ("the code", "the code"))
    text = "A-1: the code is 'OK', not 'INTERNAL'"

    assert known.beyond([text] * 3, [])[0] == [text]
    assert known.beyond(["A-1: the code that is there is 'OK'"], [])[0]
    assert known.gone([text], [], compared=False) == ["the code"]


def test_a_case_that_needs_more_than_a_target_offers_says_what(target: Target) -> None:
    case = made(refused, needs=frozenset({"exec"}))

    assert missing(case, target) == "needs commands that really run"
    assert verdict(target, case, None, None) == "not applicable"


def test_a_case_that_breaks_is_told_and_does_not_end_the_run(target: Target) -> None:
    def broken(talk: Talk) -> None:
        """It asks a job that is not there for its log's first piece."""
        raise IndexError(talk.call("GetJobLogs", uuid="nope").messages)

    findings = run([made(broken), made(refused)], target, {}, {})

    assert [each.verdict for each in findings] == ["different", "same"]
    assert findings[0].unmet[0].startswith("IndexError: () (broken:")


def test_what_a_case_made_is_removed_and_nothing_else(target: Target) -> None:
    fake = target._fake  # type: ignore[attr-defined]
    mine = fake.rpc("RunJob", command="sleep", args=["1000"]).job_uuid

    def leaving(talk: Talk) -> None:
        """It leaves a running and a finished job, and an open stream."""
        talk.until_status(talk.run("true"))
        talk.follow("GetJobLogs", uuid=talk.run("sleep", "1000"))

    transcript = run_case(made(leaving), target)

    assert transcript.unmet == []
    assert list(fake.jobs) == [mine]


def test_a_case_that_is_interrupted_is_cleaned_up_after(target: Target) -> None:
    fake = target._fake  # type: ignore[attr-defined]
    before = list(fake.jobs)

    def interrupted(talk: Talk) -> None:
        """Somebody presses Ctrl-C."""
        talk.run("sleep", "1000")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_case(made(interrupted), target)
    assert list(fake.jobs) == before


def test_waiting_has_an_end(target: Target) -> None:
    def hoping(talk: Talk) -> None:
        """It waits for what does not come."""
        talk.until("pigs fly", lambda: False, seconds=3)

    assert run_case(made(hoping), target).unmet == ["not within 3 s: pigs fly"]


def test_a_target_without_persist_says_so() -> None:
    with FakeJoblet() as fake:
        target = FakeTarget(fake)
        target.persist_address = None
        with pytest.raises(TargetError, match="PersistService is out of reach"):
            target.channel("admin", persist=True)
        target.close()


def test_a_reply_of_several_messages_is_not_one() -> None:
    def asking(talk: Talk) -> None:
        """It takes an empty stream for a message."""
        assert talk.call("GetJobLogs", uuid="nope").message

    with FakeJoblet(clock="frozen", pace="real") as fake:
        target = FakeTarget(fake)
        (said,) = run_case(made(asking), target).unmet
        target.close()
    assert said == "0 messages, not one: NOT_FOUND 'job not found: nope'"
    assert issubclass(Unmet, AssertionError)
