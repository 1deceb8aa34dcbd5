"""`joblet.runtimes` as a test's author uses it."""

from __future__ import annotations

from typing import Any

import pytest

from joblet_fake import FakeJoblet


@pytest.fixture
def joblet() -> FakeJoblet:
    """One that is not started: state needs no server."""
    return FakeJoblet(clock="frozen")


def test_runtimes_are_found_by_name_and_version_or_by_name_alone(joblet: FakeJoblet) -> None:
    joblet.runtimes.add("go-1.22", version="1.0.0")
    joblet.runtimes.add("python-3.11", version="1.9.0", packages=["a"])
    joblet.runtimes.add("python-3.11", version="1.10.0", packages=["b"])

    assert list(joblet.runtimes) == ["go-1.22@1.0.0", "python-3.11@1.10.0", "python-3.11@1.9.0"]
    assert len(joblet.runtimes) == 3
    assert joblet.runtimes["python-3.11@1.9.0"].packages == ("a",)
    assert joblet.runtimes["go-1.22"].version == "1.0.0"
    assert "go-1.22" in joblet.runtimes
    with pytest.raises(KeyError, match=r"several versions: write '.*1\.10\.0' or '.*1\.9\.0'"):
        joblet.runtimes["python-3.11"]
    with pytest.raises(KeyError, match=r"its runtimes: go-1\.22@1\.0\.0, "):
        joblet.runtimes["ruby"]


def test_a_runtime_tells_what_was_said_of_it(joblet: FakeJoblet) -> None:
    runtime = joblet.runtimes.add(
        "python-3.11-ml",
        version="1.3.1",
        description="ML",
        architectures=["x86_64"],
        environment={"A": "1"},
        size=10,
        flat=True,
    )

    assert repr(runtime) == (
        "<runtime python-3.11-ml@1.3.1 at /opt/joblet/runtimes/python-3.11-ml>"
    )
    assert (runtime.name, runtime.language, runtime.description) == (
        "python-3.11-ml",
        "python",
        "ML",
    )
    assert (runtime.architectures, runtime.environment, runtime.size) == (
        ("x86_64",),
        {"A": "1"},
        10,
    )
    assert joblet.runtimes.add("x-1", language="").language == ""


def test_runtimes_are_removed_by_version_or_all(joblet: FakeJoblet) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        joblet.runtimes.add("a", version=version)
    joblet.runtimes.add("b")

    joblet.runtimes.remove("a@2.0.0")
    assert list(joblet.runtimes) == ["a@1.0.0", "a@3.0.0", "b@1.0.0"]
    joblet.runtimes.remove("a")
    assert list(joblet.runtimes) == ["b@1.0.0"]
    with pytest.raises(KeyError, match=r"no runtime 'a' .* b@1\.0\.0"):
        joblet.runtimes.remove("a")


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"name": ""}, ValueError, "a folder's name"),
        ({"name": "a/b"}, ValueError, "a folder's name"),
        ({"name": ".."}, ValueError, "a folder's name"),
        ({"name": "a@1.0.0"}, ValueError, "a folder's name"),
        ({"name": "a\0"}, ValueError, "a folder's name"),
        ({"name": "é" * 128}, ValueError, "256 bytes"),
        ({"name": 3}, TypeError, "give text"),
        ({"name": "a", "version": ""}, ValueError, "version=''"),
        ({"name": "a", "version": 3.11}, TypeError, "give text"),
        ({"name": "a", "packages": "numpy"}, TypeError, "lists"),
        ({"name": "a", "size": -1}, ValueError, "0 or more"),
        ({"name": "there"}, ValueError, "installed already"),
    ],
)
def test_what_can_not_be_installed_is_refused(
    joblet: FakeJoblet, fields: dict[str, Any], error: type[Exception], text: str
) -> None:
    joblet.runtimes.add("there")

    with pytest.raises(error, match=text):
        joblet.runtimes.add(**fields)

    assert list(joblet.runtimes) == ["there@1.0.0"]


def test_a_reset_forgets_runtimes_and_what_installations_do(joblet: FakeJoblet) -> None:
    joblet.runtimes.add("a")
    joblet.runtimes.on_install().exits(1)

    joblet.reset()

    assert len(joblet.runtimes) == 0
    with joblet:
        told = list(joblet.rpc("StreamingInstallRuntimeFromGithub", runtime_spec="a"))
    assert told[-1].result.success


def test_a_runtime_is_deleted_as_it_is_removed(joblet: FakeJoblet) -> None:
    joblet.runtimes.add("go-1.22")
    joblet.runtimes.add("java-21")
    del joblet.runtimes["go-1.22"]
    assert list(joblet.runtimes) == ["java-21@1.0.0"]
    with pytest.raises(KeyError, match=r"no runtime 'go-1\.22' .*; its runtimes: java-21@1\.0\.0"):
        del joblet.runtimes["go-1.22"]
