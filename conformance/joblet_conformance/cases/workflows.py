"""The workflow methods of JobService, and RunJob as a part of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_conformance.case import case
from joblet_conformance.normalise import Pattern, Unordered

if TYPE_CHECKING:
    from joblet_conformance.talk import Reply, Talk

UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"
PREFIX: Final = 8
NONE: Final = "0"
"""What stands for the id of a job that was not started."""
START_S: Final = 5
"""Seconds after which a workflow starts its first jobs."""
END: Final = ("COMPLETED", "FAILED", "CANCELED")

START: Final = "failed to start workflow orchestration: "
PARSE: Final = f"{START}failed to parse workflow YAML content: failed to parse YAML content: yaml: "
MISFIT: Final = f"{PARSE}unmarshal errors:\n  "
FILE: Final = f"{START}failed to parse workflow YAML: failed to read YAML file: open "
RULES: Final = f"{START}workflow validation failed: "
VARIABLES: Final = f"{RULES}environment variable validation failed: job 'a': environment - "
NAME: Final = (
    "must start with letter or underscore and contain only letters, numbers, and underscores"
)

NO_YAML: Final = {
    "jobs: [a": "line 1: did not find expected ',' or ']'",
    "jobs: {a: b": "line 1: did not find expected ',' or '}'",
    "a: b: c": "mapping values are not allowed in this context",
    "jobs:\n  a:\n  command: x\n b: c": "line 3: did not find expected key",
    "jobs:\n\ta: b": "line 2: found character that cannot start any token",
    "jobs:\n  a: 'x": "line 2: found unexpected end of stream",
    "jobs:\n  a: @x": "line 2: found character that cannot start any token",
    "jobs:\n  a\n  b: c": "line 3: mapping values are not allowed in this context",
    "jobs:\n  - a\n  b": "line 3: could not find expected ':'",
    "jobs: *nowhere": "unknown anchor 'nowhere' referenced",
    "jobs: \0": "control characters are not allowed",
    "jobs: {<<: 1}": "map merge requires map or sequence of maps as the value",
    "jobs: {a: {resources: {max_cpu: !!int x}}}": "cannot decode !!str `x` as a !!int",
}
"""Texts that are no workflow, and the library's words after `yaml: `."""

MISFITS: Final = {
    "hello": "line 1: cannot unmarshal !!str `hello` into types.WorkflowYAML",
    "jobs: [a]": "line 1: cannot unmarshal !!seq into map[string]types.JobSpec",
    "jobs: {a: echo}": "line 1: cannot unmarshal !!str `echo` into types.JobSpec",
    "jobs: {a: {args: all of them}}": "line 1: cannot unmarshal !!str `all of ...` into []string",
    "jobs:\n  a:\n    requires: {b: COMPLETED}": (
        "line 3: cannot unmarshal !!map into []map[string]string"
    ),
    "jobs: {a: {requires: [b]}}": "line 1: cannot unmarshal !!str `b` into map[string]string",
    "jobs: {a: {resources: {max_cpu: '5', max_memory: much}}}": (
        "line 1: cannot unmarshal !!str `5` into int\n"
        "  line 1: cannot unmarshal !!str `much` into int"
    ),
    "jobs: {a: {uploads: [f]}}": "line 1: cannot unmarshal !!seq into types.JobUploads",
    "jobs: {a: {command: [x]}}": "line 1: cannot unmarshal !!seq into string",
    "jobs:\n  a: {}\n  a: {}": 'line 3: mapping key "a" already defined at line 2',
}
"""Texts that are YAML of another shape, and what the library says of that."""

