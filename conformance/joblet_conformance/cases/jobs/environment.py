"""What a job's process sees of the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.cases.jobs.plans import FAR, OUTPUT, launched

if TYPE_CHECKING:
    from joblet_conformance.talk import Talk

SERVERS: Final = {
    "JOB_COMMAND": "printenv",
    "JOB_MAX_CPU": "0",
    "JOB_MAX_MEMORY": "0",
    "JOB_MAX_IOBPS": "0",
    "JOB_TYPE": "standard",
    "JOB_PHASE": "execute",
    "JOBLET_MODE": "init",
}


@case("jobs/process", "JOB-RUN-83", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """The command is process 1 of its own namespace, root, and in /work."""
    status = launched(talk, "sh", "-c", 'echo "$$ $(whoami) $(pwd)"')
    talk.expect("JOB-RUN-83", "pid, user, folder", talk.output(status.uuid), b"1 root /work\n")


@case("jobs/variables", "JOB-RUN-83", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """A process sees variables of the server's that the job does not show."""
    names = [*SERVERS, "JOB_ARGS_COUNT", "JOB_ARG_0", "JOB_ID"]
    status = launched(talk, "printenv", *names)
    values = [*SERVERS.values(), str(len(names)), names[0], status.uuid]
    wanted = "".join(f"{value}\n" for value in values).encode()
    talk.expect("JOB-RUN-83", "what it sees", talk.output(status.uuid), wanted)
    talk.expect("JOB-RUN-83", "what is shown", dict(status.environment), {})


@case("jobs/both-environments", "JOB-RUN-21", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """A variable in both environments is shown in both, and the process sees the secret one."""
    plain = {"BOTH": "plain", "HOME": "/elsewhere"}
    names = ("BOTH", "HOME")
    status = launched(
        talk, "printenv", *names, environment=plain, secret_environment={"BOTH": "secret"}
    )
    talk.expect("JOB-RUN-21", "the plain one", dict(status.environment), plain)
    talk.expect("JOB-RUN-21", "the secret one", dict(status.secret_environment), {"BOTH": "***"})
    wanted = b"secret\n/elsewhere\n"
    talk.expect("JOB-RUN-21", "what the process sees", talk.output(status.uuid), wanted)


@case("jobs/any-variable", "JOB-RUN-20")
def _(talk: Talk) -> None:
    """RunJob takes variables of any name and length."""
    odd = {"a b": "1", "a=b": "2", "1st": "3", "": "4", "ä": "5"}
    status = launched(talk, "true", environment=odd, secret_environment=odd)
    talk.expect("JOB-RUN-20", "the end", status.status, "COMPLETED")
    talk.expect("JOB-RUN-20", "what is shown", dict(status.environment), odd)
    long = {"LONG": "x" * 40_000}
    reply = talk.call("RunJob", record=False, command="true", environment=long, schedule=FAR)
    shown = dict(talk.status(reply.message.job_uuid).environment)
    talk.check("JOB-RUN-20", "a long value is shown", shown == long)


@case("jobs/overridden-command", "JOB-RUN-84", normalise=OUTPUT)
def _(talk: Talk) -> None:
    """The command travels in variables, which a client's environment overrides."""
    for environment, printed in (
        ({"JOB_ARG_0": "other"}, b"other second\n"),
        ({"JOB_ARGS_COUNT": "1"}, b"first\n"),
        ({"JOB_COMMAND": "printf", "JOB_ARGS_COUNT": "1"}, b"first"),
    ):
        status = launched(talk, "echo", "first", "second", environment=environment)
        shown = (status.command, list(status.args))
        talk.expect("JOB-RUN-84", "what is shown", shown, ("echo", ["first", "second"]))
        talk.expect("JOB-RUN-84", "what is printed", talk.output(status.uuid), printed)
    status = launched(talk, "true", environment={"JOB_PHASE": "upload"})
    talk.expect("JOB-RUN-84", "the end in another phase", status.status, "FAILED")
