"""What bad input gets: the real server's code and text, over real gRPC, as raw bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

if TYPE_CHECKING:
    from joblet_fake import FakeJoblet

UUID = "00000000-0000-4000-8000-000000000000"
LIMIT = 128 * 1024 * 1024
PATH = "/joblet.JobService/"


def refused(call: Any, *args: object, **fields: object) -> tuple[str, str]:
    """Give the code and the text of a call that must not succeed, unary or streaming."""
    with pytest.raises(grpc.RpcError) as caught:
        list(call(*args, **fields, timeout=20))
    error: Any = caught.value
    return error.code().name, error.details()


def sent(joblet: FakeJoblet, path: str, data: bytes, *, stream: bool = False) -> tuple[str, str]:
    """Send raw bytes to a path of the port that its service belongs to."""
    persist = path.startswith("/joblet.persist.")
    channel = joblet.persist_channel() if persist else joblet.channel()
    make: Any = channel.unary_stream if stream else channel.unary_unary
    return refused(make(path), data)


VALIDATION = "invalid request: request validation failed: "


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        # JOB-RUN-10
        ({}, "invalid request: command is required"),
        ({"args": ["x"], "max_cpu": -1}, "invalid request: command is required"),
        # JOB-RUN-11, in the order of JOB-RUN-03
        ({"max_cpu": -1, "max_memory": -1}, f"{VALIDATION}maxCPU cannot be negative"),
        ({"max_memory": -1, "max_io_bps": -1}, f"{VALIDATION}maxMemory cannot be negative"),
        ({"max_io_bps": -1, "volumes": [""]}, f"{VALIDATION}maxIOBPS cannot be negative"),
        # JOB-RUN-12
        ({"volumes": ["v", ""]}, f"{VALIDATION}empty volume name not allowed"),
        # JOB-RUN-14
        (
            {"runtime": "a:b:c"},
            (
                f"{VALIDATION}invalid runtime: invalid runtime format: "
                "expected 'language:version', got 'a:b:c'"
            ),
        ),
        (
            {"runtime": ":3"},
            f"{VALIDATION}invalid runtime: runtime language and version cannot be empty",
        ),
        (
            {"runtime": "python"},
            (
                f"{VALIDATION}invalid runtime: invalid runtime format: "
                "expected 'language-version[-tags]', got 'python'"
            ),
        ),
    ],
)
def test_a_job_that_is_not_valid_is_refused_in_the_servers_words(
    joblet: FakeJoblet, fields: dict[str, object], text: str
) -> None:
    command = {} if "command is" in text else {"command": "echo"}

    assert refused(joblet.rpc, "RunJob", **command, **fields) == ("INVALID_ARGUMENT", text)
    assert not joblet.jobs


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        # JOB-RUN-30, which precedes the schedule (JOB-RUN-42)
        ({"max_cpu": 101}, "job creation failed: invalid CPU limit: must be between 0-100"),
        (
            {"max_cpu": 10_000, "schedule": "soon"},
            "job creation failed: invalid CPU limit: must be between 0-100",
        ),
        # JOB-RUN-41
        (
            {"schedule": "10s"},
            (
                'invalid schedule format: parsing time "10s" as "2006-01-02T15:04:05Z07:00": '
                'cannot parse "10s" as "2006"'
            ),
        ),
        (
            {"schedule": "2025-13-01T00:00:00Z"},
            'invalid schedule format: parsing time "2025-13-01T00:00:00Z": month out of range',
        ),
        # JOB-RUN-45
        (
            {"schedule": "2030-01-01T00:00:00Z", "uploads": [{"path": "../x"}]},
            (
                "upload preparation failed: upload processing failed: failed to prepare upload "
                "session: upload validation failed: invalid file path ../x: "
                "path traversal not allowed"
            ),
        ),
    ],
)
def test_a_job_that_cannot_be_built_is_refused_and_not_recorded(
    joblet: FakeJoblet, fields: dict[str, object], text: str
) -> None:
    answer = refused(joblet.rpc, "RunJob", command="echo", **fields)

    assert answer == ("INTERNAL", f"job run failed: {text}")
    assert not joblet.jobs


@pytest.mark.parametrize("network", ["host", "Bridge", "nowhere", "n" * 300])
def test_a_job_on_an_unknown_network_fails_and_is_recorded(
    joblet: FakeJoblet, network: str
) -> None:
    answer = refused(joblet.rpc, "RunJob", command="echo", network=network)

    # JOB-RUN-62, JOB-RUN-81
    assert answer == (
        "INTERNAL",
        (
            "job run failed: execution failed: failed to setup networking: failed to allocate IP: "
            f"no IP pool found for network: {network}"
        ),
    )
    (job,) = joblet.jobs.values()
    assert (job.status, job.exit_code, job.ended is not None) == ("FAILED", -1, True)


def test_a_script_that_fails_to_start_gives_its_reason(joblet: FakeJoblet) -> None:
    joblet.programs.on("train").fails_to_start("fork/exec: no memory")

    answer = refused(joblet.rpc, "RunJob", command="train")

    assert answer == ("INTERNAL", "job run failed: execution failed: fork/exec: no memory")


@pytest.mark.parametrize(
    "environment",
    [
        {"with blank": "x", "a=b": "y", "": "z"},
        {"LONG": "v" * 40_000},
        {"ÄÖ": "ü", "9": "\1"},
    ],
)
def test_any_environment_is_accepted_and_echoed(
    joblet: FakeJoblet, environment: dict[str, str]
) -> None:
    """JOB-RUN-20: this generation checks no names and no values, but for NULs (JOB-RUN-86)."""
    job_id = joblet.rpc("RunJob", command="true", environment=environment).job_uuid

    assert dict(joblet.rpc("GetJobStatus", uuid=job_id).environment) == environment


def test_a_volume_that_is_not_there_warns_and_lets_the_job_run(joblet: FakeJoblet) -> None:
    """JOB-RUN-64, however odd its name is."""
    name = "no such/volume" + "x" * 1000
    job_id = joblet.rpc("RunJob", command="echo", args=["ran"], volumes=[name]).job_uuid
    job = joblet.jobs.wait(job_id)

    assert job.status == "COMPLETED"
    assert "[WARN]" in job.stdout
    assert job.stdout.endswith("ran\n")


@pytest.mark.parametrize("uuid", ["", UUID, "x" * 3000, UUID[:8], "\N{SNOWMAN}"])
def test_an_unknown_job_is_told_in_the_words_of_each_method(joblet: FakeJoblet, uuid: str) -> None:
    """JOB-STA-01, JOB-LOG-21, JOB-STP-02, JOB-DEL-02: four methods, three wordings."""
    assert refused(joblet.rpc, "GetJobStatus", uuid=uuid) == ("NOT_FOUND", f"job {uuid} not found")
    assert refused(joblet.rpc, "GetJobLogs", uuid=uuid) == ("NOT_FOUND", f"job not found: {uuid}")
    assert refused(joblet.rpc, "StopJob", uuid=uuid) == (
        "INTERNAL",
        f"job stop failed: job not found: {uuid}",
    )
    assert refused(joblet.rpc, "JobService.DeleteJob", uuid=uuid) == (
        "INTERNAL",
        f"job deletion failed: job not found: {uuid}",
    )


UNARY = "grpc: error unmarshalling request: "
STREAM = "grpc: failed to unmarshal the received message: "
GARBAGE = "proto: cannot parse invalid wire-format data"
TEXT = "string field contains invalid UTF-8"


@pytest.mark.parametrize(
    ("path", "data", "text", "stream"),
    [
        # SRV-21
        (f"{PATH}RunJob", b"\xff\xff\xff\xff", UNARY + GARBAGE, False),
        (f"{PATH}RunJob", b"\x12\x7f", UNARY + GARBAGE, False),
        (f"{PATH}GetJobStatus", b"\x0a\x02\xff\xfe", UNARY + TEXT, False),
        (f"{PATH}GetJobLogs", b"\xff", STREAM + GARBAGE, True),
        (f"{PATH}GetJobLogs", b"\x0a\x01\xff", STREAM + TEXT, True),
        # Decoding comes before the news that there is no handler (AUTH-07).
        (f"{PATH}CancelJob", b"\xff", UNARY + GARBAGE, False),
        # PER-89
        ("/joblet.persist.PersistService/QueryLogs", b"\x0a\x01\xff", STREAM + TEXT, True),
        ("/joblet.persist.PersistService/Ping", b"\xff", UNARY + GARBAGE, False),
    ],
)
def test_bytes_that_are_no_message_are_refused(
    joblet: FakeJoblet, path: str, data: bytes, text: str, *, stream: bool
) -> None:
    assert sent(joblet, path, data, stream=stream) == ("INTERNAL", text)
    # The connection and the server live on.
    assert joblet.rpc("ListJobs").jobs == []


def test_unknown_fields_and_wrong_types_are_ignored(joblet: FakeJoblet) -> None:
    """SRV-21: field 2 is the command; 2000 is none; 5 is a number, sent as text."""
    data = b"\x12\x04true" + b"\x82\x7d\x03abc" + b"\x2a\x01x"

    answer = joblet.channel().unary_unary(f"{PATH}RunJob")(data, timeout=5)

    assert isinstance(answer, bytes)
    assert [job.command for job in joblet.jobs.values()] == ["true"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        # SURF-06, JOB-GEN-07
        (
            f"{PATH}StreamJobMetrics",
            "unknown method StreamJobMetrics for service joblet.JobService",
        ),
        (f"{PATH}runJob", "unknown method runJob for service joblet.JobService"),
        ("/joblet.NoService/X", "unknown service joblet.NoService"),
        ("/a/b/c", "unknown service a/b"),
        ("//X", "unknown service "),
        ("/grpc.health.v1.Health/Check", "unknown service grpc.health.v1.Health"),
        ("/nosuchthing", 'malformed method name: "/nosuchthing"'),
        # JOB-CAN-01, SURF-05
        (f"{PATH}CancelJob", "method CancelJob not implemented"),
        # PER-88
        (
            "/joblet.persist.PersistService/ListJobs",
            "unknown method ListJobs for service joblet.persist.PersistService",
        ),
    ],
)
def test_a_path_that_names_no_method_is_unimplemented(
    joblet: FakeJoblet, path: str, text: str
) -> None:
    assert sent(joblet, path, b"") == ("UNIMPLEMENTED", text)
    # Whatever the shape of the call, and for bytes that are no message of any kind.
    if "CancelJob" not in path:
        assert sent(joblet, path, b"\xff", stream=True) == ("UNIMPLEMENTED", text)


def test_each_port_serves_its_own_services_alone(joblet: FakeJoblet) -> None:
    """PER-88."""
    ping = joblet.channel().unary_unary("/joblet.persist.PersistService/Ping")
    jobs = joblet.persist_channel().unary_unary(f"{PATH}ListJobs")

    assert refused(ping, b"") == ("UNIMPLEMENTED", "unknown service joblet.persist.PersistService")
    assert refused(jobs, b"") == ("UNIMPLEMENTED", "unknown service joblet.JobService")


def test_a_message_over_the_limit_is_refused_and_one_at_the_limit_is_not(
    joblet: FakeJoblet,
) -> None:
    """SRV-03, SRV-24: an unknown field carries the bytes, so that they need not be kept."""
    options = (("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0))
    credentials = joblet.credentials
    assert credentials is not None
    # Field 2000 with a length of four bytes: seven bytes before the content.
    head = b"\x82\x7d" + _varint(LIMIT - 6)
    with grpc.secure_channel(joblet.address, credentials, options) as channel:
        status = channel.unary_unary(f"{PATH}ListJobs")
        assert status(head + bytes(LIMIT - len(head)), timeout=30) == b""
        assert refused(status, head + bytes(LIMIT + 1 - len(head))) == (
            "RESOURCE_EXHAUSTED",
            f"grpc: received message larger than max ({LIMIT + 1} vs. {LIMIT})",
        )
        assert status(b"", timeout=5) == b""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def test_a_method_that_is_not_built_yet_says_so(
    joblet: FakeJoblet, monkeypatch: pytest.MonkeyPatch
) -> None:
    joblet.rpc("GetSystemStatus")
    monkeypatch.delitem(joblet._exchange._handlers, "MonitoringService.GetSystemStatus")

    code, text = refused(joblet.rpc, "GetSystemStatus")

    assert code == "UNIMPLEMENTED"
    assert "MonitoringService.GetSystemStatus yet" in text


def test_much_metadata_is_fine(joblet: FakeJoblet) -> None:
    """SRV-24, as far as the client's own limit lets it."""
    metadata = [("x-filler", "v" * 7000)]
    call = joblet.channel().unary_unary(f"{PATH}ListJobs")

    assert call(b"", metadata=metadata, timeout=5) == b""
    assert ("x-filler", "v" * 7000) in joblet.calls.last().metadata


def test_an_error_text_too_long_for_a_header_is_the_clients_own_failure(
    joblet: FakeJoblet,
) -> None:
    """A real server sends it too; Python's client takes 16 KiB of metadata by default."""
    code, _ = refused(joblet.rpc, "GetJobStatus", uuid="x" * 100_000)

    assert code == "RESOURCE_EXHAUSTED"
    assert joblet.calls.last().code == "NOT_FOUND"
