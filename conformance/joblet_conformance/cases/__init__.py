"""The cases, an area in each module; importing this makes all of them known."""

from joblet_conformance.cases import (
    auth,
    history,
    jobs,
    logs,
    metrics,
    monitoring,
    networks,
    runtimes,
    transport,
    volumes,
    workflows,
)

__all__ = [
    "auth",
    "history",
    "jobs",
    "logs",
    "metrics",
    "monitoring",
    "networks",
    "runtimes",
    "transport",
    "volumes",
    "workflows",
]
