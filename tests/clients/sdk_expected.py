"""What every public method of a published Python SDK gives on a server of API 2.3.1.

By version, method and call, the calls being those of `every_method.py`. Ids of jobs are names.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

Told = dict[str, dict[str, Any]]
"""By method and call, what it gives; an error is `Name: text`."""


class Like:
    """Equals every text that a pattern describes."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._pattern.fullmatch(other) is not None

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<like {self._pattern.pattern}>"


class Holding:
    """Equals every mapping that holds at least these."""

    def __init__(self, **held: object) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, dict)
            and self._held.items()
            <= {name: value for name, value in other.items() if name in self._held}.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<holding {self._held}>"


class Moment:
    """Equals every moment of the story, in whole seconds, as a number of some unit."""

    def __init__(self, unit: int) -> None:
        self._unit = unit

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int) or other % self._unit:
            return False
        return datetime.fromtimestamp(other // self._unit, UTC).date().isoformat() == "2026-01-01"

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<a moment in 1/{self._unit} s>"


SECONDS, NANOSECONDS = Moment(1), Moment(1_000_000_000)
UUID = Like(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = Like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Version:
    """What differs between versions, beside the methods that they have."""

    def __init__(self, text: str) -> None:
        self.text = text
        number = tuple(map(int, text.split(".")))
        # SDK-13: from 2.5.0 on there are errors of their own, and empty values are not sent.
        self.strict = number >= (2, 5)
        # SDK-30: it reads fields that its own messages do not have.
        self.broken = text == "2.5.2"
        self.workflows = number < (2, 2)
        # SDK-23: it asks PersistService itself, on its own port.
        self.persists = number < (2, 1, 1)
        self.installs = number < (2, 4)

    def empty(self, checked: str, sent: object) -> object:
        """Give what an empty value comes to: not sent at all from 2.5.0 on."""
        return f"ValidationError: {checked}" if self.strict else sent

    @property
    def operation(self) -> str:
        """The error of an operation on jobs."""
        return "JobOperationError" if self.strict else "JobNotFoundError"


def expected(text: str) -> Told:
    """Give all that a version's methods give.

    Args:
        text: the version of the SDK.
    """
    version = Version(text)
    told = {
        **_client(version),
        **_runs(version),
        **_reads(version),
        **_ends(version),
        **_metrics(version),
        **_networks(version),
        **_volumes(version),
        **_monitoring(),
        **_runtimes(version),
    }
    if version.workflows:
        told |= _workflows()
    if version.persists:
        told |= _persisted()
    return told | (_installs() if version.installs else _builds())


def _client(version: Version) -> Told:
    return {
        "JobletClient.jobs": {"is": "JobService"},
        "JobletClient.monitoring": {"is": "MonitoringService"},
        "JobletClient.networks": {"is": "NetworkService"},
        "JobletClient.runtimes": {"is": "RuntimeService"},
        "JobletClient.volumes": {"is": "VolumeService"},
        # SDK-06: with certificates from variables the file, where the id is, stays unread.
        "JobletClient.node_id": {"is": None if version.strict else UUID},
        # SDK-12
        "JobletClient.health_check": {
            "of a server": True,
            "of a closed client": False,
            "of nobody": False,
        },
        "JobletClient.close": {"once": None, "twice": None},
    }


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
    # Those of the story, of the workflow's two, and the one that runs later.
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
        "JobletClient.persist": {"is": "PersistService"},
        **{
            f"{service}.{name}": calls
            for service in ("JobService", "PersistService")
            for name, calls in told.items()
        },
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


def _networks(version: Version) -> Told:
    def fails(name: str) -> str:
        named = f" '{name}'" if version.strict else ""
        return f"NetworkError: Failed to create network{named}: failed to create network: "

    return {
        # NET-05, NET-08, NET-11, NET-13
        "NetworkService.create_network": {
            "a new one": {"name": "lab", "cidr": "10.9.0.0/24", "bridge": ""},
            "again": {"name": "lab", "cidr": "10.8.0.5/24", "bridge": ""},
            "a bad range": (
                f"{fails('bad')}network config validation failed: invalid CIDR: 10.9.0.0"
            ),
            "no name": version.empty(
                "network name is required and cannot be empty",
                f"{fails('')}network creation failed: name cannot be empty",
            ),
        },
        # NET-17, NET-20: one job, `long`, is on the network of those that name none.
        "NetworkService.list_networks": {
            "all": [
                {"name": "bridge", "cidr": "172.20.0.0/16", "bridge": "joblet0", "job_count": 1},
                {"name": "lab", "cidr": "10.8.0.5/24", "bridge": "", "job_count": 0},
            ],
        },
        # SDK-14, SDK-48, NET-23, NET-24
        "NetworkService.remove_network": {
            "one": {"success": True, "message": "Network removed successfully"},
            "again": {"success": False, "message": "network not found: lab"},
            "no name": version.empty(
                "network name is required",
                {"success": False, "message": "network name cannot be empty"},
            ),
        },
    }


def _volumes(version: Version) -> Told:
    def fails(name: str) -> str:
        named = f" '{name}'" if version.strict else ""
        return (
            f"VolumeError: Failed to create volume{named}: "
            "failed to create volume: failed to create volume object: "
        )

    cache = {"name": "cache", "size": "1gb", "type": "filesystem"}
    cache["path"] = "/opt/joblet/volumes/cache"
    again = {**cache, "size": "2gb", "type": "memory"}
    return {
        # VOL-04, VOL-06, VOL-07, VOL-10, VOL-12, VOL-13
        "VolumeService.create_volume": {
            "a new one": cache,
            "again": again,
            "a bad name": (
                f"{fails('a b')}invalid volume name: a b "
                "(must contain only alphanumeric characters, hyphens, and underscores)"
            ),
            "a bad size": f"{fails('cache')}invalid size: unsupported size unit:  GB",
            "no size": version.empty(
                "volume size is required (e.g., '1GB', '500MB')",
                f"{fails('cache')}invalid size: size cannot be empty",
            ),
            "a bad type": version.empty(
                "invalid volume_type 'disk': must be 'filesystem' or 'memory'",
                f"{fails('cache')}invalid volume type: disk",
            ),
        },
        # VOL-15 to VOL-18
        "VolumeService.list_volumes": {
            "all": [
                {**again, "created_time": TIME, "job_count": 0},
                {
                    "name": "models",
                    "size": "100MB",
                    "type": "filesystem",
                    "path": "/opt/joblet/volumes/models",
                    "created_time": TIME,
                    "job_count": 0,
                },
            ],
        },
        # VOL-20, VOL-21
        "VolumeService.remove_volume": {
            "one": {"success": True, "message": "Volume removed successfully"},
            "again": {"success": False, "message": "volume cache not found"},
            "no name": version.empty(
                "volume name is required",
                {"success": False, "message": "volume  not found"},
            ),
        },
    }


def _monitoring() -> Told:
    every = {
        "timestamp": TIME,
        "host": Holding(hostname="joblet-host", architecture="amd64", boot_time=TIME, node_id=UUID),
        "cpu": Holding(cores=4, steal_time=0.0),
        "memory": Holding(total_bytes=8323874816),
        # MON-21: always 0 there.
        "io": Holding(read_rate=0.0, write_rate=0.0),
        "processes": Holding(stopped_processes=0),
    }
    # MON-11: what was not asked for is there all the same, and zero.
    only_cpu = {
        **every,
        "memory": Holding(total_bytes=0, used_bytes=0),
        "io": Holding(total_reads=0),
        "processes": Holding(total_processes=0, total_threads=0),
    }
    return {
        "MonitoringService.get_system_status": {
            # MON-12: only here, never in the stream.
            "now": Holding(**every, available=True, server_version=Holding(component="joblet")),
        },
        "MonitoringService.stream_system_metrics": {
            "three": [Holding(**every)] * 3,
            "only cpu": [only_cpu],
        },
    }


PYTHON = {
    "name": "python-3.11-ml",
    "language": "python",
    "version": "1.3.1",
    "description": "For models",
    "size_bytes": 1000,
    "available": True,
}
# RT-02
LISTED = {"packages": [], "requirements": {"architectures": ["x86_64", "amd64"], "gpu": False}}


def _runtimes(version: Version) -> Told:
    listed = {**PYTHON, **LISTED}
    # RT-08
    info = {**PYTHON, "size_bytes": 0, "packages": ["numpy"]}
    info["requirements"] = {"architectures": [], "gpu": True}
    works = {
        "success": True,
        "output": "Runtime resolution successful",
        "error": "",
        "exit_code": 0,
    }
    installed = [
        Holding(name=name, language="go", version="1.0.0", available=True, **LISTED)
        for name in (("go-1.22", "go-1.23") if version.installs else ())
    ]
    required = "runtime name is required"
    return {
        "RuntimeService.list_runtimes": {
            "all": [listed],
            "installed": [*installed, listed],
            "left": installed,
        },
        # SDK-14, RT-05, RT-07
        "RuntimeService.get_runtime_info": {
            "one": info,
            "by its language": info,
            "none": "RuntimeNotFoundError: Runtime ruby-3.2 not found",
            "no name": f"RuntimeNotFoundError: Failed to get runtime info: {required}",
        },
        # RT-10 to RT-12
        "RuntimeService.test_runtime": {
            "one": works,
            "by its language": works,
            "none": {
                "success": False,
                "output": "",
                "error": "runtime not found: runtime not found for spec ruby-3.2",
                "exit_code": 1,
            },
            "no name": f"RuntimeNotFoundError: Failed to test runtime: {required}",
        },
        # RT-13 to RT-16
        "RuntimeService.remove_runtime": {
            "one": {
                "success": True,
                "message": "Runtime 'python-3.11-ml' removed successfully (all versions)",
                "freed_space_bytes": 1000,
            },
            "again": {
                "success": False,
                "message": "Runtime 'python-3.11-ml' not found",
                "freed_space_bytes": 0,
            },
            "no name": {
                "success": False,
                "message": "Runtime name is required",
                "freed_space_bytes": 0,
            },
        },
    }


def _progress(message: object) -> dict[str, object]:
    """Give a progress message: the steps are never told (RT-39)."""
    return {"type": "progress", "message": message, "step": 0, "total_steps": 0}


class Stream:
    """Equals every list that begins and ends with these."""

    def __init__(self, first: list[Any], last: list[Any]) -> None:
        self._first, self._last = first, last

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, list)
            and other[: len(self._first)] == self._first
            and other[-len(self._last) :] == self._last
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._first} and at last {self._last}>"


