"""Launching: ids, how long it takes, networks, and what is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import LIST, OUTPUT, launched, took
from joblet_conformance.normalise import Pattern

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

VERSION_4: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
NO_POOL: Final = (
    "job run failed: execution failed: failed to setup networking: failed to allocate IP: "
    "no IP pool found for network: {}"
)
NUL: Final = re.compile(
    r"job run failed: execution failed: failed to launch process: invalid launch config: "
    r"invalid environment: validation error for field 'environment' \(value: env\[\d+\]\): "
    r"environment variable contains null bytes"
)
PLACE: Final = Pattern(
    r"(?<=value: env\[)\d+(?=\])",
    "a place among the variables",
    "a server's own process has more or fewer variables, and those of a job are in no order",
    field="details",
)


@case("jobs/run-and-complete", "JOB-RUN-59", "JOB-RUN-61", "JOB-SM-01", "JOB-STA-07", "TIME-06")
def _(talk: Talk) -> None:
    """A job is answered RUNNING once it is launched, and its end shows 0.3 s after its process."""
    began = talk.target.now()
    reply = talk.call("RunJob", command="true")
    talk.check("JOB-RUN-61", "a launch takes 0.1 s", took(talk, began) >= 0.1)
    answered = talk.target.now()
    talk.expect("JOB-RUN-59", "the answer", reply.message.status, "RUNNING")
    job_id = reply.message.job_uuid
    running = talk.call("GetJobStatus", uuid=job_id).message
    talk.expect("JOB-RUN-59", "the status then", running.status, "RUNNING")
    talk.expect("JOB-STA-07", "end and code", (running.end_time, running.exit_code), ("", 0))
    done = talk.until_status(job_id)
    late = took(talk, answered)
    talk.check("TIME-06", f"it shows 0.3 s later, not much more: {late}", 0.3 <= late < 1)
    talk.expect("JOB-SM-01", "the end", (done.status, done.exit_code), ("COMPLETED", 0))
    talk.check("JOB-STA-07", "the end has a time", done.end_time)


@case("jobs/launch-times", "JOB-RUN-61", "TIME-01", "TIME-03", "TIME-04")
def _(talk: Talk) -> None:
    """A launch takes 0.1 s, and 0.05 s more on a bridge; its process starts after the answer."""
    quickest = {}
    for network in ("no-such-network", "none", "bridge"):
        times = []
        for _ in range(3):
            began = talk.target.now()
            talk.call(
                "RunJob",
                record=False,
                command="date",
                args=["+%s%N"],
                network=network,
                environment=talk.marked,
            )
            times.append(took(talk, began))
        quickest[network] = min(times)
    failed, alone, bridged = quickest.values()
    told = ", ".join(f"{network} {seconds}" for network, seconds in quickest.items())
    talk.check("TIME-04", f"no launch is quicker than 0.1 s: {told}", failed >= 0.1)
    talk.check("TIME-01", f"a bridge takes its time: {told}", bridged >= alone + 0.02)
    talk.check("TIME-04", f"none of it takes long: {told}", bridged < 0.3)
    job_id = talk.run("date", "+%s%N")
    answered = talk.target.moment().timestamp()
    talk.until_status(job_id)
    begun = int(talk.output(job_id, record=False)) / 1e9
    talk.check("TIME-03", f"it starts after the answer: {begun - answered}", begun > answered)
    talk.listed(record=False)


@case("jobs/ids", "JOB-RUN-60", "JOB-RST-06", "JOB-RUN-59", normalise=LIST)
def _(talk: Talk) -> None:
    """The server chooses the ids, and the same request twice makes two jobs."""
    replies = [talk.call("RunJob", command="true", name="the same") for _ in range(2)]
    jobs = {reply.message.job_uuid for reply in replies}
    talk.check("JOB-RUN-60", "ids are of version 4", all(map(VERSION_4.fullmatch, jobs)))
    talk.expect("JOB-RST-06", "how many jobs there are", len(jobs), 2)
    listed = {job.uuid for job in talk.listed()}
    talk.expect("JOB-RST-06", "what is listed", listed, jobs)


@case("jobs/unknown-network", "JOB-RUN-62", "JOB-RUN-81", "JOB-GEN-06", normalise=LIST)
def _(talk: Talk) -> None:
    """A network that is not there fails the launch, and leaves a FAILED job in the list."""
    known: set[str] = set()
    for network in ("host", "Bridge"):
        reply = talk.call("RunJob", command="true", network=network, environment=talk.marked)
        talk.refused("JOB-RUN-62", reply, "INTERNAL", NO_POOL.format(network))
        talk.expect("JOB-GEN-06", "the messages beside the error", len(reply.messages), 0)
        (failed,) = (job for job in talk.listed() if job.uuid not in known)
        known.add(failed.uuid)
        talk.expect("JOB-RUN-81", "its end", (failed.status, failed.exit_code), ("FAILED", -1))
        talk.check("JOB-RUN-81", "its end has a time", failed.end_time)


@case("jobs/no-network", "JOB-RUN-62")
def _(talk: Talk) -> None:
    """`none` and `isolated` are networks, too."""
    for network in ("none", "isolated"):
        status = launched(talk, "true", network=network)
        shown = (status.network, status.status)
        talk.expect("JOB-RUN-62", "network and end", shown, (network, "COMPLETED"))


@case("jobs/unknown-command", "JOB-RUN-65", "JOB-RUN-10")
def _(talk: Talk) -> None:
    """A command that is not there is RUNNING first, and then FAILED with 1, not 127."""
    for command in ("no-such-command", " "):
        reply = talk.call("RunJob", command=command)
        talk.expect("JOB-RUN-65", "the answer", reply.message.status, "RUNNING")
        status = talk.until_status(reply.message.job_uuid)
        talk.expect("JOB-RUN-65", "the end", (status.status, status.exit_code), ("FAILED", 1))
        log = talk.output(status.uuid, record=False)
        talk.check("JOB-RUN-65", "the log says why", b"[ERROR]" in log)


@case("jobs/missing-runtime", "JOB-RUN-63", "JOB-RUN-18")
def _(talk: Talk) -> None:
    """A runtime that is not installed is missed by the job's process, not by RunJob."""
    reply = talk.call("RunJob", command="true", runtime="python-3.99")
    talk.expect("JOB-RUN-63", "the answer", reply.message.status, "RUNNING")
    status = talk.until_status(reply.message.job_uuid)
    talk.expect("JOB-RUN-63", "the end", (status.status, status.exit_code), ("FAILED", 1))
    talk.expect("JOB-RUN-18", "the runtime", status.runtime, "python-3.99")
    log = talk.output(status.uuid, record=False)
    talk.expect("JOB-RUN-63", "the lines of its log that say so", log.count(b"[ERROR]"), 2)


