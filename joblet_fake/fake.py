"""`FakeJoblet`: one fake server pair, and all that a test can do with it."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any, Self

import grpc

from joblet_fake.client import Client
from joblet_fake.clock import Clock
from joblet_fake.exchange import Calls, Exchange
from joblet_fake.jobs_view import JobsView
from joblet_fake.model.model import Model
from joblet_fake.options import DEFAULT_API, Options
from joblet_fake.programs import Programs
from joblet_fake.rnx_config import rnx_config
from joblet_fake.server import HOST, Backend, Server, Tls, check_thread, forked, shared_loop
from joblet_fake.services import generation_of
from joblet_fake.wire import load

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

CHANNEL_OPTIONS = (
    # A proxy of the environment must not swallow calls to loopback.
    ("grpc.enable_http_proxy", 0),
    # The real server sends up to this much (SRV-03).
    ("grpc.max_receive_message_length", 128 * 1024 * 1024),
)

EVERYWHERE = ("0.0.0.0", "::", "[::]")  # noqa: S104 - named here, not listened on


class FakeJoblet:
    r"""A fake Joblet: the core services on one port, PersistService on another.

    It starts when entered, or by `start()`, and serves until left, or `stop()`. Every instance
    has its own state, clock and ports, so that any number can run at once.

    Args:
        api: the published wire version to serve; its behaviour follows from it.
        behavior: `"server"` does what real servers were seen to do.
        pace: `"immediate"` lets state changes happen at once; `"real"` gives them the durations
            that were measured on real servers.
        tls: mutual TLS as on a real server; `False` listens in plaintext, every caller an admin.
        roles: whether a certificate's role limits what its owner may do.
        clock: `"flowing"`, `"frozen"` or `"skipping"`.
        start: the clock's first moment, an aware datetime.
        seed: where ids come from; the same seed gives the same ids.
        exec: run jobs as real local processes.
        exec_timeout: real seconds after which a local process is killed.
        core_port: where the core services listen; 0 for any free port.
        persist_port: where PersistService listens; 0 for any free port.
        stall_timeout: real seconds after which a stream on a frozen clock gives up waiting.
        listen: the address that both ports listen on; other machines can call any but loopback.
        names: further names and addresses for the server's certificate; the first is also the
            one that `rnx_config` gives to clients.

    Raises:
        ValueError: an option that can't be; the message lists what can.

    >>> with FakeJoblet(clock="frozen") as joblet:
    ...     job_id = joblet.rpc("RunJob", command="echo", args=["hello"]).job_uuid
    ...     print(joblet.jobs[job_id].status, repr(joblet.jobs[job_id].stdout))
    COMPLETED 'hello\n'
    """

    def __init__(
        self,
        *,
        api: str = DEFAULT_API,
        behavior: str = "server",
        pace: str = "immediate",
        tls: bool = True,
        roles: bool = True,
        clock: str = "flowing",
        start: datetime | None = None,
        seed: int = 0,
        exec: bool = False,  # noqa: A002 - the word that the command line uses
        exec_timeout: float = 300.0,
        core_port: int = 0,
        persist_port: int = 0,
        stall_timeout: float = 30.0,
        listen: str = HOST,
        names: tuple[str, ...] = (),
    ) -> None:
        self.options = Options(
            api=api,
            behavior=behavior,
            pace=pace,
            tls=tls,
            roles=roles,
            clock=clock,
            start=start,
            seed=seed,
            exec=exec,
            exec_timeout=exec_timeout,
            core_port=core_port,
            persist_port=persist_port,
            stall_timeout=stall_timeout,
            listen=listen,
            names=names,
        )
        self._api = load(api)
        self._generation = generation_of(api)
        self.clock = Clock(clock, start=start, check=check_thread)
        self.programs = Programs(self.clock, local=exec, timeout=exec_timeout)
        self.model = Model(self.clock, self.programs, pace=pace, seed=seed)
        self.calls = Calls(self._api, check_thread)
        self.jobs = JobsView(self.model, check_thread)
        self._exchange = Exchange(self._api, self._generation, self.model, roles=roles)
        self._tls = Tls(self._generation.roles, names) if tls else None
        self._server: Server | None = None
        self._channels: weakref.WeakSet[grpc.Channel] = weakref.WeakSet()
        self._client = Client(self._api, self.channel, self.persist_channel)
        self._errors: list[BaseException] = []

    def __repr__(self) -> str:
        where = f"at {self.address}" if self._server else "stopped"
        return f"<FakeJoblet {self.options.api} {where}, clock {self.clock.mode}>"

    # Start and stop

    def start(self) -> Self:
        """Listen on both ports.

        Raises:
            PortError: a port that was asked for is taken.
            RuntimeError: it is started already.
            ForkError: this process was forked from one that runs a fake.
        """
        if self._server is not None:
            raise RuntimeError(f"{self!r} is started already")
        loop = shared_loop()
        options = self.options
        credentials = self._tls.server_credentials() if self._tls else None

        async def listen() -> Server:
            backend = Backend(
                self._exchange,
                self.calls,
                loop,
                errors=self._errors,
                stall_timeout=options.stall_timeout,
            )
            server = Server(backend, credentials, options.listen)
            await server.start(options.core_port, options.persist_port)
            return server

        self._server = loop.run(listen())
        return self

    def stop(self) -> None:
        """End open calls, close the ports and the channels given out, end all processes.

        In a forked child it does nothing: all that is the parent's.
        """
        server, self._server = self._server, None
        if server is None or forked():
            return
        for channel in tuple(self._channels):
            channel.close()
        self._client.forget()
        shared_loop().run(server.stop())
        self.programs.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    # Where and how clients connect

    @property
    def address(self) -> str:
        """Where the core services listen, as `host:port`."""
        return self._at(self._started.core_port)

    @property
    def persist_address(self) -> str:
        """Where PersistService listens, as `host:port`."""
        return self._at(self._started.persist_port)

    @property
    def tls(self) -> Tls:
        """The certificates, by role.

        Raises:
            RuntimeError: the server listens in plaintext.
        """
        if self._tls is None:
            raise RuntimeError("this fake was started with tls=False: it has no certificates")
        return self._tls

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """What an admin's client opens a channel with; None when tls=False."""
        return self._tls.channel_credentials() if self._tls else None

    def channel(self, role: str = "admin") -> grpc.Channel:
        """Open a channel to the core services; it is closed with the server at the latest.

        Args:
            role: whose certificate to show; without TLS it does not matter.

        Raises:
            ValueError: there is no such role; the message lists them.
        """
        return self._open(self.address, role)

    def persist_channel(self, role: str = "admin") -> grpc.Channel:
        """Open a channel to PersistService; otherwise like `channel`."""
        return self._open(self.persist_address, role)

    def aio_channel(self, role: str = "admin") -> grpc.aio.Channel:
        """Open an asyncio channel to the core services; whoever opens it closes it.

        Args:
            role: whose certificate to show; without TLS it does not matter.

        Raises:
            ValueError: there is no such role; the message lists them.
        """
        return self._open_aio(self.address, role)

    def aio_persist_channel(self, role: str = "admin") -> grpc.aio.Channel:
        """Open an asyncio channel to PersistService; otherwise like `aio_channel`."""
        return self._open_aio(self.persist_address, role)

    def rnx_config(self) -> str:
        """Give the clients' configuration file for this server, as YAML (RNX-02, SRV-13).

        Without TLS its only node has no certificates: the few clients that can do without call it
        in plaintext (FAKE-01).

        Raises:
            RuntimeError: the server is not started.
        """
        core, persist = self.address, self.persist_address
        if self.options.names:
            name = self.options.names[0]
            core, persist = (f"{name}:{port.rpartition(':')[2]}" for port in (core, persist))
        return rnx_config(core, persist, self.model.node_id, self._tls)

    # Calling

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the API version that is served, core and persist, sorted.

        >>> FakeJoblet().methods[0]
        'JobService.CancelJob'
        """
        return tuple(sorted(method.key for method in self._api.methods.values()))

    def rpc(
        self,
        method: str,
        *,
        role: str = "admin",
        timeout: float | None = None,
        **fields: object,
    ) -> Any:  # noqa: ANN401 - run-time message classes have no static type
        """Make one call, over a real channel, without generated code.

        Args:
            method: its name; `"RunJob"` where that is unique, else `"PersistService.DeleteJob"`.
            role: whose certificate to show.
            timeout: the call's deadline in real seconds; None for none.
            **fields: the request's fields, by their newest names whatever `api=` is.

        Returns:
            The response message; for a server stream an iterator of messages, which has gRPC's
            `cancel()`, `code()` and the like.

        Raises:
            grpc.RpcError: the call did not end with OK.
            ValueError: no such method or field, or an ambiguous name; the message lists them.
            RuntimeError: called on the fake's own thread, where it would wait for itself.
        """
        check_thread()
        return self._client.rpc(method, role=role, timeout=timeout, **fields)

    # State

    def reset(self) -> None:
        """Forget all jobs, programs, calls and errors; ports, certificates and time stay.

        Open streams end; processes of local execution are killed.
        """
        check_thread()
        # Without the lock, which the end of a local process needs.
        self.programs.clear()
        with self.clock.lock:
            self.clock.cancel_all()
            self.model.clear()
            self.calls.clear()
            self._errors.clear()
            if self._server is not None:
                self._server.backend.forget()

    def check(self) -> None:
        """Raise what went wrong inside the fake; the fixtures do so at the end of a test.

        Raises:
            BaseException: the first error, with its own traceback; the others are its notes.
        """
        if self._errors:
            error, *others = self._errors
            self._errors.clear()
            for other in others:
                error.add_note(f"and after it, in the same fake: {other!r}")
            raise error

    # Inside

    @property
    def _started(self) -> Server:
        if self._server is None:
            raise RuntimeError("this fake is not started: use `with FakeJoblet() as joblet:`")
        return self._server

    def _at(self, port: int) -> str:
        """Give where a client on this machine finds a port."""
        host = self.options.listen
        if host in EVERYWHERE:
            host = HOST
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _open(self, address: str, role: str) -> grpc.Channel:
        shared_loop()
        if self._tls is None:
            channel = grpc.insecure_channel(address, CHANNEL_OPTIONS)
        else:
            credentials = self._tls.channel_credentials(role)
            channel = grpc.secure_channel(address, credentials, CHANNEL_OPTIONS)
        self._channels.add(channel)
        return channel

    def _open_aio(self, address: str, role: str) -> grpc.aio.Channel:
        shared_loop()
        if self._tls is None:
            return grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)
        credentials = self._tls.channel_credentials(role)
        return grpc.aio.secure_channel(address, credentials, CHANNEL_OPTIONS)
