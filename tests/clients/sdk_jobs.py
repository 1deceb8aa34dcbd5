"""What an SDK's methods for jobs, their history and workflows give."""

from __future__ import annotations

from typing import Any

import pytest
from sdk_likes import NANOSECONDS, SECONDS, TIME, UUID, Holding, Told, Version


def jobs(version: Version) -> Told:
    """Give what its methods for jobs give."""
    told = {**_runs(version), **_reads(version), **_ends(version), **_metrics(version)}
    if version.workflows:
        told |= _workflows()
    return told | (_persisted() if version.persists else {})


def _ran(name: str, status: str) -> dict[str, Any]:
    """Give the answer of RunJob: its id and status, and nothing else (SDK-27)."""
    texts = ("command", "cpu_cores", "start_time", "end_time", "scheduled_time")
    numbers = ("max_cpu", "max_memory", "max_iobps", "exit_code")
    empty = {**dict.fromkeys(texts, ""), **dict.fromkeys(numbers, 0), "args": []}
    return {**empty, "job_uuid": f"<{name}>", "status": status}


def _runs(version: Version) -> Told:
    fails, broken = f"{version.operation}: Failed to run job: invalid request: ", version.broken
    return {
        "JobService.run_job": {
            "a job": "AttributeError: command" if broken else _ran("hello", "RUNNING"),
            "with everything": "AttributeError: command" if broken else _ran("full", "RUNNING"),
            "later": "AttributeError: command" if broken else _ran("later", "SCHEDULED"),
            "an empty command": version.empty(
                "command is required and cannot be empty",
                f"{fails}command is required",
            ),
            "a bad limit": f"{fails}request validation failed: maxCPU cannot be negative",
        },
    }


def _job(name: str, **told: object) -> dict[str, Any]:
    """Give a job as GetJobStatus and ListJobs both tell it, unless said otherwise."""
    return {
        "uuid": f"<{name}>",
        "name": "",
        "command": name,
        "args": [],
        "max_cpu": 0,
        "cpu_cores": "",
        "max_memory": 0,
        "max_iobps": 0,
        "start_time": TIME,
        "end_time": TIME,
        "exit_code": 0,
        "scheduled_time": "",
        "environment": {},
        "secret_environment": {},
        "runtime": "",
        "gpu_indices": [],
        "gpu_count": 0,
        "gpu_memory_mb": 0,
        "node_id": UUID,
        **told,
    }


FULL: dict[str, Any] = {
    "command": "sh",
    "args": ["-c", "cat data.txt; echo $A; exit 3"],
    "max_cpu": 50,
    "cpu_cores": "0-1",
    "max_memory": 64,
    "max_iobps": 1000,
    "environment": {"A": "b"},
}


def _status(version: Version, name: str, **told: object) -> dict[str, Any]:
    """Give a job as GetJobStatus tells it: its working folder and uploads never are."""
    more = {"network": "bridge", "volumes": [], "work_dir": "", "uploads": []}
    workflow = {"dependencies": [], "workflow_uuid": ""} if version.workflows else {}
    return _job(name, **{**more, **workflow, **told})


def _reads(version: Version) -> Told:
    broken = version.broken
    full = _status(
        version,
        "full",
        **FULL,
        # JOB-STA-03: masked here, and in the clear in the list.
        secret_environment={"C": "***"},
        network="isolated",
        volumes=["models"],
        status="FAILED",
        exit_code=3,
    )
    scheduled = _status(
        version,
        "scheduled",
        command="echo",
        status="SCHEDULED",
        end_time="",
        scheduled_time="2030-01-01T00:00:00Z",
    )
    train = _status(version, "train", status="COMPLETED")
    nobody = "JobNotFoundError: Failed to get logs for job nobody: job not found: nobody"
    listed = [
        _job("train", status="COMPLETED"),
        _job("hello", command="echo", args=["hello"], status="COMPLETED"),
        _job("full", **FULL, secret_environment={"C": "d"}, status="FAILED", exit_code=3),
        _job(
            "later",
            command="echo",
            args=["late"],
            status="SCHEDULED",
            end_time="",
            scheduled_time="2031-01-01T00:00:00Z",
        ),
        # JOB-STP-04, JOB-STP-07: how StopJob leaves them.
        _job("long", command="watch", status="STOPPED", end_time=""),
        _job(
            "scheduled",
            command="echo",
            status="CANCELED",
            end_time="",
            scheduled_time="2030-01-01T00:00:00Z",
        ),
    ]
    if version.workflows:
        # JOB-WF-13: its real jobs are ordinary jobs, without their names.
        listed += [
            _job("build", command="echo", args=["built"], status="COMPLETED"),
            _job("publish", command="sh", args=["-c", "exit 4"], status="FAILED", exit_code=4),
        ]
    # PER-86: all that is stored comes once more, before what the server gives.
    twice = 2 if version.persists else 1
    # Not of a job that is followed before it has printed (PER-91).
    full_log = ["one\n", "two\n"] if broken else ["uploaded\n", "b\n"]
    return {
        "JobService.get_job_logs": {
            # SDK-48, PER-50: what was printed before comes twice.
            "of a running job": ["one\n"] * twice + ["one\n", "two\n"],
            "of a finished job": ["one\n", "two\n"] * twice,
            "of nobody": nobody,
            "of an empty id": version.empty(
                "job_uuid is required",
                "JobNotFoundError: Failed to get logs for job : job not found: ",
            ),
            "of a job with everything": full_log,
        },
        "JobService.stream_live_logs": {
            # Servers have no live log alone: it is the same call.
            "of a finished job": ["one\n", "two\n"],
            "of nobody": nobody,
            "warns of": ["DeprecationWarning"] * 2 if version.strict else [],
        },
        "JobService.get_job_status": {
            "of a job with everything": "AttributeError: name" if broken else full,
            "of a finished job": "AttributeError: name" if broken else train,
            "of a scheduled job": "AttributeError: name" if broken else scheduled,
            "of nobody": "JobNotFoundError: Job nobody not found: job nobody not found",
            "of an empty id": version.empty(
                "job_uuid is required",
                "JobNotFoundError: Job  not found: job  not found",
            ),
        },
        "JobService.list_jobs": {
            "some": "AttributeError: name" if broken else listed,
            "left": "AttributeError: name" if broken else listed[3:4],
        },
    }


