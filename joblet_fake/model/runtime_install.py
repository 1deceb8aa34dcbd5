"""Installations: what a real server tells on the way, with nothing downloaded and nothing run."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.outcome import Outcome
from joblet_fake.model.runtime import RUNTIMES
from joblet_fake.model.runtime_script import Prints, Says, Waits
from joblet_fake.model.runtime_spec import LATEST, parse_package

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from joblet_fake.clock import Clock, Timer
    from joblet_fake.model.runtime_script import InstallScript
    from joblet_fake.model.runtimes import Runtimes

REGISTRY: Final = "https://github.com/ehsaniara/joblet-runtimes"
REPOSITORY: Final = "ehsaniara/joblet"
LOG_LIMIT: Final = 1024
"""The longest piece of a setup script's output, in bytes (RT-39)."""

MIB: Final = 1024 * 1024
PLAIN: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Done:
    """How an installation ended; the last that is told of it."""

    success: bool
    message: str
    path: str = ""


Told: TypeAlias = "Says | Prints | Done"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants installed.

    Attributes:
        spec: the runtime, as it was sent.
        repository: the GitHub repository, as it was sent; "" for the registry.
        path: the folder there.
        registry: the registry's address; "" for the default one.
        force: whether what is installed already is removed first.
    """

    spec: str
    repository: str = ""
    path: str = ""
    registry: str = ""
    force: bool = False

    @property
    def resolved_path(self) -> str:
        """The folder in the repository: the default depends on the form of the spec (RT-37)."""
        parts = self.spec.split(":")
        return self.path or f"runtimes/{'-'.join(parts) if len(parts) == 2 else self.spec}"  # noqa: PLR2004


class _Failure(Exception):  # noqa: N818 - how an installation can end, no fault
    pass


class _Installation:
    """One installation at work: an iterator of what it tells and of the time in between.

    Args:
        runtimes: where it installs to; touched as it goes on, under the model's lock.
        asked: what a client wants.
        script: what the test says of it.
    """

    def __init__(self, runtimes: Runtimes, asked: Asked, script: InstallScript) -> None:
        self._runtimes = runtimes
        self._asked = asked
        self._script = script

    def from_registry(self) -> Generator[Told | Waits]:
        """Install from a registry (RT-40, RT-41, RT-44, RT-45)."""
        asked, script = self._asked, self._script
        yield Says("🚀 Starting installation from external registry")
        yield Says(f"📦 Parsing runtime specification: {asked.spec}")
        try:
            package = parse_package(asked.spec)
        except Refusal as refusal:
            raise _Failure(refusal.text) from None
        yield Says(f"📡 Fetching registry from {asked.registry or REGISTRY}")
        yield from self._at("registry", "runtime not found in registry: ")
        name, version = package.name, self._resolve(package.name, package.version)
        if package.version == LATEST:
            yield Says(f"✅ Resolved @latest → {version}")
        yield Says(f"📥 Downloading: {name}-{version} ({script.size // MIB} MB)")
        path = f"{name}/{version}"
        if asked.force:
            self._runtimes.discard(path)
        elif self._runtimes.has(path):
            yield Done(
                success=True,
                message=f"Runtime {name}@{version} is already installed",
                path=f"{RUNTIMES}/{path}",
            )
            return
        yield from self._at("download", "download failed: ")
        yield from _download(script.size)
        yield Says("🔐 Checksum verified successfully")
        yield Says("📦 Extracting runtime package...")
        yield from self._at("extraction", "extraction failed: ")
        yield from self._at("package", "invalid runtime package: ")
        if script.place == "setup":
            yield from self._build()
            self._runtimes.put(path, script.runtime(name, version))
            yield Says("📁 Moving to nested version structure...")
            yield Says(f"✅ Runtime installed at: {RUNTIMES}/{path}")
        else:
            yield Says("📦 Pre-built package detected - installing...")
            self._runtimes.put(path, script.runtime(name, version))
        yield Says(f"✅ Runtime installed: {RUNTIMES}/{path}")
        yield Done(
            success=True,
            message=f"Runtime {name}@{version} installed successfully",
            path=f"{RUNTIMES}/{path}",
        )

    def from_github(self) -> Generator[Told | Waits]:
        """Install from a repository, into a folder without a version (RT-42)."""
        asked, script = self._asked, self._script
        name, _, version = asked.spec.partition("@")
        name = name.replace(":", "-")
        if asked.force:
            self._runtimes.discard(asked.spec)
        yield Says("📦 Cloning repository...")
        yield from self._at("registry", "failed to download repository: ")
        yield from self._at("download", "failed to download repository: ")
        yield Says("Extracting repository...")
        yield from self._at("extraction", "failed to open zip file: ")
        yield Says("Repository extracted successfully")
        yield Says("🏗️  Running setup script...")
        folder = f"/tmp/runtime-build/{asked.resolved_path}/{asked.spec}"  # noqa: S108 - shown, not used
        yield Prints(f"Executing setup.sh in {folder}\n".encode())
        yield from self._at("setup", "")
        self._check_exit("")
        yield from self._at("package", "failed to copy runtime: ")
        version = version or script.offered(LATEST)[0]
        if not self._runtimes.put(asked.spec, script.runtime(name, version)):
            # The script has found no such folder to work in.
            raise _Failure("command execution failed: exit status 1")
        yield Done(
            success=True,
            message="Runtime installed successfully",
            path=f"{RUNTIMES}/{asked.spec}/runtime.yml",
        )

    def _resolve(self, name: str, version: str) -> str:
        offered = self._script.offered(version)
        if version == LATEST:
            # Versions with a suffix never are the latest.
            plain = [each for each in offered if PLAIN.fullmatch(each)]
            if plain:
                return max(plain, key=lambda each: tuple(map(int, each.split("."))))
            problem = f'no versions found for runtime "{name}"'
        elif version in offered:
            return version
        else:
            known = " ".join(offered)
            problem = f'version "{version}" not found for runtime "{name}" (available: [{known}])'
        raise _Failure(f"runtime not found in registry: {problem}")

    def _build(self) -> Iterator[Told | Waits]:
        yield Says("📦 Source package detected - building runtime on target server...")
        yield Says(f"🖥️  Detected platform: ubuntu-{self._runtimes.architecture}")
        yield Says("🔒 Creating isolated chroot environment...")
        yield Says("📦 Copying source package to chroot...")
        yield Says("🔨 Running setup script in isolated environment...")
        yield Prints(
            "🔒 Executing setup.sh in isolated chroot environment\n"
            "JOBLET_CHROOT=true (host is protected)\n".encode(),
        )
        prefix = "setup script failed: setup script execution failed in chroot: "
        yield from self._at("setup", prefix)
        self._check_exit(prefix)
        yield Says("✅ Runtime built successfully in isolated environment")
        yield Says("📁 Moving runtime from chroot to host...")

    def _check_exit(self, prefix: str) -> None:
        if self._script.code:
            raise _Failure(f"{prefix}command execution failed: exit status {self._script.code}")

    def _at(self, stage: str, prefix: str) -> Iterator[Told | Waits]:
        """Do what the test says of a place, and fail there if it says so."""
        script = self._script
        if script.place == stage:
            for step in tuple(script.steps):
                if isinstance(step, Prints):
                    yield from _pieces(step.data)
                else:
                    yield step
        if script.failure is not None and script.failure[0] == stage:
            raise _Failure(prefix + script.failure[1])


def _download(size: int) -> Iterator[Told]:
    """Tell of a download: at every whole MiB, and at the end (RT-45)."""
    if size:
        for done in (*range(MIB, size + 1, MIB), size):
            percent = done * 100 // size
            yield Says(f"⬇️  Downloading: {percent}% ({done // MIB} MB / {size // MIB} MB)")


def _pieces(data: bytes) -> Iterator[Prints]:
    for start in range(0, len(data), LOG_LIMIT):
        yield Prints(data[start : start + LOG_LIMIT])


class InstallFeed:
    """The feed of one installation, which begins at once and goes on by the clock.

    Args:
        runtimes: where it installs to.
        clock: when things happen.
        asked: what a client wants.
        registry: whether it comes from a registry; from GitHub otherwise.

    Attributes:
        outcome: how it ended, once it has.
    """

    def __init__(self, runtimes: Runtimes, clock: Clock, asked: Asked, *, registry: bool) -> None:
        name = asked.spec.strip().partition("@")[0]
        installation = _Installation(
            runtimes, asked, runtimes.installs.choose(name, asked.repository)
        )
        self._steps = installation.from_registry() if registry else installation.from_github()
        self._runtimes = runtimes
        self._clock = clock
        self._ready: deque[Told] = deque()
        self._timer: Timer | None = None
        self._wake: Callable[[], None] | None = None
        self.outcome: Outcome[Done] = Outcome()
        self._error: Refusal | None = None
        runtimes.at_work[self._give_up] = None
        self.outcome.on_done(self._forget)
        self._go()

    @property
    def ended(self) -> bool:
        """Whether all of it has been taken."""
        return self.outcome.done and not self._ready

    def take(self, limit: int) -> list[Told]:
        """Give what was told since.

        Raises:
            Refusal: it was given up.
        """
        if self._error is not None and not self._ready:
            raise self._error
        return [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Tell a callback of what is told from now on."""
        self._wake = wake

    def close(self) -> None:
        """Break the installation off: a real server kills the setup script of a client gone."""
        self._wake = None
        self._stop()

    def _forget(self) -> None:
        self._runtimes.at_work.pop(self._give_up, None)

    def _stop(self) -> None:
        self._forget()
        if self._timer is not None:
            self._timer.cancel()
            self._steps.close()

    def _give_up(self) -> None:
        self._stop()
        self._error = Refusal(Kind.UNAVAILABLE, "joblet-fake was reset during this call")
        self.outcome.fail(self._error)
        if self._wake is not None:
            self._wake()

    def _go(self) -> None:
        self._timer = None
        try:
            for step in self._steps:
                if isinstance(step, Waits):
                    self._timer = self._clock.call_later(step.seconds, self._go)
                    break
                self._ready.append(step)
                if isinstance(step, Done):
                    self.outcome.resolve(step)
        except _Failure as failure:
            done = Done(success=False, message=str(failure))
            self._ready.append(done)
            self.outcome.resolve(done)
        if self._wake is not None:
            self._wake()
