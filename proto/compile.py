"""Compile the .proto text and the history into the file that `joblet_fake.wire` reads.

Run by `make proto`; needs grpcio-tools. The newest version is what protoc makes of the text; each
older one is made from the version after it by undoing that version's entry in history.toml.
"""

from __future__ import annotations

import copy
import re
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2 as pb
from grpc_tools import protoc

from joblet_fake.wire import archive

HERE = Path(__file__).parent
FILES = ("joblet.proto", "persist.proto")
PACKAGE = "joblet"

Proto = pb.FieldDescriptorProto
SCALARS = {
    name.removeprefix("TYPE_").lower(): number
    for name, number in Proto.Type.items()
    if name not in ("TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP")
}
SCALAR_NAMES = {number: name for name, number in SCALARS.items()}


@dataclass
class Field:
    """One field; its type is a scalar's name, `map<string, string>`, or a message's or enum's."""

    name: str
    number: int
    type: str
    repeated: bool = False
    oneof: str | None = None
    newest: str = ""


@dataclass
class Method:
    """One method, by the names of its messages."""

    request: str
    response: str
    streaming: bool


@dataclass
class Wire:
    """All that one version has, by names relative to the package."""

    messages: dict[str, list[Field]] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)
    enums: dict[str, dict[str, int]] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)


HISTORY: dict[str, Any] = tomllib.loads((HERE / "history.toml").read_text())
SPELLED: dict[str, str] = HISTORY.pop("spelled")


def snake(name: str) -> str:
    """Spell a field as newer versions do; one that was gone by then gets its spelling too."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()
    return SPELLED.get(name, name)


# The newest version, from protoc


def newest_wire() -> Wire:
    """Read what protoc makes of the .proto text."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set.binpb"
        arguments = ["protoc", f"-I{HERE}", f"--descriptor_set_out={out}"]
        if protoc.main([*arguments, *(str(HERE / name) for name in FILES)]):
            sys.exit("protoc refused the .proto text")
        files = pb.FileDescriptorSet.FromString(out.read_bytes())
    wire = Wire()
    for file in files.file:
        prefix = file.package.removeprefix(PACKAGE).removeprefix(".")
        prefix = f"{prefix}." if prefix else ""
        for message in file.message_type:
            wire.messages[prefix + message.name] = [_read_field(message, f) for f in message.field]
        for enum in file.enum_type:
            wire.enums[prefix + enum.name] = {value.name: value.number for value in enum.value}
        for service in file.service:
            for method in service.method:
                wire.methods[f"{prefix}{service.name}.{method.name}"] = Method(
                    _relative(method.input_type),
                    _relative(method.output_type),
                    method.server_streaming,
                )
    for name, fields in wire.messages.items():
        wire.newest[name] = name
        for each in fields:
            each.newest = each.name
    return wire


def _relative(full_name: str) -> str:
    return full_name.removeprefix(f".{PACKAGE}.")


def _read_field(message: pb.DescriptorProto, proto: pb.FieldDescriptorProto) -> Field:
    repeated = proto.label == Proto.LABEL_REPEATED
    if proto.type in SCALAR_NAMES:
        kind = SCALAR_NAMES[proto.type]
    else:
        kind = _relative(proto.type_name)
        entries = {nested.name: nested for nested in message.nested_type}
        entry = entries.get(kind.rpartition(".")[2])
        if entry is not None:
            values = _read_field(entry, entry.field[1])
            kind, repeated = f"map<string, {values.type}>", False
    oneof = message.oneof_decl[proto.oneof_index].name if proto.HasField("oneof_index") else None
    return Field(proto.name, proto.number, kind, repeated, oneof)


# Going back


def parse_field(text: str) -> Field:
    """Read a field as the history writes it: `repeated string args = 4`, `X x = 1 in a_oneof`."""
    match = re.fullmatch(r"(repeated )?(map<.*>|[\w.]+) (\w+) = (\d+)(?: in (\w+))?", text.strip())
    if match is None:
        sys.exit(f"history.toml: not a field: {text!r}")
    repeated, kind, name, number, oneof = match.groups()
    return Field(name, int(number), kind, bool(repeated), oneof, snake(name))


