"""GetJobMetrics and QueryMetrics: what a job used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.normalise import Measured

if TYPE_CHECKING:
    from joblet_conformance.talk import Reply, Stream, Talk

FAR: Final = "2099-01-01T00:00:00Z"
PREFIX: Final = 8
SECOND_NS: Final = 10**9
LIVE_S: Final = 5
"""The interval that samples in memory say."""
NO_LIMIT_NS: Final = 2**62
CGROUP: Final = "/sys/fs/cgroup/joblet.slice/joblet.service/job-"

LITTLE_CPU: Final = 40.0
"""Percent; a job that sleeps uses less."""
LITTLE_USEC: Final = 2_000_000
LITTLE_MEMORY: Final = 64 << 20
UNMEASURED: Final = "a measurement that only a host with the controller for it makes"

MEASURED: Final = (
    Measured("GetJobMetrics", "cpu.usage_percent", LITTLE_CPU),
    Measured("GetJobMetrics", "cpu.usage_usec", LITTLE_USEC),
    Measured("GetJobMetrics", "cpu.user_usec", LITTLE_USEC, none_too=True),
    Measured("GetJobMetrics", "cpu.system_usec", LITTLE_USEC, none_too=True),
    *(
        Measured(
            "GetJobMetrics", f"memory.{field}", LITTLE_MEMORY, none_too=True, reason=UNMEASURED
        )
        for field in ("current", "anon", "file", "kernel_stack", "slab", "pg_fault")
    ),
    Measured("GetJobMetrics", "process.current", 10, none_too=True, reason=UNMEASURED),
    Measured("QueryMetrics", "data.cpu_usage", LITTLE_CPU / 100),
    Measured("QueryMetrics", "data.memory_usage", LITTLE_MEMORY, none_too=True, reason=UNMEASURED),
)


def told(samples: Reply | Stream) -> list[tuple[str, int]]:
    """Give of each sample where it comes from, and its number there."""
    counts = {"stored": 0, "live": 0}
    shown = []
    for message in samples.messages:
        sample: Any = message
        kind = "live" if sample.sample_interval_seconds == LIVE_S else "stored"
        shown.append((kind, counts[kind]))
        counts[kind] += 1
    return shown


@case(
    "metrics/life",
    "JOB-MET-21",
    "JOB-MET-22",
    "JOB-MET-24",
    "PER-36",
    "PER-37",
    "PER-38",
    "PER-46",
    "PER-52",
    "PER-53",
    "TIME-10",
    needs=("persist",),
    normalise=MEASURED,
)
def _(talk: Talk) -> None:
    """A job's samples: at its start and every 5 s, stored and live, until 6 s after its end."""
    job = talk.run("sleep", "6")
    talk.until(
        "the first sample is stored",
        lambda: len(talk.call("QueryMetrics", job_uuid=job, record=False).messages) == 1,
    )
    whole = talk.follow("GetJobMetrics", uuid=job)
    prefix = talk.follow("GetJobMetrics", uuid=job[:PREFIX])
    twice = [("stored", 0), ("live", 0)]
    for reader in (whole, prefix):
        reader.take(lambda stream: len(stream.messages) >= len(twice), 3)
        talk.expect("JOB-MET-24", "the first samples", told(reader), twice)
    talk.wait(11)
    end = whole.rest()
    talk.expect("JOB-MET-21", "all samples", told(end), [*twice, ("live", 1)])
    prefix.rest()
    for sample in map(_any, end.messages[1:]):
        talk.expect("JOB-MET-22", "the group", sample.cgroup_path, CGROUP + job)
        talk.check("JOB-MET-22", "limits are told", sample.HasField("limits"))
        talk.check("JOB-MET-22", "no network is measured", not sample.HasField("network"))
    old = _any(end.messages[0])
    talk.expect("PER-53", "the stored sample", (old.timestamp, old.sample_interval_seconds), (1, 1))
    talk.expect("JOB-MET-22", "its group", (old.cgroup_path, old.HasField("limits")), ("", False))
    talk.expect(
        "PER-52",
        "a finished job's samples",
        told(talk.call("GetJobMetrics", uuid=job)),
        [("stored", 0), ("stored", 1)],
    )
    stored = [_any(message) for message in talk.call("QueryMetrics", job_uuid=job).messages]
    talk.expect("PER-46", "the numbers", [each.sequence for each in stored], [0, 1])
    talk.check(
        "PER-37", "times are seconds", all(each.timestamp < SECOND_NS * 4 for each in stored)
    )
    talk.expect("PER-38", "the CPU at the start", stored[0].data.cpu_usage, 0.0)
    for each in stored:
        talk.check("PER-38", "reads and writes are told", each.data.HasField("disk_io"))
        talk.check("PER-38", "no network is", not each.data.HasField("network_io"))
    _ranges(talk, job, stored[0].timestamp)


