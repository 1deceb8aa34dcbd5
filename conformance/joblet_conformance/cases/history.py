"""PersistService: Ping, QueryLogs and DeleteJob; what of the jobs' output is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.normalise import BLANK, Joined

if TYPE_CHECKING:
    from joblet_conformance.talk import Reply, Talk

UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"
PREFIX: Final = 8
FAR: Final = "2099-01-01T00:00:00Z"
SECOND: Final = 1_000_000_000
LOGS: Final = "/opt/joblet/logs"
STDOUT, STDERR = 1, 2
JUNK: Final = b"\xff\xff\xff"
RECORDS: Final = Joined("QueryLogs", "content", order="sequence")
DELETED: Final = (True, "Job deleted successfully")


def contents(reply: Reply) -> list[bytes]:
    """Give what the records hold."""
    return [record.content for record in reply.messages]  # type: ignore[attr-defined]


def none_found(job: str) -> str:
    """Give the text for a job of which nothing is stored."""
    return f"failed to read logs: no logs found for job {job}"


def printed(talk: Talk, script: str) -> str:
    """Run a script to its end and give the job's id."""
    job = talk.shell(script)
    talk.until_status(job)
    return job


def delete(talk: Talk, job: str) -> tuple[bool, str]:
    """Delete a history; give whether it is said to have worked, and the message."""
    message = talk.call("PersistService.DeleteJob", job_uuid=job).message
    return message.success, message.message


@case("history/ping", "PER-01", "PER-42", "PER-91", needs=["persist"])
def _(talk: Talk) -> None:
    """Ping says that all is well, and the time in nanoseconds."""
    began = talk.target.now()
    one, other = (talk.call("Ping").message for _ in range(2))
    talk.check("PER-42", "it is healthy", one.healthy and other.healthy)
    talk.check("PER-42", "its time does not go back", one.timestamp <= other.timestamp)
    apart = abs(other.timestamp / SECOND - talk.target.moment().timestamp())
    talk.check("PER-42", f"its time is the target's: {apart:.3f} s apart", apart < 60)
    talk.check("PER-91", "it answers soon", talk.target.now() - began < 2)


@case(
    "history/records",
    "PER-04",
    "PER-21",
    "PER-23",
    "PER-24",
    "PER-30",
    "PER-31",
    "PER-32",
    "PER-33",
    "PER-45",
    needs=["persist"],
)
def _(talk: Talk) -> None:
    """Each write is a record of STDOUT with a whole second and a number; no other stream is."""
    job = printed(talk, r"echo out; sleep 0.5; echo err >&2; sleep 0.5; printf 'a\000\377\nb'")
    written = [b"out\n", b"err\n", b"a\0\xff\nb"]
    reply = talk.call("QueryLogs", job_uuid=job)
    records: Any = reply.messages
    talk.expect("PER-31", "the contents", contents(reply), written)
    talk.expect("PER-33", "the numbers", [each.sequence for each in records], [0, 1, 2])
    talk.expect("PER-30", "the streams", {each.stream for each in records}, {STDOUT})
    talk.expect("PER-22", "the ids", {each.job_uuid for each in records}, {job})
    whole = all(each.timestamp % SECOND == 0 for each in records)
    talk.check("PER-32", "the times are whole seconds", whole)
    for stream in (STDOUT, STDERR, 0, 7, -1):
        some = talk.call("QueryLogs", job_uuid=job, stream=stream)
        wanted = [] if stream == STDERR else written
        talk.expect("PER-23", f"stream {stream}", (some.code, contents(some)), ("OK", wanted))


@case("history/nothing", "PER-20", "PER-22", needs=["persist"])
def _(talk: Talk) -> None:
    """A job without stored output is an error, with the id as it was sent."""
    silent = printed(talk, "true")
    loud = printed(talk, "echo here")
    planned = talk.run("echo", "never", schedule=FAR)
    ids = (silent, planned, UNKNOWN, loud[:PREFIX], loud.upper(), "no job", f"x/{loud}")
    for job in ids:
        reply = talk.call("QueryLogs", job_uuid=job)
        talk.refused("PER-20", reply, "INTERNAL", none_found(job))
        talk.expect("PER-20", "the messages", reply.messages, ())


