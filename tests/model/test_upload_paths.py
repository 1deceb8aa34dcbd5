from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joblet_fake.model import Kind, Refusal, Upload
from joblet_fake.model.process import LaunchError
from joblet_fake.model.upload_paths import check_scheduled, clean, lay_out

WORK = "/opt/joblet/jobs/j/work"
LONG = "y" * 256
PREFIX = "failed to prepare workspace: failed to process uploads: "

# Scheduled jobs: checked when they are submitted


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty path"),
        ("a/../../z", "path traversal not allowed"),
        ("..", "path traversal not allowed"),
        ("../x", "path traversal not allowed"),
        ("a..b", "path traversal not allowed"),
        ("/x", "absolute paths not allowed"),
        ("/../x", "absolute paths not allowed"),
        ("etc", "access to system directory not allowed"),
        ("./etc/passwd", "access to system directory not allowed"),
        ("usr/bin/x", "access to system directory not allowed"),
        ("x/../proc/1", "access to system directory not allowed"),
    ],
)
def test_paths_that_a_scheduled_job_may_not_have(path: str, reason: str) -> None:
    """JOB-RUN-45."""
    with pytest.raises(Refusal) as caught:
        check_scheduled(path)
    assert caught.value.kind is Kind.INTERNAL
    assert caught.value.text == (
        "upload preparation failed: upload processing failed: "
        "failed to prepare upload session: upload validation failed: "
        f"invalid file path {path}: {reason}"
    )


@pytest.mark.parametrize(
    "path", ["a", "a/../b", "./e", "lib/x", "usr/local/x", "etcetera", "usr/binary", "a.b", " "]
)
def test_paths_that_pass(path: str) -> None:
    """JOB-RUN-45."""
    check_scheduled(path)


# Immediate jobs


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a"], ["a"]),
        (["/a"], ["a"]),
        (["//a//b"], ["a/b"]),
        (["a/../b"], ["b"]),
        (["../x", "a/../../x", ".."], []),
        (["a", "a"], ["a"]),
        (["d/x", "d/y"], ["d/x", "d/y"]),
        (["x" * 255], ["x" * 255]),
    ],
)
def test_where_uploads_land(paths: list[str], expected: list[str]) -> None:
    """JOB-RUN-70, JOB-RUN-72, JOB-RUN-73."""
    uploads = [Upload(path, str(place).encode()) for place, path in enumerate(paths)]
    files = lay_out(uploads, WORK)
    assert list(files) == expected
    if expected:
        assert list(files.values())[-1] == str(len(paths) - 1).encode()


def test_a_directory_becomes_a_file_of_what_came_with_it() -> None:
    """JOB-RUN-57."""
    assert lay_out([Upload("d", b"kept", 0o755, is_directory=True)], WORK) == {"d": b"kept"}


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        (
            ["d", "d/x"],
            f"failed to create parent directory for d/x: mkdir {WORK}/d: not a directory",
        ),
        (
            ["d", "/d/e/x"],
            f"failed to create parent directory for /d/e/x: mkdir {WORK}/d: not a directory",
        ),
        (["a/b", "a"], f"failed to write file a: open {WORK}/a: is a directory"),
        ([""], f"failed to write file : open {WORK}: is a directory"),
        (["."], f"failed to write file .: open {WORK}: is a directory"),
        (["a\0"], f"failed to write file a\0: open {WORK}/a\0: invalid argument"),
        ([LONG], f"failed to write file {LONG}: open {WORK}/{LONG}: file name too long"),
    ],
)
def test_uploads_that_cannot_be_written(paths: list[str], problem: str) -> None:
    """JOB-RUN-70."""
    with pytest.raises(LaunchError) as caught:
        lay_out([Upload(path) for path in paths], WORK)
    assert str(caught.value) == PREFIX + problem


@given(st.lists(st.text("ab./", max_size=8), max_size=8))
def test_no_file_lies_outside_of_work_or_under_another(paths: list[str]) -> None:
    try:
        files = lay_out([Upload(path) for path in paths], WORK)
    except LaunchError:
        return
    for path in files:
        assert path == posixpath.normpath(path)
        assert not path.startswith(("/", "../"))
        assert not any(other.startswith(path + "/") for other in files)


@given(st.text("ab./", max_size=10))
def test_cleaning_twice_is_cleaning_once(path: str) -> None:
    assert clean(clean(path)) == clean(path)
