"""The house's order: a room uses only rooms below it, and some libraries stay out of some rooms."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import joblet_fake

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUSE = Path(joblet_fake.__file__).parent
PLUGIN = HOUSE.parent / "pytest_joblet"
# The outside of the house: they may use everything, and nothing below uses them.
OUTSIDE = {"cli", "populate", "strategies"}
ROOMS = (
    "words",
    "clock",
    "goyaml",
    "model",
    "programs",
    "wire",
    "services",
    "exchange",
    "views",
    "server",
)
TRANSPORT = {"grpc", "google", "trustme", "cryptography"}
# What a room may not import, however far below it comes from.
STRANGERS = {
    "words": TRANSPORT,
    "clock": TRANSPORT,
    "goyaml": TRANSPORT,
    "model": TRANSPORT | {"click", "rich", "yaml"},
    "programs": TRANSPORT | {"click", "rich", "yaml"},
    "wire": {"grpc"},
    "services": {"grpc"},
    "exchange": {"grpc"},
    "views": TRANSPORT | {"click", "rich", "yaml"},
}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_only_rooms_below_it(room: str) -> None:
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    wrong = []
    for path in (HOUSE / room).rglob("*.py"):
        for name, line in imports(path):
            parts = name.split(".")
            if parts[0] == "joblet_fake" and (len(parts) == 1 or parts[1] not in allowed):
                wrong.append(f"{path.name}:{line} imports {name}")
            if parts[0] in STRANGERS.get(room, ()):
                wrong.append(f"{path.name}:{line} imports {name}")

    assert not wrong


def test_every_room_is_in_the_order() -> None:
    found = {path.parent.name for path in HOUSE.glob("*/__init__.py")}

    assert found == {*ROOMS, *OUTSIDE}


def test_the_plugin_uses_public_names_alone() -> None:
    public = set(joblet_fake.__all__)
    wrong = []
    for path in PLUGIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("joblet_fake"):
                names = {alias.name for alias in node.names} - public
                if node.module != "joblet_fake" or names:
                    wrong.append(f"{path.name}:{node.lineno} {node.module} {names}")

    assert not wrong
