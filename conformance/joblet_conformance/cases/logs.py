"""GetJobLogs: a job's output, from its history, its buffer and live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from joblet_conformance.case import case
from joblet_conformance.normalise import Either, Joined, RealSeconds, SystemLines

if TYPE_CHECKING:
    from joblet_conformance.talk import Reply, Stream, Talk

UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"
PREFIX: Final = 8
FAR: Final = "2099-01-01T00:00:00Z"
CHUNK: Final = 32 * 1024
ENDS: Final = ("OK", "CANCELLED", "DEADLINE_EXCEEDED")
WORDS: Final = (
    "",
    "Deadline Exceeded",
    "Stream removed (Deadline Exceeded)",
    "Stream removed (RST_STREAM (Received RST_STREAM with error code 8))",
    "context deadline exceeded",
)
"""What a deadline ends a stream with."""

PIECES: Final = Joined("GetJobLogs", "payload")
RECORDS: Final = Joined("QueryLogs", "content", order="sequence")


def chunks(reply: Reply | Stream) -> list[bytes]:
    """Give the payloads that came."""
    return [message.payload for message in reply.messages]  # type: ignore[attr-defined]


def logs(talk: Talk, text: str) -> list[bytes]:
    """Read a log to its end, as a step."""
    return chunks(talk.call("GetJobLogs", uuid=text))


def has(stream: Stream, text: bytes) -> bool:
    """Tell whether a stream has brought a text."""
    return text in stream.output()


@case(
    "logs/finished",
    "JOB-LOG-05",
    "JOB-LOG-20",
    "JOB-LOG-24",
    "JOB-LOG-32",
    "JOB-UID-03",
    "PER-50",
)
def _(talk: Talk) -> None:
    """A finished job's log is what it printed, chunk by chunk, by whole id and by prefix."""
    job = talk.shell("printf 'one\\n'; sleep 0.3; printf 'two, no end'; sleep 0.3; echo; exit 3")
    talk.until_status(job)
    printed = [b"one\n", b"two, no end", b"\n"]
    talk.expect("JOB-LOG-20", "the log", logs(talk, job), printed)
    talk.expect("JOB-LOG-24", "the log, read again", logs(talk, job), printed)
    talk.expect("JOB-UID-03", "the log by prefix", logs(talk, job[:PREFIX]), printed)


@case("logs/nothing", "JOB-LOG-20", "JOB-LOG-32", "PER-50")
def _(talk: Talk) -> None:
    """A job that prints nothing has an empty log that ends OK."""
    job = talk.run("true")
    talk.until_status(job)
    for text in (job, job[:PREFIX]):
        reply = talk.call("GetJobLogs", uuid=text)
        talk.expect("PER-50", "the reply", (reply.code, reply.messages), ("OK", ()))


@case("logs/bytes", "JOB-LOG-01", "PER-31")
def _(talk: Talk) -> None:
    """Bytes arrive as written: NUL, no UTF-8, half a character, no line end."""
    job = talk.shell(
        r"printf 'a\000b\377\n\r\n'; sleep 0.3; printf '\303'; sleep 0.3; printf '\244'"
    )
    talk.until_status(job)
    talk.expect("JOB-LOG-01", "the log", logs(talk, job), [b"a\0b\xff\n\r\n", b"\xc3", b"\xa4"])


@case("logs/one-pipe", "JOB-LOG-02", "PER-30")
def _(talk: Talk) -> None:
    """What goes to stderr is in the log as what goes to stdout, in the order written."""
    job = talk.shell("echo out; sleep 0.3; echo err >&2; sleep 0.3; echo out again")
    talk.until_status(job)
    printed = [b"out\n", b"err\n", b"out again\n"]
    talk.expect("JOB-LOG-02", "the log", logs(talk, job), printed)


