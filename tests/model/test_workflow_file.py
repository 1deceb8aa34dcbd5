"""A workflow's file: what becomes of what it says, and what is refused before anything starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model import Kind, Refusal
from joblet_fake.model.workflow_file import check_workflow, read_workflow, with_files


def problem(yaml: str, volumes: tuple[str, ...] = (), runtimes: tuple[str, ...] = ()) -> str:
    """Check a file and give what is refused; "" if nothing is."""
    try:
        check_workflow(read_workflow(yaml), volumes.__contains__, runtimes.__contains__)
    except Refusal as refusal:
        found = refusal
    else:
        return ""
    start = "workflow validation failed: "
    assert (found.kind, found.text[: len(start)]) == (Kind.INTERNAL, start)
    return found.text.removeprefix(start)


def test_a_job_is_taken_as_the_file_has_it() -> None:
    """JOB-WF-05, JOB-WF-11: of two requirements for one job the last counts."""
    (step,) = read_workflow(
        """
        jobs:
          train:
            command: python3
            args: [train.py, 5, null, yes]
            runtime: python-3.11
            volumes: [data, ""]
            uploads: {files: [train.py]}
            requires:
              - {prepare: FAILED, fetch: RUNNING}
              - prepare: COMPLETED
            resources: {max_cpu: 50.9, max_memory: -1, cpu_cores: 0-1, gpu_count: 2}
            schedule: tomorrow
        """,
    )
    spec = step.spec

    assert (spec.command, spec.args, spec.name) == ("python3", ("train.py", "5", "yes"), "train")
    assert (spec.runtime, spec.volumes, spec.network) == ("python-3.11", ("data", ""), "bridge")
    assert (spec.max_cpu, spec.max_memory, spec.cpu_cores, spec.gpu_count) == (50, -1, "0-1", 2)
    assert spec.schedule == ""
    assert step.requires == {"prepare": "COMPLETED", "fetch": "RUNNING"}
    assert step.files == ("train.py",)


def test_numbers_are_cut_to_32_bits_as_on_the_way_to_a_job() -> None:
    (step,) = read_workflow("jobs: {a: {resources: {max_cpu: 4294967346, max_memory: 2147483648}}}")

    assert (step.spec.max_cpu, step.spec.max_memory) == (50, -(2**31))


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("A_KEY", True), ("MY_TOKEN", True), ("my_password", True), ("secret_x", True),
        ("db_Secret", True), ("TOKENS", False), ("KEY", False), ("SECRETS", False), ("A", False),
    ],
)  # fmt: skip
def test_variables_named_like_secrets_become_secrets(name: str, *, secret: bool) -> None:
    """JOB-WF-06."""
    (step,) = read_workflow(f"jobs: {{a: {{environment: {{{name}: '${{OTHER}}', OTHER: x}}}}}}")
    plain, hidden = dict(step.spec.environment), dict(step.spec.secret_environment)

    # A reference is one that was not handled yet: of the real outcomes always the same one.
    assert (hidden if secret else plain)[name] == "${OTHER}"
    assert name not in (plain if secret else hidden)


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ("{a: {requires: [{a: X}]}}", "circular dependency involving job 'a'"),
        (
            "{z: {requires: [{a: X}]}, a: {requires: [{b: X}]}, b: {requires: [{a: X}]}}",
            "circular dependency involving job 'a'",
        ),
        ("{a: {requires: [{b: X}]}, b: {requires: [{c: X}]}, c: {requires: [{d: X}]}, d: {}}", ""),
        # the same job on two ways is no circle
        ("{a: {requires: [{b: X}, {c: X}]}, b: {requires: [{c: X}]}, c: {}}", ""),
    ],
)
def test_a_circle_is_found_wherever_it_begins(jobs: str, words: str) -> None:
    found = problem(f"jobs: {jobs}")

    assert found == (words and f"circular dependency detected: {words}")


def test_a_long_chain_is_no_circle_and_takes_no_deep_stack() -> None:
    chain = "\n".join(f"  j{n}: {{requires: [{{j{n + 1}: COMPLETED}}]}}" for n in range(1500))

    assert problem(f"jobs:\n{chain}\n  j1500: {{}}") == ""


@pytest.mark.parametrize(
    ("asked", "installed", "found"),
    [
        ("python-3.11", "python-3.11", True),
        ("python:3.11", "python-3.11", True),
        ("python-3.11", "python:3.11", True),
        ("python-3.11-ml", "python-3.11", False),
    ],
)
def test_a_runtime_may_be_written_with_a_colon_or_a_dash(
    asked: str, installed: str, *, found: bool
) -> None:
    refused = problem(f"jobs: {{a: {{runtime: '{asked}'}}}}", runtimes=(installed,))

    assert refused == ("" if found else f"runtime validation failed: missing runtimes: [{asked}]")


def test_what_is_missing_is_listed_once_each() -> None:
    """JOB-WF-04; the real order is random."""
    yaml = "jobs: {a: {volumes: [v2, here, v1, '']}, b: {volumes: [v1]}}"

    assert problem(yaml, volumes=("here",)) == "volume validation failed: missing volumes: [v1 v2]"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("A", "x" * 32_768, ""),
        ("_a1", "", ""),
        ("A", "x" * 32_769, "environment variable 'A' value too long (32769 bytes, max 32768)"),
        ("A", "é" * 16_385, "environment variable 'A' value too long (32770 bytes, max 32768)"),
        ("", "x", "invalid environment variable name ''"),
        ("1A", "x", "invalid environment variable name '1A'"),
        ("A-B", "x", "invalid environment variable name 'A-B'"),
        ("A\\n", "x", "invalid environment variable name 'A\n'"),
        ("X-SECRET_KEY", "x", "invalid environment variable name 'X-SECRET_KEY'"),
    ],
)
def test_variables_have_names_and_lengths(name: str, value: str, words: str) -> None:
    """JOB-WF-04; secrets too."""
    found = problem(f'jobs: {{a: {{environment: {{"{name}": "{value}"}}}}}}')

    start = "environment variable validation failed: job 'a': environment - "
    assert found.startswith(words and start + words)
    assert bool(found) == bool(words)


def test_uploads_are_the_workflows_files_of_the_same_path() -> None:
    """JOB-WF-07."""
    (wants,) = read_workflow("jobs: {a: {uploads: {files: [x/y, z]}}}")
    (wants_none,) = read_workflow("jobs: {a: {uploads: {}}}")
    sent = {"x/y": b"1", "z": b"2", "more": b"3"}
    spec = with_files(wants, sent)

    assert spec is not None
    assert [(upload.path, upload.content) for upload in spec.uploads] == [
        ("x/y", b"1"),
        ("z", b"2"),
    ]
    assert with_files(wants, {"x/y": b"1"}) is None
    assert with_files(wants, {"./z": b"2", "x/y": b"1"}) is None
    assert with_files(wants, None) is None
    assert with_files(wants_none, None) == wants_none.spec


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3, unique=True), max_size=6))
def test_a_circle_is_found_exactly_when_no_order_of_the_jobs_exists(
    graph: dict[str, list[str]],
) -> None:
    yaml = "\n".join(
        f"  {name}: {{requires: [{', '.join(f'{{{other}: X}}' for other in others)}]}}"
        for name, others in graph.items()
    )
    found = problem(f"jobs:\n{yaml}")
    left = {name: {other for other in others if other in graph} for name, others in graph.items()}
    while ready := [name for name, others in left.items() if not others]:
        left = {name: others - set(ready) for name, others in left.items() if name not in ready}

    assert found.startswith("circular dependency detected") == bool(left)
