"""Messages as plain data, and back: what recordings hold and what comparisons walk over."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

Plain: TypeAlias = Any
"""None, a bool, number or text, or a list or dict of such."""

Path: TypeAlias = tuple[str | int, ...]
"""Where a leaf is in plain data: keys and places, from the outside in."""


def plain_message(message: Message) -> dict[str, Plain]:
    """Give all of a message's fields, those with default values too.

    A message field that is not set, and an unset oneof member, is None: real servers tell apart
    what is empty and what is not there.
    """
    told: dict[str, Plain] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            told[field.name] = {
                str(key): _plain(field.message_type.fields_by_name["value"], each)
                for key, each in sorted(value.items())
            }
        elif field.is_repeated:
            told[field.name] = [_plain(field, each) for each in value]
        elif field.has_presence and not message.HasField(field.name):
            told[field.name] = None
        else:
            told[field.name] = _plain(field, value)
    return told


def _plain(field: Any, value: Any) -> Plain:  # noqa: ANN401 - any protobuf value
    if field.message_type is not None:
        return plain_message(value)
    if isinstance(value, bytes):
        return plain_bytes(value)
    return value


def plain_bytes(data: bytes) -> Plain:
    """Give bytes as text where that says the same, else as base64."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def bytes_of(told: Mapping[str, str]) -> bytes:
    """Give back the bytes of `plain_bytes`.

    Raises:
        ValueError: it is neither form.
    """
    if set(told) == {"text"}:
        return told["text"].encode()
    if set(told) == {"base64"}:
        try:
            return base64.b64decode(told["base64"], validate=True)
        except binascii.Error as error:
            raise ValueError(f"not base64: {error}") from None
    raise ValueError(f"neither text nor base64: {sorted(told)}")


def leaves(data: Plain, path: Path = ()) -> Iterator[tuple[Path, Plain]]:
    """Give every leaf with its path; an empty list or dict is a leaf too."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list) and data:
        for place, value in enumerate(data):
            yield from leaves(value, (*path, place))
    else:
        yield path, data


def replaced(data: Plain, path: Path, value: Plain) -> Plain:
    """Give a copy of data with another value at a path; only what lies on the way is copied."""
    if not path:
        return value
    key, *rest = path
    if isinstance(data, list):
        place = int(key)
        return [*data[:place], replaced(data[place], tuple(rest), value), *data[place + 1 :]]
    return {**data, key: replaced(data[key], tuple(rest), value)}


def path_text(path: Path) -> str:
    """Give a path as a person reads it.

    >>> path_text((3, "messages", 0, "exit_code"))
    '[3].messages[0].exit_code'
    """
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")