@case(
    "logs/long",
    "TIME-20",
    "JOB-LOG-01",
    "JOB-LOG-03",
    "PER-31",
    "PER-34",
    normalise=[PIECES, RECORDS],
)
def _(talk: Talk) -> None:
    """More than 32 KiB comes in pieces of at most that, in order from the buffer."""
    job = talk.run("seq", "8000")
    talk.until_status(job)
    printed = b"".join(b"%d\n" % number for number in range(1, 8001))
    pieces = logs(talk, job[:PREFIX])
    talk.expect("JOB-LOG-03", "the buffer, joined", b"".join(pieces) == printed, expected=True)
    talk.check("JOB-LOG-01", "no chunk is longer than 32 KiB", max(map(len, pieces)) <= CHUNK)
    stored = talk.call("QueryLogs", job_uuid=job).messages
    ordered = sorted(stored, key=lambda record: record.sequence)  # type: ignore[attr-defined]
    joined = b"".join(record.content for record in ordered)  # type: ignore[attr-defined]
    talk.expect(
        "PER-34", "the history in the order of its numbers", joined == printed, expected=True
    )
    contents = sorted(record.content for record in stored)  # type: ignore[attr-defined]
    talk.check("JOB-LOG-03", "the history has the buffer's pieces", contents == sorted(pieces))


@case(
    "logs/from-the-start",
    "TIME-09",
    "JOB-LOG-04",
    "JOB-LOG-14",
    "JOB-LOG-17",
    "JOB-LOG-23",
    "PER-51",
)
def _(talk: Talk) -> None:
    """Readers who are there before the output each get all of it once, and end after the job."""
    job = talk.shell("sleep 1; echo one; sleep 0.5; echo two; exit 3")
    readers = [talk.follow("GetJobLogs", uuid=job) for _ in range(3)]
    talk.wait(0.2)
    talk.check("JOB-LOG-04", "a silent job's stream is silent", not readers[0].messages)
    status = talk.until_status(job)
    over = talk.target.now()
    talk.expect("JOB-LOG-23", "the end", (status.status, status.exit_code), ("FAILED", 3))
    talk.check("JOB-LOG-14", "the stream goes on after the end status", not readers[0].ended)
    for reader in readers:
        reply = reader.rest()
        talk.expect("JOB-LOG-17", "the log", chunks(reply), [b"one\n", b"two\n"])
        talk.expect("JOB-LOG-14", "the code", reply.code, "OK")
    drained = talk.target.now() - over
    talk.check("JOB-LOG-14", f"it ends after 0.5 s, not {drained:.1f}", 0.2 < drained < 3)


@case("logs/late", "JOB-LOG-13", "JOB-LOG-23", "JOB-UID-03", "PER-50")
def _(talk: Talk) -> None:
    """Who comes late gets the early output twice by whole id, once by prefix."""
    job = talk.shell("sleep 0.5; echo one; sleep 3; echo two")
    first = talk.follow("GetJobLogs", uuid=job[:PREFIX])
    first.take(lambda stream: has(stream, b"one"))
    talk.wait(0.5)
    whole = talk.follow("GetJobLogs", uuid=job)
    prefix = talk.follow("GetJobLogs", uuid=job[:PREFIX])
    talk.until_status(job)
    twice = [b"one\n", b"one\n", b"two\n"]
    talk.expect("JOB-LOG-13", "the log by whole id", chunks(whole.rest()), twice)
    talk.expect("JOB-UID-03", "the log by prefix", chunks(prefix.rest()), twice[1:])
    talk.expect("JOB-LOG-23", "the early reader's", chunks(first.rest()), twice[1:])
    talk.expect("PER-50", "the log when it is over", logs(talk, job), twice[1:])


@case(
    "logs/left",
    "TIME-22",
    "JOB-LOG-17",
    normalise=[
        Either("GetJobLogs", "code", ENDS, "which end of a deadline comes first is a race"),
        Either("GetJobLogs", "details", WORDS, "which end of a deadline comes first is a race"),
        RealSeconds("GetJobLogs", "a client's deadline is in real time"),
    ],
)
def _(talk: Talk) -> None:
    """Readers who cancel, or whose time is up, are nothing to the job."""
    job = talk.shell("sleep 0.5; echo one; sleep 2; echo two")
    stream = talk.follow("GetJobLogs", uuid=job)
    stream.take(lambda stream: has(stream, b"one"))
    stream.leave()
    reply = talk.call("GetJobLogs", uuid=job[:PREFIX], timeout=0.5)
    talk.check(
        "JOB-LOG-17",
        f"a deadline ends a stream with one of three codes, not {reply.code}",
        reply.code in ENDS,
    )
    status = talk.until_status(job)
    talk.expect("JOB-LOG-17", "the job's end", status.status, "COMPLETED")
    talk.expect("JOB-LOG-17", "the log", logs(talk, job), [b"one\n", b"two\n"])


