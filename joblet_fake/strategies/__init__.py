"""Hypothesis strategies for clients of Joblet: requests, jobs, programs, faults, and a machine.

Needs Hypothesis: `pip install "pytest-joblet[hypothesis]"`.
"""

try:
    import hypothesis  # noqa: F401 - only to say what is missing
except ImportError as error:  # pragma: no cover - tests have it
    raise ImportError(
        'joblet_fake.strategies needs Hypothesis: pip install "pytest-joblet[hypothesis]"',
    ) from error

from joblet_fake.strategies.faults import FaultPlan, PlannedFault, faults
from joblet_fake.strategies.machine import JobletMachine
from joblet_fake.strategies.programs import programs
from joblet_fake.strategies.requests import garbage, jobs, requests

__all__ = [
    "FaultPlan",
    "JobletMachine",
    "PlannedFault",
    "faults",
    "garbage",
    "jobs",
    "programs",
    "requests",
]
