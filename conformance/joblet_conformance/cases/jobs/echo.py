"""What of a request a job shows later, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, LIST, OUTPUT, launched, planned

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

SECRETS: Final = {"TOKEN": "s3cret", "EMPTY": ""}


@case("jobs/echo", "JOB-RUN-54", "JOB-STA-02", "JOB-LST-04", normalise=LIST)
def _(talk: Talk) -> None:
    """Command, arguments, environment, volumes, runtime and network come back as they were sent."""
    sent: dict[str, Any] = {
        "command": "no-such command; $HOME",
        "args": ["", "*", "ä €", "two words", "-n"],
        "environment": {"PLAIN": "a=b $HOME", "EMPTY": ""},
        "volumes": ["no-such-volume", "another"],
        "runtime": "no-such-runtime",
        "network": "no-such-network",
    }
    job_id = talk.call("RunJob", schedule=FAR, **sent).message.job_uuid
    status = talk.call("GetJobStatus", uuid=job_id).message
    shown = {
        "command": status.command,
        "args": list(status.args),
        "environment": dict(status.environment),
        "volumes": list(status.volumes),
        "runtime": status.runtime,
        "network": status.network,
    }
    talk.expect("JOB-RUN-54", "what is shown", shown, sent)
    talk.check("JOB-STA-02", "the node is named", status.node_id)
    (listed,) = talk.listed()
    talk.expect("JOB-LST-04", "the listed runtime", listed.runtime, sent["runtime"])
    talk.expect("JOB-LST-04", "the listed times", listed.start_time, status.start_time)


@case("jobs/never-kept", "JOB-RUN-55", "JOB-RUN-56", "JOB-STA-04", normalise=LIST)
def _(talk: Talk) -> None:
    """Name, working directory, uploads and GPU wishes are taken and never shown."""
    status = planned(
        talk,
        name="a name",
        work_dir="/tmp",  # noqa: S108 - a path on the server
        uploads=[{"path": "kept.txt", "content": b"kept"}],
        gpu_count=2,
        gpu_memory_mb=1024,
    )
    for field in ("name", "work_dir", "workflow_uuid"):
        talk.expect("JOB-STA-04", field, getattr(status, field), "")
    for field in ("uploads", "dependencies"):
        talk.expect("JOB-STA-04", field, len(getattr(status, field)), 0)
    talk.expect("JOB-RUN-56", "the GPUs", (status.gpu_count, status.gpu_memory_mb), (0, 0))
    (listed,) = talk.listed()
    talk.expect("JOB-RUN-55", "the listed name", listed.name, "")


@case("jobs/work-dir-ignored", "JOB-RUN-55", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """A job starts in /work, whatever directory it asks for."""
    status = launched(talk, "pwd", work_dir="/usr")
    talk.expect("JOB-RUN-55", "where it is", talk.output(status.uuid), b"/work\n")


@case("jobs/default-network", "JOB-RUN-53")
def _(talk: Talk) -> None:
    """A job that names no network is on the bridge, and says so."""
    talk.expect("JOB-RUN-53", "the network", planned(talk).network, "bridge")


@case("jobs/secrets", "JOB-STA-03", "JOB-LST-03", normalise=LIST)
def _(talk: Talk) -> None:
    """GetJobStatus hides the values of secrets, and the list shows them."""
    status = planned(talk, environment={"PLAIN": "seen"}, secret_environment=SECRETS)
    shown = dict(status.secret_environment)
    talk.expect("JOB-STA-03", "the secrets", shown, dict.fromkeys(SECRETS, "***"))
    talk.expect("JOB-STA-03", "the plain ones", dict(status.environment), {"PLAIN": "seen"})
    (listed,) = talk.listed()
    talk.expect("JOB-LST-03", "the listed secrets", dict(listed.secret_environment), SECRETS)
