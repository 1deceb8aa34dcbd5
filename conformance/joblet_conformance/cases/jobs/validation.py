"""What RunJob refuses before it does anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import planned

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

WRONG: Final = "invalid request: request validation failed: "
RUNTIME: Final = f"{WRONG}invalid runtime: "
CPU: Final = "job run failed: job creation failed: invalid CPU limit: must be between 0-100"


@case("jobs/empty-command", "JOB-RUN-10")
def _(talk: Talk) -> None:
    """An empty command is refused."""
    reply = talk.call("RunJob", command="")
    talk.refused("JOB-RUN-10", reply, "INVALID_ARGUMENT", "invalid request: command is required")


@case("jobs/negative-limits", "JOB-RUN-11", "JOB-RUN-13")
def _(talk: Talk) -> None:
    """Negative limits are refused by name; negative GPU memory is nobody's concern."""
    for field, name in (
        ("max_cpu", "maxCPU"),
        ("max_memory", "maxMemory"),
        ("max_io_bps", "maxIOBPS"),
    ):
        negative: dict[str, Any] = {field: -1}
        reply = talk.call("RunJob", command="true", **negative)
        text = f"{WRONG}{name} cannot be negative"
        talk.refused("JOB-RUN-11", reply, "INVALID_ARGUMENT", text)
    status = planned(talk, gpu_memory_mb=-1)
    talk.expect("JOB-RUN-13", "the status", status.status, "SCHEDULED")


@case("jobs/empty-volume-name", "JOB-RUN-12")
def _(talk: Talk) -> None:
    """An empty name among the volumes is refused."""
    for volumes in ([""], ["some", ""]):
        reply = talk.call("RunJob", command="true", volumes=volumes)
        text = f"{WRONG}empty volume name not allowed"
        talk.refused("JOB-RUN-12", reply, "INVALID_ARGUMENT", text)


@case("jobs/runtime-format", "JOB-RUN-14", "JOB-RUN-18")
def _(talk: Talk) -> None:
    """A runtime needs a certain shape alone, and is shown as it was sent."""
    for runtime, problem in (
        ("a:b:c", "invalid runtime format: expected 'language:version', got 'a:b:c'"),
        (":1", "runtime language and version cannot be empty"),
        ("a:", "runtime language and version cannot be empty"),
        ("python", "invalid runtime format: expected 'language-version[-tags]', got 'python'"),
        ("a--b", "runtime language and version cannot be empty"),
        ("a-", "runtime language and version cannot be empty"),
    ):
        reply = talk.call("RunJob", command="true", runtime=runtime)
        talk.refused("JOB-RUN-14", reply, "INVALID_ARGUMENT", RUNTIME + problem)
    for runtime in ("a-b-", " : ", "python:3.99", "no-such-runtime"):
        status = planned(talk, runtime=runtime)
        talk.expect("JOB-RUN-18", "the runtime", status.runtime, runtime)


@case("jobs/first-bad-field", "JOB-RUN-03")
def _(talk: Talk) -> None:
    """Of several bad fields the first in the server's order is reported."""
    bad: dict[str, Any] = {
        "command": "",
        "max_cpu": -1,
        "max_memory": -1,
        "max_io_bps": -1,
        "volumes": [""],
        "runtime": "python",
    }
    for field, word in (
        ("command", "command is required"),
        ("max_cpu", "maxCPU"),
        ("max_memory", "maxMemory"),
        ("max_io_bps", "maxIOBPS"),
        ("volumes", "empty volume name"),
        ("runtime", "invalid runtime"),
    ):
        reply = talk.call("RunJob", **bad)
        talk.check("JOB-RUN-03", f"{field} is reported: {reply.details}", word in reply.details)
        if field == "command":
            bad[field] = "true"
        else:
            del bad[field]


@case("jobs/order-of-checks", "JOB-RUN-01", "JOB-RUN-42", needs=("viewer",))
def _(talk: Talk) -> None:
    """The role comes before the fields, those before the build, that before the schedule."""
    bad: dict[str, Any] = {"max_cpu": 101, "schedule": "soon"}
    reply = talk.call("RunJob", role="viewer", command="", **bad)
    talk.expect("JOB-RUN-01", "the role's code", reply.code, "PERMISSION_DENIED")
    reply = talk.call("RunJob", command="true", runtime="python", **bad)
    talk.expect("JOB-RUN-01", "the runtime's code", reply.code, "INVALID_ARGUMENT")
    reply = talk.call("RunJob", command="true", **bad)
    talk.refused("JOB-RUN-42", reply, "INTERNAL", CPU)
    uploads = [{"path": "/etc/passwd", "content": b""}]
    reply = talk.call("RunJob", command="true", schedule="soon", uploads=uploads)
    talk.check("JOB-RUN-01", "the schedule is reported", "schedule format" in reply.details)
