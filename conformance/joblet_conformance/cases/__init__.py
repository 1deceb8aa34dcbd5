"""The cases, an area in each module; importing this makes all of them known."""

from joblet_conformance.cases import (
    auth,
    history,
    jobs,
    logs,
    monitoring,
    networks,
    runtimes,
    transport,
    volumes,
)

__all__ = [
    "auth",
    "history",
    "jobs",
    "logs",
    "monitoring",
    "networks",
    "runtimes",
    "transport",
    "volumes",
]
