"""Contract mode: one fixture that is a fake, or a real server if the run names one."""

from __future__ import annotations

import functools
import re
import socket
import time
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

from joblet_conformance import TargetError, read_nodes, remote_target
from joblet_fake import Client, FakeJoblet, load_api, names_near

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import grpc

    from joblet_conformance import Target

PAUSE: Final = 0.02
"""Seconds between two looks of `until`."""

LONG: Final = 30.0

CONFIG_MISSING: Final = "--joblet-target needs --joblet-rnx-config: the file with the certificates"

ADDRESS: Final = re.compile(r"(?P<host>[^\s:/\[\]]+|\[[0-9a-fA-F:.%]+\]):(?P<port>[0-9]{1,5})")
"""A host and a port, as in `localhost:50051` or `[::1]:50051`."""

SCHEME: Final = re.compile(r"(unix|unix-abstract|dns|ipv4|ipv6):(?![0-9]+$)")
"""How gRPC's other ways to name a server begin, which gRPC alone understands."""

HIGHEST_PORT: Final = 65_535


class JobletTarget:
    """What a contract test talks to: the same names on a fake and on a real server.

    What only a fake can do (`clock`, `programs`, `calls`, `jobs`, ...) is there on a fake, and
    skips the test, with the reason, on a real server. Made by the fixture `joblet_target`.

    Attributes:
        address: the core services, as `host:port`.
        credentials: what an admin's client opens a channel with; None for plaintext.
        is_fake: whether it is a fake.
    """

    def __init__(
        self,
        *,
        address: str,
        persist_address: str | None,
        credentials: Callable[[str], grpc.ChannelCredentials | None],
        channel: Callable[[str], grpc.Channel],
        persist_channel: Callable[[str], grpc.Channel],
        api: str,
        fake: FakeJoblet | None,
    ) -> None:
        self.address = address
        self.is_fake = fake is not None
        self._fake = fake
        self._persist_address = persist_address
        self._credentials = credentials
        self._channel = channel
        self._persist_channel = persist_channel
        self._client = Client(load_api(api), self.channel, self.persist_channel)

    def __repr__(self) -> str:
        return f"<joblet_target: a {'fake' if self.is_fake else 'real server'} at {self.address}>"

    @property
    def persist_address(self) -> str:
        """PersistService, as `host:port` or `unix:path`; a server without one skips the test."""
        if self._persist_address is None:
            self._skip("a real server's PersistService needs --joblet-persist-target")
        return self._persist_address

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """What an admin's client opens a channel with; None for plaintext."""
        return self._credentials("admin")

    def channel(self, role: str = "admin") -> grpc.Channel:
        """Give a channel to the core services; it is closed after the test.

        Args:
            role: whose certificate to show; a target without it skips the test.
        """
        return self._channel(role)

    def persist_channel(self, role: str = "admin") -> grpc.Channel:
        """Give a channel to PersistService; otherwise like `channel`."""
        if self._persist_address is None:
            self._skip("a real server's PersistService needs --joblet-persist-target")
        return self._persist_channel(role)

    def rpc(
        self,
        method: str,
        *,
        role: str = "admin",
        timeout: float | None = LONG,
        **fields: object,
    ) -> Any:  # noqa: ANN401 - run-time message classes have no static type
        """Make one call without generated code; see `FakeJoblet.rpc`.

        Args:
            method: its name; `"RunJob"` where that is unique.
            role: whose certificate to show.
            timeout: the call's deadline in real seconds; a test can't hang on a real server.
            **fields: the request's fields, by their newest names.

        Raises:
            grpc.RpcError: the call did not end with OK.
        """
        return self._client.rpc(method, role=role, timeout=timeout, **fields)

    def until(self, check: Callable[[], object], timeout: float = LONG) -> None:
        """Wait until something holds, however time goes by on the target.

        Args:
            check: tells whether it does.
            timeout: seconds to wait at most, on the target's clock.

        Raises:
            TimeoutError: it does not by then.
        """
        waited = 0.0
        began = time.monotonic()
        frozen = self._fake is not None and self._fake.options.clock == "frozen"
        while not check():
            if (waited if frozen else time.monotonic() - began) > timeout:
                raise TimeoutError(f"not within {timeout:g} s on {self!r}")
            if frozen and self._fake is not None:
                self._fake.clock.advance(seconds=PAUSE)
                waited += PAUSE
            else:
                time.sleep(PAUSE)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a fake has
        if name.startswith("_") or not (hasattr(FakeJoblet, name) or name in FAKE_ONLY):
            near = names_near(self._fake or self, name)
            raise AttributeError(f"a joblet_target has no {name!r}, nor has a fake; {near}")
        if self._fake is None:
            self._skip(f"a real server has no {name!r}: that is a fake's")
        return getattr(self._fake, name)

    def _skip(self, reason: str) -> NoReturn:
        pytest.skip(f"{reason} (--joblet-target is {self.address})")


