"""`joblet.runtimes`: the runtimes of a server, and what installing one does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from joblet_fake.model.runtime import RUNTIMES, SIZE, Runtime, language_of
from joblet_fake.model.runtime_script import DEFAULT_VERSION, InstallScript
from joblet_fake.words import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from joblet_fake.model.model import Model
    from joblet_fake.model.runtimes import Installed

LONGEST: Final = 255


class RuntimeView(Named):
    """One installed runtime, as it was when it was asked for; made by `joblet.runtimes[...]`."""

    _called = "a runtime"

    __slots__ = ("_installed",)

    def __init__(self, installed: Installed) -> None:
        self._installed = installed

    def __repr__(self) -> str:
        return f"<runtime {self._installed.key} at {self.path}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self._installed.runtime.name

    @property
    def version(self) -> str:
        """Its version."""
        return self._installed.runtime.version

    @property
    def language(self) -> str:
        """Its language; ListRuntimes makes one of the name where it has none (RT-02)."""
        return self._installed.runtime.language

    @property
    def description(self) -> str:
        """Its description."""
        return self._installed.runtime.description

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages in it; GetRuntimeInfo gives them, ListRuntimes never (RT-02)."""
        return self._installed.runtime.packages

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that it is limited to; none for any (RT-06)."""
        return self._installed.runtime.architectures

    @property
    def environment(self) -> dict[str, str]:
        """The variables that its jobs get, over the client's own (RT-06a)."""
        return dict(self._installed.runtime.environment)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return self._installed.runtime.size

    @property
    def path(self) -> str:
        """The folder in which a real server would have it."""
        return f"{RUNTIMES}/{self._installed.path}"


class RuntimesView(Named, Mapping[str, RuntimeView]):
    """The installed runtimes by `name@version`; a name that has one version needs no more.

    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet(clock="frozen") as joblet:
    ...     _ = joblet.runtimes.add("python-3.11-ml", version="1.3.1", packages=["numpy"])
    ...     list(joblet.rpc("GetRuntimeInfo", runtime="python-3.11-ml").runtime.packages)
    ...     job_id = joblet.rpc("RunJob", command="true", runtime="python-3.11-ml").job_uuid
    ...     joblet.jobs[job_id].status
    ...     list(joblet.runtimes), joblet.runtimes["python-3.11-ml"].language
    ['numpy']
    'COMPLETED'
    (['python-3.11-ml@1.3.1'], 'python')
    """

    _called = "joblet.runtimes"

    def __init__(self, model: Model, check: Callable[[], None]) -> None:
        self._model = model
        self._check = check

    def __getitem__(self, name: str) -> RuntimeView:
        return RuntimeView(self._find(name))

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def __iter__(self) -> Iterator[str]:
        return iter([installed.key for installed in self._all()])

    def __len__(self) -> int:
        return len(self._all())

    def add(
        self,
        name: str,
        *,
        version: str = DEFAULT_VERSION,
        language: str | None = None,
        packages: Sequence[str] = (),
        description: str = "",
        architectures: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        size: int = SIZE,
        flat: bool = False,
    ) -> RuntimeView:
        """Install a runtime, at once and without a call.

        Args:
            name: its name.
            version: its version.
            language: its language; the part of the name before its first dash if not given.
            packages: the packages in it.
            description: its description.
            architectures: the architectures that it is limited to, such as `["x86_64"]`.
            environment: the variables that its jobs get.
            size: bytes of all its files.
            flat: whether it lies in the old form, `<name>` without a folder for the version.

        Raises:
            ValueError: name or version can't be a folder's, the size is negative, or it is
                installed already.

        >>> from joblet_fake import FakeJoblet
        >>> FakeJoblet().runtimes.add("openjdk-21", version="1.0.0", language="java")
        <runtime openjdk-21@1.0.0 at /opt/joblet/runtimes/openjdk-21/1.0.0>
        """
        _check_folder("name", name)
        _check_folder("version", version)
        if isinstance(packages, str) or isinstance(architectures, str):
            raise TypeError("packages and architectures are lists of texts")
        if size < 0:
            raise ValueError(f"add(size={size}): give bytes, 0 or more")
        path = name if flat else f"{name}/{version}"
        runtime = Runtime(
            name,
            version,
            language=language_of(name) if language is None else language,
            description=description,
            packages=tuple(packages),
            architectures=tuple(architectures),
            environment=dict(environment or {}),
            size=size,
        )
        self._check()
        with self._model.clock.lock:
            if f"{name}@{version}" in self:
                raise ValueError(f"{name}@{version} is installed already: remove() it before")
            self._model.runtimes.put(path, runtime)
        return self[f"{name}@{version}"]

    def remove(self, name: str) -> None:
        """Remove a runtime, at once and without a call.

        Args:
            name: `name@version`, or a name alone for all its versions.

        Raises:
            KeyError: there is none; the message lists those that there are.
        """
        with self._model.clock.lock:
            found = [each for each in self._all() if name in (each.key, each.runtime.name)]
            if not found:
                raise self._unknown(name)
            for each in found:
                self._model.runtimes.discard(each.path)

    def on_install(
        self, name: str | None = None, *, repository: str | None = None
    ) -> InstallScript:
        r"""Say what installing does; without any condition, what every installation does.

        Nothing is ever downloaded or run. Without a say any runtime can be installed, at once:
        the version that is asked for, or 1.0.0. The most specific say wins, the last written
        among equals. What installations from GitHub tell was read and never seen (RT-42).

        Args:
            name: the runtime's name, without a version.
            repository: the GitHub repository that the client names; `""` for the registry.

        Returns:
            A script, to be continued: `.prints(...)`, `.sleeps(...)`, `.exits(...)` and others.

        >>> from joblet_fake import FakeJoblet
        >>> with FakeJoblet(clock="frozen") as joblet:
        ...     _ = joblet.runtimes.on_install("go-1.22").prints("no gcc\n").exits(1)
        ...     *_, last = joblet.rpc("StreamingInstallRuntimeFromGithub", runtime_spec="go-1.22")
        ...     print(last.result.success, last.result.message.rpartition(": ")[2])
        False exit status 1
        """
        return self._model.runtimes.installs.add(InstallScript(name, repository))

    def _all(self) -> list[Installed]:
        with self._model.clock.lock:
            return list(self._model.runtimes)

    def _find(self, name: str) -> Installed:
        everything = self._all()
        found = [each for each in everything if each.key == name]
        found = found or [each for each in everything if each.runtime.name == name]
        if not found:
            raise self._unknown(name)
        if len(found) > 1:
            keys = " or ".join(repr(each.key) for each in found)
            raise KeyError(f"{name!r} has several versions: write {keys}")
        return found[0]

    def _unknown(self, name: str) -> KeyError:
        known = ", ".join(each.key for each in self._all()) or "none"
        return KeyError(f"no runtime {name!r} on this server; its runtimes: {known}")


def _check_folder(what: str, text: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{what}={text!r}: give text")
    if text in ("", ".", "..") or "/" in text or "\0" in text or "@" in text:
        raise ValueError(f"{what}={text!r}: it is a folder's name, and has no '@'")
    if len(text.encode()) > LONGEST:
        raise ValueError(f"{what}: {len(text.encode())} bytes; a folder's name has {LONGEST}")
