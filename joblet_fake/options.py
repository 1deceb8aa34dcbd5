"""What a fake can be started with, checked at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Final

from joblet_fake.clock import CLOCK_MODES
from joblet_fake.model.host import HOSTS
from joblet_fake.model.pace import PACES
from joblet_fake.model.quirks import BEHAVIORS
from joblet_fake.programs import LIMIT
from joblet_fake.server import HOST, check_names, is_loopback
from joblet_fake.services import GENERATIONS, generation_of
from joblet_fake.wire import versions

DEFAULT_API: Final = GENERATIONS[-1].last_api
HIGHEST_PORT: Final = 65_535
RIGHT_KEPT: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one fake server; `FakeJoblet` documents each.

    Raises:
        TypeError: a value of a type that can't be; the message says what is right.
        ValueError: a value that can't be; the message lists those that can.
    """

    api: str = DEFAULT_API
    behavior: str = "server"
    pace: str = "immediate"
    tls: bool = True
    roles: bool = True
    clock: str = "flowing"
    start: datetime | None = None
    seed: int = 0
    host: str = "seeded"
    exec: bool = False
    exec_timeout: float = 300.0
    core_port: int = 0
    persist_port: int = 0
    stall_timeout: float = 30.0
    program_timeout: float = LIMIT
    listen: str = HOST
    names: tuple[str, ...] = ()
    unused_faults: bool = False
    keep_jobs: int | None = None
    keep_bytes: int | None = None

    def __post_init__(self) -> None:
        values = _values(self)
        if not _right.has(values):
            self._check()
            _right.add(values)

    def _check(self) -> None:
        if self.api not in versions():
            raise ValueError(
                f"unknown api {self.api!r}: the published versions are {', '.join(versions())}",
            )
        generation_of(self.api)
        _one_of("behavior", self.behavior, tuple(BEHAVIORS))
        _one_of("pace", self.pace, tuple(PACES))
        _one_of("host", self.host, HOSTS)
        _one_of("clock", self.clock, CLOCK_MODES)
        for name in ("core_port", "persist_port"):
            port = getattr(self, name)
            _whole(name, port)
            if not 0 <= port <= HIGHEST_PORT:
                raise ValueError(f"{name}={port}: a port is 0 (any free one) to {HIGHEST_PORT}")
        _whole("seed", self.seed)
        for name in ("tls", "roles", "exec", "unused_faults"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name}={getattr(self, name)!r}: it is True or False")
        if not isinstance(self.listen, str):
            raise TypeError(f"listen={self.listen!r}: it is an address as text, such as {HOST!r}")
        names: object = self.names
        if not isinstance(names, tuple | list) or not all(isinstance(one, str) for one in names):
            raise TypeError(f"names={names!r}: it is a tuple of text, as ('joblet.lab',) is")
        if self.start is not None and not isinstance(self.start, datetime):
            raise TypeError(
                f"start={self.start!r}: it is an aware datetime, such as "
                "datetime(2026, 1, 1, tzinfo=timezone.utc)",
            )
        if self.core_port and self.core_port == self.persist_port:
            raise ValueError(
                f"core_port and persist_port are both {self.core_port}: the services listen on "
                "two ports; use 0 for any free one",
            )
        check_names(self.names)
        if self.exec and not self.tls and not is_loopback(self.listen):
            raise ValueError(
                f"exec with tls=False on {self.listen}: anybody on the network could run commands "
                "on this machine; use mutual TLS, or listen on 127.0.0.1",
            )
        for name in ("keep_jobs", "keep_bytes"):
            least = getattr(self, name)
            if least is not None:
                _whole(name, least)
            if least is not None and least < 1:
                raise ValueError(f"{name}={least}: it is 1 at least, or None for no bound")
        for name in ("exec_timeout", "stall_timeout", "program_timeout"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise TypeError(f"{name}={seconds!r}: it is a number of real seconds")
            if not seconds > 0:
                raise ValueError(f"{name}={seconds}: it is a number of real seconds above 0")


_values = attrgetter(*(field.name for field in fields(Options)))


class Right:
    """The values that were found right: nearly all fakes of a run are started with the same."""

    def __init__(self) -> None:
        self._known: set[tuple[object, ...]] = set()

    def has(self, values: tuple[object, ...]) -> bool:
        """Tell whether these were checked before; 1 is not True here."""
        try:
            return (*values, *map(type, values)) in self._known
        except TypeError:
            return False  # a list, where a tuple is right

    def add(self, values: tuple[object, ...]) -> None:
        """Note that these are right."""
        if len(self._known) == RIGHT_KEPT:
            self._known.clear()
        with suppress(TypeError):
            self._known.add((*values, *map(type, values)))


_right = Right()


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}={value!r}: it is a whole number")


def _one_of(option: str, value: str, possible: tuple[str, ...]) -> None:
    if value not in possible:
        raise ValueError(f"unknown {option} {value!r}: it is one of {', '.join(possible)}")
