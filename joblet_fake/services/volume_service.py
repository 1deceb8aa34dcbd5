"""VolumeService: wire to model and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joblet_fake.model import gotime
from joblet_fake.model.errors import Refusal
from joblet_fake.model.volume import FILESYSTEM, StorageRefusal
from joblet_fake.services.delayed import delayed
from joblet_fake.services.order import listed, shuffled
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_fake.model.model import Model
    from joblet_fake.services.answer import Answer, Handler
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

CREATE: Final = "failed to create volume"
OBJECT: Final = "failed to create volume object"
STORAGE: Final = "failed to create volume storage"


class VolumeService:
    """The methods of `joblet.VolumeService` over one model."""

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        self._method = api.method
        self._generation = generation
        self._model = model

    def handlers(self) -> Mapping[str, Handler]:
        """Give the handler of each method, by the method's key."""
        return {
            "VolumeService.CreateVolume": self.create_volume,
            "VolumeService.ListVolumes": self.list_volumes,
            "VolumeService.RemoveVolume": self.remove_volume,
        }

    def create_volume(self, request: Any) -> Answer:  # noqa: ANN401 - a run-time message class
        """Make a volume, or make it again (VOL-12, VOL-13, FAULT-06)."""
        model, pace = self._model, self._model.pace
        try:
            volume = model.volumes.create(
                request.name,
                request.size,
                request.type,
                model.clock.now_ns(),
                full=model.disk_full,
            )
        except Refusal as refusal:
            code = self._generation.code(CREATE, refusal.kind)
            site = STORAGE if isinstance(refusal, StorageRefusal) else OBJECT
            raise StatusError(code, f"{CREATE}: {site}: {refusal.text}") from None
        answer = self._method("VolumeService.CreateVolume").encode(
            {"name": volume.name, "size": volume.size, "type": volume.type, "path": volume.path},
        )
        return delayed(model, answer, pace.disk if volume.type == FILESYSTEM else pace.memory)

    def list_volumes(self, _request: object) -> Answer:
        """Give every volume; no job ever counts as using one (VOL-15 to VOL-18).

        A real server's order is random; this one is the same every time.
        """
        volumes = [
            {
                "name": volume.name,
                "size": volume.size,
                "type": volume.type,
                "path": volume.path,
                "created_time": gotime.rfc3339(volume.created_ns),
                "job_count": 0,
            }
            for volume in listed(
                self._model,
                sorted(self._model.volumes, key=lambda volume: shuffled(volume.name)),
            )
        ]
        return self._method("VolumeService.ListVolumes").encode({"volumes": volumes})

    def remove_volume(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Remove a volume, under its jobs too; failures are told in an OK reply (VOL-20)."""
        model, pace = self._model, self._model.pace
        volume = model.volumes.get(request.name)
        success, message = True, "Volume removed successfully"
        try:
            model.volumes.remove(request.name)
        except Refusal as refusal:
            success, message = False, refusal.text
        answer = self._method("VolumeService.RemoveVolume").encode(
            {"success": success, "message": message},
        )
        if volume is None:
            return answer
        delay = pace.disk_removal if volume.type == FILESYSTEM else pace.memory
        return delayed(model, answer, delay)
