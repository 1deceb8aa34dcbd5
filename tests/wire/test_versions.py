"""Every published version's descriptors equal what is known of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from joblet_fake.wire import archive, load, versions

DATA = Path(__file__).parent / "data"
PROTO = Path(__file__).parents[2] / "proto"
KINDS = descriptor_pb2.FieldDescriptorProto

# Which shape of PersistService servers used inside where none was published.
SHAPES = {
    **dict.fromkeys(("2.3.0", "2.3.1", "2.4.0"), "persist-p1"),
    **dict.fromkeys(("2.5.0", "2.5.1", "2.5.2", "2.5.3"), "persist-p2"),
    **dict.fromkeys(
        ("2.5.4", "2.5.5", "2.5.6", "2.5.7", "2.5.8", "2.5.9", "2.5.10"),
        "persist-p3",
    ),
    "2.6.0": "persist-p4",
}


def described(version: str) -> dict[str, Any]:
    """Give a version's descriptors in the form of the data files."""
    found: dict[str, Any] = {"services": {}, "messages": {}, "enums": {}}
    for file in load(version).descriptors():
        for service in file.service:
            found["services"][f"{file.package}.{service.name}"] = {
                method.name: [
                    method.input_type[1:],
                    method.output_type[1:],
                    method.server_streaming,
                ]
                for method in service.method
            }
        for message in file.message_type:
            found["messages"][f"{file.package}.{message.name}"] = fields_of(message)
        for enum in file.enum_type:
            found["enums"][f"{file.package}.{enum.name}"] = {v.name: v.number for v in enum.value}
    return found


def fields_of(message: descriptor_pb2.DescriptorProto) -> dict[str, Any]:
    maps = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    found = {}
    for field in message.field:
        entry = maps.get(field.type_name.rpartition(".")[2])
        if entry is not None:
            kind = f"map<{', '.join(map(type_of, entry.field))}>"
        else:
            kind = type_of(field)
            if field.label == KINDS.LABEL_REPEATED:
                kind = f"repeated {kind}"
        oneof = None
        if field.HasField("oneof_index"):
            oneof = message.oneof_decl[field.oneof_index].name
        found[field.name] = [field.number, kind, oneof]
    return found


def type_of(field: descriptor_pb2.FieldDescriptorProto) -> str:
    return field.type_name[1:] or KINDS.Type.Name(field.type)[5:].lower()


def known(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return facts


@pytest.mark.parametrize("version", versions())
def test_a_versions_descriptors_equal_the_facts(version: str) -> None:
    expected = known(version)
    if version in SHAPES:
        for section, entries in known(SHAPES[version]).items():
            expected[section].update(entries)

    assert described(version) == expected


def test_there_are_35_versions_and_four_shapes_of_persist() -> None:
    assert len(versions()) == 35
    assert len(set(SHAPES.values())) == 4
    assert {path.stem for path in DATA.glob("*.json")} == {*versions(), *SHAPES.values()}


@pytest.mark.parametrize("version", versions())
def test_every_version_has_a_persist_service_on_the_second_port(version: str) -> None:
    api = load(version)

    assert api.persist == {"joblet.persist.PersistService"}
    assert "joblet.JobService" in api.core


def test_the_archive_is_what_the_text_and_the_history_give() -> None:
    """`make proto` was run after the last change of proto/."""
    sys.path.insert(0, str(PROTO))
    try:
        import compile as compiler  # noqa: PLC0415 - a script beside its data
    finally:
        sys.path.remove(str(PROTO))
    opened = archive.Archive()
    shipped = {version: (opened.own(version), opened.newest(version)) for version in versions()}

    assert shipped == compiler.compiled(), "proto/ changed: run make proto"


@pytest.mark.parametrize("version", versions())
def test_names_in_messages_are_the_newest_whatever_the_version(version: str) -> None:
    """The services say `uuid` and `max_cpu` also where the version says otherwise."""
    api = load(version)
    request = api.method("JobService.RunJob").request.DESCRIPTOR
    status = api.method("JobService.GetJobStatus").response.DESCRIPTOR

    assert request.fields_by_name["max_cpu"].number == 4
    assert "start_time" in status.fields_by_name
    for method in api.methods.values():
        for message in (method.request, method.response):
            for field in message.DESCRIPTOR.fields:
                assert field.name == field.name.lower()


@pytest.mark.parametrize("version", versions())
def test_the_history_of_a_job_is_asked_for_by_job_uuid_in_every_version(version: str) -> None:
    method = load(version).method("PersistService.QueryLogs")

    assert method.request.DESCRIPTOR.fields_by_name["job_uuid"].number == 1
    assert method.response.DESCRIPTOR.fields_by_name["job_uuid"].number == 1
