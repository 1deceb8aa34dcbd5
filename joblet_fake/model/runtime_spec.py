"""How a runtime may be written in RunJob."""

from __future__ import annotations

from typing import Final

from joblet_fake.model.errors import Kind, Refusal

PARTS: Final = 2


def check_runtime(spec: str) -> None:
    """Check a runtime's form; whether it is installed shows only in the job (JOB-RUN-14, -63).

    Args:
        spec: `language:version`, or `language-version` with anything after another dash.

    Raises:
        Refusal: it has neither form.

    >>> check_runtime("python:3.11"); check_runtime("python-3.11-ml")
    """
    problem = ""
    if ":" in spec:
        parts = spec.split(":")
        if len(parts) != PARTS:
            problem = f"invalid runtime format: expected 'language:version', got '{spec}'"
    else:
        parts = spec.split("-")
        if len(parts) < PARTS:
            problem = f"invalid runtime format: expected 'language-version[-tags]', got '{spec}'"
    if not problem and not all(parts[:PARTS]):
        problem = "runtime language and version cannot be empty"
    if problem:
        raise Refusal(
            Kind.INVALID,
            f"request validation failed: invalid runtime: {problem}",
        )
