"""The file of all versions' descriptors: compressed one by one, so that one is quick to read."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Final, TypeAlias

Versions: TypeAlias = dict[str, tuple[bytes, bytes]]
"""For each version, oldest first: two serialized FileDescriptorSets, under the version's own names
and under the newest names that its parts ever had."""

PATH: Final = Path(__file__).parent / "versions.bin"


def write(versions: Versions) -> None:
    """Write the file: a line of JSON that says where everything is, then the compressed parts."""
    places: dict[bytes, tuple[int, int]] = {}
    parts: list[bytes] = []
    index: dict[str, list[tuple[int, int]]] = {}
    end = 0
    for version, pair in versions.items():
        index[version] = []
        for part in pair:
            if part not in places:
                packed = zlib.compress(part, 9)
                places[part] = (end, len(packed))
                parts.append(packed)
                end += len(packed)
            index[version].append(places[part])
    PATH.write_bytes(json.dumps(index).encode() + b"\n" + b"".join(parts))


class Archive:
    """The file, opened for reading."""

    def __init__(self) -> None:
        header, _, self._parts = PATH.read_bytes().partition(b"\n")
        self._index: dict[str, list[list[int]]] = json.loads(header)

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions, oldest first."""
        return tuple(self._index)

    def own(self, version: str) -> bytes:
        """Give a version's FileDescriptorSet under its own names, serialized."""
        return self._part(version, 0)

    def newest(self, version: str) -> bytes:
        """Give a version's FileDescriptorSet under the newest names, serialized."""
        return self._part(version, 1)

    def _part(self, version: str, which: int) -> bytes:
        start, length = self._index[version][which]
        return zlib.decompress(self._parts[start : start + length])