def _ranges(talk: Talk, job: str, first: int) -> None:
    queries: tuple[tuple[dict[str, Any], list[int]], ...] = (
        ({"start_time": first}, [0, 1]),
        ({"start_time": first + 1}, [1]),
        ({"end_time": first}, [0]),
        ({"start_time": first, "end_time": first}, [0]),
        ({"start_time": first + 100}, []),
        ({"start_time": first * SECOND_NS}, []),
        ({"end_time": first * SECOND_NS}, [0, 1]),
        ({"start_time": -1, "end_time": -1}, [0, 1]),
        ({"limit": 1}, [0]),
        ({"offset": 1}, [1]),
        ({"limit": 1, "offset": 1}, [1]),
        ({"limit": -1, "offset": -1}, [0, 1]),
        ({"offset": 2}, []),
    )
    for fields, numbers in queries:
        reply = talk.call("QueryMetrics", job_uuid=job, record=False, **fields)
        found = [_any(message).sequence for message in reply.messages]
        talk.expect("PER-36", f"what {fields} gives", (reply.code, found), ("OK", numbers))
    talk.call("QueryMetrics", job_uuid=job, limit=1, offset=1)


def _any(message: object) -> Any:  # noqa: ANN401 - run-time message classes have no static type
    return message


@case(
    "metrics/without-a-job",
    "JOB-MET-20",
    "JOB-MET-21",
    "JOB-MET-24",
    "PER-35",
    "PER-52",
    "TIME-10",
    needs=("persist",),
    normalise=MEASURED,
)
def _(talk: Talk) -> None:
    """Who has no running process is given 6 s, and then OK: unknown, planned or deleted jobs."""
    talk.refused(
        "JOB-MET-20", talk.call("GetJobMetrics", uuid=""), "INVALID_ARGUMENT", "uuid is required"
    )
    planned, canceled = talk.run("true", schedule=FAR), talk.run("true", schedule=FAR)
    talk.call("StopJob", uuid=canceled)
    deleted, emptied = talk.run("true"), talk.run("true")
    for job in (deleted, emptied):
        talk.until_status(job)
    talk.call("JobService.DeleteJob", uuid=deleted)
    talk.call("PersistService.DeleteJob", job_uuid=emptied)
    readers = {
        name: talk.follow("GetJobMetrics", uuid=text)
        for name, text in {
            "an unknown job": "00000000-0000-4000-8000-000000000000",
            "a scheduled job": planned,
            "a canceled job": canceled,
            "a deleted job": deleted,
            "a job without its history": emptied,
        }.items()
    }
    talk.wait(5.5)
    for name, reader in readers.items():
        end = reader.rest()
        expected = [("live", 0)] if name == "a job without its history" else []
        talk.expect("PER-52", name, (end.code, told(end)), ("OK", expected))
    for job_id in ("", ".", "..", deleted, deleted[:PREFIX], planned, emptied):
        reply = talk.call("QueryMetrics", job_uuid=job_id)
        talk.refused(
            "PER-35",
            reply,
            "INTERNAL",
            f"failed to read metrics: no metrics found for job {job_id}",
        )


@case("metrics/impossible-names", "PER-87", needs=("persist",))
def _(talk: Talk) -> None:
    """An id that no file can have is refused in the file system's words."""
    long = "x" * 256
    for job_id, problem in ((long, "file name too long"), ("a\0b", "invalid argument")):
        path = f"/opt/joblet/metrics/{job_id}/metrics.jsonl.gz"
        reply = talk.call("QueryMetrics", job_uuid=job_id)
        talk.refused(
            "PER-87",
            reply,
            "INTERNAL",
            f"error reading metrics: failed to open metrics file: open {path}: {problem}",
        )


@case("metrics/failed-launch", "PER-46", "JOB-MET-21", needs=("persist",))
def _(talk: Talk) -> None:
    """A job that never got a process has no sample, neither stored nor live."""
    talk.call("RunJob", command="echo", network="no-such-net", environment=talk.marked)
    (job,) = talk.listed()
    reply = talk.call("QueryMetrics", job_uuid=job.uuid)
    talk.expect("PER-46", "the code", reply.code, "INTERNAL")
    reader = talk.follow("GetJobMetrics", uuid=job.uuid)
    talk.wait(5.5)
    end = reader.rest()
    talk.expect("JOB-MET-21", "the samples", (end.code, told(end)), ("OK", []))
