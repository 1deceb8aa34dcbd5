from __future__ import annotations

import pytest

from joblet_fake.model import Kind, Refusal
from joblet_fake.model.runtime_spec import check_runtime

EMPTY = "runtime language and version cannot be empty"


@pytest.mark.parametrize(
    "spec", ["python:3.11", "python-3.11", "python-3.11-ml", "a-b-", " : ", "a- ", "a:b-c", "ü:1"]
)
def test_forms_that_pass(spec: str) -> None:
    """JOB-RUN-14: blanks count as text, of the dash form only two parts are looked at."""
    check_runtime(spec)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("a:b:c", "invalid runtime format: expected 'language:version', got 'a:b:c'"),
        ("::", "invalid runtime format: expected 'language:version', got '::'"),
        (":", EMPTY),
        ("a:", EMPTY),
        (":b", EMPTY),
        ("python", "invalid runtime format: expected 'language-version[-tags]', got 'python'"),
        ("a--b", EMPTY),
        ("a-", EMPTY),
        ("-", EMPTY),
        ("-b", EMPTY),
    ],
)
def test_forms_that_are_refused(spec: str, problem: str) -> None:
    """JOB-RUN-14."""
    with pytest.raises(Refusal) as caught:
        check_runtime(spec)
    text = f"request validation failed: invalid runtime: {problem}"
    assert (caught.value.kind, caught.value.text) == (Kind.INVALID, text)