@case("history/paths", "PER-22", needs=["persist"])
def _(talk: Talk) -> None:
    """The id is a path below the folder of the logs, unchecked."""
    job = printed(talk, "echo here")
    for text in ("", ".", ".."):
        reply = talk.call("QueryLogs", job_uuid=text)
        talk.expect("PER-22", f"what {text!r} finds", (reply.code, reply.messages), ("OK", ()))
    for text in (f"{job}/", f"/{job}", f"./{job}", f"x/../{job}", f"../logs/{job}"):
        reply = talk.call("QueryLogs", job_uuid=text)
        talk.expect("PER-22", f"what {text!r} finds", contents(reply), [b"here\n"])


@case("history/impossible-ids", "PER-28", "PER-87", needs=["persist"])
def _(talk: Talk) -> None:
    """An id that is no possible name of a folder is told as the system's error."""
    job = printed(talk, "echo here")
    long, longest = "x" * 256, "x" * 255
    opened = "error reading logs: failed to open log file"
    for text, stream, why in (
        (long, 0, "file name too long"),
        (long, STDERR, "file name too long"),
        ("a\0b", 0, "invalid argument"),
        (f"{job}/stdout.log.gz", 0, "not a directory"),
    ):
        file = f"{LOGS}/{text}/{'stderr' if stream == STDERR else 'stdout'}.log.gz"
        reply = talk.call("QueryLogs", job_uuid=text, stream=stream)
        talk.refused("PER-87", reply, "INTERNAL", f"{opened} {file}: open {file}: {why}")
    reply = talk.call("QueryLogs", job_uuid=longest)
    talk.refused("PER-20", reply, "INTERNAL", none_found(longest))


@case("history/range", "PER-25", needs=["persist"])
def _(talk: Talk) -> None:
    """A range of time has both its ends; zero and less are no end."""
    job = printed(talk, "echo one; sleep 2.2; echo two; sleep 2.2; echo three")
    everything = talk.call("QueryLogs", job_uuid=job)
    all_three = contents(everything)
    first, second, third = (record.timestamp for record in everything.messages)  # type: ignore[attr-defined]
    for start, end, wanted in (
        (second, 0, all_three[1:]),
        (0, second, all_three[:2]),
        (second, second, all_three[1:2]),
        (first + 1, third - 1, all_three[1:2]),
        (third, first, []),
        (third + 1, 0, []),
        (-5, -5, all_three),
        (-(10**18), second, all_three[:2]),
    ):
        reply = talk.call("QueryLogs", job_uuid=job, start_time=start, end_time=end)
        talk.expect("PER-25", f"{start} to {end}", (reply.code, contents(reply)), ("OK", wanted))


@case("history/pages", "PER-24", "PER-26", needs=["persist"])
def _(talk: Talk) -> None:
    """Offset skips and limit ends, what passes the filters counted; less than one is none."""
    job = printed(talk, "for word in a b c d; do echo $word; sleep 0.5; done")
    words = [b"a\n", b"b\n", b"c\n", b"d\n"]
    for limit, offset, wanted in (
        (0, 0, words),
        (2, 0, words[:2]),
        (2, 1, words[1:3]),
        (0, 3, words[3:]),
        (9, 3, words[3:]),
        (0, 4, []),
        (1, 100, []),
        (-1, -1, words),
        (-3, 2, words[2:]),
    ):
        reply = talk.call("QueryLogs", job_uuid=job, limit=limit, offset=offset)
        name = f"limit {limit}, offset {offset}"
        talk.expect("PER-26", name, (reply.code, contents(reply)), ("OK", wanted))
    none = talk.call("QueryLogs", job_uuid=job, stream=STDERR, limit=2, offset=1)
    talk.expect("PER-26", "of STDERR", (none.code, contents(none)), ("OK", []))


@case("history/quick", "PER-34", "PER-33", needs=["persist"], normalise=[RECORDS])
def _(talk: Talk) -> None:
    """Quick writes are all stored; in the order of their numbers they are what was written."""
    job = printed(talk, "i=0; while [ $i -lt 30 ]; do i=$((i + 1)); echo line $i; done")
    records: Any = talk.call("QueryLogs", job_uuid=job).messages
    ordered = sorted(records, key=lambda record: record.sequence)
    talk.expect(
        "PER-33", "the numbers", [each.sequence for each in ordered], [*range(len(ordered))]
    )
    lines = b"".join(b"line %d\n" % number for number in range(1, 31))
    talk.expect("PER-34", "the lines", b"".join(each.content for each in ordered), lines)


