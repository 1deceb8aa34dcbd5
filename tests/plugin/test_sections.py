from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import load_api
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


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"


def told(fake: FakeJoblet, report: str) -> str:
    return "\n".join(text for _, text in sections([fake], report))


@pytest.mark.parametrize("report", ["short", "full"])
def test_a_secret_of_many_lines_is_masked_line_by_line(joblet: FakeJoblet, report: str) -> None:
    """Output is split into lines, requests are shown in quotes, and programs print in their way."""
    joblet.rpc(
        "RunJob",
        command="sh",
        args=["-c", f"echo '{PEM}'", json.dumps({"key": PEM})],
        secret_environment={"KEY": PEM},
    )
    joblet.programs.on("shows").prints("".join(f"  key> {line}\n" for line in PEM.splitlines()))
    joblet.rpc("RunJob", command="shows")

    shown = told(joblet, report)

    assert [line for line in PEM.splitlines() if line in shown] == []
    assert "key> ***" in shown


def test_what_is_secret_is_masked_before_texts_are_cut(joblet: FakeJoblet) -> None:
    """A cut secret is no longer found: its beginning would be shown."""
    secret = "0123456789abcdefghijklmnopqrst"
    joblet.rpc(
        "RunJob",
        command="echo",
        args=["x" * 30, f"Bearer {secret}"],
        secret_environment={"T": secret},
    )

    shown = told(joblet, "short")

    assert secret[:4] not in shown
    assert "Bearer ***" in shown


WORKFLOW = """\
jobs:
  first:
    command: echo
    args: ["it is wfsecret1234"]
    environment:
      SECRET_TOKEN: wfsecret1234
      PLAIN: shown
  later:
    command: echo
    requires: [{first: FAILED}]
    environment: {db_password: neverstarted, OTHER: b}
"""


@pytest.mark.parametrize("report", ["short", "full"])
def test_a_workflows_secrets_are_masked_in_output_and_in_its_file(
    joblet: FakeJoblet,
    report: str,
) -> None:
    """JOB-WF-06: those of jobs that never start too, and the files that came with it."""
    joblet.rpc(
        "RunWorkflow",
        workflow="w.yaml",
        yaml_content=WORKFLOW,
        workflow_files=[{"path": "k.pem", "content": b"pr1vate"}],
    )
    joblet.jobs.wait(next(iter(joblet.jobs)))
    joblet.rpc("GetJobLogs", uuid=next(iter(joblet.jobs)))

    shown = told(joblet, report)

    hidden = ("wfsecret1234", "neverstarted", "pr1vate")
    assert [secret for secret in hidden if secret in shown] == []
    assert "    | it is ***" in shown
    if report == "full":
        assert "PLAIN: shown" in shown
        assert "k.pem (7 bytes)" in shown


def test_a_workflow_that_is_no_right_yaml_shows_no_secrets_either(joblet: FakeJoblet) -> None:
    text = "jobs:\n  API_KEY: |\n    wfsecret1234\n    more4567\n  other: shown\n]"
    with pytest.raises(grpc.RpcError):
        joblet.rpc("RunWorkflow", workflow="w.yaml", yaml_content=text)

    shown = told(joblet, "full")

    assert "wfsecret1234" not in shown
    assert "more4567" not in shown
    assert "other: shown" in shown


def test_secrets_of_jobs_that_a_test_has_put_there_are_masked(joblet: FakeJoblet) -> None:
    job = joblet.jobs.add("train", stdout="with s3cret\n", secret_environment={"T": "s3cret"})
    assert "with ***" in told(joblet, "short")

    list(joblet.rpc("GetJobLogs", uuid=job.uuid))
    joblet.restart()

    assert "with ***" in told(joblet, "full"), "the job is forgotten, the journal is not"


def test_who_the_caller_says_to_be_is_not_shown(joblet: FakeJoblet) -> None:
    """Metadata such as `authorization`, and the same text elsewhere."""
    call: Any = joblet.channel().unary_unary("/joblet.JobService/RunJob")
    method = load_api("2.3.1").method("RunJob")
    call(
        method.encode_request({"command": "echo", "args": ["t0ken-of-mine"]}),
        metadata=(
            ("authorization", "Bearer t0ken-of-mine"),
            ("cookie", "sid=c00kie"),
            ("x-api-key", "k3y-of-mine"),
            ("x-request-id", "seven"),
        ),
    )

    shown = told(joblet, "full")

    assert [s for s in ("t0ken-of-mine", "c00kie", "k3y-of-mine") if s in shown] == []
    assert "authorization: '***'" in shown
    assert "x-request-id: 'seven'" in shown


def test_secrets_of_calls_that_the_journal_has_dropped_are_masked(
    joblet: FakeJoblet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refused job's too, of which nothing else is left."""
    monkeypatch.setattr("joblet_fake.exchange.calls.CALLS_KEPT", 1)
    for command in ("true", ""):
        with suppress(grpc.RpcError):
            joblet.rpc(
                "RunJob", command=command, secret_environment={"T": f"s3cret-of-{command!r}"}
            )
    joblet.rpc("RunJob", command="echo", args=["s3cret-of-''", "s3cret-of-'true'"])

    assert joblet.calls.dropped == 2
    assert "s3cret" not in told(joblet, "full")


def test_a_secret_of_one_server_is_masked_in_the_report_of_another(
    joblet_factory: Callable[..., FakeJoblet],
) -> None:
    one, two = joblet_factory(), joblet_factory()
    one.rpc("RunJob", command="true", secret_environment={"T": "s3cret"})
    two.rpc("RunJob", command="echo", args=["s3cret"])

    assert "s3cret" not in str(list(sections([one, two])))


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
