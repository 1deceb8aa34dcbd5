"""The suite's own runtimes, which nobody installs over the wire.

An installation would download and run what is not ours, so that a server's operator puts them on
its disk: `write_runtimes(Path("/opt/joblet/runtimes"))`. A fake gets them from its target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from joblet_fake import FakeJoblet

PREFIX: Final = "0-conformance"
"""How all their folders begin: before any other's, so that lookups of anything find them first."""

SPARE: Final = f"{PREFIX}-spare"
SPARES: Final = 9
"""How many there are to be removed, one by each run of a case."""

DATA: Final = b"hello\n"


@dataclass(frozen=True, slots=True)
class OwnRuntime:
    """One of them."""

    name: str
    version: str = "1.0.0"
    language: str = ""
    description: str = ""
    packages: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    flat: bool = False

    @property
    def path(self) -> str:
        """Its folder, below the runtimes' folder."""
        return self.name if self.flat else f"{self.name}/{self.version}"

    @property
    def yml(self) -> bytes:
        """Its runtime.yml."""
        lines = [f"name: {self.name}", f"version: {self.version}"]
        lines += [f"language: {self.language}"] if self.language else []
        lines += [f"description: {self.description}"] if self.description else []
        lines += [
            "mounts:",
            "  - source: data",
            f"    target: /opt/{self.name}",
            "    readonly: true",
        ]
        for name, items in (("packages", self.packages),):
            lines += [f"{name}: [{', '.join(items)}]"] if items else []
        if self.architectures:
            lines += ["requirements:", f"  architectures: [{', '.join(self.architectures)}]"]
        if self.environment:
            lines += ["environment:", *(f"  {key}: {value}" for key, value in self.environment)]
        return "\n".join((*lines, "")).encode()

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return len(self.yml) + len(DATA)


BOTH: Final = f"{PREFIX}-3.11-ml"
FLAT: Final = f"{PREFIX}flat-1"
FOREIGN: Final = f"{PREFIX}foreign-1"
LANGUAGE: Final = "conformance"

OWN: Final = (
    *(
        OwnRuntime(
            BOTH,
            version,
            language=LANGUAGE,
            description="two versions of one",
            packages=("numpy", "pandas"),
            architectures=("x86_64", "arm64", "amd64"),
            environment=(
                ("GREETING", f"from-{version}"),
                ("HOME", "/of/the/runtime"),
                ("PATH_PREPEND", "/opt/first"),
            ),
        )
        for version in ("1.9.0", "1.10.0")
    ),
    OwnRuntime(
        FLAT,
        "3.10",
        environment=(("GREETING", "from-flat"), ("PATH_PREPEND", "/opt/flat")),
        flat=True,
    ),
    OwnRuntime(FOREIGN, language="foreign", architectures=("mips64", "s390x")),
    *(
        OwnRuntime(f"{SPARE}-{number}", version)
        for number in range(1, SPARES + 1)
        for version in ("1.0.0", "2.0.0")
    ),
)


def write_runtimes(folder: Path) -> None:
    """Write them to a server's folder of runtimes.

    Args:
        folder: such as `/opt/joblet/runtimes`; it is made.
    """
    for own in OWN:
        data = folder / own.path / "data"
        data.mkdir(parents=True, exist_ok=True)
        (data / "hello.txt").write_bytes(DATA)
        (folder / own.path / "runtime.yml").write_bytes(own.yml)


def add_runtimes(fake: FakeJoblet) -> None:
    """Give them to a fake."""
    for own in OWN:
        fake.runtimes.add(
            own.name,
            version=own.version,
            language=own.language,
            description=own.description,
            packages=own.packages,
            architectures=own.architectures,
            environment=dict(own.environment),
            size=own.size,
            flat=own.flat,
        )
