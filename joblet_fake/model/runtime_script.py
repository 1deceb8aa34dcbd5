"""`joblet.runtimes.on_install(...)`: what a test says that an installation does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from joblet_fake.model.runtime import SIZE, Runtime, language_of
from joblet_fake.model.runtime_spec import LATEST, VERSION
from joblet_fake.words import Named, check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_VERSION: Final = "1.0.0"
"""The version that an installation without a say gives, if none is asked for."""

HIGHEST_EXIT_CODE: Final = 255

STAGES: Final = ("registry", "download", "extraction", "package", "setup")
"""Where an installation can fail, in its order."""


@dataclass(frozen=True, slots=True)
class Says:
    """A progress message."""

    message: str


@dataclass(frozen=True, slots=True)
class Prints:
    """A piece of the setup script's output."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Waits:
    """Time that passes, clock seconds."""

    seconds: float


Step: TypeAlias = "Says | Prints | Waits"


class InstallScript(Named):
    r"""What matching installations do; made by `runtimes.on_install`.

    Around it stands what a real server tells on the way. What is said here happens while the
    package's setup script runs, or where the package is downloaded if there is no such script.

    >>> script = InstallScript("python-3.11-ml").prints("Collecting numpy\n").sleeps(30).exits(1)
    >>> script
    on_install('python-3.11-ml').prints('Collecting numpy\n').sleeps(30).exits(1)
    """

    _called = "an installation's script"

    def __init__(self, name: str | None = None, repository: str | None = None) -> None:
        for what, value in (("name", name), ("repository", repository)):
            if value is not None and not isinstance(value, str):
                raise TypeError(f"on_install({what}={value!r}): give text")
        if name is not None and "@" in name:
            raise ValueError(f"on_install({name!r}): give the name alone; provides() has a version")
        self.name = name
        self.repository = repository
        self.steps: list[Step] = []
        self.code = 0
        self.failure: tuple[str, str] | None = None
        self._versions: tuple[str, ...] = ()
        self._language: str | None = None
        self._runtime = Runtime("", "")
        self._said: list[str] = []
        self._ended = ""

    def __repr__(self) -> str:
        told = [repr(self.name)] if self.name is not None else []
        if self.repository is not None:
            told.append(f"repository={self.repository!r}")
        return ".".join([f"on_install({', '.join(told)})", *self._said])

    # Saying

    def says(self, message: str) -> Self:
        """Tell a phase of its own: a progress message.

        Args:
            message: the message.

        Raises:
            ValueError: the installation has ended before.

        >>> InstallScript().says("Compiling")
        on_install().says('Compiling')
        """
        return self._say(f"says({message!r})", Says(str(message)))

    def prints(self, text: str | bytes) -> Self:
        r"""Write something to the setup script's output, up to 1024 bytes a message (RT-39).

        A package with a setup script is one that is built on the server; others are unpacked.

        Args:
            text: text, which becomes UTF-8, or bytes.

        Raises:
            TypeError: it is neither.
            ValueError: the installation has ended before.

        >>> InstallScript().prints("Collecting numpy\n")
        on_install().prints('Collecting numpy\n')
        """
        if not isinstance(text, str | bytes | bytearray | memoryview):
            raise TypeError(f"prints({text!r}): give text or bytes")
        data = text.encode() if isinstance(text, str) else bytes(text)
        return self._say(f"prints({text!r})", Prints(data))

    def sleeps(self, seconds: float) -> Self:
        """Let time pass.

        Args:
            seconds: clock seconds.

        Raises:
            TypeError: they are no number.
            ValueError: they are negative or endless, or the installation has ended before.

        >>> InstallScript().sleeps(90)
        on_install().sleeps(90)
        """
        check_number(f"sleeps({seconds!r})", seconds)
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"sleeps({seconds}): give seconds, 0 or more")
        return self._say(f"sleeps({seconds:g})", Waits(seconds))

    def exits(self, code: int) -> Self:
        """End the setup script; any code but 0 fails the installation.

        Args:
            code: 0 to 255.

        Raises:
            TypeError: the code is no whole number.
            ValueError: the code is none, or the installation has ended before.

        >>> InstallScript().exits(1)
        on_install().exits(1)
        """
        right = f"an exit code, a whole number of 0 to {HIGHEST_EXIT_CODE}"
        check_whole(f"exits({code!r})", code, right)
        if not 0 <= code <= HIGHEST_EXIT_CODE:
            raise ValueError(f"exits({code}): an exit code is 0 to 255")
        self._say(f"exits({code})", end=True)
        self.code = code
        return self

    def fails(self, reason: str, *, at: str = "setup") -> Self:
        """End the installation with a failure.

        Args:
            reason: what the client is told, after what a real server says of the place
                (`Runtime installation failed: download failed: ` and the like).
            at: where: `"registry"`, `"download"`, `"extraction"`, `"package"` or `"setup"`.

        Raises:
            ValueError: there is no such place, it comes before the setup script that has printed,
                or the installation has ended before.

        >>> InstallScript().fails("download failed: HTTP 404: 404 Not Found", at="download")
        on_install().fails('download failed: HTTP 404: 404 Not Found', at='download')
        """
        if at not in STAGES:
            raise ValueError(f"fails(at={at!r}): it is one of {', '.join(STAGES)}")
        if at != "setup" and self.builds:
            raise ValueError(f"fails(at={at!r}): what has printed is the setup script, after that")
        self._say(f"fails({reason!r}, at={at!r})", end=True)
        self.failure = (at, reason)
        return self

    def provides(
        self,
        *versions: str,
        language: str | None = None,
        packages: Sequence[str] = (),
        description: str = "",
        architectures: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        size: int = SIZE,
    ) -> Self:
        """Say what there is to install, and what lies there afterwards.

        Args:
            versions: the versions that the registry has; any that is asked for without one.
            language: the language; the part of the name before its first dash if not given.
            packages: the packages in it.
            description: its description.
            architectures: those that it is limited to.
            environment: the variables that jobs on it get.
            size: bytes, of the download and of what is installed.

        Raises:
            ValueError: the size is negative, or a version is none.

        >>> InstallScript("python-3.11").provides("1.2.0", "1.10.0", packages=["numpy"])
        on_install('python-3.11').provides('1.2.0', '1.10.0')
        """
        if size < 0:
            raise ValueError(f"provides(size={size}): give bytes, 0 or more")
        for version in versions:
            if VERSION.fullmatch(version) is None:
                raise ValueError(f"provides({version!r}): no version such as 1.0.0")
        self._versions = versions
        self._language = language
        self._runtime = Runtime(
            "",
            "",
            packages=tuple(packages),
            description=description,
            architectures=tuple(architectures),
            environment=dict(environment or {}),
            size=size,
        )
        self._said.append(f"provides({', '.join(map(repr, versions))})")
        return self

    def _say(self, said: str, step: Step | None = None, *, end: bool = False) -> Self:
        if self._ended:
            raise ValueError(f"{said} after {self._ended}: the installation has ended there")
        self._said.append(said)
        if step is not None:
            self.steps.append(step)
        if end:
            self._ended = said
        return self

    # Installing

    def matches(self, name: str, repository: str) -> bool:
        """Tell whether an installation is one that this is about."""
        return self.name in (None, name) and self.repository in (None, repository)

    @property
    def weight(self) -> int:
        """How much it asks for; the heaviest of the matching ones wins."""
        return (self.name is not None) + (self.repository is not None)

    @property
    def builds(self) -> bool:
        """Whether the package has a setup script: one that prints something, or does not end."""
        return self.code != 0 or any(isinstance(step, Prints) for step in self.steps)

    @property
    def place(self) -> str:
        """Where the steps happen: one of `STAGES`."""
        if self.failure is not None:
            return self.failure[0]
        return "setup" if self.builds else "download"

    def offered(self, asked: str) -> tuple[str, ...]:
        """Give the versions that the registry has.

        Args:
            asked: the version that a client wants, or `"latest"`.
        """
        return self._versions or (DEFAULT_VERSION if asked == LATEST else asked,)

    @property
    def size(self) -> int:
        """Bytes of the download."""
        return self._runtime.size

    def runtime(self, name: str, version: str) -> Runtime:
        """Give what lies there afterwards."""
        language = language_of(name) if self._language is None else self._language
        return replace(self._runtime, name=name, version=version, language=language)


class Installs:
    """The scripts of installations, in the order in which they were written."""

    def __init__(self) -> None:
        self._scripts: list[InstallScript] = []

    def add(self, script: InstallScript) -> InstallScript:
        """Take a script, and give it back."""
        self._scripts.append(script)
        return script

    def choose(self, name: str, repository: str) -> InstallScript:
        """Give the script for an installation: the most specific, the last among equals."""
        best = InstallScript()
        for script in self._scripts:
            if script.matches(name, repository) and script.weight >= best.weight:
                best = script
        return best
