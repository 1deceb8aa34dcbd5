"""Roles: who may call what, and what makes a role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_conformance.talk import Reply, Talk

UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"
JUNK: Final = b"\xff\xff\xff"

CHANGES: Final = {
    "RunJob": "run_job",
    "RunWorkflow": "run_job",
    "StopJob": "stop_job",
    "JobService.DeleteJob": "stop_job",
    "CreateNetwork": "run_job",
    "RemoveNetwork": "run_job",
    "CreateVolume": "run_job",
    "RemoveVolume": "run_job",
    "TestRuntime": "run_job",
    "RemoveRuntime": "run_job",
}
"""What changes something, and the operation that it asks for (AUTH-08)."""

HARMFUL: Final = {"DeleteAllJobs": "stop_job"}
INSTALLS: Final = {
    "InstallRuntimeFromGithub": "run_job",
    "StreamingInstallRuntimeFromGithub": "run_job",
}
READS: Final = {
    "GetJobStatus": "get_job",
    "JobService.ListJobs": "get_job",
    "GetJobLogs": "get_job",
    "JobService.GetJobMetrics": "get_job",
    "GetWorkflowStatus": "get_job",
    "ListWorkflows": "get_job",
    "GetWorkflowJobs": "get_job",
    "ListNetworks": "stream_jobs",
    "ListVolumes": "stream_jobs",
    "ListRuntimes": "get_job",
    "GetRuntimeInfo": "get_job",
    "ValidateRuntimeSpec": "get_job",
}
"""What only reads, and the operation that it asks for (AUTH-08)."""


def denied(talk: Talk, role: str, shown: str, operations: Mapping[str, str]) -> None:
    """See that a role may call none of some methods."""
    for method, operation in operations.items():
        reply = talk.call(method, role=role)
        text = f"role {shown} is not allowed to perform operation {operation}"
        talk.refused("AUTH-07", reply, "PERMISSION_DENIED", text)
        talk.expect("AUTH-07", f"{method}'s messages", reply.messages, ())


def admitted(talk: Talk, fact: str, reply: Reply, method: str) -> None:
    """See that a call got past the check of its role."""
    talk.check(fact, f"{method} is not denied", reply.code != "PERMISSION_DENIED")


@case(
    "auth/viewer-changes-nothing",
    "AUTH-07",
    "AUTH-08",
    "AUTH-09",
    "JOB-GEN-03",
    "JOB-GEN-04",
    "JOB-GEN-05",
    needs=["viewer"],
)
def _(talk: Talk) -> None:
    """A viewer is denied whatever changes something, before any field is looked at."""
    denied(talk, "viewer", "viewer", CHANGES)


@case("auth/viewer-deletes-nothing", "AUTH-09", "JOB-GEN-04", needs=["viewer", "destructive"])
def _(talk: Talk) -> None:
    """A viewer is denied DeleteAllJobs."""
    denied(talk, "viewer", "viewer", HARMFUL)


@case(
    "auth/viewer-installs-nothing", "AUTH-08", "AUTH-09", needs=["viewer", "stranger", "installs"]
)
def _(talk: Talk) -> None:
    """Neither a viewer nor somebody without a role installs a runtime."""
    denied(talk, "viewer", "viewer", INSTALLS)
    denied(talk, "nobody", "unknown", INSTALLS)


@case("auth/viewer-reads", "AUTH-05", "AUTH-09", "AUTH-11", "JOB-GEN-05", needs=["viewer"])
def _(talk: Talk) -> None:
    """A viewer reads everything of everybody's jobs."""
    job = talk.shell("printf seen")
    talk.until_status(job)
    status = talk.call("GetJobStatus", role="viewer", uuid=job).message
    talk.expect("AUTH-11", "the status", status.status, "COMPLETED")
    log = talk.call("GetJobLogs", role="viewer", uuid=job)
    output = [chunk.payload for chunk in log.messages]  # type: ignore[attr-defined]
    talk.expect("AUTH-11", "the log", output, [b"seen"])
    # What the others answer depends on what else the server holds, and has cases of its own.
    listed = talk.call("JobService.ListJobs", role="viewer", record=False).message
    talk.check("AUTH-11", "the job is in the list", job in {each.uuid for each in listed.jobs})
    for method in READS:
        admitted(talk, "AUTH-09", talk.call(method, role="viewer", record=False), method)


@case("auth/nobody", "AUTH-05", "AUTH-07", "AUTH-08", "JOB-GEN-02", needs=["stranger"])
def _(talk: Talk) -> None:
    """Somebody whose certificate names no role is denied all that asks for one."""
    denied(talk, "nobody", "unknown", CHANGES | READS)