@case("jobs/missing-volume", "JOB-RUN-64")
def _(talk: Talk) -> None:
    """A volume that is not there does not keep a job from running; its output begins with why."""
    status = launched(talk, "echo", "ran", volumes=["no-such-volume"])
    talk.expect("JOB-RUN-64", "the end", (status.status, status.exit_code), ("COMPLETED", 0))
    talk.expect("JOB-RUN-64", "the volumes", list(status.volumes), ["no-such-volume"])
    log = talk.output(status.uuid, record=False)
    talk.check("JOB-RUN-64", "the log says so", b"[WARN]" in log)
    talk.check("JOB-RUN-64", "the command ran", b"ran\n" in log)


@case("jobs/arguments", "JOB-RUN-82", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """Empty arguments are shown and not passed on, and no shell looks at the others."""
    args = ["", "$HOME", "", "*", "; ls", "two words"]
    status = launched(talk, "echo", *args)
    talk.expect("JOB-RUN-82", "what is shown", list(status.args), args)
    wanted = b"$HOME * ; ls two words\n"
    talk.expect("JOB-RUN-82", "what is printed", talk.output(status.uuid), wanted)


@case(
    "jobs/nul-bytes",
    "JOB-RUN-86",
    "JOB-RUN-81",
    normalise=(*LIST, PLACE),
)
def _(talk: Talk) -> None:
    """What goes to the launcher as a variable may hold no NUL byte, and the launch fails late."""
    asked: tuple[dict[str, Any], ...] = (
        {"command": "ec\0ho"},
        {"command": "echo", "args": ["a", "b\0"]},
        {"command": "echo", "volumes": ["v\0"]},
        {"command": "echo", "environment": {"A": "x\0y"}},
        {"command": "echo", "secret_environment": {"A\0": "x"}},
    )
    known: set[str] = set()
    for fields in asked:
        variables = {**talk.marked, **fields.pop("environment", {})}
        reply = talk.call("RunJob", environment=variables, **fields)
        talk.expect("JOB-RUN-86", "the code", reply.code, "INTERNAL")
        talk.check("JOB-RUN-86", "the text", NUL.fullmatch(reply.details))
        (failed,) = (job for job in talk.listed() if job.uuid not in known)
        known.add(failed.uuid)
        talk.expect("JOB-RUN-81", "its end", (failed.status, failed.exit_code), ("FAILED", -1))
    reply = talk.call("RunJob", command="ec\0ho", network="host", environment=talk.marked)
    talk.refused("JOB-RUN-86", reply, "INTERNAL", NO_POOL.format("host"))
    reply = talk.call("RunJob", command="true", name="n\0", environment=talk.marked)
    talk.expect("JOB-RUN-86", "a name", reply.message.status, "RUNNING")
    talk.until_status(reply.message.job_uuid)
