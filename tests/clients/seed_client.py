"""A client of both services as the bindings' own examples show it, for API 2.0.3.

Runs in a process of its own, in which the generated bindings are found. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import grpc
import joblet_pb2  # type: ignore[import-not-found]
import joblet_pb2_grpc  # type: ignore[import-not-found]
import persist_pb2  # type: ignore[import-not-found]
import persist_pb2_grpc  # type: ignore[import-not-found]

core_address, persist_address, folder, told = sys.argv[1:]
jobs = json.loads(told)
ca, key, cert = ((Path(folder) / name).read_bytes() for name in ("ca", "key", "cert"))
credentials = grpc.ssl_channel_credentials(ca, key, cert)

# Connecting to both services
core_channel = grpc.secure_channel(core_address, credentials)
job_client = joblet_pb2_grpc.JobServiceStub(core_channel)
persist_channel = grpc.secure_channel(persist_address, credentials)
persist_client = persist_pb2_grpc.PersistServiceStub(persist_channel)


def hybrid_log(job_id: str) -> list[str]:
    """Stored logs first, then the live ones."""
    lines = []
    request = persist_pb2.QueryLogsRequest(
        job_id=job_id,
        stream=persist_pb2.STREAM_TYPE_UNSPECIFIED,
    )
    try:
        for log_line in persist_client.QueryLogs(request):
            lines.append(log_line.content.decode("utf-8"))  # noqa: PERF401 - as clients write it
    except grpc.RpcError as error:
        lines.append(f"{error.code().name}: {error.details()}")
    request = joblet_pb2.GetJobLogsReq(uuid=job_id)
    for chunk in job_client.GetJobLogs(request):
        lines.append(chunk.payload.decode("utf-8"))  # noqa: PERF401 - as above
    return lines


def metrics(job_id: str, start_time: int, end_time: int, limit: int = 100) -> list[list[Any]]:
    """Metrics by time range."""
    request = persist_pb2.QueryMetricsRequest(
        job_id=job_id,
        start_time=start_time,
        end_time=end_time,
        limit=limit,
    )
    return [
        [metric.timestamp, metric.data.cpu_usage, metric.data.memory_usage]
        for metric in persist_client.QueryMetrics(request)
    ]


SECOND = 1_000_000_000
# The job has started in this second.
(start,) = (each[0] for each in metrics(jobs["train"], 0, 0, limit=1))

print(  # noqa: T201 - what it is for
    json.dumps(
        {
            "running": hybrid_log(jobs["talk"]),
            "ended": hybrid_log(jobs["talk"]),
            "without output": hybrid_log(jobs["silent"]),
            "status": job_client.GetJobStatus(joblet_pb2.GetJobStatusReq(uuid=jobs["talk"])).status,
            "all": metrics(jobs["train"], 0, 0),
            "in nanoseconds": metrics(jobs["train"], start * SECOND, (start + 3600) * SECOND),
            "until, in nanoseconds": metrics(jobs["train"], 0, (start + 1) * SECOND),
            "in seconds": metrics(jobs["train"], start + 1, start + 5),
            "the first two": metrics(jobs["train"], 0, 0, limit=2),
        },
    ),
)
