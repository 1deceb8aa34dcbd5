"""A runtime: what its runtime.yml says, and how much room it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNTIMES: Final = "/opt/joblet/runtimes"
"""Where a real server keeps its runtimes; answers name it."""

SIZE: Final = 3 * 1024 * 1024
"""Bytes that a runtime takes when nobody says how many."""

SAME: Final = {"x86_64": "amd64"}
"""Other names of architectures that a server of generation 2.3 knows (RT-06)."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """One installed version of a runtime.

    Attributes:
        name: the name in its runtime.yml, which need not be its folder's (RT-01).
        version: the version there.
        language: the language there; "" when it names none.
        description: the description there.
        packages: the packages there.
        architectures: the architectures that it is limited to; none for any (RT-06).
        environment: the variables that jobs on it get.
        size: bytes of all its files.
    """

    name: str
    version: str
    language: str = ""
    description: str = ""
    packages: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    size: int = SIZE

    def runs_on(self, architecture: str) -> bool:
        """Tell whether it can be used on a host.

        Args:
            architecture: the host's, by Go's name, such as `"amd64"`.
        """
        return not self.architectures or any(
            SAME.get(each, each) == architecture or each == architecture
            for each in self.architectures
        )


def language_of(name: str) -> str:
    """Give the part of a name before its first dash, which is taken for its language (RT-02).

    >>> language_of("python-3.11-ml"), language_of("python")
    ('python', 'python')
    """
    return name.partition("-")[0]