@case("logs/scheduled", "JOB-LOG-15", "JOB-LOG-23")
def _(talk: Talk) -> None:
    """A scheduled job's stream is silent until the job runs, and brings its output then."""
    job = talk.run("echo", "in time", schedule=talk.moment(3))
    stream = talk.follow("GetJobLogs", uuid=job)
    talk.wait(1)
    talk.check("JOB-LOG-15", "the stream waits in silence", not (stream.messages or stream.ended))
    talk.until_status(job)
    reply = stream.rest()
    talk.expect("JOB-LOG-15", "the log", (reply.code, chunks(reply)), ("OK", [b"in time\n"]))


@case("logs/canceled", "TIME-09", "JOB-LOG-16", "JOB-LOG-23", "PER-51")
def _(talk: Talk) -> None:
    """A canceled job's stream does not end, whenever it was opened, until the job is deleted."""
    job = talk.run("echo", "never", schedule=FAR)
    before = talk.follow("GetJobLogs", uuid=job)
    talk.call("StopJob", uuid=job)
    status = talk.call("GetJobStatus", uuid=job).message
    talk.expect("JOB-LOG-16", "the status", status.status, "CANCELED")
    after = talk.follow("GetJobLogs", uuid=job)
    talk.wait(2)
    talk.check("JOB-LOG-16", "neither stream ends", not (before.ended or after.ended))
    talk.call("JobService.DeleteJob", uuid=job)
    for stream in (before, after):
        reply = stream.rest(seconds=3)
        talk.expect("JOB-LOG-23", "the end", (reply.code, reply.messages), ("OK", ()))


@case("logs/stopped", "JOB-LOG-23", "JOB-STP-07b", "PER-51")
def _(talk: Talk) -> None:
    """A stopped job's stream ends half a second after the stop."""
    job = talk.shell("sleep 0.5; echo one; sleep 60")
    stream = talk.follow("GetJobLogs", uuid=job)
    stream.take(lambda stream: has(stream, b"one"))
    talk.call("StopJob", uuid=job)
    stopped = talk.target.now()
    reply = stream.rest()
    printed = [b"one\n", b"Terminated\n"]
    talk.expect("JOB-LOG-23", "the log", (reply.code, chunks(reply)), ("OK", printed))
    drained = talk.target.now() - stopped
    talk.check("PER-51", f"it ends after 0.5 s, not {drained:.1f}", 0.2 < drained < 3)
    talk.until_status(job, "FAILED")
    talk.expect("PER-50", "the log when it is over", logs(talk, job), printed)


@case("logs/unknown", "JOB-LOG-21", "PER-50")
def _(talk: Talk) -> None:
    """An id that fits no job, or more than one, is not found, with the text as it was sent."""
    one, other = talk.run("true"), talk.run("true")
    talk.until_status(one)
    talk.until_status(other)
    for text in (UNKNOWN, UNKNOWN[:PREFIX], one.upper(), f"{one}0", "no job", ""):
        reply = talk.call("GetJobLogs", uuid=text)
        talk.refused("JOB-LOG-21", reply, "NOT_FOUND", f"job not found: {text}")