def parse_method(text: str) -> Method:
    """Read a method's shape: `(A) returns (stream B)`."""
    match = re.fullmatch(r"\(([\w.]+)\) returns \((stream )?([\w.]+)\)", text.strip())
    if match is None:
        sys.exit(f"history.toml: not a method: {text!r}")
    return Method(match[1], match[3], bool(match[2]))


def undo(wire: Wire, entry: dict[str, list[str]]) -> Wire:
    """Give the version before the one whose entry this is."""
    wire = copy.deepcopy(wire)
    for line in entry.get("changed", ()):
        kind, _, rest = line.partition(" ")
        if kind == "rpc":
            name, _, shapes = rest.partition(" ")
            wire.methods[name] = parse_method(shapes.split(" -> ")[0])
        else:
            name, _, shapes = rest.partition(": ")
            before = parse_field(shapes.split(" -> ")[0])
            fields = wire.messages[name]
            place = next(i for i, each in enumerate(fields) if each.name == before.name)
            before.newest = fields[place].newest
            fields[place] = before
    for line in entry.get("added", ()):
        _remove(wire, line)
    renamed = [line.partition(" ")[::2] for line in entry.get("renamed", ())]
    for kind, rest in renamed:
        old, _, new = rest.partition(" -> ")
        if kind == "field":
            message, _, old_field = old.rpartition(".")
            next(each for each in wire.messages[message] if each.name == new).name = old_field
    for kind, rest in renamed:
        old, _, new = rest.partition(" -> ")
        if kind != "field":
            _rename(wire, new, old)
    for line in entry.get("removed", ()):
        _restore(wire, line)
    return wire


def _remove(wire: Wire, line: str) -> None:
    kind, _, rest = line.partition(" ")
    if kind == "rpc":
        del wire.methods[rest.split(" ")[0]]
    elif kind == "message":
        name = rest.split(" ")[0]
        del wire.messages[name], wire.newest[name]
    elif kind == "enum":
        del wire.enums[rest.split(" ")[0]]
    else:
        name, _, text = rest.partition(": ")
        gone = parse_field(text).name
        wire.messages[name] = [each for each in wire.messages[name] if each.name != gone]


def _restore(wire: Wire, line: str) -> None:
    kind, _, rest = line.partition(" ")
    if kind == "rpc":
        name, _, shape = rest.partition(" ")
        wire.methods[name] = parse_method(shape)
    elif kind == "field":
        name, _, text = rest.partition(": ")
        wire.messages[name].append(parse_field(text))
        wire.messages[name].sort(key=lambda each: each.number)
    else:
        name, _, body = rest.partition(" { ")
        parts = [part.strip() for part in body.rstrip("} ").split(";") if part.strip()]
        if kind == "message":
            wire.messages[name] = [parse_field(part) for part in parts]
            wire.newest[name] = name
        else:
            values = (part.split(" = ") for part in parts)
            wire.enums[name] = {value: int(number) for value, number in values}


def _rename(wire: Wire, new: str, old: str) -> None:
    for table in (wire.messages, wire.newest, wire.enums):
        if new in table:
            table[old] = table.pop(new)  # type: ignore[attr-defined]  # three kinds of values
    for fields in wire.messages.values():
        for each in fields:
            if each.type in (new, f"map<string, {new}>"):
                each.type = each.type.replace(new, old)
    for method in wire.methods.values():
        if method.request == new:
            method.request = old
        if method.response == new:
            method.response = old


# Out, as descriptors


