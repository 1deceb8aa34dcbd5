"""What no recorded answer ever held: response fields and enum values that stay at their default.

A fake that never fills a field which real servers fill would be hollow there; so each one that
stays empty has the fact that says why a real server leaves it so.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from joblet_fake import load_api

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from joblet_conformance.plain import Plain
    from joblet_conformance.recording import Recording

PACKAGE: Final = "joblet."


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
    """Give the fields and values that no recorded answer held, sorted."""
    held = seen(api, recordings)
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
