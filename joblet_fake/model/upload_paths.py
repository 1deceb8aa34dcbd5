"""Where uploads go: which paths are refused, and the files that a job finds."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.process import LaunchError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from joblet_fake.model.job import Upload

NAME_LIMIT: Final = 255
"""The longest name of a file or folder, in bytes."""

SYSTEM: Final = ("proc", "sys", "dev", "etc", "bin", "sbin", "usr/bin", "usr/sbin")


def clean(path: str) -> str:
    """Shorten a path as Go's filepath.Clean does.

    >>> clean("a/../b"), clean("./e"), clean(""), clean("//a")
    ('b', 'e', '.', '/a')
    """
    cleaned = posixpath.normpath(path) if path else "."
    return cleaned.replace("//", "/", 1) if cleaned.startswith("//") else cleaned


def check_scheduled(path: str) -> None:
    """Check an upload of a scheduled job, which is done when it is submitted (JOB-RUN-45).

    Args:
        path: as it was sent; it is cleaned first.

    Raises:
        Refusal: the path is none that a job may have.

    >>> check_scheduled("a/../b")
    >>> check_scheduled("/etc/passwd")
    Traceback (most recent call last):
    joblet_fake.model.errors.Refusal: upload preparation failed: upload processing failed: \
failed to prepare upload session: upload validation failed: \
invalid file path /etc/passwd: absolute paths not allowed
    """
    cleaned = clean(path)
    reason = ""
    if not path:
        reason = "empty path"
    elif ".." in cleaned:
        # Two dots anywhere count, in a name too.
        reason = "path traversal not allowed"
    elif cleaned.startswith("/"):
        reason = "absolute paths not allowed"
    elif any(cleaned == system or cleaned.startswith(system + "/") for system in SYSTEM):
        reason = "access to system directory not allowed"
    if reason:
        raise Refusal(
            Kind.INTERNAL,
            "upload preparation failed: upload processing failed: "
            "failed to prepare upload session: upload validation failed: "
            f"invalid file path {path}: {reason}",
        )


def lay_out(uploads: Iterable[Upload], work: str) -> dict[str, bytes]:
    """Give the files that an immediate job finds below /work (JOB-RUN-70 to JOB-RUN-73).

    Args:
        uploads: what was sent; later ones overwrite earlier ones.
        work: the host's folder, which error texts name.

    Returns:
        Contents by path relative to /work. One that leaves it is not there.

    Raises:
        LaunchError: a file would have to be where a folder is, or the other way round, or its
            name is none that a file can have.

    >>> from joblet_fake.model.job import Upload
    >>> lay_out([Upload("/a/../b.txt", b"one"), Upload("../c", b"two")], "/srv/work")
    {'b.txt': b'one'}
    """
    files: dict[str, bytes] = {}
    folders: set[str] = {"."}
    for upload in uploads:
        path = clean(upload.path.lstrip("/"))
        if path == ".." or path.startswith("../"):
            continue
        long = next((part for part in path.split("/") if len(part.encode()) > NAME_LIMIT), None)
        if "\0" in path or long is not None:
            problem = "invalid argument" if "\0" in path else "file name too long"
            raise _failed(f"failed to write file {upload.path}: open {work}/{path}: {problem}")
        parent = posixpath.dirname(path)
        for folder in _folders(parent):
            if folder in files:
                raise _failed(
                    f"failed to create parent directory for {upload.path}: "
                    f"mkdir {work}/{folder}: not a directory",
                )
            folders.add(folder)
        if path in folders:
            target = work if path == "." else f"{work}/{path}"
            raise _failed(f"failed to write file {upload.path}: open {target}: is a directory")
        # A directory entry becomes a file, and the mode is not used (JOB-RUN-57).
        files[path] = upload.content
    return files


def _folders(path: str) -> list[str]:
    parts = path.split("/") if path else []
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _failed(problem: str) -> LaunchError:
    return LaunchError(f"failed to prepare workspace: failed to process uploads: {problem}")
