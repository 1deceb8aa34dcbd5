from __future__ import annotations

import pytest

from joblet_fake.model import Kind, Refusal
from joblet_fake.model.runtime_spec import SpecInfo, check_runtime, take_apart

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


FORM = "Runtime spec must be in format language:version (e.g., python:3.11)"
LANGUAGES = "Supported: python, java, golang, node, ruby, php"
ARCHITECTURES = "Supported: amd64, arm64, x86_64"


@pytest.mark.parametrize(
    ("spec", "info", "normalized"),
    [
        ("python:3.11", SpecInfo("python", "3.11", (), "amd64"), "python:3.11"),
        (
            "node:18-slim-x@arm64",
            SpecInfo("node", "18", ("slim", "x"), "arm64"),
            "node:18-slim-x@arm64",
        ),
        ("php:8@amd64", SpecInfo("php", "8", (), "amd64"), "php:8"),
        ("php:8@x86_64", SpecInfo("php", "8", (), "x86_64"), "php:8@x86_64"),
        ("php:8@arm64@more", SpecInfo("php", "8", (), "arm64"), "php:8@arm64"),
        ("python:", SpecInfo("python", "", (), "amd64"), "python:"),
        ("python:-", SpecInfo("python", "", ("",), "amd64"), "python:-"),
        ("python:a b ", SpecInfo("python", "a b ", (), "amd64"), "python:a b "),
        ("ruby:../..", SpecInfo("ruby", "../..", (), "amd64"), "ruby:../.."),
        ("java:\x00é", SpecInfo("java", "\x00é", (), "amd64"), "java:\x00é"),
    ],
)
def test_the_form_with_a_colon_is_taken_apart(spec: str, info: SpecInfo, normalized: str) -> None:
    """RT-43: whatever stands after the colon."""
    assert take_apart(spec) == info
    assert info.normalized == normalized


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("python-3.11-ml", FORM),
        (" ", FORM),
        ("@amd64", FORM),
        ("cobol:1:2@vax", FORM),
        (":", f"Unsupported language: . {LANGUAGES}"),
        (" python:3.11", f"Unsupported language:  python. {LANGUAGES}"),
        ("Python:3.11@vax", f"Unsupported language: Python. {LANGUAGES}"),
        ("python:3.11@", f"Unsupported architecture: . {ARCHITECTURES}"),
        ("python:3.11@ARM64", f"Unsupported architecture: ARM64. {ARCHITECTURES}"),
        ("x" * 5000 + ":1", f"Unsupported language: {'x' * 5000}. {LANGUAGES}"),
    ],
)
def test_form_language_and_architecture_are_looked_at_in_this_order(spec: str, text: str) -> None:
    """RT-43."""
    with pytest.raises(Refusal) as caught:
        take_apart(spec)
    assert caught.value.text == text
