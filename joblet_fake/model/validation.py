"""What a server checks of a job before it does anything with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.limits import check_limits
from joblet_fake.model.runtime_spec import check_runtime

if TYPE_CHECKING:
    from joblet_fake.model.job import JobSpec


def validate(spec: JobSpec) -> None:
    """Check a job's fields in the real server's order; the first failure wins (JOB-RUN-03).

    Raises:
        Refusal: the field that is wrong, in the real server's words (JOB-RUN-10 to JOB-RUN-14).
    """
    if not spec.command:
        raise Refusal(Kind.INVALID, "command is required")
    if spec.workflow_uuid:
        # A job of a workflow is checked for nothing else (JOB-WF-30).
        return
    check_limits(spec.max_cpu, spec.max_memory, spec.max_io_bps)
    if "" in spec.volumes:
        raise Refusal(
            Kind.INVALID,
            "request validation failed: empty volume name not allowed",
        )
    if spec.runtime:
        check_runtime(spec.runtime)
