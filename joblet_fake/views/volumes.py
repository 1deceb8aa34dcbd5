"""`joblet.volumes`: what a test sees of a server's volumes, and puts there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from joblet_fake.clock import EPOCH
from joblet_fake.model.errors import Refusal
from joblet_fake.model.tree import parents
from joblet_fake.model.volume import FILESYSTEM
from joblet_fake.words import Named, check_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from joblet_fake.model.model import Model
    from joblet_fake.model.tree import Tree
    from joblet_fake.model.volume import Volume


class VolumeView(Named):
    """One volume, as it is at the moment of asking; made by `joblet.volumes[...]`."""

    _called = "a volume"

    __slots__ = ("_model", "_volume")

    def __init__(self, model: Model, volume: Volume) -> None:
        self._model = model
        self._volume = volume

    def __repr__(self) -> str:
        return f"<volume {self.name!r} {self.type} {self.size}, files {len(self.files)}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self._volume.name

    @property
    def size(self) -> str:
        """Its size as it was typed (VOL-13)."""
        return self._volume.size

    @property
    def size_bytes(self) -> int:
        """Its size in bytes (VOL-05)."""
        return self._volume.size_bytes

    @property
    def type(self) -> str:
        """`"filesystem"` or `"memory"`."""
        return self._volume.type

    @property
    def path(self) -> str:
        """Where a real server has it on its host (VOL-13)."""
        return self._volume.path

    @property
    def created(self) -> datetime:
        """When it was made, or made again (VOL-12)."""
        return EPOCH + timedelta(microseconds=self._volume.created_ns // 1000)

    @property
    def files(self) -> dict[str, bytes]:
        """What the next job finds in it: contents by path below `/volumes/NAME`."""
        with self._model.clock.lock:
            tree = self._model.volumes.tree(self.name)
            return {path: tree.read(path) or b"" for path in sorted(tree.paths())}


class VolumesView(Named, Mapping[str, VolumeView]):
    """The volumes of a server by name, oldest first; a new server has none (VOL-15)."""

    _called = "joblet.volumes"

    def __init__(self, model: Model, check: Callable[[], None]) -> None:
        self._model = model
        self._check = check

    def __getitem__(self, name: str) -> VolumeView:
        volume = self._model.volumes.get(name)
        if volume is None:
            raise self._unknown(name)
        return VolumeView(self._model, volume)

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def __iter__(self) -> Iterator[str]:
        self._check()
        with self._model.clock.lock:
            return iter([volume.name for volume in self._model.volumes])

    def __len__(self) -> int:
        return len(self._model.volumes)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._model.volumes.get(name) is not None

    def add(
        self,
        name: str,
        size: str = "1GB",
        type: str = FILESYSTEM,  # noqa: A002 - the field's own name
        *,
        files: Mapping[str, str | bytes] | None = None,
    ) -> VolumeView:
        r"""Put a volume on the server, as CreateVolume does, with files in it.

        Args:
            name: its name.
            size: a number and a unit: `"100MB"`, `"1.5GB"` (VOL-05).
            type: `"filesystem"` or `"memory"`.
            files: contents by path below `/volumes/NAME`: text, which becomes UTF-8, or bytes.

        Raises:
            ValueError: the server would refuse it, there is one of that name already, which
                CreateVolume would make again (VOL-12), or the files can't be there.

        >>> from joblet_fake import FakeJoblet
        >>> with FakeJoblet() as joblet:
        ...     joblet.volumes.add("data", "10MB", files={"in/a.txt": "one\n"})
        ...     job_id = joblet.rpc(
        ...         "RunJob", command="cp", args=["/volumes/data/in/a.txt", "/volumes/data/b.txt"],
        ...         volumes=["data"],
        ...     ).job_uuid
        ...     print(joblet.jobs[job_id].status, joblet.volumes["data"].files)
        <volume 'data' filesystem 10MB, files 1>
        COMPLETED {'b.txt': b'one\n', 'in/a.txt': b'one\n'}
        """
        self._check()
        check_text(f"add({name!r})", name, "the name as text")
        check_text(f"add(size={size!r})", size, "a number and a unit, such as '100MB'")
        for path, data in (files or {}).items():
            if not isinstance(data, str | bytes):
                raise TypeError(f"files[{path!r}]={data!r}: give text or bytes")
        contents = {
            path: data.encode() if isinstance(data, str) else bytes(data)
            for path, data in (files or {}).items()
        }
        volumes = self._model.volumes
        with self._model.change():
            if volumes.get(name) is not None:
                raise ValueError(f"a volume {name!r} is there already")
            try:
                volume = volumes.create(name, size, type, self._model.clock.now_ns())
            except Refusal as refusal:
                raise ValueError(f"the server would refuse it: {refusal.text}") from None
            try:
                _fill(volumes.tree(name), contents)
            except ValueError:
                volumes.remove(name)
                raise
        return VolumeView(self._model, volume)

    def remove(self, name: str) -> None:
        """Remove a volume, whether jobs use it or not, as RemoveVolume does (VOL-22).

        Args:
            name: its name.

        Raises:
            KeyError: there is none; the message lists those that there are.
        """
        self._check()
        with self._model.change():
            if self._model.volumes.get(name) is None:
                raise self._unknown(name)
            self._model.volumes.remove(name)

    def _unknown(self, name: str) -> KeyError:
        known = ", ".join(map(repr, self)) or "none"
        return KeyError(f"no volume {name!r} on this server; its volumes: {known}")


def _fill(tree: Tree, contents: Mapping[str, bytes]) -> None:
    for path, data in contents.items():
        if not all(part not in ("", ".", "..") for part in path.split("/")):
            raise ValueError(f"files: {path!r} is no path below a volume, such as 'in/a.txt'")
        try:
            for folder in parents(path):
                if not tree.is_folder(folder):
                    tree.make_folder(folder)
            tree.write(path, data)
        except OSError as error:
            raise ValueError(f"files: {path!r} can't be in this volume: {error.strerror}") from None
