"""JobService: a job's life, from what is refused to what a restart leaves."""

# isort: off - the cases run in this order: a job's life, then what harms others.
from joblet_conformance.cases.jobs import validation, limits, echo, schedule  # noqa: I001
from joblet_conformance.cases.jobs import launch, environment, uploads, workspace
from joblet_conformance.cases.jobs import lookup, status, listing, life
from joblet_conformance.cases.jobs import stop, cancel, delete, refusals, documented
from joblet_conformance.cases.jobs import delete_all, restart
# isort: on

__all__ = [
    "cancel",
    "delete",
    "delete_all",
    "documented",
    "echo",
    "environment",
    "launch",
    "life",
    "limits",
    "listing",
    "lookup",
    "refusals",
    "restart",
    "schedule",
    "status",
    "stop",
    "uploads",
    "validation",
    "workspace",
]
