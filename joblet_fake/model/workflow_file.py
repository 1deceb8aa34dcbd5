"""A workflow's file: what it says, and what a server refuses in it before it starts anything."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.goyaml import Items, Number, Record, Table, Text, read
from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.job import JobSpec, Upload
from joblet_fake.model.network import DEFAULT_NETWORK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z", re.ASCII)
LONGEST_VALUE: Final = 32_768
"""The longest value of an environment variable in a workflow, in bytes (JOB-WF-04)."""
SECRET_ENDS: Final = ("_TOKEN", "_KEY", "_PASSWORD", "_SECRET")
INT32: Final = 2**32

SHAPE: Final = Record(
    "types.WorkflowYAML",
    {
        "name": Text(),
        "description": Text(),
        "jobs": Table(
            Record(
                "types.JobSpec",
                {
                    "command": Text(),
                    "args": Items(Text()),
                    "runtime": Text(),
                    "network": Text(),
                    "uploads": Record(
                        "types.JobUploads",
                        {"files": Items(Text())},
                        optional=True,
                    ),
                    "volumes": Items(Text()),
                    "requires": Items(Table(Text())),
                    "resources": Record(
                        "types.JobResources",
                        {
                            "max_cpu": Number(),
                            "max_memory": Number(),
                            "max_io_bps": Number(),
                            "cpu_cores": Text(),
                            "gpu_count": Number(),
                            "gpu_memory_mb": Number(),
                        },
                    ),
                    "environment": Table(Text()),
                },
            ),
        ),
    },
)
"""What a workflow's file can say; every other key is ignored (JOB-WF-05)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One job of a workflow, as its file has it.

    Attributes:
        name: its key in the file.
        requires: the status that each other job must have had last, by that job's name; of two
            entries for one job the last counts (JOB-WF-11).
        mentions: the names of other jobs, as often as they stand there.
        files: the uploads that it wants of the workflow's files.
        spec: what it runs.
    """

    name: str
    requires: Mapping[str, str]
    mentions: tuple[str, ...]
    files: tuple[str, ...]
    spec: JobSpec


def read_workflow(text: str) -> tuple[Step, ...]:
    """Read a workflow's file.

    Args:
        text: YAML.

    Returns:
        Its jobs, in the file's order.

    Raises:
        YamlError: it is no such file, in the words of the real server's library.

    >>> [step.name for step in read_workflow("jobs: {a: {command: echo}, b: {}}")]
    ['a', 'b']
    """
    told: dict[str, dict[str, Any]] = read(text, SHAPE)["jobs"]
    return tuple(_step(name, job) for name, job in told.items())


def _step(name: str, told: dict[str, Any]) -> Step:
    environment: dict[str, str] = told["environment"]
    resources: dict[str, Any] = told["resources"]
    pairs = [pair for entry in told["requires"] for pair in entry.items()]
    uploads: dict[str, list[str]] | None = told["uploads"]
    return Step(
        name=name,
        requires=dict(pairs),
        mentions=tuple(other for other, _ in pairs),
        files=tuple(uploads["files"]) if uploads else (),
        spec=JobSpec(
            command=told["command"],
            args=tuple(told["args"]),
            name=name,
            max_cpu=_int32(resources["max_cpu"]),
            cpu_cores=resources["cpu_cores"],
            max_memory=_int32(resources["max_memory"]),
            max_io_bps=_int32(resources["max_io_bps"]),
            network=told["network"] or DEFAULT_NETWORK,
            volumes=tuple(told["volumes"]),
            runtime=told["runtime"],
            # `${NAME}` is replaced only where NAME happened to be handled before, in an order
            # that is random on a real server; here it never is (JOB-WF-06).
            environment={key: each for key, each in environment.items() if not is_secret(key)},
            secret_environment={key: each for key, each in environment.items() if is_secret(key)},
            gpu_count=_int32(resources["gpu_count"]),
            gpu_memory_mb=resources["gpu_memory_mb"],
        ),
    )


def _int32(number: int) -> int:
    return (number + INT32 // 2) % INT32 - INT32 // 2


def is_secret(name: str) -> bool:
    """Tell whether a variable of a workflow becomes a secret (JOB-WF-06).

    >>> is_secret("my_password"), is_secret("TOKENS")
    (True, False)
    """
    return name.upper().startswith("SECRET_") or name.upper().endswith(SECRET_ENDS)


def check_workflow(
    steps: Sequence[Step],
    has_volume: Callable[[str], bool],
    has_runtime: Callable[[str], bool],
) -> None:
    """Refuse what a server refuses before it starts anything, in its order (JOB-WF-04).

    Args:
        steps: the workflow's jobs.
        has_volume: tells whether there is a volume of a name.
        has_runtime: tells whether a runtime is installed.

    Raises:
        Refusal: the first thing that is wrong.
    """
    _check_circles(steps)
    volumes = dict.fromkeys(name for step in steps for name in step.spec.volumes if name)
    _check_missing("volume", (name for name in volumes if not has_volume(name)))
    runtimes = dict.fromkeys(step.spec.runtime for step in steps if step.spec.runtime)
    _check_missing(
        "runtime",
        (name for name in runtimes if not (has_runtime(name) or has_runtime(other_form(name)))),
    )
    names = {step.name for step in steps}
    for step in steps:
        for other in step.mentions:
            if other not in names:
                raise _wrong(
                    "job dependency validation failed: "
                    f"job '{step.name}' depends on non-existent job '{other}'",
                )
    for step in steps:
        for variables in (step.spec.environment, step.spec.secret_environment):
            _check_variables(step.name, variables)


def other_form(runtime: str) -> str:
    """Give a runtime's name with its first colon for a dash, or its first dash for a colon.

    >>> other_form("python:3.11-ml"), other_form("python-3.11-ml")
    ('python-3.11-ml', 'python:3.11-ml')
    """
    if ":" in runtime:
        return runtime.replace(":", "-", 1)
    return runtime.replace("-", ":", 1)


def _check_circles(steps: Sequence[Step]) -> None:
    graph = {step.name: step.mentions for step in steps}
    done: set[str] = set()
    for start, named in graph.items():
        # The jobs on the way from the start, each with those that it names and that are to come.
        way = {start: iter(named)}
        while way and start not in done:
            name, others = next(reversed(way.items()))
            other = next(others, None)
            if other is None:
                done.add(name)
                del way[name]
            elif other in way:
                # Which job of a circle is named depends on where a real server begins.
                raise _wrong(
                    f"circular dependency detected: circular dependency involving job '{other}'",
                )
            elif other not in done:
                way[other] = iter(graph.get(other, ()))


def _check_missing(what: str, missing: Iterable[str]) -> None:
    # The real order is random.
    names = " ".join(sorted(missing))
    if names:
        raise _wrong(f"{what} validation failed: missing {what}s: [{names}]")


def _check_variables(step: str, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        size = len(value.encode())
        problem = ""
        if not NAME.match(name):
            problem = (
                f"invalid environment variable name '{name}': must start with letter or "
                "underscore and contain only letters, numbers, and underscores"
            )
        elif size > LONGEST_VALUE:
            problem = (
                f"environment variable '{name}' value too long ({size} bytes, max {LONGEST_VALUE})"
            )
        if problem:
            raise _wrong(
                f"environment variable validation failed: job '{step}': environment - {problem}",
            )


def _wrong(text: str) -> Refusal:
    return Refusal(Kind.INTERNAL, f"workflow validation failed: {text}")


def with_program(step: Step, program: object) -> Step:
    """Give a job with what was chosen to run for it."""
    return dataclasses.replace(step, spec=dataclasses.replace(step.spec, program=program))


def with_files(step: Step, files: Mapping[str, bytes] | None) -> JobSpec | None:
    """Give what a job runs, with its uploads.

    Args:
        step: the job.
        files: the files that came with the workflow; None for a file of the server's own.

    Returns:
        None where an upload is not among the files, which fails this job alone (JOB-WF-07).
    """
    if not step.files:
        return step.spec
    if files is None or any(path not in files for path in step.files):
        return None
    uploads = tuple(Upload(path, files[path]) for path in step.files)
    return dataclasses.replace(step.spec, uploads=uploads)
