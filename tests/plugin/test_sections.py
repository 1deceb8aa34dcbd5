from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from pytest_joblet.sections import SHOWN, sections

if TYPE_CHECKING:
    from collections.abc import Callable

    from joblet_fake import FakeJoblet


def test_a_failed_test_tells_who_called_and_what_became_of_the_jobs(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile("""
        def test_fails(joblet, joblet_session):
            joblet.programs.on("train").exits(3)
            joblet.rpc("RunJob", command="train", args=["--fast"])
            assert not list(joblet.jobs)

        def test_passes(joblet):
            joblet.rpc("RunJob", command="secret-of-the-passed-one")

        def test_has_no_fake():
            raise AssertionError
    """)
    result = pytester.runpytest("-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.re_match_lines(
        [
            r"-+ joblet calls -+",
            r"admin   JobService.RunJob\(command='train', args=\['--fast'\]\) -> OK",
            r"-+ joblet jobs -+",
            r"[0-9a-f-]{36} FAILED, exit code 3: 'train --fast' \(.+\)",
            r"_+ test_has_no_fake _+",
        ],
        consecutive=False,
    )
    assert result.stdout.str().count("joblet calls") == 1
    assert "secret-of-the-passed-one" not in result.stdout.str()


def test_codes_details_and_open_calls_are_told(joblet: FakeJoblet) -> None:
    with pytest.raises(grpc.RpcError):
        joblet.rpc("GetJobStatus", uuid="nobody", role="viewer")
    job_id = joblet.rpc("RunJob", command="sleep", args=["60"]).job_uuid
    follower = joblet.rpc("GetJobLogs", uuid=job_id)
    while len(joblet.calls) < 3:
        time.sleep(0.005)
    (_, calls), _ = sections([joblet])
    follower.cancel()
    first, _, third = calls.splitlines()
    assert first == (
        "viewer  JobService.GetJobStatus(uuid='nobody') -> NOT_FOUND 'job nobody not found'"
    )
    assert third == f"admin   JobService.GetJobLogs(uuid='{job_id}') -> open"


def test_secrets_and_uploads_are_not_shown(joblet: FakeJoblet) -> None:
    joblet.rpc(
        "RunJob",
        command="echo",
        secret_environment={"TOKEN": "s3cret"},
        uploads=[{"path": "key.pem", "content": b"pr1vate"}],
    )
    shown = str(list(sections([joblet])))
    assert "echo" in shown
    assert "s3cret" not in shown
    assert "pr1vate" not in shown


def test_the_newest_calls_are_shown_and_long_ones_cut(joblet: FakeJoblet) -> None:
    for n in range(SHOWN + 5):
        joblet.rpc("RunJob", command="echo", args=[f"{n} " + "x" * 100])
    (_, calls), (_, jobs) = sections([joblet])
    for text, lines_each in ((calls, 1), (jobs, 2)):
        lines = text.splitlines()
        assert lines[0] == "(5 earlier)"
        assert len(lines) == SHOWN * lines_each + 1
        assert max(map(len, lines)) < 150
    assert "['5 xxx" in calls
    assert "'echo 5 xxx" in jobs


def test_several_fakes_are_told_apart_and_idle_ones_left_out(
    joblet: FakeJoblet,
    joblet_factory: Callable[..., FakeJoblet],
) -> None:
    other, idle = joblet_factory(), joblet_factory()
    joblet.rpc("RunJob", command="echo")
    other.rpc("ListJobs")
    assert [title for title, _ in sections([joblet, other, idle])] == [
        f"joblet calls of {joblet.address}",
        f"joblet jobs of {joblet.address}",
        f"joblet calls of {other.address}",
    ]
    assert list(sections([idle])) == []


def test_a_request_that_is_no_message_does_not_spoil_the_report(joblet: FakeJoblet) -> None:
    call: Any = joblet.channel().unary_unary("/joblet.JobService/RunJob")
    with pytest.raises(grpc.RpcError):
        call(b"\xff\xff\xff")
    ((_, calls),) = sections([joblet])
    assert calls.startswith("admin   JobService.RunJob(?) -> INTERNAL ")


def test_the_tail_of_a_jobs_output_is_shown(joblet: FakeJoblet) -> None:
    joblet.rpc("RunJob", command="seq", args=["100"])
    _, (_, jobs) = sections([joblet])

    assert jobs.splitlines()[1:] == [
        "    (95 earlier lines)",
        *(f"    | {number}" for number in range(96, 101)),
    ]


def test_a_full_report_has_every_frame_with_its_time_and_all_output(
    joblet_factory: Callable[..., FakeJoblet],
) -> None:
    fake = joblet_factory(clock="frozen")
    job_id = fake.rpc("RunJob", command="seq", args=["30"], environment={"A": "1"}).job_uuid
    fake.clock.advance(seconds=2)
    (_, calls), (_, jobs), (_, clock) = sections([fake], "full")

    assert "00:00:00.000000 admin JobService.RunJob, 0 s -> OK" in calls
    assert "      command: 'seq'" in calls
    assert "      environment: {'A': '1'}" in calls
    assert f"      job_uuid: '{job_id}'" in calls
    assert jobs.count("    | ") == 30
    assert clock == "frozen, at 2026-01-01T00:00:02+00:00, nothing is due"


def test_secrets_are_masked_wherever_they_stand(joblet: FakeJoblet) -> None:
    joblet.rpc(
        "RunJob",
        command="sh",
        args=["-c", "echo $TOKEN; echo s3cret-too"],
        secret_environment={"TOKEN": "s3cret", "SHORT": "a"},
        uploads=[{"path": "key.pem", "content": b"pr1vate"}],
    )
    joblet.rpc("ListJobs")
    for report in ("short", "full"):
        shown = str(list(sections([joblet], report)))
        assert "s3cret" not in shown
        assert "pr1vate" not in shown
        assert "| ***" in shown


def test_the_report_is_chosen_on_the_command_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_fails(joblet):
            joblet.rpc("RunJob", command="echo")
            assert False
    """)
    quiet = ("-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    full = pytester.runpytest(*quiet, "--joblet-report=full")
    none = pytester.runpytest(*quiet, "-o", "joblet_report=none")

    full.stdout.fnmatch_lines(["*joblet calls*", "*command: 'echo'*", "*joblet clock*"])
    assert "joblet calls" not in none.stdout.str()
    wrong = pytester.runpytest(*quiet, "--joblet-report=long")
    wrong.stderr.fnmatch_lines(["*joblet-report=long: it is short, full or none*"])


def test_a_misspelt_verb_is_told_with_those_that_are_near(pytester: pytest.Pytester) -> None:
    """Whatever it is written on, what pytest shows of the error says what would be right."""
    pytester.makepyfile("""
        def test_clock(joblet):
            joblet.clock.advanse(1)

        def test_calls(joblet):
            joblet.calls.too("RunJob")

        def test_call(joblet):
            joblet.rpc("ListJobs")
            joblet.calls.last().cod

        def test_script(joblet):
            joblet.programs.on("x").print("a")

        def test_not_ours(joblet):
            "text".uper()
    """)
    quiet = ("-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    result = pytester.runpytest(*quiet, "--tb=short")

    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(
        [
            "E   AttributeError: 'Clock' object has no attribute 'advanse'",
            "E   near: 'advance', 'advance_async'",
            "E   AttributeError: 'Calls' object has no attribute 'too'",
            "E   near: 'to'",
            "E   AttributeError: 'Call' object has no attribute 'cod'",
            "E   near: 'code'*",
            "E   AttributeError: a script has no .print; near: 'prints', 'prints_file'",
            "E   AttributeError: 'str' object has no attribute 'uper'",
        ]
    )
    assert result.stdout.str().count("E   near: ") == 3


def test_scripts_that_no_job_has_run_are_told(pytester: pytest.Pytester) -> None:
    """A test that scripts a command which nobody sends learns why its job did nothing."""
    pytester.makepyfile("""
        from joblet_fake import Stdout

        def test_typo(joblet):
            joblet.programs.on("trian").exits(1)
            joblet.programs.on("test").exits(1)

            @joblet.programs.register("trial", args=["-v"])
            def trial(job):
                yield Stdout(b"")

            for command in ("train", "test"):
                joblet.rpc("RunJob", command=command)
            assert [job.exit_code for job in joblet.jobs.values()] == [1, 1]

        def test_without_calls(joblet):
            joblet.programs.on("train").exits(1)
            assert False

        def test_passes(joblet):
            joblet.programs.on("never").exits(1)
    """)
    quiet = ("-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    result = pytester.runpytest(*quiet)

    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*- joblet jobs -*",
            "*- joblet programs -*",
            "no job has run: on(command='trian').exits(1) (test_scripts_*.py:4)",
            "no job has run: register(command='trial', args=[[]'-v']) (test_scripts_*.py:7)",
            "*_ test_without_calls _*",
            "*- joblet programs -*",
            "no job has run: on(command='train').exits(1) (test_scripts_*.py:16)",
        ]
    )
    assert "command='test'" not in result.stdout.str().partition("joblet programs")[2]
    assert "never" not in result.stdout.str()
