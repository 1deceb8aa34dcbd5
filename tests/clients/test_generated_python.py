"""Python code that protoc makes of what `joblet-fake protos` writes, on a fake of that version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grpc_tools import protoc  # type: ignore[import-untyped]
from real_client import drive

from joblet_fake.wire.render import write_protos

if TYPE_CHECKING:
    from pathlib import Path

    from joblet_fake import FakeJoblet

# Generated code refuses a protobuf older than its generator's, as the lowest versions' is.
pytestmark = pytest.mark.toolchain


def steps(address: str, ca: str, key: str, cert: str) -> list[object]:
    import grpc  # noqa: PLC0415 - in the client's process
    import joblet_pb2  # type: ignore[import-not-found]  # noqa: PLC0415 - as above
    import joblet_pb2_grpc  # type: ignore[import-not-found]  # noqa: PLC0415 - as above

    credentials = grpc.ssl_channel_credentials(ca.encode(), key.encode(), cert.encode())
    with grpc.secure_channel(address, credentials) as channel:
        jobs = joblet_pb2_grpc.JobServiceStub(channel)
        request = joblet_pb2.RunJobRequest(command="sh", args=["-c", "echo hi; exit 3"], maxCpu=7)
        uuid = jobs.RunJob(request).jobUuid
        log = [
            chunk.payload.decode() for chunk in jobs.GetJobLogs(joblet_pb2.GetJobLogsReq(uuid=uuid))
        ]
        status = jobs.GetJobStatus(joblet_pb2.GetJobStatusReq(uuid=uuid))
        return [uuid, log, status.status, status.exitCode, status.maxCPU, status.startTime]


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(version, marks=pytest.mark.joblet(api=version))
        for version in ("1.0.2", "2.0.3", "2.3.1")
    ],
)
def test_generated_code_of_a_version_runs_a_job(
    version: str,
    joblet: FakeJoblet,
    joblet_env: dict[str, str],
    tmp_path: Path,
) -> None:
    out = tmp_path / "generated"
    written = write_protos(version, out)
    options = [f"-I{out}", f"--python_out={out}", f"--grpc_python_out={out}"]
    assert protoc.main(["protoc", *options, *map(str, written)]) == 0
    pems = (joblet.tls.ca_pem, joblet.tls.key_pem(), joblet.tls.cert_pem())

    seen = drive(
        steps,
        joblet_env,
        joblet.address,
        *(pem.decode() for pem in pems),
        sdk=out,
    )

    (job,) = joblet.jobs.values()
    assert job.stdout == "hi\n"
    assert seen[:5] == [job.uuid, ["hi\n"], "FAILED", 3, 7]
    assert seen[5].endswith("Z")
