"""A host's numbers and names, of which a transcript keeps the shape alone.

No two hosts are alike, and what runs on one is nobody else's business.
"""

from __future__ import annotations

from typing import Any, Final

NEVER: Final = frozenset(
    {
        "cpu_count",
        "inodes_usage_percent",
        "kernel_arch",
        "platform_family",
        "platform_version",
        "read_rate",
        "total_memory",
        "user",
        "write_rate",
    },
)
"""Fields that a server of generation 2.3 never sets (MON-19, MON-21, MON-23, SURF-03)."""

KEPT: Final = NEVER | {"available", "boot_time", "component", "node_id", "timestamp"}
"""Fields that stay as they are; times and ids are looked after elsewhere."""

HARDWARE: Final = ("mac_address", "mac_addresses")
"""Fields that depend on what else the host has: a bridge without a job has no MAC (MON-20)."""

AVERAGES: Final = "load_average"
NUMBER: Final = 1
TEXT: Final = "text"


class Shapes:
    """Takes messages of MonitoringService: keeps them, and leaves of each its shape.

    A number becomes 1 and a text `text`; a part in which all is zero stays so, and of the items
    of a list those of different shapes stay.

    Attributes:
        seen: the messages as they came.
    """

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, message: Any) -> None:  # noqa: ANN401 - a run-time message
        """Take one message."""
        self.seen.append(type(message).FromString(message.SerializeToString()))
        _shape(message)


def _shape(message: Any) -> None:  # noqa: ANN401 - a run-time message
    for field, value in message.ListFields():
        name = field.name
        if name in KEPT:
            continue
        if field.message_type is None:
            if not field.is_repeated:
                setattr(message, name, TEXT if isinstance(value, str) else NUMBER)
            elif name == AVERAGES:
                value[:] = [float(NUMBER)] * len(value)
            else:
                value[:] = [TEXT if isinstance(value[0], str) else float(NUMBER)]
        elif field.is_repeated:
            shapes = []
            for item in value:
                _fill(item)
                if item not in shapes:
                    shapes.append(type(item).FromString(item.SerializeToString()))
            del value[:]
            value.extend(sorted(shapes, key=lambda shape: shape.SerializeToString()))
        elif _says_something(value):
            _fill(value)


def _fill(part: Any) -> None:  # noqa: ANN401 - a run-time message
    """Shape a part; what is zero in it could be any number, and is one."""
    for field in part.DESCRIPTOR.fields:
        if field.name in HARDWARE:
            _set_hardware(part, field)
        plain = field.message_type is None and not field.is_repeated
        if plain and field.name not in KEPT and isinstance(getattr(part, field.name), int | float):
            setattr(part, field.name, NUMBER)
    _shape(part)


def _set_hardware(part: Any, field: Any) -> None:  # noqa: ANN401 - a run-time message
    if field.is_repeated:
        getattr(part, field.name)[:] = [TEXT]
    else:
        setattr(part, field.name, TEXT)


def _says_something(part: Any) -> bool:  # noqa: ANN401 - a run-time message
    """Tell whether anything in a part is not zero; load averages of a part left out are there."""
    return any(field.name != AVERAGES or any(value) for field, value in part.ListFields())
