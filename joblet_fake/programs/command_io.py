"""What a built-in command reads from, and where it is."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from joblet_fake.programs.job_files import VOLUMES, WORK
from joblet_fake.programs.steps import Stderr

if TYPE_CHECKING:
    from joblet_fake.programs.context import Context

POSIX_SHELLS: Final = ("sh", "dash")


@dataclass
class Io:
    """A command's surroundings.

    Attributes:
        stdin: what it reads.
        cwd: where it is.
        environment: its variables; the job's own when empty.
        shell: what the shell is called that it is built into; "" when it is a program of its own.
    """

    stdin: bytes = b""
    cwd: str = WORK
    environment: dict[str, str] = field(default_factory=dict)
    shell: str = ""

    @property
    def posix(self) -> bool:
        """Whether it is built into a plain `sh`, where echo and test are others."""
        return self.shell.rpartition("/")[2] in POSIX_SHELLS

    def absolute(self, path: str) -> str:
        """Give a path from the root.

        >>> Io(cwd="/work/a").absolute("../b")
        '/work/b'
        """
        return posixpath.normpath(posixpath.join(self.cwd, path))

    def place(self, path: str) -> str:
        """Give a file's place relative to /work; one elsewhere keeps its whole path.

        >>> Io().place("a/b"), Io().place("/etc/hosts")
        ('a/b', '/etc/hosts')
        """
        absolute = self.absolute(path)
        return absolute.removeprefix(WORK + "/")

    def complaint(self, name: str, problem: str) -> Stderr:
        """Give an error message as the command writes it."""
        return say(
            f"{self.shell}: 1: {name}: {problem}\n" if self.shell else f"{name}: {problem}\n"
        )


def say(text: str) -> Stderr:
    """Write a text to stderr."""
    return Stderr(text.encode(errors="surrogateescape"))


def is_folder(context: Context, path: str, io: Io) -> bool:
    """Tell whether a path is a folder: one outside is not known, and taken for one."""
    absolute = io.absolute(path)
    inside = any(f"{absolute}/".startswith(f"{root}/") for root in (WORK, VOLUMES))
    return context.files.is_folder(absolute) or (not inside and absolute not in context.files)