REFUSED: Final = {
    "{a: {requires: [{a: COMPLETED}]}}": (
        "circular dependency detected: circular dependency involving job 'a'"
    ),
    "{a: {requires: [{b: X}], runtime: none-1}, b: {requires: [{b: Y}]}}": (
        "circular dependency detected: circular dependency involving job 'b'"
    ),
    "{a: {volumes: [no-volume, ''], runtime: none-1}}": (
        "volume validation failed: missing volumes: [no-volume]"
    ),
    "{a: {runtime: none-1, requires: [{b: COMPLETED}]}}": (
        "runtime validation failed: missing runtimes: [none-1]"
    ),
    "{a: {environment: {1bad: x}, requires: [{b: COMPLETED}]}}": (
        "job dependency validation failed: job 'a' depends on non-existent job 'b'"
    ),
}
"""What is wrong with jobs, in the order in which a server looks."""


def start(talk: Talk, yaml: str, *, record: bool = True, **fields: Any) -> Reply:  # noqa: ANN401
    """Ask for a workflow."""
    return talk.call("RunWorkflow", workflow="w.yaml", yaml_content=yaml, record=record, **fields)


@case("workflows/no-yaml", "JOB-WF-04", "JOB-WF-05")
def _(talk: Talk) -> None:
    """A text that is no workflow is refused in the words of the server's YAML library."""
    for text, words in NO_YAML.items():
        talk.refused("JOB-WF-04", start(talk, text), "INTERNAL", PARSE + words)
    for text, words in MISFITS.items():
        talk.refused("JOB-WF-04", start(talk, text), "INTERNAL", MISFIT + words)


@case("workflows/refused", "JOB-WF-01", "JOB-WF-02", "JOB-WF-04", "JOB-WF-20", "VOL-25")
def _(talk: Talk) -> None:
    """What can't be a workflow is refused before anything is started, the first flaw first."""
    for yaml in ("", "jobs: {}", "no: [yaml"):
        reply = talk.call("RunWorkflow", workflow="", yaml_content=yaml)
        talk.refused("JOB-WF-01", reply, "INVALID_ARGUMENT", "workflow is required")
    for path, problem in (
        ("/nowhere/w.yaml", "no such file or directory"),
        ("nowhere.yml", "no such file or directory"),
        ("x" * 256 + ".yaml", "file name too long"),
        ("a\0.yaml", "invalid argument"),
    ):
        reply = talk.call("RunWorkflow", workflow=path)
        talk.refused("JOB-WF-02", reply, "INTERNAL", f"{FILE}{path}: {problem}")
    for jobs, words in REFUSED.items():
        talk.refused("JOB-WF-04", start(talk, f"jobs: {jobs}"), "INTERNAL", RULES + words)
    for name in ("1bad", "", "a b", "ü", "SECRET-X"):
        reply = start(talk, f"jobs: {{a: {{environment: {{'{name}': x}}}}}}")
        words = f"invalid environment variable name '{name}': {NAME}"
        talk.refused("JOB-WF-04", reply, "INTERNAL", VARIABLES + words)
    reply = start(talk, f"jobs: {{a: {{environment: {{BIG: {'x' * 32_769}}}}}}}")
    words = "environment variable 'BIG' value too long (32769 bytes, max 32768)"
    talk.refused("JOB-WF-04", reply, "INTERNAL", VARIABLES + words)
    for uuid in (UNKNOWN, "no-workflow"):
        reply = talk.call("GetWorkflowStatus", workflow_uuid=uuid)
        talk.refused("JOB-WF-20", reply, "NOT_FOUND", f"workflow not found: {uuid}")