def _ends(version: Version) -> Told:
    error = version.operation
    # All but the one that was deleted before, and the one that is skipped.
    deleted = 7 if version.workflows else 5
    return {
        # SDK-32, JOB-CAN-01
        "JobService.cancel_job": {
            "a scheduled job": (
                f"{error}: Failed to cancel job <scheduled>: method CancelJob not implemented"
            ),
            "an empty id": version.empty(
                "job_uuid is required",
                f"{error}: Failed to cancel job : method CancelJob not implemented",
            ),
        },
        # JOB-STP-01 to JOB-STP-04
        "JobService.stop_job": {
            "a running job": {"uuid": "<long>", "status": "", "end_time": "", "exit_code": 0},
            "a finished job": (
                f"{error}: Failed to stop job <train>: job stop failed: "
                "job is not running: <train> (status: COMPLETED)"
            ),
            "a scheduled job": {
                "uuid": "<scheduled>",
                "status": "",
                "end_time": "",
                "exit_code": 0,
            },
            "nobody": (
                f"{error}: Failed to stop job nobody: job stop failed: job not found: nobody"
            ),
        },
        # JOB-DEL-01 to JOB-DEL-03
        "JobService.delete_job": {
            "a running job": (
                f"{error}: Failed to delete job <long>: job deletion failed: "
                "cannot delete job <long> (status: RUNNING) - stop the job first"
            ),
            "a finished job": {
                "uuid": "<late>",
                "success": True,
                "message": "Job deleted successfully",
            },
            "again": (
                f"{error}: Failed to delete job <late>: job deletion failed: job not found: <late>"
            ),
        },
        # JOB-DEL-07
        "JobService.delete_all_jobs": {
            "all": {
                "success": True,
                "message": (
                    f"Successfully deleted {deleted} jobs, skipped 1 running/scheduled jobs"
                ),
                "deleted_count": deleted,
                "skipped_count": 1,
            },
        },
    }


