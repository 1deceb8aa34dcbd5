"""Published Python SDKs, unmodified, over mutual TLS: the fake is a server to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from real_client import drive, refused, sdk_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Served
    from joblet_fake import FakeJoblet

pytestmark = pytest.mark.toolchain

USABLE = ("2.3.0", "2.5.1")


def a_jobs_life() -> dict[str, Any]:
    import joblet  # type: ignore[import-not-found]  # noqa: PLC0415 - in the client's process

    with joblet.JobletClient() as client:
        jobs = client.jobs
        hello = jobs.run_job("echo", ["hello"])
        hello_log = [chunk.decode() for chunk in jobs.get_job_logs(hello["job_uuid"])]
        failing = jobs.run_job("sh", ["-c", "echo oh >&2; exit 3"], environment={"A": "b"})
        failing_log = [chunk.decode() for chunk in jobs.get_job_logs(failing["job_uuid"])]
        long = jobs.run_job("sleep", ["600"])["job_uuid"]
        both = (hello["job_uuid"], failing["job_uuid"])
        return {
            "ran": hello,
            "hello log": hello_log,
            "hello": jobs.get_job_status(both[0]),
            "failing log": failing_log,
            "failing": jobs.get_job_status(both[1]),
            "listed": {job["uuid"]: job["status"] for job in jobs.list_jobs()},
            "long": long,
            "too early": refused(jobs.delete_job, long),
            "cancelled": refused(jobs.cancel_job, long),
            "stopped": jobs.stop_job(long),
            "after stop": jobs.get_job_status(long)["status"],
            "deleted": [jobs.delete_job(job) for job in (*both, long)],
            "deleted again": refused(jobs.delete_job, long),
            "left": [job["uuid"] for job in jobs.list_jobs()],
            "gone": refused(jobs.get_job_status, long),
        }


def check_a_jobs_life(seen: dict[str, Any], version: str) -> None:
    # From 2.5.0 on the SDK has an error for operations (SDK-13).
    error = "JobOperationError" if version >= "2.5.0" else "JobNotFoundError"
    hello, long = seen["hello"]["uuid"], seen["long"]
    failing = seen["failing"]["uuid"]
    # The answer says no more than this on a real server of API 2.3.1 (SDK-27).
    said = {name: value for name, value in seen["ran"].items() if value}
    assert said == {"job_uuid": hello, "status": "RUNNING"}
    assert seen["hello log"] == ["hello\n"]
    assert (seen["hello"]["status"], seen["hello"]["exit_code"]) == ("COMPLETED", 0)
    assert (seen["hello"]["command"], seen["hello"]["args"]) == ("echo", ["hello"])
    assert seen["failing log"] == ["oh\n"]
    assert (seen["failing"]["status"], seen["failing"]["exit_code"]) == ("FAILED", 3)
    assert seen["failing"]["environment"] == {"A": "b"}
    expected = {hello: "COMPLETED", failing: "FAILED", long: "RUNNING"}
    assert {uuid: seen["listed"][uuid] for uuid in expected} == expected
    # JOB-DEL-03
    assert seen["too early"] == (
        f"{error}: Failed to delete job {long}: job deletion failed: "
        f"cannot delete job {long} (status: RUNNING) - stop the job first"
    )
    # SDK-32, JOB-CAN-01
    assert seen["cancelled"] == (
        f"{error}: Failed to cancel job {long}: method CancelJob not implemented"
    )
    # JOB-STP-01, JOB-STP-07
    assert seen["stopped"] == {"uuid": long, "status": "", "end_time": "", "exit_code": 0}
    assert seen["after stop"] in {"STOPPED", "FAILED"}
    assert seen["deleted"] == [
        {"uuid": uuid, "success": True, "message": "Job deleted successfully"}
        for uuid in (hello, failing, long)
    ]
    # JOB-DEL-02, JOB-STA-01
    assert seen["deleted again"] == (
        f"{error}: Failed to delete job {long}: job deletion failed: job not found: {long}"
    )
    assert not set(seen["left"]) & {hello, failing, long}
    assert seen["gone"] == f"JobNotFoundError: Job {long} not found: job {long} not found"


@pytest.mark.parametrize("version", USABLE)
def test_an_sdk_takes_a_job_through_its_life_on_a_served_fake(
    version: str,
    served: Served,
) -> None:
    check_a_jobs_life(drive(a_jobs_life, served.env, sdk=sdk_path(version)), version)


@pytest.mark.parametrize("version", USABLE)
def test_an_sdk_takes_a_job_through_its_life_on_the_tests_own_fake(
    version: str,
    joblet: FakeJoblet,
    joblet_env: dict[str, str],
) -> None:
    """SDK-03, SDK-06: it is made without arguments and finds what `joblet_env` has set."""
    seen = drive(a_jobs_life, joblet_env, sdk=sdk_path(version))

    check_a_jobs_life(seen, version)
    codes = [(call.role, call.code) for call in joblet.calls.to("RunJob")]
    assert codes == [("admin", "OK")] * 3


def follow() -> dict[str, Any]:
    import joblet  # noqa: PLC0415 - as above

    with joblet.JobletClient() as client:
        jobs = client.jobs
        script = "echo one; sleep 3600; echo two"
        job = jobs.run_job("sh", ["-c", script], secret_environment={"KEY": "k"})["job_uuid"]
        live = [chunk.decode() for chunk in jobs.get_job_logs(job)]
        (listed,) = jobs.list_jobs()
        return {
            "live": live,
            "again": [chunk.decode() for chunk in jobs.get_job_logs(job)],
            "by prefix": [chunk.decode() for chunk in jobs.get_job_logs(job[:8])],
            "unknown": refused(lambda: list(jobs.get_job_logs("nobody"))),
            "secrets": [
                jobs.get_job_status(job)["secret_environment"],
                listed["secret_environment"],
            ],
            "deleted": jobs.delete_all_jobs(),
        }


@pytest.mark.joblet(clock="skipping")
def test_an_sdk_that_follows_a_log_gets_early_output_twice(joblet_env: dict[str, str]) -> None:
    """SDK-48, PER-50: history, then the buffer from its start, then what comes."""
    seen = drive(follow, joblet_env, sdk=sdk_path("2.5.1"))

    assert seen["live"] == ["one\n", "one\n", "two\n"]
    assert seen["again"] == seen["by prefix"] == ["one\n", "two\n"]
    assert seen["unknown"] == (
        "JobNotFoundError: Failed to get logs for job nobody: job not found: nobody"
    )
    # JOB-STA-03 and JOB-LST-03: masked in a job's status, in the clear in the list.
    assert seen["secrets"] == [{"KEY": "***"}, {"KEY": "k"}]
    assert (seen["deleted"]["deleted_count"], seen["deleted"]["skipped_count"]) == (1, 0)


def with_uploads(folder: str) -> dict[str, Any]:
    import joblet  # noqa: PLC0415 - as above

    one, many = f"{folder}/one.txt", f"{folder}/many"

    with joblet.JobletClient() as client:
        jobs = client.jobs

        def log(command: str, arguments: list[str], uploads: list[Any]) -> list[str]:
            job = jobs.run_job(command, arguments, uploads=uploads)["job_uuid"]
            return [chunk.decode() for chunk in jobs.get_job_logs(job)]

        return {
            "files": log(
                "cat",
                ["one.txt", "text.txt", "bytes.txt"],
                [
                    *joblet.upload(one),
                    joblet.upload_string("text\n", "text.txt"),
                    joblet.upload_bytes(b"bytes\n", "bytes.txt", mode=0o600),
                ],
            ),
            "a folder": refused(log, "ls", [], joblet.upload(many)),
            "its files": log("cat", ["many/two.txt"], joblet.upload(many)[1:]),
            "an empty folder": log("cat", ["out"], [joblet.create_directory("out")]),
        }


def test_an_sdk_uploads_files_but_no_folder(
    joblet: FakeJoblet,
    joblet_env: dict[str, str],
    tmp_path: Path,
) -> None:
    """SDK-31, JOB-RUN-57, JOB-RUN-70: it names a folder first, which becomes a file there."""
    (tmp_path / "many").mkdir()
    (tmp_path / "one.txt").write_text("one\n")
    (tmp_path / "many" / "two.txt").write_text("two\n")

    seen = drive(with_uploads, joblet_env, str(tmp_path), sdk=sdk_path("2.5.1"))

    assert "".join(seen["files"]) == "one\ntext\nbytes\n"
    before, _, after = seen["a folder"].partition("mkdir ")
    assert before == (
        "JobOperationError: Failed to run job: job run failed: execution failed: "
        "failed to prepare workspace: failed to process uploads: "
        "failed to create parent directory for many/two.txt: "
    )
    assert after.endswith("/many: not a directory")
    assert seen["its files"] == ["two\n"]
    assert seen["an empty folder"] == []
    assert [job.status for job in joblet.jobs.values()].count("FAILED") == 1


def with_every_role() -> dict[str, list[str]]:
    import joblet  # noqa: PLC0415 - as above

    seen = {}
    for node in ("default", "viewer", "nobody"):
        # rnx insists on this name whatever the address; the SDK on the address, unless told.
        options = {"grpc.ssl_target_name_override": "joblet"}
        with joblet.JobletClient(node_name=node, options=options) as client:
            seen[node] = [
                refused(lambda jobs=client.jobs: type(jobs.list_jobs()).__name__),
                refused(lambda jobs=client.jobs: jobs.run_job("true")["status"]),
            ]
    return seen


def test_an_sdk_may_what_its_certificates_role_allows(served: Served) -> None:
    """AUTH-07 to AUTH-09; and the certificate has the name that Go clients insist on (AUTH-13)."""
    seen = drive(with_every_role, served.env, sdk=sdk_path("2.5.1"))

    no = "JobOperationError: Failed to {}: role {} is not allowed to perform operation {}"
    assert seen == {
        "default": ["answered list", "answered RUNNING"],
        "viewer": ["answered list", no.format("run job", "viewer", "run_job")],
        "nobody": [
            no.format("list jobs", "unknown", "get_job"),
            no.format("run job", "unknown", "run_job"),
        ],
    }


def hybrid() -> dict[str, Any]:
    import joblet  # noqa: PLC0415 - as above

    with joblet.JobletClient() as client:
        jobs = client.jobs
        script = "echo one; sleep 3600; echo two"
        job = jobs.run_job("sh", ["-c", script])["job_uuid"]
        live = [chunk.decode() for chunk in jobs.get_job_logs(job)]
        return {
            "live": live,
            "again": [chunk.decode() for chunk in jobs.get_job_logs(job)],
            "stored": [
                [line["stream"], line["sequence"], line["content"].decode()]
                for line in jobs.query_logs(job)
            ],
            "unknown": refused(lambda: list(jobs.query_logs("nobody"))),
        }


@pytest.mark.joblet(clock="skipping")
def test_an_old_sdk_reads_both_ports_and_gets_output_up_to_three_times(
    joblet_env: dict[str, str],
) -> None:
    """PER-86: it asks PersistService first, then JobService, which asks PersistService too."""
    seen = drive(hybrid, joblet_env, sdk=sdk_path("2.1.0"))

    assert seen["live"] == ["one\n", "one\n", "one\n", "two\n"]
    assert seen["again"] == ["one\n", "two\n"] * 2
    assert seen["stored"] == [["stdout", 0, "one\n"], ["stdout", 1, "two\n"]]
    assert seen["unknown"] == (
        "JobNotFoundError: Failed to query logs: failed to read logs: no logs found for job nobody"
    )


def in_plaintext(host: str, port: int) -> dict[str, Any]:
    import joblet  # noqa: PLC0415 - as above

    with joblet.JobletClient(host=host, port=port) as client:
        jobs = client.jobs
        job = jobs.run_job("sh", ["-c", "echo hello; exit 3"])["job_uuid"]
        status = jobs.get_job_status(job)
        return {
            "log": [chunk.decode() for chunk in jobs.get_job_logs(job)],
            "ended": [status["status"], status["exit_code"]],
            "listed": [listed["uuid"] == job for listed in jobs.list_jobs()],
            "deleted": jobs.delete_job(job)["success"],
        }


@pytest.mark.joblet(api="1.0.6", tls=False)
def test_an_sdk_that_knows_no_tls_by_default_is_served_in_plaintext(
    joblet: FakeJoblet,
    tmp_path: Path,
) -> None:
    """SDK-01, SDK-20, FAKE-01: its default since then is mutual TLS."""
    host, port = joblet.address.split(":")
    env = {"HOME": str(tmp_path)}

    seen = drive(in_plaintext, env, host, int(port), sdk=sdk_path("1.1.5"))

    assert seen == {"log": ["hello\n"], "ended": ["FAILED", 3], "listed": [True], "deleted": True}


def what_works(job: str) -> dict[str, Any]:
    import joblet  # noqa: PLC0415 - as above

    with joblet.JobletClient() as client:
        jobs = client.jobs
        return {
            "run": refused(jobs.run_job, "echo", ["hello"]),
            "status": refused(jobs.get_job_status, job),
            "list": refused(jobs.list_jobs),
            "unknown": refused(jobs.get_job_status, "nobody"),
            "log": [chunk.decode() for chunk in jobs.get_job_logs(job)],
            "stop": refused(jobs.stop_job, job),
            "delete": jobs.delete_job(job),
        }


def without_a_server() -> dict[str, Any]:
    from joblet.proto import (  # type: ignore[import-not-found]  # noqa: PLC0415 - as above
        joblet_pb2,
    )
    from joblet.services import JobService  # type: ignore[import-not-found]  # noqa: PLC0415

    class Stub:
        """Answers with the SDK's own messages."""

        def RunJob(self, _request: object) -> object:  # noqa: N802 - the stub's own name
            return joblet_pb2.RunJobResponse(job_uuid="j", status="RUNNING")

        def GetJobStatus(self, _request: object) -> object:  # noqa: N802 - as above
            return joblet_pb2.GetJobStatusResponse(uuid="j", status="RUNNING")

        def ListJobs(self, _request: object) -> object:  # noqa: N802 - as above
            return joblet_pb2.Jobs(jobs=[joblet_pb2.Job(uuid="j")])

    jobs = JobService.__new__(JobService)
    jobs.stub = Stub()
    return {
        "run": refused(jobs.run_job, "echo", ["hello"]),
        "status": refused(jobs.get_job_status, "j"),
        "list": refused(jobs.list_jobs),
        "can be said": sorted(joblet_pb2.RunJobResponse.DESCRIPTOR.fields_by_name),
    }


