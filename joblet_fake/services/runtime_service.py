"""RuntimeService: wire to model and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joblet_fake.model.errors import Kind, Refusal
from joblet_fake.model.runtime import language_of
from joblet_fake.model.runtime_install import REPOSITORY, Asked, Done, InstallFeed, Told
from joblet_fake.model.runtime_script import Says
from joblet_fake.model.runtime_spec import take_apart
from joblet_fake.services.answer import Answer, Handler, Streamed
from joblet_fake.services.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joblet_fake.model.model import Model
    from joblet_fake.services.generation import Generation
    from joblet_fake.wire import Api

LISTED_REQUIREMENTS = {"architectures": ("x86_64", "amd64"), "gpu": False}
"""What ListRuntimes says of every runtime, whatever its runtime.yml has (RT-02)."""


class RuntimeService:
    """The methods of `joblet.RuntimeService` over one model.

    Installing from local files has no handler in generation 2.3 (SURF-05).
    """

    def __init__(self, api: Api, generation: Generation, model: Model) -> None:
        self._generation = generation
        self._model = model
        self._method = api.method

    def handlers(self) -> Mapping[str, Handler]:
        """Give the handler of each method that is built, by the method's key."""
        return {
            "RuntimeService.ListRuntimes": self.list_runtimes,
            "RuntimeService.GetRuntimeInfo": self.get_runtime_info,
            "RuntimeService.TestRuntime": self.test_runtime,
            "RuntimeService.RemoveRuntime": self.remove_runtime,
            "RuntimeService.ValidateRuntimeSpec": self.validate_runtime_spec,
            "RuntimeService.InstallRuntimeFromGithub": self.install_from_github,
            "RuntimeService.StreamingInstallRuntimeFromGithub": self.stream_install_from_github,
        }

    def list_runtimes(self, _request: object) -> Answer:
        """Give every installed version (RT-01, RT-02)."""
        return self._method("RuntimeService.ListRuntimes").encode(
            {
                "runtimes": [
                    {
                        "name": each.runtime.name,
                        "language": each.listed_language,
                        "version": each.runtime.version,
                        "description": each.runtime.description,
                        "size_bytes": each.runtime.size,
                        "available": True,
                        "requirements": LISTED_REQUIREMENTS,
                    }
                    for each in self._model.runtimes
                ],
            },
        )

    def get_runtime_info(self, request: Any) -> Answer:  # noqa: ANN401 - a run-time message class
        """Give what is known of one runtime (RT-07, RT-08)."""
        self._check_named(request.runtime)
        encode = self._method("RuntimeService.GetRuntimeInfo").encode
        try:
            runtime = self._model.runtimes.resolve(request.runtime)
        except Refusal:
            return encode({"found": False})
        return encode(
            {
                "found": True,
                "runtime": {
                    "name": runtime.name,
                    # Not the file's language, and no size: so does a real server (RT-08).
                    "language": language_of(runtime.name),
                    "version": runtime.version,
                    "description": runtime.description,
                    "packages": runtime.packages,
                    "available": True,
                    "requirements": {"architectures": runtime.architectures, "gpu": True},
                },
            },
        )

    def test_runtime(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Look a runtime up; nothing of it is run (RT-10 to RT-12)."""
        self._check_named(request.runtime)
        encode = self._method("RuntimeService.TestRuntime").encode
        try:
            self._model.runtimes.resolve(request.runtime)
        except Refusal as refusal:
            return encode({"success": False, "error": refusal.text, "exit_code": 1})
        return encode({"success": True, "output": "Runtime resolution successful"})

    def remove_runtime(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Remove a version, or all; failures are told in an OK reply (RT-13 to RT-16)."""
        success, message, freed = self._model.runtimes.remove(request.runtime)
        return self._method("RuntimeService.RemoveRuntime").encode(
            {"success": success, "message": message, "freed_space_bytes": freed},
        )

    def validate_runtime_spec(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Say whether a text has the form of a runtime, and what it means (RT-43)."""
        encode = self._method("RuntimeService.ValidateRuntimeSpec").encode
        spec = request.runtime_spec
        if not spec:
            return encode({"valid": False, "message": "Runtime spec cannot be empty"})
        try:
            info = take_apart(spec)
        except Refusal as refusal:
            return encode({"valid": False, "message": refusal.text, "normalized_spec": spec})
        return encode(
            {
                "valid": True,
                "message": "Runtime spec is valid",
                "normalized_spec": info.normalized,
                "spec_info": {
                    "language": info.language,
                    "version": info.version,
                    "variants": info.variants,
                    "architecture": info.architecture,
                },
            },
        )

    def install_from_github(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Install from a repository, and answer when that is done (RT-37)."""
        asked = self._asked(request, REPOSITORY)
        feed = InstallFeed(self._model.runtimes, self._model.clock, asked, registry=False)

        def answer(done: Done) -> bytes:
            if not done.success:
                raise self._refused(
                    Refusal(Kind.INTERNAL, f"runtime installation failed: {done.message}"),
                )
            return self._method("RuntimeService.InstallRuntimeFromGithub").encode(
                {
                    "runtime_spec": asked.spec,
                    "status": "completed",
                    "message": done.message,
                    "repository": asked.repository,
                    "resolved_path": asked.resolved_path,
                },
            )

        return feed.outcome.then(answer).recover(Refusal, self._refused)

    def stream_install_from_github(self, request: Any) -> Answer:  # noqa: ANN401 - as above
        """Install from a registry, or from a repository if one is named, and tell how (RT-38)."""
        asked = self._asked(request)
        encode = self._method("RuntimeService.StreamingInstallRuntimeFromGithub").encode

        def chunk(told: Told) -> bytes:
            if isinstance(told, Done):
                message = told.message
                if not told.success:
                    message = f"Runtime installation failed: {message}"
                return encode(
                    {
                        "result": {
                            "success": told.success,
                            "message": message,
                            "runtime_spec": asked.spec,
                            "install_path": told.path,
                        },
                    },
                )
            if isinstance(told, Says):
                return encode({"progress": {"message": told.message}})
            return encode({"log": {"data": told.data}})

        feed = InstallFeed(
            self._model.runtimes, self._model.clock, asked, registry=not asked.repository
        )
        return Streamed(feed, chunk, self._refused)

    def _asked(self, request: Any, repository: str = "") -> Asked:  # noqa: ANN401 - as above
        if not request.runtime_spec:
            raise StatusError("INVALID_ARGUMENT", "runtime spec is required")
        known = request.DESCRIPTOR.fields_by_name
        return Asked(
            request.runtime_spec,
            repository=request.repository or repository,
            path=request.path,
            # Older versions have no registry.
            registry=request.registry_url if "registry_url" in known else "",
            force=request.force_reinstall,
        )

    def _refused(self, refusal: Refusal) -> StatusError:
        return StatusError(
            self._generation.code("runtime installation", refusal.kind), refusal.text
        )

    @staticmethod
    def _check_named(name: str) -> None:
        if not name:
            raise StatusError("INVALID_ARGUMENT", "runtime name is required")