LIFE: Final = """\
name: conformance
jobs:
  {ok}:
    command: sh
    args: ["-c", "echo $(cat sent/a.txt) $PLAIN $A_TOKEN", null, 7]
    uploads: {{files: [sent/a.txt]}}
    environment: {{PLAIN: yes, A_TOKEN: s3cret, secret_x: 5}}
    resources: {{max_memory: -3, gpu_count: 1, gpu_memory_mb: 100}}
    unknown: [ignored]
  {after}:
    command: echo
    requires:
      - {{{ok}: FAILED, {three}: FAILED}}
      - {ok}: COMPLETED
  {three}: {{command: sh, args: ["-c", "exit 3"]}}
  {lost}: {{command: cat, uploads: {{files: [not-sent]}}}}
  {never}: {{command: echo, requires: [{lost}: COMPLETED]}}
  {later}: {{command: echo, requires: [{never}: CANCELED]}}
"""
NAMES: Final = ("ok", "after", "three", "lost", "never", "later")
ENDS: Final = {
    "ok": "COMPLETED",
    "after": "COMPLETED",
    "three": "FAILED",
    "lost": "FAILED",
    "never": "CANCELED",
    "later": "COMPLETED",
}
WORKFLOW: Final = (
    Pattern(
        r"(?<=[a-z])-[0-9a-f]{8}(?![0-9a-f-])",
        "run",
        "names of jobs are shared by all workflows of a server: a run has its own (JOB-WF-15)",
    ),
    Unordered("GetWorkflowStatus", "jobs", inner="dependencies", key="job_name"),
)


def named(talk: Talk) -> dict[str, str]:
    """Give names of jobs that no other workflow has."""
    off_the_second(talk)
    return {name: f"{name}-{talk.mark[:PREFIX]}" for name in NAMES}


def off_the_second(talk: Talk) -> None:
    """Leave a whole second, on which a clock that stands still may be, and no real one is."""
    talk.wait(0.3)


def jobs_of(status: Any, names: dict[str, str]) -> dict[str, Any]:  # noqa: ANN401 - a message
    """Give a workflow's jobs by their names without the run's own part."""
    short = {name: key for key, name in names.items()}
    return {short[job.job_name]: job for job in status.jobs}


def until_end(talk: Talk, uuid: str) -> Any:  # noqa: ANN401 - a run-time message
    """Wait until all of a workflow's jobs have ended."""

    def ended() -> bool:
        return asked(talk, uuid).workflow.status in END

    talk.until("the workflow has ended", ended, 40)
    return asked(talk, uuid)


def asked(talk: Talk, uuid: str) -> Any:  # noqa: ANN401 - a run-time message
    """Ask for a workflow without a step of its own."""
    return talk.call("GetWorkflowStatus", workflow_uuid=uuid, record=False).message


@case(
    "workflows/life",
    "JOB-WF-03",
    "JOB-WF-05",
    "JOB-WF-06",
    "JOB-WF-07",
    "JOB-WF-10",
    "JOB-WF-11",
    "JOB-WF-12",
    "JOB-WF-13",
    "JOB-WF-14",
    "JOB-WF-20",
    "JOB-WF-21",
    "JOB-WF-22",
    "JOB-WF-23",
    "JOB-WF-24",
    "JOB-RUN-56",
    "JOB-RUN-66",
    "TIME-11",
    normalise=WORKFLOW,
)
def _(talk: Talk) -> None:
    """Jobs start when what they require has come, and are cancelled when it can't come any more."""
    names = named(talk)
    began = talk.target.now()
    files = [{"path": "sent/a.txt", "content": b"a file\n"}]
    answer = start(talk, LIFE.format(**names), total_jobs=99, workflow_files=files).message
    uuid = answer.workflow_uuid
    talk.expect("JOB-WF-03", "the status", answer.status, "STARTED")
    first = talk.call("GetWorkflowStatus", workflow_uuid=uuid[:PREFIX]).message
    talk.expect("JOB-WF-20", "the workflow of a prefix", first.workflow.uuid, uuid)
    talk.expect("JOB-WF-21", "the file", first.workflow.yaml_content, LIFE.format(**names))
    talk.expect("JOB-WF-21", "how many jobs", first.workflow.total_jobs, len(NAMES))
    idle = {(job.job_uuid, job.status) for job in first.jobs}
    talk.expect("JOB-WF-22", "jobs that wait", idle, {(NONE, "PENDING")})
    talk.wait(START_S - 0.5)
    talk.until(
        "a job has been started",
        lambda: asked(talk, uuid).workflow.status != "PENDING",
    )
    waited = talk.target.now() - began
    talk.check("JOB-WF-10", "the first tick comes after 5 s", START_S <= waited < START_S + 2)
    talk.wait(10)
    end = until_end(talk, uuid)
    jobs = jobs_of(end, names)
    talk.expect("JOB-WF-12", "the ends", {name: job.status for name, job in jobs.items()}, ENDS)
    started = [name for name, job in jobs.items() if job.job_uuid != NONE]
    talk.expect("JOB-WF-13", "what was started", set(started), {"ok", "after", "three", "later"})
    try:
        _started(talk, {name: jobs[name].job_uuid for name in NAMES if name in started})
        info = talk.call("GetWorkflowStatus", workflow_uuid=uuid).message.workflow
    finally:
        talk.remove(jobs[name].job_uuid for name in started)
    talk.expect(
        "JOB-WF-14",
        "the workflow",
        (info.status, info.completed_jobs, info.failed_jobs, info.canceled_jobs),
        ("CANCELED", 3, 2, 0),
    )
    for all_of_them in (False, True):
        reply = talk.call("ListWorkflows", include_completed=all_of_them, record=False)
        listed = uuid in {each.uuid for each in reply.message.workflows}
        talk.check("JOB-WF-23", "a cancelled workflow is always listed", listed)
    replies = [
        talk.call("GetWorkflowJobs", workflow_uuid=text, record=False).message
        for text in (uuid, UNKNOWN, "")
    ]
    shown = [{job.job_name for job in reply.jobs} for reply in replies]
    talk.check("JOB-WF-24", "whichever is asked for, one comes", shown == shown[:1] * len(shown))


