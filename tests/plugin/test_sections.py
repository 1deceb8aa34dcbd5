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
    for text in (calls, jobs):
        lines = text.splitlines()
        assert lines[0] == "(5 earlier)"
        assert len(lines) == SHOWN + 1
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
