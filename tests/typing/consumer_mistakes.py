"""Mistakes in others' tests that mypy must find: what it says of a line stands behind it."""

# ruff: noqa: B018 - what is wrong here is wrong on purpose
from __future__ import annotations

from typing import TYPE_CHECKING

from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from joblet_fake import Jobs  # E: attr-defined


def nothing_of_ours(jobs: Jobs) -> None:
    del jobs


def mistakes(joblet: FakeJoblet) -> None:
    FakeJoblet(apy="2.3.1")  # E: call-arg
    FakeJoblet("2.3.1")  # E: call-arg
    FakeJoblet(seed="7")  # E: arg-type
    joblet.adress  # E: attr-defined
    joblet.jobs["x"].exitcode  # E: attr-defined
    joblet.jobs["x"].status = "COMPLETED"  # E: misc
    joblet.jobs[7]  # E: index
    joblet.rpc(command="echo")  # E: call-arg
    joblet.rpc("RunJob", timeout="1")  # E: arg-type
    joblet.channel().GetJobStatus()  # E: attr-defined
    joblet.clock.advance(weeks=1)  # E: call-arg
    joblet.clock.advance(minutes="1")  # E: arg-type
    joblet.programs.on("x").print("y")  # E: attr-defined
    joblet.programs.on("x").exits("0")  # E: arg-type
    joblet.calls.to("RunJob")[0].code + 1  # E: operator
    joblet.calls.wait_for("RunJob", times=2)  # E: call-arg
    joblet.faults.server.crash_async()  # E: unused-coroutine
    [joblet.faults.server.crash_async(keep=True)]  # E: call-arg
    [joblet.faults.server.refuse_async(7)]  # E: arg-type
    joblet.faults.server.quota_async(7, 1.0)  # E: attr-defined
    joblet.history.add(lines=[7])  # E: list-item
    joblet.jobs["x"] = joblet.jobs["y"]  # E: index
    joblet.tls.cert_pem().encode()  # E: attr-defined
    joblet.credentials.upper()  # E: union-attr