def _started(talk: Talk, jobs: dict[str, str]) -> None:
    for job in jobs.values():
        talk.call("GetJobStatus", uuid=job)
    status = talk.status(jobs["ok"])
    talk.expect("JOB-WF-13", "the name", status.name, "")
    talk.expect("JOB-WF-05", "the arguments", list(status.args)[2:], ["7"])
    talk.expect("JOB-WF-06", "the environment", dict(status.environment), {"PLAIN": "yes"})
    talk.expect("JOB-WF-06", "the secrets", set(status.secret_environment), {"A_TOKEN", "secret_x"})
    talk.expect("JOB-WF-05", "limits", (status.max_memory, status.network), (0, "bridge"))
    talk.expect("JOB-WF-07", "the output", talk.output(jobs["ok"]), b"a file yes s3cret\n")
    reply = talk.call("JobService.ListJobs", record=False).message
    (listed,) = [job for job in reply.jobs if job.uuid == jobs["ok"]]
    # There is no GPU, and it ran nevertheless (JOB-RUN-66).
    talk.expect("JOB-RUN-56", "GPUs", (listed.gpu_count, listed.gpu_memory_mb), (1, 100))


@case(
    "workflows/one-that-fails-to-start", "JOB-WF-13", "JOB-WF-14", "JOB-WF-23", normalise=WORKFLOW
)
def _(talk: Talk) -> None:
    """A workflow whose only job can't be built goes from PENDING to FAILED, and never began."""
    name = named(talk)["ok"]
    yaml = f"jobs: {{{name}: {{command: echo, resources: {{max_cpu: 400}}}}}}"
    uuid = start(talk, yaml).message.workflow_uuid
    talk.wait(START_S)
    until_end(talk, uuid)
    status = talk.call("GetWorkflowStatus", workflow_uuid=uuid).message
    info = status.workflow
    talk.expect("JOB-WF-14", "the end", (info.status, info.failed_jobs), ("FAILED", 1))
    talk.expect(
        "JOB-WF-14",
        "which times are told",
        [info.HasField(field) for field in ("created_at", "started_at", "completed_at")],
        [True, False, True],
    )
    talk.expect("JOB-WF-13", "the job's id", [job.job_uuid for job in status.jobs], [NONE])
    for all_of_them in (False, True):
        reply = talk.call("ListWorkflows", include_completed=all_of_them, record=False)
        listed = uuid in {each.uuid for each in reply.message.workflows}
        talk.expect("JOB-WF-23", f"listed, {all_of_them}", listed, all_of_them)


