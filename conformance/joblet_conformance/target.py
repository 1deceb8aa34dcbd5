"""A target: the server that cases talk to, wherever it runs."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

import grpc

from joblet_conformance.normalise import FROZEN, LOADED
from joblet_conformance.own_runtimes import add_runtimes
from joblet_fake import load_api

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from joblet_conformance.normalise import Tolerance
    from joblet_fake import Api, Call, FakeJoblet, Method

OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", 256 * 1024 * 1024),
    ("grpc.max_send_message_length", 256 * 1024 * 1024),
)
SERVER_NAME: Final = "joblet"
"""The name that server certificates carry, and that Go clients ask for (AUTH-13)."""

NO_CERTIFICATE: Final = "none"
FOREIGN: Final = "foreign"
PLAINTEXT: Final = "plaintext"
READY_S: Final = 5.0
STRIDE_S: Final = 0.25
STEP_S: Final = 0.02
LEAST_S: Final = 0.001
"""How far a fake's clock is moved at once, seconds: at most, where streams are read, at least."""

MARK: Final = "conformance-call"
"""The key of the metadata by which a fake's journal knows a call."""

SHORTLY_S: Final = 0.0005
"""Real seconds between two looks whether what was sent has come."""

RESTART_S: Final = 60.0
"""Real seconds in which a server has to answer after the command that restarted it."""


OFFERED: Final = frozenset(
    {
        "runtimes",
        "viewer",
        "stranger",
        "persist",
        "persist-tls",
        "authority",
        "certificates",
        "installs",
        "destructive",
        "limits",
    },
)
"""What a fake in this process always offers, besides a restart."""

ODD: Final[dict[str, dict[str, Any]]] = {
    "odd-upper": {"units": ("ADMIN",)},
    "odd-padded": {"units": ("admin ",)},
    "odd-plural": {"units": ("admins",)},
    "odd-list": {"units": ("admin,viewer",)},
    "odd-none": {"units": ()},
    "odd-second": {"units": ("other", "viewer")},
    "odd-viewer-admin": {"units": ("viewer", "admin")},
    "odd-admin-viewer": {"units": ("admin", "viewer")},
    "odd-use-none": {"units": ("admin",), "uses": ()},
    "odd-use-server": {"units": ("admin",), "uses": ("server",)},
    "odd-past": {"units": ("admin",), "days": (-2, -1)},
    "odd-future": {"units": ("admin",), "days": (1, 2)},
}
"""Clients with odd certificates of the target's own authority: their units, uses, and days from
now; in an rnx-config, nodes of these names."""


@dataclass(frozen=True, slots=True)
class Pem:
    """What a client connects with, as PEM; one without a certificate has none."""

    ca: bytes
    cert: bytes = b""
    key: bytes = b""

    @property
    def credentials(self) -> grpc.ChannelCredentials:
        """What a client opens a channel with."""
        return grpc.ssl_channel_credentials(self.ca, self.key or None, self.cert or None)


class Heard(Protocol):
    """A stream that a case follows: what has come of it."""

    @property
    def method(self) -> str:
        """The method's key."""

    @property
    def messages(self) -> Sequence[object]:
        """The messages that came until now."""

    @property
    def ended(self) -> bool:
        """Whether the server has ended it."""


class TargetError(Exception):
    """A target can't be used; the message says why, and what would help."""


