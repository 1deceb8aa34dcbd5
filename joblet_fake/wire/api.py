"""One published API version: its methods, and its messages in a private descriptor pool."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from joblet_fake.wire.archive import Archive
from joblet_fake.wire.method import Method
from joblet_fake.wire.names import find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.message import Message

PACKAGE: Final = "joblet"
PERSIST: Final = "joblet.persist."


@cache
def _archive() -> Archive:
    return Archive()


@cache
def versions() -> tuple[str, ...]:
    """Give the published API versions, oldest first.

    >>> versions()[0], versions()[-1]
    ('1.0.0', '2.6.0')
    """
    return _archive().versions


class Api:
    """The wire of one version, under the newest names that its parts ever had; made by `load`.

    Attributes:
        version: which one, such as `"2.3.1"`.
        methods: its methods by path, such as `"/joblet.JobService/RunJob"`.
        core: the full names of the services on the core port.
        persist: the full names of the services on the persist port.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        files = descriptor_pb2.FileDescriptorSet.FromString(_archive().newest(version))
        # Never the default pool: a client's own joblet_pb2 is often imported beside this.
        self._pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self._pool.Add(file)
        services = {
            f"{file.package}.{service.name}": service
            for file in files.file
            for service in file.service
        }
        self.core = frozenset(name for name in services if not name.startswith(PERSIST))
        self.persist = frozenset(services) - self.core
        self.methods: Mapping[str, Method] = {
            f"/{name}/{method.name}": Method(
                service=name,
                name=method.name,
                server_streaming=method.server_streaming,
                persist=name in self.persist,
                request=self._class(method.input_type),
                response=self._class(method.output_type),
                lenient=self._lenient_class,
            )
            for name, service in services.items()
            for method in service.method
        }
        self._by_name: dict[str, Method] = {method.key: method for method in self.methods.values()}

    def method(self, name: str) -> Method:
        """Give a method by its name.

        Args:
            name: `"JobService.RunJob"`, the full path, or `"RunJob"` where that is unique.

        Raises:
            ValueError: no method, or more than one, has that name; the message says which do.

        >>> load("2.3.1").method("RunJob").path
        '/joblet.JobService/RunJob'
        """
        method = self._by_name.get(name)
        if method is None:
            method = self._by_name[name] = find(self.methods.values(), name, self.version)
        return method

    def message(self, name: str) -> type[Message]:
        """Give a message's class.

        Args:
            name: the newest name that it ever had, relative to the package.

        Raises:
            ValueError: the version has no such message.
        """
        try:
            return self._class(f"{PACKAGE}.{name}")
        except KeyError:
            raise ValueError(f"API {self.version} has no message {name!r}") from None

    def descriptors(self) -> list[FileDescriptorProto]:
        """Give the version's files under its own names, as they were published."""
        own = _archive().own(self.version)
        return list(descriptor_pb2.FileDescriptorSet.FromString(own).file)

    def _class(self, full_name: str) -> type[Message]:
        descriptor = self._pool.FindMessageTypeByName(full_name.removeprefix("."))
        return message_factory.GetMessageClass(descriptor)

    def _lenient_class(self, full_name: str) -> type[Message]:
        descriptor = self._lenient_pool.FindMessageTypeByName(full_name)
        return message_factory.GetMessageClass(descriptor)

    @cached_property
    def _lenient_pool(self) -> Any:  # noqa: ANN401 - the pool's type has no public name
        """The same messages with bytes for text, to tell bad UTF-8 from bad framing."""
        pool = descriptor_pool.DescriptorPool()
        kinds = descriptor_pb2.FieldDescriptorProto
        for file in descriptor_pb2.FileDescriptorSet.FromString(
            _archive().newest(self.version),
        ).file:
            todo = list(file.message_type)
            while todo:
                message = todo.pop()
                todo.extend(message.nested_type)
                # A map can't have bytes as keys, and is on the wire what its entries are.
                message.options.ClearField("map_entry")
                for field in message.field:
                    if field.type == kinds.TYPE_STRING:
                        field.type = kinds.TYPE_BYTES
            pool.Add(file)
        return pool


@cache
def load(version: str) -> Api:
    """Give a published API version.

    Args:
        version: such as `"2.3.1"`.

    Raises:
        ValueError: there is no such version; the message lists them.

    >>> load("2.3.1").version
    '2.3.1'
    """
    if version not in versions():
        raise ValueError(
            f"unknown API version {version!r}: the published ones are {', '.join(versions())}",
        )
    return Api(version)