def test_sdk_2_5_2_is_served_though_it_reads_no_job(
    joblet: FakeJoblet,
    joblet_env: dict[str, str],
) -> None:
    """SDK-30: it asks its own messages for fields that they do not have."""
    job = joblet.rpc("RunJob", command="echo", args=["there"]).job_uuid

    seen = drive(what_works, joblet_env, job, sdk=sdk_path("2.5.2"))

    assert seen["run"] == "AttributeError: command"
    assert seen["status"] == seen["list"] == "AttributeError: name"
    assert seen["unknown"] == "JobNotFoundError: Job nobody not found: job nobody not found"
    assert seen["log"] == ["there\n"]
    assert seen["stop"] == (
        f"JobOperationError: Failed to stop job {job}: "
        f"job stop failed: job is not running: {job} (status: COMPLETED)"
    )
    assert seen["delete"]["success"]
    # The fake has answered each of the calls that the SDK could not read.
    (ran,) = joblet.jobs.values()
    assert (ran.command, ran.status, ran.stdout) == ("echo", "COMPLETED", "hello\n")
    assert [call.code for call in joblet.calls.to("RunJob")] == ["OK", "OK"]
    assert [call.code for call in joblet.calls.to("GetJobStatus")] == ["OK", "NOT_FOUND"]
    assert [call.code for call in joblet.calls.to("ListJobs")] == ["OK"]


