"""Versions as .proto text, for protoc in any language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf import descriptor_pb2

from joblet_fake.wire.api import load

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.descriptor_pb2 import (
        DescriptorProto,
        EnumDescriptorProto,
        FieldDescriptorProto,
        FileDescriptorProto,
        ServiceDescriptorProto,
    )

KINDS: Final = descriptor_pb2.FieldDescriptorProto

GO_ROOT: Final = "joblet.fake/gen"
"""The Go import path that files are given; `protoc --go_opt=module=joblet.fake` cuts it off."""


def write_protos(version: str, out: Path) -> list[Path]:
    """Write the .proto files of a version, as it was published.

    Args:
        version: a published API version, such as `"2.3.1"`.
        out: the folder to write to; it is made.

    Returns:
        The files that were written. A version that published no PersistService has none of it.

    Raises:
        ValueError: there is no such version; the message lists them.
    """
    files = load(version).descriptors()
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for file in files:
        path = out / file.name
        path.write_text(proto_text(file, version))
        written.append(path)
    return written


def proto_text(file: FileDescriptorProto, version: str) -> str:
    """Give one file's text."""
    short = file.name.removesuffix(".proto")
    lines = [
        f"// Joblet API {version}, written by joblet-fake.",
        "",
        'syntax = "proto3";',
        "",
        f"package {file.package};",
        "",
        *(f'import "{name}";' for name in file.dependency),
        f'option go_package = "{GO_ROOT}/{short};{short}";',
        f'option java_package = "{file.package}";',
        "option java_multiple_files = true;",
        "",
    ]
    for service in file.service:
        lines += [*_service(service), ""]
    for message in file.message_type:
        lines += [*_message(message), ""]
    for enum in file.enum_type:
        lines += [*_enum(enum), ""]
    return "\n".join(lines)


def _service(service: ServiceDescriptorProto) -> list[str]:
    methods = [
        f"  rpc {method.name}({method.input_type}) returns "
        f"({'stream ' if method.server_streaming else ''}{method.output_type});"
        for method in service.method
    ]
    return [f"service {service.name} {{", *methods, "}"]


def _message(message: DescriptorProto) -> list[str]:
    if not message.field:
        return [f"message {message.name} {{}}"]
    lines = [f"message {message.name} {{"]
    for place, oneof in enumerate(message.oneof_decl):
        lines.append(f"  oneof {oneof.name} {{")
        members = (f for f in message.field if f.HasField("oneof_index") and f.oneof_index == place)
        lines += [f"    {_field(field, message)}" for field in members]
        lines.append("  }")
    lines += [
        f"  {_field(field, message)}"
        for field in message.field
        if not field.HasField("oneof_index")
    ]
    return [*lines, "}"]


def _field(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    entries = {nested.name: nested for nested in message.nested_type}
    entry = entries.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        kinds = ", ".join(map(_type, entry.field))
        return f"map<{kinds}> {field.name} = {field.number};"
    kind = _type(field)
    repeated = "repeated " if field.label == KINDS.LABEL_REPEATED else ""
    return f"{repeated}{kind} {field.name} = {field.number};"


def _type(field: FieldDescriptorProto) -> str:
    return field.type_name or KINDS.Type.Name(field.type).removeprefix("TYPE_").lower()


def _enum(enum: EnumDescriptorProto) -> list[str]:
    return [f"enum {enum.name} {{", *(f"  {v.name} = {v.number};" for v in enum.value), "}"]
