"""Files that are sent along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import LIST, OUTPUT, launched
from joblet_conformance.normalise import Pattern

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

FAILED: Final = (
    "job run failed: execution failed: failed to prepare workspace: failed to process uploads: "
)
FOLDER: Final = Pattern(
    r"/[^ ]*/jobs/(?=<id)",
    "the jobs' folder",
    "where a server keeps its jobs is its operator's choice",
    field="details",
)


def file(path: str, content: bytes = b"x", **more: object) -> dict[str, object]:
    """Give an upload."""
    return {"path": path, "content": content, **more}


def shown(*tests: str) -> str:
    """Give a script that says which of some tests hold, in one piece."""
    words = " ".join(f"$(if [ {test} ]; then echo yes; else echo no; fi)" for test in tests)
    return f'echo "{words}"'


@case("jobs/uploads", "JOB-RUN-72", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """Uploads lie in /work with their folders, the later one of two with the same path."""
    status = launched(
        talk,
        "sh",
        "-c",
        'echo "$(cat a/b/c.txt) $(cat /work/twice.txt)"',
        uploads=[file("a/b/c.txt", b"deep"), file("twice.txt", b"1"), file("twice.txt", b"2")],
    )
    talk.expect("JOB-RUN-72", "what it reads", talk.output(status.uuid), b"deep 2\n")


@case("jobs/upload-modes", "JOB-RUN-57", "JOB-RUN-72", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """Modes are ignored, and what is sent as a folder becomes a file, empty as folders are."""
    uploads = [
        file("run", b"#!/bin/sh\n", mode=0o755),
        file("folder", b"", is_directory=True, mode=0o755),
        file("full", b"content", is_directory=True),
    ]
    script = shown("-x run", "-r run", "-d folder", "-f folder", "-s folder", "-s full")
    status = launched(talk, "sh", "-c", script, uploads=uploads)
    wanted = b"no yes no yes no yes\n"
    talk.expect("JOB-RUN-57", "what it finds", talk.output(status.uuid), wanted)


@case("jobs/upload-paths", "JOB-RUN-70", "JOB-RUN-73", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """The paths of an immediate job are cleaned, and those that lead out simply lead out."""
    paths = ("/rooted", "a/../cleaned", "./dotted", "etc/passwd")
    script = shown("-f rooted", "-f cleaned", "-f dotted", "-f /work/etc/passwd")
    status = launched(talk, "sh", "-c", script, uploads=[file(path) for path in paths])
    talk.expect("JOB-RUN-70", "what it finds", talk.output(status.uuid), b"yes yes yes yes\n")
    uploads = [file("../out"), file("a/../../out")]
    status = launched(talk, "ls", uploads=uploads)
    talk.expect("JOB-RUN-73", "the end", (status.status, status.exit_code), ("COMPLETED", 0))
    talk.expect("JOB-RUN-73", "what it finds", talk.output(status.uuid), b"")


@case("jobs/uploads-that-fail", "JOB-RUN-70", "JOB-RUN-81", normalise=(FOLDER, *LIST))
def _(talk: Talk) -> None:
    """An empty path, and a path below or over another upload, fail the launch."""
    tries: tuple[tuple[list[Any], str], ...] = (
        ([file("")], "failed to write file : open "),
        (
            [file("d", is_directory=True), file("d/x")],
            "failed to create parent directory for d/x: mkdir ",
        ),
        ([file("a/b"), file("a")], "failed to write file a: open "),
    )
    for uploads, reason in tries:
        reply = talk.call("RunJob", command="true", uploads=uploads, environment=talk.marked)
        talk.expect("JOB-RUN-70", "the code", reply.code, "INTERNAL")
        said = reply.details.startswith(FAILED + reason)
        talk.check("JOB-RUN-70", f"{reason!r} is said: {reply.details}", said)
        listed = talk.listed()
        failed = {(job.status, job.exit_code) for job in listed}
        talk.expect("JOB-RUN-81", "the ends", failed, {("FAILED", -1)})
    talk.expect("JOB-RUN-81", "how many are recorded", len(listed), len(tries))