def test_sdk_2_5_2_fails_the_same_way_without_a_server() -> None:
    """SDK-30: no server can say what it asks for."""
    seen = drive(without_a_server, {}, sdk=sdk_path("2.5.2"))

    assert seen["run"] == "AttributeError: command"
    assert seen["status"] == seen["list"] == "AttributeError: name"
    assert seen["can be said"] == ["job_uuid", "status"]


def sdk_first(config: str) -> list[Any]:
    import joblet  # noqa: PLC0415 - the order of imports is what is tested
    from joblet.proto import joblet_pb2  # noqa: PLC0415 - as above

    said = joblet_pb2.RunJobRequest(command="echo").SerializeToString().hex()

    from joblet_fake import FakeJoblet  # noqa: PLC0415 - as above

    with FakeJoblet() as fake:
        mine = fake.rpc("RunJob", command="echo", args=["mine"]).job_uuid
        with open(config, "w") as file:  # noqa: PTH123 - nothing more is imported here
            file.write(fake.rnx_config())
        with joblet.JobletClient(config_path=config) as client:
            log = [chunk.decode() for chunk in client.jobs.get_job_logs(mine)]
            theirs = client.jobs.run_job("echo", ["theirs"])["job_uuid"]
            status = client.jobs.get_job_status(theirs)["status"]
        return [said, log, status, fake.jobs[theirs].stdout]


