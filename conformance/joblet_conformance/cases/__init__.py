"""The cases, an area in each module; importing this makes all of them known."""

from joblet_conformance.cases import jobs, monitoring, runtimes

__all__ = ["jobs", "monitoring", "runtimes"]