def _metrics(version: Version) -> Told:
    def unknown(say: str, job: str, method: str) -> str:
        return (
            f"JobNotFoundError: Failed to {say} for job {job}: "
            f"unknown method {method} for service joblet.JobService"
        )

    # JOB-MET-22, SDK-41: of stored samples, three in twelve seconds, the time is always 1.
    samples: list[object] = [
        Holding(
            timestamp=1,
            job_id="<train>",
            sample_interval_seconds=1,
            cpu_usage=percent,
            memory_max=0,
            disk_io={
                "read_bytes": 0,
                "write_bytes": 0,
                "read_ops": 0,
                "write_ops": 0,
                "read_bps": 0.0,
                "write_bps": 0.0,
            },
        )
        for percent in (0, pytest.approx(93, abs=2), pytest.approx(93, abs=2))
    ]
    if version.persists:
        return {}
    # JOB-MET-21: nothing, after six seconds, and no error.
    if version.installs:
        told: Told = {
            "JobService.get_job_metrics": {"of a finished job": samples, "of nobody": []},
        }
        if not version.workflows:
            told["JobService.get_job_telemetry"] = {
                "of a finished job": unknown("get telemetry", "<train>", "GetJobTelemetry"),
            }
            told["JobService.stream_job_telemetry"] = {
                "of a finished job": unknown("stream telemetry", "<train>", "StreamJobTelemetry"),
            }
        return told
    # SDK-47: another message under the same path, of which no field fits.
    names = ("memory_bytes", "memory_limit", "disk_read_bytes", "disk_write_bytes")
    names += ("net_recv_bytes", "net_sent_bytes", "gpu_percent", "gpu_memory_bytes")
    empty = {**dict.fromkeys(("timestamp", "cpu_percent", *names), 0), "job_id": ""}
    told = {
        "JobService.get_job_metrics": {"of a finished job": [empty] * 3, "of nobody": []},
        "JobService.stream_job_metrics": {
            "of a finished job": unknown("stream metrics", "<train>", "StreamJobMetrics"),
            "of nobody": unknown("stream metrics", "nobody", "StreamJobMetrics"),
        },
    }
    # SDK-25: the older names are aliases of the newer ones.
    for name in ("telemetry", "telematics"):
        told[f"JobService.get_job_{name}"] = {
            "of a finished job": unknown("get telematics", "<train>", "GetJobTelematics"),
        }
        told[f"JobService.stream_job_{name}"] = {
            "of a finished job": unknown("stream telematics", "<train>", "StreamJobTelematics"),
        }
    return told


def _persisted() -> Told:
    def line(sequence: int, content: str) -> Holding:
        return Holding(
            job_id="<late>",
            stream="stdout",
            sequence=sequence,
            content=content,
            timestamp=NANOSECONDS,
        )

    def metric(sequence: int, cores: object) -> Holding:
        # PER-37, PER-38: times in seconds, the CPU in cores.
        data = Holding(cpu_usage=cores, gpu_usage=0)
        return Holding(job_id="<train>", sequence=sequence, timestamp=SECONDS, data=data)

    near = pytest.approx(0.93, abs=0.02)
    told: dict[str, Any] = {
        "query_logs": {
            "all": [line(0, "one\n"), line(1, "two\n")],
            # PER-30: nothing is ever stored as stderr.
            "of stderr": [],
            "a page": [line(1, "two\n")],
            "of nobody": (
                "JobNotFoundError: Failed to query logs: "
                "failed to read logs: no logs found for job nobody"
            ),
        },
        "query_metrics": {
            "all": [metric(0, 0), metric(1, near), metric(2, near)],
            "a page": [metric(1, near)],
            "from a time in nanoseconds": [],
            "of nobody": (
                "JobNotFoundError: Failed to query metrics: "
                "failed to read metrics: no metrics found for job nobody"
            ),
        },
    }
    return {
        f"{service}.{name}": calls
        for service in ("JobService", "PersistService")
        for name, calls in told.items()
    }


def _workflows() -> Told:
    fails = "WorkflowNotFoundError: Failed to run workflow: "
    started = {"start_time": None, "end_time": None, "exit_code": 0}
    build = {"job_name": "build", "dependencies": [], **started}
    publish = {"job_name": "publish", "dependencies": ["build"], **started}
    # JOB-WF-22: an id as soon as it has started; times and exit code never.
    waiting = {"job_uuid": "0", "status": "PENDING"}
    ended = [
        {**build, "job_uuid": "<build>", "status": "COMPLETED"},
        {**publish, "job_uuid": "<publish>", "status": "FAILED"},
    ]
    return {
        # JOB-WF-01, JOB-WF-03, JOB-WF-04
        "JobService.run_workflow": {
            "two jobs": {"workflow_uuid": "<workflow>", "status": "STARTED"},
            "an empty name": f"{fails}workflow is required",
            "no yaml": (
                f"{fails}failed to start workflow orchestration: failed to parse workflow YAML "
                "content: failed to parse YAML content: yaml: line 1: did not find expected node "
                "content"
            ),
        },
        # JOB-WF-24: the first one's, whatever is asked for.
        "JobService.get_workflow_jobs": {
            "none": (
                "WorkflowNotFoundError: Failed to get jobs for workflow nothing: "
                "workflow not found: workflow 1 not found"
            ),
            "waiting": [{**build, **waiting}, {**publish, **waiting}],
            "ended": ended,
            "of any id": ended,
        },
        # SDK-24: it asks its own message for a field that it does not have.
        "JobService.get_workflow_status": {
            "ended": "AttributeError: workflow",
            "of nobody": (
                "WorkflowNotFoundError: Workflow nothing not found: workflow not found: nothing"
            ),
        },
        # JOB-WF-23: what has ended is listed only if it is asked for.
        "JobService.list_workflows": {
            "all": "AttributeError: workflow",
            "those that go on": [],
        },
    }
