from __future__ import annotations

from typing import Any

import pytest

from joblet_fake.model import JobSpec, Kind, Refusal
from joblet_fake.model.validation import validate

FAILED = "request validation failed: "


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"command": ""}, "command is required"),
        ({"max_cpu": -1}, FAILED + "maxCPU cannot be negative"),
        ({"volumes": ("data", "")}, FAILED + "empty volume name not allowed"),
        (
            {"runtime": "python"},
            FAILED + "invalid runtime: invalid runtime format: expected 'language-version[-tags]', "
            "got 'python'",
        ),
        ({"command": "", "max_cpu": -1}, "command is required"),
        ({"max_io_bps": -1, "volumes": ("",)}, FAILED + "maxIOBPS cannot be negative"),
        ({"volumes": ("",), "runtime": "python"}, FAILED + "empty volume name not allowed"),
        ({"command": "", "workflow_uuid": "w"}, "command is required"),
    ],
)
def test_the_first_field_that_is_wrong_is_told(fields: dict[str, Any], text: str) -> None:
    """JOB-RUN-03, JOB-RUN-10 to JOB-RUN-14."""
    with pytest.raises(Refusal) as caught:
        validate(JobSpec(**{"command": "work", **fields}))
    assert (caught.value.kind, caught.value.text) == (Kind.INVALID, text)


@pytest.mark.parametrize(
    "fields",
    [
        {"command": " "},
        {"volumes": ("a b", "-", "x" * 300)},
        {"environment": {"a b": "", "a=b": "", "": "x", "JOB_ID": "y"}},
        {"environment": {"LONG": "x" * 40_000}},
        {"secret_environment": {"RUNTIME_MANAGER_PATH": "x"}},
        {"gpu_memory_mb": -1, "gpu_count": -1},
        {"network": "nowhere"},
        {"runtime": "python:9.99"},
        {"work_dir": "../.."},
        {"workflow_uuid": "w", "max_cpu": -1, "volumes": ("",), "runtime": "python"},
    ],
)
def test_what_a_server_of_this_generation_lets_through(fields: dict[str, Any]) -> None:
    """JOB-RUN-10, -13, -20, -55, -63, VOL-24, JOB-WF-30."""
    validate(JobSpec(**{"command": "work", **fields}))