def descriptors(wire: Wire, *, newest: bool) -> pb.FileDescriptorSet:
    """Give a version's descriptors, under its own names or under the newest ones."""
    files: dict[str, pb.FileDescriptorProto] = {}

    def spelled(name: str) -> str:
        return wire.newest.get(name, name) if newest else name

    def place(name: str) -> tuple[pb.FileDescriptorProto, str]:
        package, _, short = spelled(name).rpartition(".")
        file = files.get(package)
        if file is None:
            file = files[package] = pb.FileDescriptorProto(
                name=f"{package or PACKAGE}.proto",
                package=f"{PACKAGE}.{package}".rstrip("."),
                syntax="proto3",
            )
        return file, short

    def refer(user: str, name: str) -> str:
        theirs = spelled(name).rpartition(".")[0]
        if theirs != spelled(user).rpartition(".")[0]:
            file, _ = place(user)
            needed = f"{theirs or PACKAGE}.proto"
            if needed not in file.dependency:
                file.dependency.append(needed)
        return f".{PACKAGE}.{spelled(name)}"

    for name, values in wire.enums.items():
        file, short = place(name)
        enum = file.enum_type.add(name=short)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    for name, fields in wire.messages.items():
        file, short = place(name)
        message = file.message_type.add(name=short)
        for each in fields:
            _add_field(wire, message, each, name, refer, newest=newest)
    for name, method in wire.methods.items():
        service_name, _, method_name = name.rpartition(".")
        file, short = place(service_name)
        service = next((each for each in file.service if each.name == short), None)
        if service is None:
            service = file.service.add(name=short)
        service.method.add(
            name=method_name,
            input_type=refer(service_name, method.request),
            output_type=refer(service_name, method.response),
            server_streaming=method.streaming,
        )
    for file in files.values():
        for part in (file.message_type, file.enum_type, file.service):
            part.sort(key=lambda each: each.name)
    ordered = sorted(files.values(), key=lambda file: (len(file.dependency), file.name))
    return pb.FileDescriptorSet(file=ordered)


def _add_field(
    wire: Wire,
    message: pb.DescriptorProto,
    each: Field,
    owner: str,
    refer: Any,  # noqa: ANN401 - the closure above
    *,
    newest: bool,
) -> None:
    name = each.newest if newest else each.name
    proto = message.field.add(
        name=name,
        number=each.number,
        label=Proto.LABEL_REPEATED if each.repeated else Proto.LABEL_OPTIONAL,
    )
    if each.type.startswith("map<"):
        entry_name = "".join(part.capitalize() for part in snake(name).split("_")) + "Entry"
        # protoc keeps capitals inside the name: jobEnv gives JobEnvEntry all the same.
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        values = each.type.removeprefix("map<string, ").removesuffix(">")
        for number, (part, kind) in enumerate((("key", "string"), ("value", values)), 1):
            proto_part = entry.field.add(name=part, number=number, label=Proto.LABEL_OPTIONAL)
            _set_type(wire, proto_part, kind, owner, refer)
        proto.label = Proto.LABEL_REPEATED
        proto.type = Proto.TYPE_MESSAGE
        proto.type_name = f"{refer(owner, owner)}.{entry_name}"
    else:
        _set_type(wire, proto, each.type, owner, refer)
    if each.oneof:
        names = [oneof.name for oneof in message.oneof_decl]
        if each.oneof not in names:
            message.oneof_decl.add(name=each.oneof)
            names.append(each.oneof)
        proto.oneof_index = names.index(each.oneof)


def _set_type(
    wire: Wire,
    proto: pb.FieldDescriptorProto,
    kind: str,
    owner: str,
    refer: Any,  # noqa: ANN401 - the closure above
) -> None:
    if kind in SCALARS:
        proto.type = SCALARS[kind]  # type: ignore[assignment]  # an enum's number
    else:
        proto.type = Proto.TYPE_ENUM if kind in wire.enums else Proto.TYPE_MESSAGE
        proto.type_name = refer(owner, kind)


def compiled() -> archive.Versions:
    """Give everything that the archive holds, made anew from the text and the history."""
    history = dict(HISTORY)
    persist = history.pop("persist")
    wires: dict[str, Wire] = {}
    wire = newest_wire()
    for version, entry in history.items():
        wires[version] = wire
        wire = undo(wire, entry)
    served = wires[persist["served_as"]]
    versions: archive.Versions = {}
    for version, each in wires.items():
        own = descriptors(each, newest=False).SerializeToString(deterministic=True)
        if version in persist["unpublished"]:
            each = _with_persist(each, served)  # noqa: PLW2901 - what is served, not published
        canonical = descriptors(each, newest=True).SerializeToString(deterministic=True)
        versions[version] = (own, canonical)
    return dict(reversed(versions.items()))


def _with_persist(wire: Wire, served: Wire) -> Wire:
    def theirs(name: str) -> bool:
        return name.startswith("persist.")

    both = copy.deepcopy(wire)
    for table in ("messages", "newest", "enums", "methods"):
        own = getattr(both, table)
        own.update({name: each for name, each in getattr(served, table).items() if theirs(name)})
    return both


if __name__ == "__main__":
    archive.write(compiled())
    sys.stdout.write(f"{archive.PATH.name}: {archive.PATH.stat().st_size:,} bytes\n")
