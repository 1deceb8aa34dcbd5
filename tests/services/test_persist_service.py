"""PersistService over real gRPC, on its own port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator

START = 1_767_225_600  # 2026-01-01T00:00:00Z


@pytest.fixture
def frozen() -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        yield joblet
        joblet.check()


@pytest.fixture
def job_id(frozen: FakeJoblet) -> str:
    """A running job that has written five chunks, one a second."""
    script = frozen.programs.on("train")
    for number in range(5):
        script.prints(f"{number}\n", "stderr" if number == 2 else "stdout").sleeps(1)
    script.hangs()
    uuid: str = frozen.rpc("RunJob", command="train").job_uuid
    frozen.clock.advance(10)
    return uuid


def query(joblet: FakeJoblet, job_uuid: str, **fields: object) -> list[bytes]:
    return [line.content for line in joblet.rpc("QueryLogs", job_uuid=job_uuid, **fields)]


def refused(joblet: FakeJoblet, job_uuid: str, **fields: object) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        query(joblet, job_uuid, **fields)
    error: Any = caught.value
    return error.code().name, error.details()


def test_ping_is_healthy_and_tells_the_clocks_time(frozen: FakeJoblet) -> None:
    """PER-42."""
    answer = frozen.rpc("Ping")

    assert (answer.healthy, answer.timestamp) == (True, START * 10**9)


def test_a_stored_chunk_is_stdout_with_a_whole_second_and_a_number(
    frozen: FakeJoblet, job_id: str
) -> None:
    """PER-30, PER-32, PER-33; the stream does not follow the running job (PER-28)."""
    lines = list(frozen.rpc("QueryLogs", job_uuid=job_id))

    assert [line.content for line in lines] == [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"]
    assert [line.sequence for line in lines] == [0, 1, 2, 3, 4]
    assert {line.stream for line in lines} == {1}
    assert {line.job_uuid for line in lines} == {job_id}
    assert [line.timestamp for line in lines] == [(START + n) * 10**9 for n in range(5)]


@pytest.mark.parametrize(("stream", "count"), [(0, 5), (1, 5), (2, 0), (7, 5)])
def test_the_stream_filter_knows_stderr_which_is_always_empty(
    frozen: FakeJoblet, job_id: str, stream: int, count: int
) -> None:
    """PER-21, PER-23, PER-30."""
    assert len(query(frozen, job_id, stream=stream)) == count


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # PER-25: seconds after the start, inclusive at both ends
        ({"start_time": 2}, "234"),
        ({"end_time": 2}, "012"),
        ({"start_time": 1, "end_time": 3}, "123"),
        ({"start_time": 3, "end_time": 1}, ""),
        # PER-26
        ({"limit": 2}, "01"),
        ({"offset": 3}, "34"),
        ({"start_time": 1, "offset": 1, "limit": 2}, "23"),
        ({"limit": -1, "offset": -1}, "01234"),
        ({"offset": 99}, ""),
    ],
)
def test_range_offset_and_limit_apply_in_this_order(
    frozen: FakeJoblet, job_id: str, fields: dict[str, int], expected: str
) -> None:
    sent = {
        name: (START + value) * 10**9 if name.endswith("_time") else value
        for name, value in fields.items()
    }

    assert b"".join(query(frozen, job_id, **sent)).decode().replace("\n", "") == expected


def test_times_of_zero_and_below_are_no_bounds(frozen: FakeJoblet, job_id: str) -> None:
    """PER-25."""
    assert len(query(frozen, job_id, start_time=-5, end_time=-5)) == 5


@pytest.mark.parametrize("form", ["{}/", "/{}", "./{}", "x/../{}", "../logs/{}"])
def test_an_id_is_a_path_below_the_logs_folder(frozen: FakeJoblet, job_id: str, form: str) -> None:
    """PER-22."""
    assert len(query(frozen, form.format(job_id))) == 5


@pytest.mark.parametrize("text", ["", ".", ".."])
def test_the_folders_above_are_there_and_empty(frozen: FakeJoblet, job_id: str, text: str) -> None:
    """PER-22."""
    assert job_id
    assert query(frozen, text) == []


def test_what_was_never_written_is_an_error_with_the_id_as_sent(
    frozen: FakeJoblet, job_id: str
) -> None:
    """PER-20, PER-22: a prefix, other case, a job that printed nothing, a scheduled one."""
    silent = frozen.rpc("RunJob", command="true").job_uuid
    planned = frozen.rpc(
        "RunJob", command="echo", args=["x"], schedule="2027-01-01T00:00:00Z"
    ).job_uuid
    for text in (job_id[:8], job_id.upper(), silent, planned, "no/such"):
        assert refused(frozen, text) == (
            "INTERNAL",
            f"failed to read logs: no logs found for job {text}",
        )


@pytest.mark.parametrize(
    ("text", "reason"), [("x" * 256, "file name too long"), ("a\0b", "invalid argument")]
)
def test_an_id_that_is_no_file_name_is_an_error(frozen: FakeJoblet, text: str, reason: str) -> None:
    """PER-87."""
    code, details = refused(frozen, text)

    assert code == "INTERNAL"
    assert details.startswith("error reading logs: failed to open log file ")
    assert details.endswith(f"stdout.log.gz: {reason}")


def test_delete_job_is_always_ok_and_says_in_the_answer_what_failed(
    frozen: FakeJoblet, job_id: str
) -> None:
    """PER-43."""

    def deleted(text: str) -> tuple[bool, str]:
        answer = frozen.rpc("PersistService.DeleteJob", job_uuid=text)
        return answer.success, answer.message

    assert deleted("") == (False, "Job ID cannot be empty")
    assert deleted(job_id[:8]) == (True, "Job deleted successfully")
    assert len(query(frozen, job_id)) == 5
    assert deleted(job_id) == deleted(job_id) == (True, "Job deleted successfully")
    assert refused(frozen, job_id)[0] == "INTERNAL"
    success, message = deleted("x" * 256)
    assert not success
    assert message.startswith("Failed to delete job: failed to delete log directory: unlinkat ")


def test_deleting_the_job_removes_its_history(frozen: FakeJoblet) -> None:
    """JOB-DEL-06."""
    uuid = frozen.rpc("RunJob", command="echo", args=["x"]).job_uuid
    assert query(frozen, uuid) == [b"x\n"]

    frozen.rpc("JobService.DeleteJob", uuid=uuid)

    assert refused(frozen, uuid) == (
        "INTERNAL",
        f"failed to read logs: no logs found for job {uuid}",
    )


def test_many_lines_come_through_in_order(frozen: FakeJoblet) -> None:
    uuid = frozen.rpc("RunJob", command="sh", args=["-c", "seq 1 3000"]).job_uuid

    content = b"".join(query(frozen, uuid)).decode()

    assert content.split() == [str(number) for number in range(1, 3001)]


@pytest.mark.parametrize("role", ["admin", "viewer", "nobody"])
def test_any_certificate_may_do_everything_here(joblet: FakeJoblet, role: str) -> None:
    """PER-12."""
    uuid = joblet.rpc("RunJob", command="echo", args=["x"]).job_uuid

    assert joblet.rpc("Ping", role=role).healthy
    assert [line.content for line in joblet.rpc("QueryLogs", role=role, job_uuid=uuid)] == [b"x\n"]
    assert joblet.rpc("PersistService.DeleteJob", role=role, job_uuid=uuid).success
