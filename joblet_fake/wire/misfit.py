"""What is wrong with a value that a field does not take, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from joblet_fake.words import near

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor

KINDS: Final = {
    FieldDescriptor.CPPTYPE_INT32: f"a whole number, {-(2**31)} to {2**31 - 1}",
    FieldDescriptor.CPPTYPE_INT64: f"a whole number, {-(2**63)} to {2**63 - 1}",
    FieldDescriptor.CPPTYPE_UINT32: f"a whole number, 0 to {2**32 - 1}",
    FieldDescriptor.CPPTYPE_UINT64: f"a whole number, 0 to {2**64 - 1}",
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
    FieldDescriptor.CPPTYPE_FLOAT: "a number",
    FieldDescriptor.CPPTYPE_BOOL: "True or False",
}

SHOWN: Final = 60
"""How many characters of a value an error shows."""


def misfit(kind: Any, fields: Mapping[str, object]) -> str | None:  # noqa: ANN401 - stubs have two
    """Say which of some values does not fit into a message, and what would.

    Args:
        kind: the message's.
        fields: values by the fields' names; those that are None are left out.
    """
    return next(_in_message(kind, fields, ""), None)


def _in_message(kind: Descriptor, fields: Mapping[str, object], at: str) -> Iterator[str]:
    known = kind.fields_by_name
    for name, value in fields.items():
        place, field = f"{at}{name}", known.get(name)
        if field is None:
            yield f"{at.removesuffix('.') or kind.name} has no field {name!r}; {near(name, known)}"
        elif value is None:
            continue
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            yield from _in_map(field.message_type, value, place)
        elif not field.is_repeated:
            yield from _in_field(field, value, place)
        elif isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
            yield f"{place}={_short(value)}: give a list, of which each is {_right(field)}"
        else:
            for number, one in enumerate(value):
                yield from _in_field(field, one, f"{place}[{number}]")


def _in_map(entry: Descriptor, value: object, at: str) -> Iterator[str]:
    key_field, value_field = entry.fields
    if not isinstance(value, Mapping):
        right = f"{_right(key_field)} to {_right(value_field)}"
        yield f"{at}={_short(value)}: give a mapping of {right}"
        return
    for key, one in value.items():
        if not _takes(key_field, key):
            yield f"{at}: the key {_short(key)} is none: give {_right(key_field)}"
        yield from _in_field(value_field, one, f"{at}[{_short(key)}]")


def _in_field(field: FieldDescriptor, value: object, at: str) -> Iterator[str]:
    if field.message_type is not None and isinstance(value, Mapping):
        yield from _in_message(field.message_type, value, f"{at}.")
    elif not _takes(field, value):
        yield f"{at}={_short(value)}: give {_right(field)}"


def _takes(field: FieldDescriptor, value: object) -> bool:
    """Ask protobuf itself: it takes numbers of other libraries too, for example."""
    if field.message_type is not None:
        return isinstance(value, Message) and value.DESCRIPTOR is field.message_type
    kind: Any = field.containing_type
    message: Any = message_factory.GetMessageClass(kind)()
    try:
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    except (TypeError, ValueError):
        return False
    return True


def _right(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return f"a mapping of its fields: {', '.join(field.message_type.fields_by_name)}"
    if field.enum_type is not None:
        return f"one of {', '.join(field.enum_type.values_by_name)}"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "bytes"
    return KINDS.get(field.cpp_type, "text")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
