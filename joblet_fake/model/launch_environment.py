"""The variables that a server hands to a job's launcher, and what it refuses to hand over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_fake.model.process import LaunchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from joblet_fake.model.job import JobSpec

BEFORE_COMMAND: Final = 18
"""How many come before the command: nine of the server's own process, nine of the job."""


def check_environment(spec: JobSpec) -> None:
    """Check what is handed to the launcher as variables: nothing may hold a NUL (JOB-RUN-86).

    Args:
        spec: what was asked for.

    Raises:
        LaunchError: something does; the text has its place among the variables.
    """
    for place, text in enumerate(_texts(spec), BEFORE_COMMAND):
        if "\0" in text:
            raise LaunchError(
                "failed to launch process: invalid launch config: invalid environment: "
                f"validation error for field 'environment' (value: env[{place}]): "
                "environment variable contains null bytes",
            )


def _texts(spec: JobSpec) -> Iterator[str]:
    """Give what a client can say in each variable from the command on, in their order."""
    yield spec.command
    yield ""  # how many arguments there are
    yield from spec.args
    if spec.cpu_cores:
        yield spec.cpu_cores
    if spec.volumes:
        yield ""  # how many volumes there are
        yield from spec.volumes
    if spec.runtime:
        yield spec.runtime
    for variables in (spec.environment, spec.secret_environment):
        for name, value in variables.items():
            yield f"{name}={value}"
