"""What differs between behaviour generations, as data: roles, operations, codes, gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joblet_fake.model.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Generation:
    """One behaviour generation.

    Attributes:
        name: what DESIGN and docs call it.
        last_api: the newest API version that behaves so.
        roles: the roles that a certificate's OU can name (AUTH-05).
        allowed: the operations of each role; None for all of them (AUTH-09).
        operations: the operation that each method asks for; a method that is not here asks for
            none (AUTH-08).
        unhandled: the methods that are declared and have no handler (SURF-05).
        codes: the code for a kind of refusal at a call site; `None` as kind is any other.
    """

    name: str
    last_api: str
    roles: tuple[str, ...]
    allowed: Mapping[str, frozenset[str] | None]
    operations: Mapping[str, str]
    unhandled: frozenset[str]
    codes: Mapping[str, Mapping[Kind | None, str]]

    def may(self, role: str, operation: str) -> bool:
        """Tell whether a role may perform an operation."""
        if role not in self.allowed:
            return False
        allowed = self.allowed[role]
        return allowed is None or operation in allowed

    def code(self, site: str, kind: Kind) -> str:
        """Give the gRPC code for a refusal at a call site."""
        if kind is Kind.UNAVAILABLE:
            return "UNAVAILABLE"
        codes = self.codes[site]
        return codes.get(kind) or codes[None]


UNKNOWN_ROLE: Final = "unknown"

FITTING: Final[Mapping[Kind, str]] = {
    Kind.INVALID: "INVALID_ARGUMENT",
    Kind.NOT_FOUND: "NOT_FOUND",
    Kind.CONFLICT: "FAILED_PRECONDITION",
}
"""The codes of causes, whatever the call site, as later generations have them (JOB-GEN-08)."""

GENERATION_2_3: Final = Generation(
    name="2.3",
    last_api="2.3.1",
    roles=("admin", "viewer"),
    allowed={
        "admin": None,
        "viewer": frozenset(
            {
                "get_job",
                "get_job_logs",
                "get_job_status",
                "list_jobs",
                "list_networks",
                "list_volumes",
                "query_logs",
                "query_metrics",
                "stream_jobs",
            },
        ),
    },
    operations={
        "JobService.RunJob": "run_job",
        "JobService.RunWorkflow": "run_job",
        "JobService.GetJobStatus": "get_job",
        "JobService.ListJobs": "get_job",
        "JobService.GetJobLogs": "get_job",
        "JobService.GetJobMetrics": "get_job",
        "JobService.GetWorkflowStatus": "get_job",
        "JobService.ListWorkflows": "get_job",
        "JobService.GetWorkflowJobs": "get_job",
        "JobService.StopJob": "stop_job",
        # Asked for only where it has a handler: no server has one (JOB-CAN-01).
        "JobService.CancelJob": "stop_job",
        "JobService.DeleteJob": "stop_job",
        "JobService.DeleteAllJobs": "stop_job",
        "NetworkService.CreateNetwork": "run_job",
        "NetworkService.RemoveNetwork": "run_job",
        "NetworkService.ListNetworks": "stream_jobs",
        "VolumeService.CreateVolume": "run_job",
        "VolumeService.RemoveVolume": "run_job",
        "VolumeService.ListVolumes": "stream_jobs",
        "RuntimeService.ListRuntimes": "get_job",
        "RuntimeService.GetRuntimeInfo": "get_job",
        "RuntimeService.TestRuntime": "run_job",
        "RuntimeService.RemoveRuntime": "run_job",
        "RuntimeService.InstallRuntimeFromGithub": "run_job",
        "RuntimeService.StreamingInstallRuntimeFromGithub": "run_job",
        "RuntimeService.ValidateRuntimeSpec": "get_job",
    },
    unhandled=frozenset(
        {
            "JobService.CancelJob",
            "RuntimeService.InstallRuntimeFromLocal",
            "RuntimeService.StreamingInstallRuntimeFromLocal",
            "PersistService.GetJobInfo",
            "PersistService.ListJobs",
            "PersistService.GetStats",
            "PersistService.CleanupOldData",
        },
    ),
    # In this generation the code is fixed by the call site (JOB-GEN-08).
    codes={
        "invalid request": {None: "INVALID_ARGUMENT"},
        "job run failed": {None: "INTERNAL"},
        "job stop failed": {None: "INTERNAL"},
        "job cancellation failed": {None: "INTERNAL"},
        "job deletion failed": {None: "INTERNAL"},
        "bulk job deletion failed": {None: "INTERNAL"},
        "job status": {None: "NOT_FOUND"},
        "job logs": {None: "INTERNAL", Kind.NOT_FOUND: "NOT_FOUND"},
        "job metrics": {None: "INTERNAL"},
        "query logs": {None: "INTERNAL"},
        "runtime installation": {None: "INTERNAL"},
        "system metrics": {None: "INTERNAL"},
        "failed to create network": {None: "INVALID_ARGUMENT"},
        "failed to create volume": {None: "INVALID_ARGUMENT"},
        "query metrics": {None: "INTERNAL"},
    },
)

GENERATIONS: Final = (GENERATION_2_3,)
"""The generations that are built, oldest first."""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def generation_of(api: str) -> Generation:
    """Give the behaviour generation of an API version.

    Args:
        api: a published version, such as `"2.3.1"`.

    Raises:
        ValueError: the version belongs to a generation that is not built yet.

    >>> generation_of("2.3.1").name
    '2.3'
    """
    for generation in GENERATIONS:
        if _number(api) <= _number(generation.last_api):
            return generation
    newest = GENERATIONS[-1]
    raise ValueError(
        f"api={api!r} is a published version whose server behaviour is not built yet: "
        f"the newest that can be served is {newest.last_api!r} (any version up to it works)",
    )