def fake_first(config: str) -> list[Any]:
    from joblet_fake import FakeJoblet  # noqa: PLC0415 - as above

    with FakeJoblet() as fake:
        mine = fake.rpc("RunJob", command="echo", args=["mine"]).job_uuid

        import joblet  # noqa: PLC0415 - as above
        from joblet.proto import joblet_pb2  # noqa: PLC0415 - as above

        said = joblet_pb2.RunJobRequest(command="echo").SerializeToString().hex()
        with open(config, "w") as file:  # noqa: PTH123 - as above
            file.write(fake.rnx_config())
        with joblet.JobletClient(config_path=config) as client:
            log = [chunk.decode() for chunk in client.jobs.get_job_logs(mine)]
            theirs = client.jobs.run_job("echo", ["theirs"])["job_uuid"]
            status = client.jobs.get_job_status(theirs)["status"]
        return [said, log, status, fake.jobs[theirs].stdout]


@pytest.mark.parametrize("version", ["2.1.0", "2.5.1"])
@pytest.mark.parametrize("order", [sdk_first, fake_first])
def test_an_sdks_generated_code_and_the_fake_share_a_process(
    order: Callable[[str], list[Any]],
    version: str,
    tmp_path: Path,
) -> None:
    """Both describe `joblet.RunJobRequest`: the fake's descriptors are in a pool of their own."""
    config = str(tmp_path / "rnx-config.yml")
    seen = drive(order, {"HOME": str(tmp_path)}, config, sdk=sdk_path(version))

    # The old one reads the log from both ports (PER-86).
    log = ["mine\n"] * (2 if version == "2.1.0" else 1)
    assert seen == ["12046563686f", log, "COMPLETED", "theirs\n"]