@case("workflows/without-jobs", "JOB-WF-02", "JOB-WF-14", "JOB-WF-21")
def _(talk: Talk) -> None:
    """A name that is no file makes a workflow of no jobs, which stays PENDING."""
    off_the_second(talk)
    uuid = talk.call("RunWorkflow", workflow="nightly", total_jobs=3).message.workflow_uuid
    talk.wait(START_S + 1)
    status = talk.call("GetWorkflowStatus", workflow_uuid=uuid).message
    info = status.workflow
    talk.expect("JOB-WF-02", "the workflow", (info.status, info.total_jobs), ("PENDING", 0))
    talk.expect("JOB-WF-21", "the file", info.yaml_content, "")


@case("workflows/names-are-shared", "JOB-WF-15", needs=("destructive",), normalise=WORKFLOW)
def _(talk: Talk) -> None:
    """Two workflows that wait with the same name show the same job, and one is never done."""
    name = named(talk)["ok"]
    yaml = f"jobs: {{{name}: {{command: echo}}}}"
    uuids = []
    for _each in range(2):
        uuids.append(start(talk, yaml).message.workflow_uuid)
        talk.wait(1)
    talk.wait(START_S)
    until_end(talk, uuids[1])
    talk.wait(START_S)
    (job,) = asked(talk, uuids[1]).jobs
    try:
        talk.call("GetJobStatus", uuid=job.job_uuid)
        first, second = (
            talk.call("GetWorkflowStatus", workflow_uuid=uuid).message for uuid in uuids
        )
    finally:
        talk.remove([job.job_uuid])
    talk.expect("JOB-WF-15", "the jobs", first.jobs[0].job_uuid, second.jobs[0].job_uuid)
    ends = (first.workflow.status, second.workflow.status)
    talk.expect("JOB-WF-15", "the ends", ends, ("PENDING", "COMPLETED"))


@case("workflows/run-job", "JOB-WF-30")
def _(talk: Talk) -> None:
    """RunJob with a workflow is checked for little, and waits for a job that is not ready."""
    workflow: dict[str, Any] = {"workflow_uuid": UNKNOWN}
    reply = talk.call("RunJob", command="", **workflow)
    talk.refused("JOB-WF-30", reply, "INVALID_ARGUMENT", "invalid request: command is required")
    reply = talk.call("RunJob", command="echo", max_cpu=101, **workflow)
    talk.refused(
        "JOB-WF-30",
        reply,
        "INTERNAL",
        "job run failed: job creation failed: invalid CPU limit: must be between 0-100",
    )
    waits = talk.call("RunJob", command="echo", job_uuid="no-such-job", **workflow).message
    talk.expect("JOB-WF-30", "the answer", (waits.job_uuid, waits.status), ("", "WAITING"))
    job = talk.run("echo", "a", max_cpu=-1, max_memory=-1, max_io_bps=-1, volumes=[""], **workflow)
    status = talk.until_status(job)
    talk.expect(
        "JOB-WF-30",
        "the job",
        (status.status, status.max_cpu, status.max_memory, status.max_io_bps, status.workflow_uuid),
        ("COMPLETED", 0, 0, 0, ""),
    )
    talk.expect("JOB-WF-30", "the volumes", list(status.volumes), [""])
    talk.expect("JOB-WF-30", "the output", talk.output(job), b"a\n")
    odd = talk.run(
        "echo", runtime="odd", requirements=[{"job_uuid": "x", "status": "Y"}], **workflow
    )
    end = talk.until_status(odd)
    talk.expect("JOB-WF-30", "a job on an odd runtime", (end.status, end.exit_code), ("FAILED", 1))