@case("auth/nobody-deletes-nothing", "AUTH-05", "JOB-GEN-02", needs=["stranger", "destructive"])
def _(talk: Talk) -> None:
    """Somebody whose certificate names no role is denied DeleteAllJobs."""
    denied(talk, "nobody", "unknown", HARMFUL)


@case("auth/monitoring", "AUTH-05", "AUTH-08", needs=["viewer", "stranger"])
def _(talk: Talk) -> None:
    """Monitoring asks for no role."""
    for role in ("viewer", "nobody"):
        reply = talk.call("GetSystemStatus", role=role, record=False)
        admitted(talk, "AUTH-05", reply, "GetSystemStatus")
        reply = talk.call("StreamSystemMetrics", role=role, record=False, timeout=0.5)
        admitted(talk, "AUTH-05", reply, "StreamSystemMetrics")


@case("auth/no-handler", "AUTH-07", "JOB-GEN-07", "SURF-05", needs=["viewer", "stranger"])
def _(talk: Talk) -> None:
    """A method without a handler is unimplemented, whoever asks."""
    for role in ("admin", "viewer", "nobody"):
        reply = talk.call("CancelJob", role=role, uuid=UNKNOWN)
        talk.refused("SURF-05", reply, "UNIMPLEMENTED", "method CancelJob not implemented")


@case("auth/no-install-handler", "SURF-05", needs=["viewer", "stranger", "installs"])
def _(talk: Talk) -> None:
    """Installing from local files has no handler, whoever asks."""
    for role in ("admin", "viewer", "nobody"):
        for method in ("InstallRuntimeFromLocal", "StreamingInstallRuntimeFromLocal"):
            reply = talk.call(method, role=role)
            talk.refused("SURF-05", reply, "UNIMPLEMENTED", f"method {method} not implemented")


@case("auth/order", "AUTH-07", "JOB-GEN-03", "SURF-06", needs=["viewer", "stranger"])
def _(talk: Talk) -> None:
    """Bytes that do not parse and unknown methods come before the role, the role before fields."""
    for method in ("RunJob", "GetJobLogs"):
        reply = talk.call(method, role="nobody", raw=JUNK)
        talk.expect("AUTH-07", f"{method}'s code for junk", reply.code, "INTERNAL")
    reply = talk.call("/joblet.JobService/Nothing", role="nobody")
    text = "unknown method Nothing for service joblet.JobService"
    talk.refused("AUTH-07", reply, "UNIMPLEMENTED", text)
    empty = talk.call("RunJob", role="viewer", command="")
    text = "role viewer is not allowed to perform operation run_job"
    talk.refused("JOB-GEN-03", empty, "PERMISSION_DENIED", text)
    unknown = talk.call("GetJobStatus", role="nobody", uuid=UNKNOWN)
    text = "role unknown is not allowed to perform operation get_job"
    talk.refused("JOB-GEN-03", unknown, "PERMISSION_DENIED", text)


@case("auth/denied-is-nothing", "JOB-GEN-05", "AUTH-11", needs=["viewer"])
def _(talk: Talk) -> None:
    """What a viewer is denied has not happened."""
    job = talk.run("sleep", "60")
    talk.call("StopJob", role="viewer", uuid=job)
    talk.call("JobService.DeleteJob", role="viewer", uuid=job)
    talk.wait(1)
    status = talk.call("GetJobStatus", uuid=job).message
    talk.expect("JOB-GEN-05", "the job's status", status.status, "RUNNING")


ROLE_OF: Final = {
    "odd-upper": "admin",
    "odd-padded": "unknown",
    "odd-plural": "unknown",
    "odd-list": "unknown",
    "odd-none": "unknown",
    "odd-second": "viewer",
    "odd-viewer-admin": "viewer",
    "odd-admin-viewer": "admin",
    "odd-use-none": "admin",
}


@case("auth/units", "AUTH-04", "AUTH-05", "JOB-GEN-02", needs=["certificates"])
def _(talk: Talk) -> None:
    """The first OU that is a role counts, in any case, and nothing else of the subject."""
    for client, role in ROLE_OF.items():
        reply = talk.call("RunJob", role=client)
        if role == "admin":
            text = "invalid request: command is required"
            talk.refused("AUTH-04", reply, "INVALID_ARGUMENT", text)
        else:
            text = f"role {role} is not allowed to perform operation run_job"
            talk.refused("AUTH-04", reply, "PERMISSION_DENIED", text)