class Target:
    """A server, by its addresses and certificates.

    Args:
        name: what reports call it.
        api: its API version.
        address: its core services, as `host:port`.
        persist_address: its PersistService, as `host:port` or `unix:path`; None if out of reach.
        credentials: channel credentials by role; None as value for plaintext.
        persist_credentials: the same for PersistService.
        pems: what the credentials were made of, by role, for clients that are not gRPC's.
        offers: what it offers of `joblet_conformance.case.NEEDS`.
        restart: restarts the server, and returns when it is done; None if nothing can.
    """

    def __init__(
        self,
        name: str,
        api: str,
        address: str,
        persist_address: str | None,
        *,
        credentials: Mapping[str, grpc.ChannelCredentials | None],
        persist_credentials: Mapping[str, grpc.ChannelCredentials | None],
        pems: Mapping[str, Pem] | None = None,
        offers: frozenset[str] = frozenset(),
        restart: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.api: Api = load_api(api)
        self.address = address
        self.persist_address = persist_address
        self.offers = offers | ({"restart"} if restart else set())
        self._restart = restart
        self._credentials = dict(credentials)
        self._persist_credentials = dict(persist_credentials)
        self._pems = dict(pems or {})
        self._channels: dict[tuple[str, bool], grpc.Channel] = {}
        self._began = time.monotonic()

    ours: bool = False
    """Whether it is known to be a fake."""

    pause: float = 0.02
    """Real seconds between two looks at something that is waited for."""

    tolerance: Tolerance = LOADED
    """How far its times may be from recorded ones."""

    advice: str = ""
    """What would make more cases apply, a line; empty if there is nothing to say."""

    def __repr__(self) -> str:
        return f"<target {self.name}, API {self.api.version}, at {self.address}>"

    def has_role(self, role: str) -> bool:
        """Tell whether there is a certificate for a role."""
        return role in self._credentials

    def credentials(self, role: str) -> grpc.ChannelCredentials | None:
        """Give what a role's client opens a channel with; None for plaintext."""
        return self._credentials[role]

    def pem(self, role: str) -> Pem:
        """Give what a role's client connects with.

        Raises:
            TargetError: the target has none for the role.
        """
        if role not in self._pems:
            raise TargetError(f"{self.name} has no certificate of role {role!r}")
        return self._pems[role]

    def channel(self, role: str, *, persist: bool = False) -> grpc.Channel:
        """Give the channel of a role to the core services, or to PersistService."""
        key = (role, persist)
        if key not in self._channels:
            address = self.persist_address if persist else self.address
            table = self._persist_credentials if persist else self._credentials
            if address is None:
                raise TargetError(f"{self.name}: PersistService is out of reach")
            if role not in table:
                raise TargetError(f"{self.name} has no certificate of role {role!r}")
            self._channels[key] = open_channel(address, table[role])
        return self._channels[key]

    def invoke(
        self,
        method: Method,
        request: bytes,
        role: str,
        timeout: float,
    ) -> Any:  # noqa: ANN401 - gRPC's call object has no public type that says all of this
        """Begin a call that answers with a stream of raw bytes, a unary one too."""
        channel: Any = self.channel(role, persist=method.persist)
        return channel.unary_stream(method.path, None, None)(request, timeout=timeout)

    # Time

    def now(self) -> float:
        """Give the target's time, seconds since some moment."""
        return time.monotonic() - self._began

    def moment(self) -> datetime:
        """Give the target's date and time, in UTC."""
        # A foreign server's clock can't be asked; the cases that need it leave a second or more.
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def poll(self, most: float = STEP_S) -> None:
        """Let a moment pass between two looks.

        Args:
            most: how many seconds may pass at once where the target's clock can be moved.
        """
        del most
        time.sleep(self.pause)

    def opened(self, stream: Heard) -> None:
        """Wait until a stream that was just asked for is being served."""
        del stream
        # A foreign server does not tell; on loopback this is many times what it takes.
        time.sleep(0.1)

    def restart(self) -> None:
        """Restart the server, and wait until it answers.

        Raises:
            TargetError: nothing can restart it, or it does not come back.
        """
        if self._restart is None:
            raise TargetError(f"{self.name} can't be restarted: there is no --restart-command")
        self.close()
        self._restart()
        ping = self.api.method("JobService.ListJobs")
        end = time.monotonic() + RESTART_S
        while True:
            try:
                list(self.invoke(ping, b"", "admin", READY_S))
            except grpc.RpcError as error:
                if time.monotonic() > end:
                    raise TargetError(
                        f"{self.name} is not back after its restart: {error.details()}",
                    ) from None
                # A channel that failed to connect waits long before it tries again.
                self.close()
                time.sleep(self.pause)
            else:
                return

    def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()


class FakeTarget(Target):
    """A fake in this process, on whose frozen clock no case really waits.

    Args:
        fake: a started fake with `clock="frozen"` and `pace="real"`.
        offers: what it offers beyond what a fake always does.
    """

    ours = True
    pause = 0.002
    tolerance = FROZEN

    def __init__(self, fake: FakeJoblet, offers: frozenset[str] = frozenset()) -> None:
        root = fake.tls.ca_pem
        pems = {
            role: Pem(root, fake.tls.cert_pem(role), fake.tls.key_pem(role))
            for role in fake.tls.roles
        }
        pems |= odd_pems(fake) | anonymous(root)
        credentials: dict[str, grpc.ChannelCredentials | None] = {
            role: pem.credentials for role, pem in pems.items()
        } | {PLAINTEXT: None}
        super().__init__(
            "fake",
            fake.options.api,
            fake.address,
            fake.persist_address,
            credentials=credentials,
            persist_credentials=credentials,
            pems=pems,
            offers=offers | OFFERED,
            restart=fake.restart,
        )
        self._fake = fake
        self._followed: dict[Heard, Call] = {}
        self._marks = itertools.count()
        self._mark = (MARK, "")
        # No real server's clock stands at a whole second.
        fake.clock.advance(seconds=0.123457)
        # A real host does not know every command; a fake takes that on for its cases alone.
        fake.programs.default(unknown="not found")
        add_runtimes(fake)

    def now(self) -> float:
        """Give the fake's clock's time."""
        return self._fake.clock.now().timestamp()

    def moment(self) -> datetime:
        """Give the fake's clock's date and time."""
        return self._fake.clock.now()

    def wait(self, seconds: float) -> None:
        """Advance the fake's clock, in steps small enough for streams to keep up."""
        while seconds > 0:
            step = min(seconds, STRIDE_S)
            self._advance(step)
            seconds -= step

    def poll(self, most: float = STEP_S) -> None:
        """Advance the fake's clock a little, and never past the next thing to happen."""
        time.sleep(self.pause)
        self._advance(min(most, max(self._ahead(most), LEAST_S)))

    def invoke(
        self,
        method: Method,
        request: bytes,
        role: str,
        timeout: float,
    ) -> Any:  # noqa: ANN401 - as the other
        """Begin a call like any target's, with a mark by which the journal knows it."""
        self._mark = (MARK, str(next(self._marks)))
        channel: Any = self.channel(role, persist=method.persist)
        make = channel.unary_stream(method.path, None, None)
        return make(request, timeout=timeout, metadata=(self._mark,))

    def opened(self, stream: Heard) -> None:
        """Wait until the call is in the fake's journal, then once around its loop."""
        end = time.monotonic() + READY_S
        while (served := self._served(stream.method)) is None and time.monotonic() < end:
            time.sleep(SHORTLY_S)
        # The journal gets a call before its handler runs, a later call is served after it.
        self._around()
        if served is not None:
            self._followed[stream] = served

    def _served(self, method: str) -> Call | None:
        calls = reversed(self._fake.calls.to(method))
        return next((call for call in calls if self._mark in call.metadata), None)

    def _ahead(self, otherwise: float) -> float:
        due = self._fake.clock.next_due()
        return otherwise if due is None else due / 1e9 - self._fake.clock.now().timestamp()

    def _advance(self, seconds: float) -> None:
        happens = self._ahead(math.inf) <= seconds
        self._fake.clock.advance(seconds=seconds)
        if happens:
            self._settle()

    def _settle(self) -> None:
        """Wait until all that was sent has reached whoever follows: its moment is when it came."""
        self._followed = {
            stream: call for stream, call in self._followed.items() if not stream.ended
        }
        if not self._followed:
            return
        self._around()
        end = time.monotonic() + READY_S
        for stream, call in tuple(self._followed.items()):
            while len(stream.messages) < call.sent or (call.code and not stream.ended):
                if time.monotonic() > end:
                    # Something on the way has swallowed a part of it.
                    del self._followed[stream]
                    break
                time.sleep(SHORTLY_S)

    def _around(self) -> None:
        self._fake.rpc("PersistService.Ping", timeout=READY_S)


def open_channel(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.Channel:
    """Open a channel; None as credentials for plaintext."""
    if credentials is None:
        return grpc.insecure_channel(address, OPTIONS)
    named = (*OPTIONS, ("grpc.ssl_target_name_override", SERVER_NAME))
    return grpc.secure_channel(address, credentials, named)


def anonymous(ca_pem: bytes) -> dict[str, Pem]:
    """Give what clients without a good certificate connect with."""
    import trustme  # noqa: PLC0415 - slow to load, and only needed here

    foreign = trustme.CA().issue_cert("client", organization_unit_name="admin")
    return {
        NO_CERTIFICATE: Pem(ca_pem),
        FOREIGN: Pem(
            ca_pem,
            foreign.cert_chain_pems[0].bytes(),
            foreign.private_key_pem.bytes(),
        ),
    }


def odd_pems(fake: FakeJoblet) -> dict[str, Pem]:
    """Give the clients with odd certificates of a fake's authority, by name."""
    return {name: _odd(fake, **told) for name, told in ODD.items()}


def _odd(
    fake: FakeJoblet,
    units: tuple[str, ...],
    days: tuple[int, int] = (-1, 1),
    uses: tuple[str, ...] = ("client",),
) -> Pem:
    # Certificates are checked in real time, whatever the fake's clock says.
    begin, end = (datetime.now(UTC) + timedelta(days=day) for day in days)
    issued = fake.tls.issue(*units, not_before=begin, not_after=end, uses=uses)
    return Pem(fake.tls.ca_pem, issued.cert_pem, issued.key_pem)


def wait_ready(target: Target, connect: Callable[[], object]) -> None:
    """Make a first call, and say in plain words what is wrong when it fails.

    Raises:
        TargetError: the target can't be reached, refuses the certificate, or is no such server.
    """
    try:
        connect()
    except grpc.RpcError as error:
        code, details = error.code(), error.details() or ""
        where = target.address
        if code == grpc.StatusCode.UNAVAILABLE:
            if "refused" in details:
                said = "nothing listens there"
            elif "SSL" in details or "Socket closed" in details or "handshake" in details.lower():
                said = "it refused the certificate, or its own is not of this configuration's CA"
            else:
                said = "it can't be reached"
        elif code == grpc.StatusCode.PERMISSION_DENIED:
            said = "the certificate has no role there: choose a node with an admin's (--node)"
        elif code == grpc.StatusCode.UNIMPLEMENTED:
            said = f"it speaks another API than {target.api.version} (--api)"
        elif code == grpc.StatusCode.DEADLINE_EXCEEDED:
            said = f"no answer in {READY_S:g} s"
        else:
            said = "it answers a plain ListJobs with an error"
        raise TargetError(f"{where}: {said} ({code.name}: {details})") from None
