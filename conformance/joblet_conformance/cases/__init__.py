"""The cases, an area in each module; importing this makes all of them known."""

from joblet_conformance.cases import history, jobs, logs, networks, volumes

__all__ = ["history", "jobs", "logs", "networks", "volumes"]
