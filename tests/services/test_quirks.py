"""Every quirk over real gRPC, in both positions: what a client sees without it, and with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest

from joblet_fake import FakeJoblet
from joblet_fake.model import BEHAVIORS, QUIRKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LETTERS = "abcdefgh"
NEW_YEAR = "2026-01-01T00:00:00Z"
SOON = "2026-01-01T01:00:00Z"


class Case(NamedTuple):
    """What is done to a fake and seen of it, and what that is without the quirk and with it."""

    see: Callable[[FakeJoblet], object]
    off: object
    on: object
    pace: str = "immediate"


def run(joblet: FakeJoblet, *words: str, **fields: object) -> str:
    job_id: str = joblet.rpc("RunJob", command=words[0], args=words[1:], **fields).job_uuid
    return job_id


def code(joblet: FakeJoblet, method: str, **fields: object) -> str:
    """Make a call, whole streams too, and give its code."""
    try:
        answer = joblet.rpc(method, timeout=fields.pop("timeout", 10), **fields)
        if hasattr(answer, "__next__"):
            list(answer)
    except grpc.RpcError as error:
        failed: Any = error
        name: str = failed.code().name
        return name
    return "OK"


def status(joblet: FakeJoblet, job_id: str) -> Any:
    return joblet.rpc("GetJobStatus", uuid=job_id)


def stopped(joblet: FakeJoblet) -> str:
    """Stop a job that has begun."""
    job_id = run(joblet, "sleep", "60")
    joblet.clock.advance(seconds=1)
    joblet.rpc("StopJob", uuid=job_id)
    return job_id


def the_end(joblet: FakeJoblet) -> tuple[list[str], bool, int]:
    """Stop a job and wait: its statuses, whether it has an end time, its exit code."""
    job_id = stopped(joblet)
    joblet.clock.advance(seconds=5)
    words = [word for _, word in joblet.jobs[job_id].statuses]
    told = status(joblet, job_id)
    return words[2:], bool(told.end_time), told.exit_code


def cancelling(joblet: FakeJoblet) -> tuple[str, str]:
    job_id = run(joblet, "true", schedule=SOON)
    return code(joblet, "CancelJob", uuid=job_id), status(joblet, job_id).status


def much_cpu(joblet: FakeJoblet) -> list[object]:
    seen: list[object] = []
    for percent in (400, 10_001):
        answer = code(joblet, "RunJob", command="true", max_cpu=percent)
        seen += [answer, *(joblet.rpc("ListJobs").jobs[0].max_cpu for _ in [0] if answer == "OK")]
        for job_id in joblet.jobs:
            joblet.rpc("JobService.DeleteJob", uuid=job_id)
    return seen


def host_network(joblet: FakeJoblet) -> tuple[str, str]:
    answer = code(joblet, "RunJob", command="true", network="host")
    (job,) = joblet.rpc("ListJobs").jobs
    return answer, job.status


def relative_schedule(joblet: FakeJoblet) -> list[str]:
    seen = []
    for text in ("10s", "5min", "1h30m", "10x", "s"):
        answer = code(joblet, "RunJob", command="true", schedule=text)
        planned = [job.scheduled_time for job in joblet.rpc("ListJobs").jobs]
        seen.append(max(planned) if answer == "OK" else answer)
    joblet.clock.advance(minutes=90)
    return [*seen, *{job.status for job in joblet.rpc("ListJobs").jobs}]


def listed_secret(joblet: FakeJoblet) -> str:
    job_id = run(joblet, "true", secret_environment={"TOKEN": "s3cret"})
    (job,) = joblet.rpc("ListJobs").jobs
    assert status(joblet, job_id).secret_environment == {"TOKEN": "***"}
    secret: str = job.secret_environment["TOKEN"]
    return secret


def stop_answer(joblet: FakeJoblet) -> tuple[str, str, int]:
    job_id = run(joblet, "sleep", "60")
    answer = joblet.rpc("StopJob", uuid=job_id)
    assert answer.uuid == job_id
    return answer.status, answer.end_time, answer.exit_code


def work_dir(joblet: FakeJoblet) -> tuple[list[str], list[str]]:
    shown, said = [], []
    for folder in ("data/run", "/work/a", "/tmp", ""):
        job_id = run(joblet, "sh", "-c", "echo $PWD; pwd; >f; ls", work_dir=folder)
        shown.append(status(joblet, job_id).work_dir)
        said.append(joblet.jobs[job_id].output_bytes.decode())
    return shown, said


def parse_error(joblet: FakeJoblet) -> str:
    with joblet.channel() as channel:
        call = channel.unary_unary("/joblet.JobService/StopJob")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"\xff", timeout=10)
    failed: Any = caught.value
    details: str = failed.details()
    return details


def deadline(joblet: FakeJoblet) -> list[str]:
    """Follow a job that runs and says a word: until a deadline, and to its end in time."""
    joblet.programs.on("talker").prints("word").sleeps(60)
    job_id = run(joblet, "talker")
    first = code(joblet, "GetJobLogs", uuid=job_id[:8], timeout=0.5)
    (call,) = joblet.calls.to("GetJobLogs")
    assert call.sent == 1
    joblet.clock.advance(minutes=2)
    return [first, code(joblet, "GetJobLogs", uuid=job_id, timeout=10)]


def late_link(joblet: FakeJoblet) -> list[str]:
    joblet.restart()
    seen = []
    for _ in range(2):
        job_id = run(joblet, "echo", "word")
        seen += [
            code(joblet, "GetJobLogs", uuid=job_id),
            code(joblet, "QueryLogs", job_uuid=job_id),
        ]
        seen.append(code(joblet, "QueryMetrics", job_uuid=job_id))
        joblet.clock.advance(seconds=5)
    return seen


def quick_stop(joblet: FakeJoblet) -> int:
    job_id = run(joblet, "sleep", "60")
    joblet.rpc("StopJob", uuid=job_id)
    joblet.clock.advance(seconds=5)
    told: int = status(joblet, job_id).exit_code
    return told


def orders(joblet: FakeJoblet) -> list[bool]:
    """Tell of each list whether a second look has the same order."""
    for letter in LETTERS:
        joblet.rpc("RunJob", command=letter)
        joblet.rpc("CreateNetwork", name=letter, cidr="10.1.0.0/29")
        joblet.rpc("CreateVolume", name=letter, size="1MB", type="memory")
    yaml = "jobs:\n" + "".join(f"  {letter}: {{command: 'true'}}\n" for letter in LETTERS)
    for _ in LETTERS:
        flow = joblet.rpc("RunWorkflow", workflow="w", yaml_content=yaml).workflow_uuid

    def look() -> list[list[str]]:
        every = {"include_completed": True}
        return [
            [job.uuid for job in joblet.rpc("ListJobs").jobs],
            [network.name for network in joblet.rpc("ListNetworks").networks],
            [volume.name for volume in joblet.rpc("ListVolumes").volumes],
            [flow.uuid for flow in joblet.rpc("ListWorkflows", **every).workflows],
            [job.job_name for job in joblet.rpc("GetWorkflowStatus", workflow_uuid=flow).jobs],
        ]

    first, second = look(), look()
    assert list(map(sorted, first)) == list(map(sorted, second))
    return [one == other for one, other in zip(first, second, strict=True)]


def history(joblet: FakeJoblet) -> tuple[bool, bool]:
    """Tell whether quick chunks, and slow ones, come back in the order written."""
    quick, slow = joblet.programs.on("quick"), joblet.programs.on("slow")
    for letter in LETTERS:
        quick.prints(letter)
        slow.prints(letter).sleeps(1)
    jobs = run(joblet, "quick"), run(joblet, "slow")
    joblet.clock.advance(minutes=1)
    readings = []
    for job_id in jobs:
        log = [chunk.payload for chunk in joblet.rpc("GetJobLogs", uuid=job_id)]
        lines = list(joblet.rpc("QueryLogs", job_uuid=job_id))
        assert log == [line.content for line in lines]
        in_sequence = sorted(lines, key=lambda line: line.sequence)
        assert b"".join(line.content for line in in_sequence).decode() == LETTERS
        readings.append(b"".join(log).decode() == LETTERS)
    return readings[0], readings[1]


def canceled_log(joblet: FakeJoblet) -> str:
    job_id = run(joblet, "true", schedule=SOON)
    joblet.rpc("StopJob", uuid=job_id)
    return code(joblet, "GetJobLogs", uuid=job_id, timeout=0.5)


def deleted(joblet: FakeJoblet) -> list[str]:
    job_id = stopped(joblet)
    joblet.rpc("JobService.DeleteJob", uuid=job_id)
    assert not joblet.rpc("ListJobs").jobs
    joblet.clock.advance(seconds=5)
    return [job.status for job in joblet.rpc("ListJobs").jobs]


def codes(joblet: FakeJoblet) -> list[str]:
    running, done = run(joblet, "sleep", "60"), run(joblet, "true")
    return [
        code(joblet, "StopJob", uuid="nobody"),
        code(joblet, "StopJob", uuid=done),
        code(joblet, "JobService.DeleteJob", uuid="nobody"),
        code(joblet, "JobService.DeleteJob", uuid=running),
        code(joblet, "RunJob", command="true", max_cpu=101),
        code(joblet, "RunJob", command="true", schedule="10s"),
    ]


def late_reader(joblet: FakeJoblet) -> list[bytes]:
    joblet.programs.on("talker").prints("early").sleeps(60).prints("late")
    job_id = run(joblet, "talker")
    stream = joblet.rpc("GetJobLogs", uuid=job_id, timeout=10)
    first = next(stream).payload
    joblet.clock.advance(minutes=1)
    return [first, *(chunk.payload for chunk in stream)]


def workflow_jobs(joblet: FakeJoblet) -> tuple[str, str]:
    for name in ("first", "second"):
        yaml = f"jobs:\n  {name}:\n    command: 'true'\n"
        flow = joblet.rpc("RunWorkflow", workflow="w", yaml_content=yaml).workflow_uuid
    (job,) = joblet.rpc("GetWorkflowJobs", workflow_uuid=flow).jobs
    return job.job_name, code(joblet, "GetWorkflowJobs", workflow_uuid="nobody")


UNPARSED = "grpc: error unmarshalling request: proto:{}cannot parse invalid wire-format data"
AT_WORK = "/work\n/work\nf\n"
CASES = {
    "cancel-works": Case(cancelling, ("UNIMPLEMENTED", "SCHEDULED"), ("OK", "CANCELED")),
    "cpu-over-100-allowed": Case(much_cpu, ["INTERNAL", "OK", 0], ["OK", 400, "OK", 0]),
    "host-network-allowed": Case(host_network, ("INTERNAL", "FAILED"), ("OK", "COMPLETED")),
    "relative-schedules": Case(
        relative_schedule,
        ["INTERNAL"] * 5,
        [
            "2026-01-01T00:00:10Z",
            "2026-01-01T00:05:00Z",
            "2026-01-01T01:30:00Z",
            "INTERNAL",
            "INTERNAL",
            "COMPLETED",
        ],
    ),
    "run-job-initializing": Case(
        lambda joblet: joblet.rpc("RunJob", command="true").status, "RUNNING", "INITIALIZING"
    ),
    "secrets-masked-everywhere": Case(listed_secret, "s3cret", "***"),
    "stop-answers": Case(stop_answer, ("", "", 0), ("FAILED", NEW_YEAR, -1)),
    "stopped-stays": Case(
        the_end, (["STOPPED", "FAILED"], True, -1), (["STOPPED"], True, -1), pace="real"
    ),
    "work-dir-honoured": Case(
        work_dir,
        ([""] * 4, [AT_WORK] * 4),
        (
            ["data/run", "/work/a", "/tmp", ""],
            [
                "/work/data/run\n" * 2 + "f\n",
                "/work/a\n" * 2 + "f\n",
                "/tmp\n" * 2 + "f\n",
                AT_WORK,
            ],
        ),
    ),
    "deadline-ends-ok": Case(deadline, ["DEADLINE_EXCEEDED", "OK"], ["OK", "OK"]),
    "late-link": Case(late_link, ["OK"] * 6, ["OK", "INTERNAL", "INTERNAL", "OK", "OK", "OK"]),
    "natural-result-first": Case(
        the_end, (["STOPPED", "FAILED"], True, -1), (["FAILED", "STOPPED"], False, 0), pace="real"
    ),
    "no-break-space": Case(
        parse_error, UNPARSED.format(" "), UNPARSED.format("\N{NO-BREAK SPACE}")
    ),
    "quick-stop-kills": Case(quick_stop, 2, -1, pace="real"),
    "random-list-order": Case(orders, [True] * 5, [False] * 5),
    "shuffled-history": Case(history, (True, True), (False, True)),
    "canceled-ends-logs": Case(canceled_log, "DEADLINE_EXCEEDED", "OK"),
    "deleted-stays-away": Case(deleted, ["FAILED"], [], pace="real"),
    "fitting-codes": Case(
        codes,
        ["INTERNAL"] * 6,
        [
            "NOT_FOUND",
            "FAILED_PRECONDITION",
            "NOT_FOUND",
            "FAILED_PRECONDITION",
            "INVALID_ARGUMENT",
            "INTERNAL",
        ],
    ),
    "logs-once": Case(late_reader, [b"early", b"early", b"late"], [b"early", b"late"]),
    "workflow-jobs-by-id": Case(workflow_jobs, ("first", "OK"), ("second", "NOT_FOUND")),
}


@pytest.fixture
def joblet(name: str) -> Iterator[FakeJoblet]:
    with FakeJoblet(clock="frozen", tls=False, pace=CASES[name].pace) as joblet:
        yield joblet
        joblet.check()


def test_every_quirk_has_a_case() -> None:
    assert list(CASES) == list(QUIRKS)
    assert [name for name, case in CASES.items() if case.off == case.on] == []


@pytest.mark.parametrize("name", CASES)
def test_a_server_is_as_servers_are_without_a_quirk(joblet: FakeJoblet, name: str) -> None:
    joblet.quirks.enable(name)
    joblet.quirks.disable(name)

    assert CASES[name].see(joblet) == CASES[name].off


@pytest.mark.parametrize("name", CASES)
def test_a_quirk_changes_what_it_says(joblet: FakeJoblet, name: str) -> None:
    joblet.quirks.enable(name)

    assert CASES[name].see(joblet) == CASES[name].on


# With all of the documentation's, a stopped job stays so, and nothing overtakes it.
ALONE = {"stop-answers": ("STOPPED", NEW_YEAR, -1)}


@pytest.mark.parametrize("name", sorted(BEHAVIORS["documented"]))
def test_the_documented_behaviour_has_the_documentations_quirks(name: str) -> None:
    case = CASES[name]
    with FakeJoblet(clock="frozen", behavior="documented", pace=case.pace) as joblet:
        assert case.see(joblet) == ALONE.get(name, case.on)
        joblet.check()


@pytest.mark.parametrize(
    ("names", "statuses", "exit_code"),
    [
        ((), ["STOPPED", "COMPLETED"], 0),
        (("natural-result-first",), ["STOPPED", "COMPLETED"], 0),
        (("stopped-stays",), ["STOPPED"], -1),
        (("natural-result-first", "stopped-stays"), ["STOPPED"], -1),
    ],
)
def test_a_stop_of_what_has_ended_already_is_overtaken_by_its_result(
    names: tuple[str, ...], statuses: list[str], exit_code: int
) -> None:
    """JOB-STP-07a: the order is not random there; the documentation knows one end alone."""
    with FakeJoblet(clock="frozen", tls=False, pace="real") as joblet:
        joblet.quirks.enable(*names)
        job_id = run(joblet, "true")
        joblet.clock.advance(seconds=0.1)
        joblet.rpc("StopJob", uuid=job_id)
        joblet.clock.advance(seconds=5)

        assert [word for _, word in joblet.jobs[job_id].statuses][2:] == statuses
        assert joblet.jobs[job_id].exit_code == exit_code
        joblet.check()


@pytest.mark.parametrize("pace", ["immediate", "real"])
@pytest.mark.parametrize(
    ("name", "statuses", "exit_code"),
    [
        ("natural-result-first", ["COMPLETED", "STOPPED"], 0),
        ("stopped-stays", ["STOPPED"], -1),
    ],
)
def test_a_program_that_answers_a_stop_makes_no_difference(
    pace: str, name: str, statuses: list[str], exit_code: int
) -> None:
    """JOB-STP-07: nor does the pace; its log ends with the first end status (JOB-STP-07b)."""
    with FakeJoblet(clock="frozen", tls=False, pace=pace) as joblet:
        joblet.quirks.enable(name)
        job_id = run(joblet, "sh", "-c", "trap 'echo bye; exit 0' TERM; sleep 60")
        joblet.clock.advance(seconds=1)
        joblet.rpc("StopJob", uuid=job_id)
        joblet.clock.advance(seconds=5)

        assert [word for _, word in joblet.jobs[job_id].statuses][2:] == statuses
        assert joblet.jobs[job_id].exit_code == exit_code
        log = b"".join(chunk.payload for chunk in joblet.rpc("GetJobLogs", uuid=job_id))
        assert log.endswith(b"bye\n")
        assert joblet.networks["bridge"].addresses == {}
        joblet.check()