def _installs() -> Told:
    fails = "RuntimeError: Failed to install runtime: "
    no_handler = "method {}InstallRuntimeFromLocal not implemented"
    streamed = re.escape(no_handler.format("Streaming"))
    invalid = {"valid": False}
    good = {"valid": True, "message": "Runtime spec is valid"}
    return {
        # RT-37, RT-38, RT-40, RT-42
        "RuntimeService.install_runtime_from_github": {
            "no spec": f"{fails}runtime spec is required",
            "one": {
                "build_job_uuid": "",
                "runtime_spec": "go-1.22",
                "status": "completed",
                "message": "Runtime installed successfully",
                "repository": "org/repository",
                "resolved_path": "runtimes/go-1.22",
            },
            "a failing one": Like(f"{fails}runtime installation failed: .*exit status 1"),
            "followed": Stream(
                [
                    _progress("📦 Cloning repository..."),
                    _progress("Extracting repository..."),
                    _progress("Repository extracted successfully"),
                    _progress("🏗️  Running setup script..."),
                ],
                [
                    {
                        "type": "result",
                        "success": True,
                        "message": "Runtime installed successfully",
                        "runtime_spec": "go-1.23",
                        "install_path": Like(r"/opt/joblet/runtimes/.*/runtime\.yml"),
                    },
                ],
            ),
            "failing, followed": Stream(
                [
                    _progress("🚀 Starting installation from external registry"),
                    _progress("📦 Parsing runtime specification: broken-1"),
                    _progress(Like("📡 Fetching registry from https://.*")),
                ],
                [
                    {"type": "log", "data": "no gcc\n"},
                    {
                        "type": "result",
                        "success": False,
                        "message": Like("Runtime installation failed: .*exit status 1"),
                        "runtime_spec": "broken-1",
                        "install_path": "",
                    },
                ],
            ),
        },
        # SURF-05; the stream's error is gRPC's own: it comes when nobody catches it any more.
        "RuntimeService.install_runtime_from_local": {
            "one": f"{fails}{no_handler.format('')}",
            "followed": Like(rf"(?s)_MultiThreadedRendezvous: .*UNIMPLEMENTED.*{streamed}.*"),
        },
        # RT-43
        "RuntimeService.validate_runtime_spec": {
            "good": {
                **good,
                "normalized_spec": "python:3.11-ml@arm64",
                "spec_info": {
                    "language": "python",
                    "version": "3.11",
                    "variants": ["ml"],
                    "architecture": "arm64",
                },
            },
            "amd64": {
                **good,
                "normalized_spec": "python:3.11",
                "spec_info": {
                    "language": "python",
                    "version": "3.11",
                    "variants": [],
                    "architecture": "amd64",
                },
            },
            "with dashes": {
                **invalid,
                "message": "Runtime spec must be in format language:version (e.g., python:3.11)",
                "normalized_spec": "python-3.11-ml",
            },
            "a language": {
                **invalid,
                "message": (
                    "Unsupported language: cobol. Supported: python, java, golang, node, ruby, php"
                ),
                "normalized_spec": "cobol:1",
            },
            "empty": {
                **invalid,
                "message": "Runtime spec cannot be empty",
                "normalized_spec": "",
            },
        },
    }


def _builds() -> Told:
    # SDK-46: methods of newer servers.
    unknown = "unknown method {} for service joblet.RuntimeService"
    return {
        "RuntimeService.build_runtime": {
            "one": f"RuntimeError: Failed to build runtime: {unknown.format('BuildRuntime')}",
        },
        "RuntimeService.validate_runtime_yaml": {
            "one": (
                "ValidationError: Failed to validate runtime YAML: "
                f"{unknown.format('ValidateRuntimeYAML')}"
            ),
        },
    }