@case("history/running", "TIME-17", "PER-28", "PER-45", "PER-91", "PER-50", needs=["persist"])
def _(talk: Talk) -> None:
    """A running job's history ends where it ends; who reads it and then the log reads thrice."""
    job = talk.shell("sleep 0.3; echo early; sleep 4; echo late")
    stream = talk.follow("GetJobLogs", uuid=job[:PREFIX])
    stream.take(lambda stream: bool(stream.messages))
    talk.wait(0.5)
    before = talk.call("QueryLogs", job_uuid=job)
    talk.expect("PER-28", "the history", (before.code, contents(before)), ("OK", [b"early\n"]))
    talk.expect("PER-28", "the job's status", talk.status(job).status, "RUNNING")
    live = talk.follow("GetJobLogs", uuid=job)
    talk.until_status(job)
    after = talk.call("QueryLogs", job_uuid=job)
    talk.expect("PER-45", "the history at the end", contents(after), [b"early\n", b"late\n"])
    read = contents(before) + [message.payload for message in live.rest().messages]  # type: ignore[attr-defined]
    talk.expect("PER-91", "all that was read", read, [b"early\n"] * 3 + [b"late\n"])
    stream.rest()


@case("history/delete", "PER-43", "PER-20", "PER-50", needs=["persist"])
def _(talk: Talk) -> None:
    """Deleting a history always works, and leaves the job and its log in memory."""
    job = printed(talk, "echo kept")
    talk.expect("PER-43", "no id", delete(talk, ""), (False, "Job ID cannot be empty"))
    for text in (job[:PREFIX], job.upper(), UNKNOWN, "no job"):
        talk.expect("PER-43", f"deleting {text!r}", delete(talk, text), DELETED)
    talk.expect("PER-43", "the log", contents(talk.call("QueryLogs", job_uuid=job)), [b"kept\n"])
    for _ in range(2):
        talk.expect("PER-43", "deleting the job's", delete(talk, job), DELETED)
    reply = talk.call("QueryLogs", job_uuid=job)
    talk.refused("PER-43", reply, "INTERNAL", none_found(job))
    talk.expect("PER-43", "the job", talk.call("GetJobStatus", uuid=job).code, "OK")
    for text in (job, job[:PREFIX]):
        talk.expect("PER-50", "the log", talk.output(text), b"kept\n")


@case("history/delete-impossible", "PER-43", needs=["persist"])
def _(talk: Talk) -> None:
    """A history whose name can't be is told in an OK reply."""
    start = f"Failed to delete job: failed to delete log directory: unlinkat {LOGS}/"
    for text, why in (("x" * 256, "file name too long"), ("a\0b", "invalid argument")):
        wanted = (False, f"{start}{text}: {why}")
        talk.expect("PER-43", f"deleting {len(text)} bytes", delete(talk, text), wanted)


@case("history/delete-running", "PER-90", "PER-33", needs=["persist"])
def _(talk: Talk) -> None:
    """A running job's later output is stored anew, with the numbers going on."""
    job = talk.shell("sleep 0.3; echo one; sleep 3; echo two")
    stream = talk.follow("GetJobLogs", uuid=job[:PREFIX])
    stream.take(lambda stream: bool(stream.messages))
    talk.wait(0.5)
    talk.expect("PER-90", "deleting it", delete(talk, job), DELETED)
    reply = talk.call("QueryLogs", job_uuid=job)
    talk.refused("PER-90", reply, "INTERNAL", none_found(job))
    talk.until_status(job)
    stored: Any = talk.call("QueryLogs", job_uuid=job).messages
    kept = [(record.sequence, record.content) for record in stored]
    talk.expect("PER-90", "what is stored", kept, [(1, b"two\n")])
    stream.rest()


@case("history/delete-elsewhere", "PER-90", "PER-22", needs=["persist"])
def _(talk: Talk) -> None:
    """Deleted by another spelling of its id, a running job's history gets nothing any more."""
    job = talk.shell("sleep 0.3; echo one; sleep 3; echo two")
    stream = talk.follow("GetJobLogs", uuid=job[:PREFIX])
    stream.take(lambda stream: bool(stream.messages))
    talk.wait(0.5)
    talk.expect("PER-90", "deleting it", delete(talk, f"x/../{job}"), DELETED)
    talk.until_status(job)
    reply = talk.call("QueryLogs", job_uuid=job)
    talk.refused("PER-90", reply, "INTERNAL", none_found(job))
    stream.rest()


