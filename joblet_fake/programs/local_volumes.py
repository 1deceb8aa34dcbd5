"""Volumes for real local processes: folders of this machine, and their paths in a job's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from joblet_fake.programs.disk_tree import to_disk, to_memory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from joblet_fake.model.volume import Mount

VOLUMES: Final = re.compile(r"(?<![\w/.~-])/volumes(?![\w.-])")
"""Where a text names /volumes or what lies below it."""


class LocalVolumes:
    """Gives processes the volumes of their jobs: /volumes is beside a job's own folder.

    A volume lives in memory until the first process needs it, and from then on in a folder that
    all of them share.
    """

    def __init__(self) -> None:
        self._moved: dict[Mount, Path] = {}

    def lay_out(self, mounts: Mapping[str, Mount], job: Path, shared: Path) -> None:
        """Make a job's /volumes.

        Args:
            mounts: its volumes, by name.
            job: the job's folder.
            shared: where the volumes' folders are.

        Raises:
            OSError: this machine can't have such folders.
        """
        (job / "volumes").mkdir()
        for name, mount in mounts.items():
            if mount not in self._moved:
                place = shared / str(len(self._moved))
                place.mkdir(parents=True)
                mount.tree = to_disk(mount.tree, place)
                self._moved[mount] = place
            (job / "volumes" / name).symlink_to(self._moved[mount], target_is_directory=True)

    def take_back(self) -> None:
        """Read all volumes into memory: their folders are about to go."""
        while self._moved:
            mount, _ = self._moved.popitem()
            mount.tree = to_memory(mount.tree)


def local_paths(text: str, job: Path) -> str:
    """Give a text with /volumes where it really is.

    Args:
        text: an argument, or a variable's value.
        job: the job's folder.

    >>> from pathlib import PurePosixPath
    >>> local_paths("cat /volumes/data/x >/volumes/y", PurePosixPath("/tmp/j"))
    'cat /tmp/j/volumes/data/x >/tmp/j/volumes/y'
    """
    return VOLUMES.sub(lambda _: str(job / "volumes"), text)