FAKE_ONLY: Final = ("calls", "clock", "faults", "jobs", "options", "programs")
"""What a fake has as an attribute of each instance, beyond its class's names."""


def of_fake(fake: FakeJoblet) -> JobletTarget:
    """Make a started fake a target."""
    return JobletTarget(
        address=fake.address,
        persist_address=fake.persist_address,
        credentials=lambda role: fake.tls.channel_credentials(role) if fake.credentials else None,
        channel=fake.channel,
        persist_channel=fake.persist_channel,
        api=fake.options.api,
        fake=fake,
    )


def check_server(
    address: str, *, persist_address: str | None, config: Path | None, node: str
) -> None:
    """See what can be seen of a real server without a call: whether it can be the one meant.

    Args:
        address: its core services.
        persist_address: its PersistService, or None.
        config: the rnx-config with the certificates, or None.
        node: the node of an admin.

    Raises:
        pytest.UsageError: an address is none, a host unknown, the file or the node not there.
    """
    _check_address("--joblet-target", address)
    if persist_address is not None:
        _check_address("--joblet-persist-target", persist_address)
    if config is None:
        raise pytest.UsageError(CONFIG_MISSING)
    try:
        nodes = read_nodes(config)
    except TargetError as error:
        raise pytest.UsageError(f"--joblet-rnx-config: {error}") from None
    if node not in nodes:
        raise pytest.UsageError(
            f"--joblet-node: {config} has no node {node!r}; it has {', '.join(nodes)}",
        )


def _check_address(option: str, address: str) -> None:
    if SCHEME.match(address):
        return
    found = ADDRESS.fullmatch(address)
    if found is None or not 1 <= int(found["port"]) <= HIGHEST_PORT:
        right = " or unix:PATH" if "persist" in option else ""
        raise pytest.UsageError(
            f"{option}={address}: give HOST:PORT{right}, such as localhost:50051",
        )
    host = found["host"].strip("[]")
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        raise pytest.UsageError(
            f"{option}={address}: the host {host!r} is not known: {error.strerror}",
        ) from None


def of_server(
    address: str,
    *,
    persist_address: str | None,
    config: Path | None,
    node: str,
    api: str | None,
) -> tuple[JobletTarget, Target]:
    """Connect to a real server; whoever asks closes the second of what is given.

    Args:
        address: its core services, as `host:port`.
        persist_address: its PersistService, or None.
        config: the rnx-config with the certificates.
        node: the node of an admin.
        api: the API version that it speaks; None for the newest that a fake serves.

    Raises:
        pytest.UsageError: it can't be used; the text says why.
    """
    if config is None:
        raise pytest.UsageError(CONFIG_MISSING)
    api = api or FakeJoblet().options.api
    try:
        server = remote_target(
            address=address,
            persist_address=persist_address,
            config=config,
            node=node,
            api=api,
        )
    except (TargetError, ValueError) as error:
        raise pytest.UsageError(f"--joblet-target: {error}") from None

    def channel(role: str, *, persist: bool = False) -> grpc.Channel:
        if not server.has_role(role):
            pytest.skip(f"{config} has no node for the role {role!r}")
        return server.channel(role, persist=persist)

    target = JobletTarget(
        address=address,
        persist_address=persist_address,
        credentials=server.credentials,
        channel=channel,
        persist_channel=functools.partial(channel, persist=True),
        api=api,
        fake=None,
    )
    return target, server