@case("history/roles", "PER-12", needs=["persist", "viewer", "stranger"])
def _(talk: Talk) -> None:
    """Whoever gets in may do everything."""
    job = printed(talk, "echo here")
    for role in ("viewer", "nobody"):
        talk.expect("PER-12", "the code", talk.call("Ping", role=role).code, "OK")
        reply = talk.call("QueryLogs", role=role, job_uuid=job)
        talk.expect("PER-12", "the log", contents(reply), [b"here\n"])
        gone = talk.call("PersistService.DeleteJob", role=role, job_uuid=UNKNOWN)
        talk.expect("PER-12", "the code", gone.code, "OK")


@case(
    "history/strangers",
    "PER-10",
    needs=["persist-tls"],
)
def _(talk: Talk) -> None:
    """On TCP, who has no certificate of the authority does not get in."""
    for role in ("none", "foreign", "plaintext"):
        talk.expect("PER-10", "the code", talk.call("Ping", role=role).code, "UNAVAILABLE")


@case("history/unknown-methods", "PER-03", "PER-88", "PER-02", needs=["persist"])
def _(talk: Talk) -> None:
    """What is not served there is unimplemented, other services too."""
    service = "joblet.persist.PersistService"
    for name in ("GetJobInfo", "ListJobs", "GetStats", "CleanupOldData", "ping", "Nothing"):
        reply = talk.call(f"/{service}/{name}", persist=True)
        text = f"unknown method {name} for service {service}"
        talk.refused("PER-88", reply, "UNIMPLEMENTED", text)
    for other in ("joblet.JobService", "joblet.NetworkService", "persist.PersistService"):
        reply = talk.call(f"/{other}/Ping", persist=True)
        talk.refused("PER-88", reply, "UNIMPLEMENTED", f"unknown service {other}")
    reply = talk.call(f"/{service}/Ping", persist=False)
    talk.refused("PER-88", reply, "UNIMPLEMENTED", f"unknown service {service}")


@case("history/bad-bytes", "PER-89", needs=["persist"], normalise=[BLANK])
def _(talk: Talk) -> None:
    """Bytes that are no request are an internal error; fields that nobody knows do no harm."""
    for method in ("Ping", "QueryLogs", "PersistService.DeleteJob"):
        reply = talk.call(method, raw=JUNK)
        talk.expect("PER-89", f"{method}'s code", reply.code, "INTERNAL")
    for method in ("QueryLogs", "PersistService.DeleteJob"):
        reply = talk.call(method, raw=b"\x0a\x02\xff\xfe")
        talk.expect("PER-89", f"{method}'s code for no UTF-8", reply.code, "INTERNAL")
    talk.expect("PER-89", "the code", talk.call("Ping", raw=b"\xfa\x07\x01x").code, "OK")


@case(
    "history/restarted",
    "JOB-LOG-11",
    "PER-50",
    "PER-92",
    needs=["persist", "restart", "destructive"],
)
def _(talk: Talk) -> None:
    """What a server stored before it was restarted is read by whole id, and then not found."""
    job = printed(talk, "echo one; sleep 0.5; echo two")
    written = [b"one\n", b"two\n"]
    talk.target.restart()
    reply = talk.call("GetJobLogs", uuid=job)
    read = [chunk.payload for chunk in reply.messages]  # type: ignore[attr-defined]
    talk.expect("JOB-LOG-11", "the log", read, written)
    talk.refused("JOB-LOG-11", reply, "NOT_FOUND", f"job not found: {job}")
    reply = talk.call("GetJobLogs", uuid=job[:PREFIX])
    talk.refused("PER-92", reply, "NOT_FOUND", f"job not found: {job[:PREFIX]}")
    talk.expect("PER-92", "the log by prefix", reply.messages, ())
    reply = talk.call("JobService.DeleteJob", uuid=job)
    talk.refused("PER-92", reply, "INTERNAL", f"job deletion failed: job not found: {job}")
    talk.expect("PER-92", "the history", contents(talk.call("QueryLogs", job_uuid=job)), written)
    talk.expect("PER-92", "deleting it", delete(talk, job), DELETED)
    talk.refused("PER-92", talk.call("QueryLogs", job_uuid=job), "INTERNAL", none_found(job))
    reply = talk.call("GetJobLogs", uuid=job)
    talk.refused("JOB-LOG-11", reply, "NOT_FOUND", f"job not found: {job}")
    talk.expect("JOB-LOG-11", "the log without a history", reply.messages, ())
