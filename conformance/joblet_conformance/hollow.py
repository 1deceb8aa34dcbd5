"""What no answer ever holds: response fields and enum values that stay at their default.

A fake that never fills a field which real servers fill would be hollow there; so each one that
stays empty has the fact that says why a real server leaves it so.
"""

from __future__ import annotations

import contextlib
import tomllib
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc

from joblet_conformance.plain import plain_message
from joblet_fake import FakeJoblet, load_api

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from joblet_conformance.plain import Plain
    from joblet_conformance.recording import Recording

PACKAGE: Final = "joblet."
MOST: Final = 20
"""How many messages of a stream the scenario reads at most."""

SAMPLES: Final = 6
"""How many samples of a job there are after twelve seconds: three stored ones, then all again."""

CLOUD: Final = {
    "provider": "AWS",
    "region": "eu-west-1",
    "zone": "eu-west-1a",
    "instance_id": "i-0123456789abcdef0",
    "instance_type": "m5.large",
    "hypervisor_type": "kvm",
    "metadata": {"ami": "ami-1"},
}


def possible(api: str) -> list[str]:
    """Give every field of every response, and the values of their enums, sorted.

    A field is `Message.field`, an enum's value `Enum.VALUE`; the zero value is the default.
    """
    found: set[str] = set()
    done: set[str] = set()
    todo = [method.response.DESCRIPTOR for method in load_api(api).methods.values()]
    while todo:
        descriptor = todo.pop()
        if descriptor.full_name in done or descriptor.GetOptions().map_entry:
            continue
        done.add(descriptor.full_name)
        for field in descriptor.fields:
            found.add(f"{_short(descriptor)}.{field.name}")
            if field.message_type is not None:
                todo.append(field.message_type)
            if field.enum_type is not None:
                found |= {
                    f"{_short(field.enum_type)}.{value.name}"
                    for value in field.enum_type.values
                    if value.number
                }
    return sorted(found)


def seen(api: str, recordings: Mapping[str, Recording]) -> set[str]:
    """Give the fields and values that some recorded answer held."""
    methods = {method.key: method for method in load_api(api).methods.values()}
    found: set[str] = set()
    for recording in recordings.values():
        for step in (step for run in recording.runs for step in run):
            method = methods.get(step["method"])
            if method is not None:
                for message in step["messages"]:
                    found.update(_held(method.response.DESCRIPTOR, message))
    return found


def hollow(api: str, recordings: Mapping[str, Recording]) -> list[str]:
    """Give the fields and values that neither a recorded answer nor the fake's held, sorted."""
    held = seen(api, recordings) | answered(api)
    return [name for name in possible(api) if name not in held]


def reasons() -> dict[str, str]:
    """Give the id of the fact that says why a real server never sets a field, by field."""
    told: dict[str, str] = tomllib.loads((Path(__file__).parent / "never_set.toml").read_text())
    return told


def _short(descriptor: Any) -> str:  # noqa: ANN401 - a message's or an enum's
    name: str = descriptor.full_name
    return name.removeprefix(PACKAGE)


def _held(descriptor: Any, message: Plain) -> Iterator[str]:  # noqa: ANN401 - as above
    if not isinstance(message, dict):
        return
    for field in descriptor.fields:
        value = message.get(field.name)
        if not value or value == {"text": ""}:
            continue
        name = f"{_short(descriptor)}.{field.name}"
        inner = field.message_type
        if inner is not None and not inner.GetOptions().map_entry:
            yield name
            for each in _each(value, repeated=field.is_repeated):
                yield from _held(inner, each)
            continue
        yield name
        if field.enum_type is not None:
            for number in _each(value, repeated=field.is_repeated):
                chosen = field.enum_type.values_by_number.get(number)
                if chosen is not None and number:
                    yield f"{_short(field.enum_type)}.{chosen.name}"


def _each(value: Plain, *, repeated: bool) -> Iterable[Any]:
    return value if repeated else (value,)


WORKFLOW: Final = """
jobs:
  first: {command: echo, args: [one]}
  second: {command: "false", requires: [{first: COMPLETED}]}
"""


def answered(api: str) -> set[str]:
    """Give the fields and values that the fake's answers hold in a scenario that asks for much.

    The recorded machine applies no limits, is in no cloud and has nothing installed; the fake's is
    a host as Joblet is made for.
    """
    found: set[str] = set()
    with FakeJoblet(api=api, clock="frozen") as fake:
        for method, fields, most in _scenario(fake):
            answer = fake.rpc(method, **fields)
            messages = islice(answer, most) if hasattr(answer, "cancel") else [answer]
            with contextlib.suppress(grpc.RpcError):
                for message in messages:
                    found.update(_held(message.DESCRIPTOR, plain_message(message)))
            if hasattr(answer, "cancel"):
                answer.cancel()
    return found


def _scenario(fake: FakeJoblet) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Give calls to make, with how many messages of a stream to read; time passes in between."""
    fake.host.cloud = CLOUD
    fake.runtimes.add("python-3.11")
    fake.volumes.add("data", "10MB")
    fake.programs.on("train").metrics(
        cpu_percent=50,
        memory_bytes=1 << 28,
        disk_read_bytes=4096,
        disk_write_bytes=8192,
        net_recv_bytes=100,
        net_sent_bytes=200,
        gpu_percent=70,
        gpu_memory_bytes=1 << 30,
    ).prints("epoch 1\n").sleeps(30).exits(3)
    limited = fake.rpc(
        "RunJob",
        command="train",
        max_cpu=50,
        max_memory=512,
        max_io_bps=1000,
        cpu_cores="0",
        volumes=["data"],
    ).job_uuid
    workflow = fake.rpc("RunWorkflow", workflow="w.yaml", yaml_content=WORKFLOW).workflow_uuid
    fake.clock.advance(seconds=12)
    yield "ListJobs", {}, MOST
    yield "GetJobStatus", {"uuid": limited}, MOST
    yield "GetJobMetrics", {"uuid": limited}, SAMPLES
    yield "ListVolumes", {}, MOST
    yield "ListNetworks", {}, MOST
    fake.clock.advance(seconds=25)
    yield "GetJobMetrics", {"uuid": limited}, MOST
    yield "QueryMetrics", {"job_uuid": limited}, MOST
    yield "QueryLogs", {"job_uuid": limited}, MOST
    yield "GetWorkflowStatus", {"workflow_uuid": workflow}, MOST
    yield "GetWorkflowJobs", {"workflow_uuid": workflow}, MOST
    yield "ListWorkflows", {"include_completed": True}, MOST
    yield "GetSystemStatus", {}, MOST
    yield "StreamSystemMetrics", {"interval_seconds": 5}, 1
    yield "InstallRuntimeFromGithub", {"runtime_spec": "go-1.22", "repository": "a/b"}, MOST
    yield (
        "StreamingInstallRuntimeFromGithub",
        {"runtime_spec": "java-21", "repository": "a/b"},
        MOST,
    )