@case("logs/deleted", "JOB-UID-03", "PER-50", "PER-74", "PER-20", needs=["persist"])
def _(talk: Talk) -> None:
    """A deleted job's log is still read from the buffer, by whole id and by prefix."""
    job = talk.shell("printf kept")
    talk.until_status(job)
    talk.call("JobService.DeleteJob", uuid=job)
    gone = talk.call("GetJobStatus", uuid=job)
    talk.refused("PER-50", gone, "NOT_FOUND", f"job {job} not found")
    for text in (job, job[:PREFIX]):
        reply = talk.call("GetJobLogs", uuid=text)
        talk.expect("JOB-UID-03", "the log", (reply.code, chunks(reply)), ("OK", [b"kept"]))
    stored = talk.call("QueryLogs", job_uuid=job)
    text = f"failed to read logs: no logs found for job {job}"
    talk.refused("PER-74", stored, "INTERNAL", text)


@case("logs/all-deleted", "JOB-DEL-09", "JOB-UID-03", "PER-74", needs=["persist", "destructive"])
def _(talk: Talk) -> None:
    """DeleteAllJobs removes a job's buffer too, and its history; not those of a running job."""
    job = talk.shell("printf gone")
    talk.until_status(job)
    running = talk.shell("printf kept; sleep 60")
    stream = talk.follow("GetJobLogs", uuid=running[:PREFIX])
    stream.take(lambda stream: has(stream, b"kept"))
    talk.wait(0.5)
    # What it answers depends on what else the server holds.
    talk.call("DeleteAllJobs", record=False)
    for text in (job, job[:PREFIX]):
        reply = talk.call("GetJobLogs", uuid=text)
        talk.refused("JOB-DEL-09", reply, "NOT_FOUND", f"job not found: {text}")
    talk.expect("PER-74", "the code", talk.call("QueryLogs", job_uuid=job).code, "INTERNAL")
    kept = talk.call("QueryLogs", job_uuid=running).messages
    contents = [record.content for record in kept]  # type: ignore[attr-defined]
    talk.expect("PER-74", "a running job's history", contents, [b"kept"])
    stream.leave()


def system_lines(talk: Talk, job: str) -> list[str]:
    """Wait for a job's end and give the lines of its log, read by prefix and so in order."""
    talk.until_status(job)
    return b"".join(logs(talk, job[:PREFIX])).decode().splitlines()


LINES: Final = (PIECES, SystemLines("GetJobLogs", "payload"))


@case("logs/unknown-command", "JOB-LOG-30", "JOB-LOG-31", normalise=LINES)
def _(talk: Talk) -> None:
    """A command that is not found leaves a line of the server's own, and exit code 1."""
    (line,) = system_lines(talk, talk.run("no-such-command", "x"))
    talk.check("JOB-LOG-30", "it begins with a time and a level", "Z] [ERROR] [init] " in line)
    cause = "job execution failed: config job.command: runtime not found: no-such-command"
    talk.check("JOB-LOG-31", "it says why", f'error="{cause}"' in line)


@case("logs/no-program", "JOB-LOG-30", "JOB-LOG-33", normalise=LINES)
def _(talk: Talk) -> None:
    """A path that leads nowhere, or to a file that is no program, leaves two lines."""
    uploads = [{"path": "tool", "content": b"#!/bin/sh\n"}]
    for path, why in (
        ("/no/such/program", "no such file or directory"),
        ("/work/tool", "permission denied"),
    ):
        first, second = system_lines(talk, talk.run(path, uploads=uploads))
        title = "exec failed - job will not appear as PID 1"
        talk.check("JOB-LOG-33", "the first line", title in first and f'error="{why}"' in first)
        cause = f'error="job execution failed: execution failed: {why}"'
        talk.check("JOB-LOG-33", "the second", "joblet failed" in second and cause in second)


@case("logs/missing-volume", "JOB-LOG-30", "JOB-LOG-31", normalise=LINES)
def _(talk: Talk) -> None:
    """A volume that is missing leaves warnings before the output; the job runs on."""
    job = talk.run("echo", "on I go", volumes=["no-such-volume"])
    first, second, output = system_lines(talk, job)
    talk.check("JOB-LOG-31", "the first line", "[WARN] volume does not exist |" in first)
    talk.check("JOB-LOG-31", "the second", "[WARN] failed to mount volume |" in second)
    talk.expect("JOB-LOG-31", "the third", output, "on I go")
