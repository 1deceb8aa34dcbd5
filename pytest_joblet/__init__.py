"""The pytest plugin of joblet_fake: fixtures that start a fake Joblet for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_joblet.target import JobletTarget

__all__ = ["JobletTarget"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes
    # Every run of pytest imports this package: what loads gRPC comes when it is asked for.
    if name == "JobletTarget":
        from pytest_joblet.target import JobletTarget  # noqa: PLC0415 - as said above

        return JobletTarget
    raise AttributeError(f"module 'pytest_joblet' has no attribute {name!r}")
