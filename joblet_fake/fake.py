"""`FakeJoblet`: one fake server pair, and all that a test can do with it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Self

import grpc

from joblet_fake.client import Client
from joblet_fake.clock import Clock
from joblet_fake.exchange import INSIDE, Calls, Exchange, Masks
from joblet_fake.faults import Faults
from joblet_fake.model.model import Model
from joblet_fake.model.snapshot import Snapshot
from joblet_fake.model.tenure import laying_down
from joblet_fake.options import DEFAULT_API, Options
from joblet_fake.programs import LIMIT, Programs, owner
from joblet_fake.rnx_config import rnx_config
from joblet_fake.server import HOST, Backend, Server, Tls, check_thread, forked, shared_loop
from joblet_fake.server_faults import ServerFaults
from joblet_fake.services import generation_of
from joblet_fake.twins import twin
from joblet_fake.views import (
    HistoryView,
    HostView,
    JobsView,
    NetworksView,
    QuirksView,
    RuntimesView,
    VolumesView,
    WorkflowsView,
)
from joblet_fake.wire import load
from joblet_fake.words import Named

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from joblet_fake.populate import Populated

NOTES = 10
NOTE_LENGTH = 500
"""How many further errors are told beside the first one, and how much of each."""

CHANNEL_OPTIONS = (
    # Each channel has connections of its own: what ends one is nothing to the others.
    ("grpc.use_local_subchannel_pool", 1),
    # A proxy of the environment must not swallow calls to loopback.
    ("grpc.enable_http_proxy", 0),
    # The real server sends up to this much (SRV-03).
    ("grpc.max_receive_message_length", 128 * 1024 * 1024),
)

OF_STATE = ("api", "behavior", "pace", "clock", "seed", "host", "exec")
"""The options that a state depends on: a snapshot fits fakes that have the same."""

EVERYWHERE = ("0.0.0.0", "::", "[::]")  # noqa: S104 - named here, not listened on


class FakeJoblet(Named):
    r"""A fake Joblet: the core services on one port, PersistService on another.

    It starts when entered, or by `start()`, and serves until left, or `stop()`. Every instance
    has its own state, clock and ports, so that any number can run at once.

    Args:
        api: the published wire version to serve; its behaviour follows from it.
        behavior: `"server"` does what real servers were seen to do, `"documented"` what their
            documentation says where the two differ (DOC-01): a set of `quirks`.
        pace: `"immediate"` lets state changes happen at once; `"real"` gives them the durations
            that were measured on real servers.
        tls: mutual TLS as on a real server; `False` listens in plaintext, every caller an admin.
        roles: whether a certificate's role limits what its owner may do.
        clock: `"flowing"`, `"frozen"` or `"skipping"`.
        start: the clock's first moment, an aware datetime.
        seed: where ids come from, and the host's values; the same seed gives the same ones.
        host: whose values MonitoringService shows: `"seeded"` is a made-up host on which running
            jobs show, `"local"` the machine that the fake runs on.
        exec: run jobs as real local processes.
        exec_timeout: real seconds after which a local process is killed.
        core_port: where the core services listen; 0 for any free port.
        persist_port: where PersistService listens; 0 for any free port.
        stall_timeout: real seconds after which a stream on a frozen clock gives up waiting, and
            so does a call that a fault stalls.
        program_timeout: real seconds that code of the test may take: a program from one step to
            the next, and a predicate.
        listen: the address that both ports listen on; other machines can call any but loopback.
        names: further names and addresses for the server's certificate; the first is also the
            one that `rnx_config` gives to clients.
        unused_faults: let fault rules be that no call has met; they fail a test otherwise.
        keep_jobs: how many jobs that are over are kept; the oldest beyond are forgotten, with
            their logs and histories, as no real server does. None for all.
        keep_bytes: how many bytes of output and uploads these may have; None for any.

    Raises:
        TypeError: an option of a type that can't be; the message says what is right.
        ValueError: an option that can't be; the message lists what can.

    >>> with FakeJoblet(clock="frozen") as joblet:
    ...     job_id = joblet.rpc("RunJob", command="echo", args=["hello"]).job_uuid
    ...     print(joblet.jobs[job_id].status, repr(joblet.jobs[job_id].stdout))
    COMPLETED 'hello\n'
    """

    _called = "a FakeJoblet"

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
        host: str = "seeded",
        exec: bool = False,  # noqa: A002 - the word that the command line uses
        exec_timeout: float = 300.0,
        core_port: int = 0,
        persist_port: int = 0,
        stall_timeout: float = 30.0,
        program_timeout: float = LIMIT,
        listen: str = HOST,
        names: tuple[str, ...] = (),
        unused_faults: bool = False,
        keep_jobs: int | None = None,
        keep_bytes: int | None = None,
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
            host=host,
            exec=exec,
            exec_timeout=exec_timeout,
            core_port=core_port,
            persist_port=persist_port,
            stall_timeout=stall_timeout,
            program_timeout=program_timeout,
            listen=listen,
            names=names,
            unused_faults=unused_faults,
            keep_jobs=keep_jobs,
            keep_bytes=keep_bytes,
        )
        self._api = load(api)
        self._generation = generation_of(api)
        self.clock = Clock(clock, start=start, check=self._check_moving)
        self.programs = Programs(
            self.clock, local=exec, timeout=exec_timeout, limit=program_timeout
        )
        self.model = Model(
            self.clock,
            self.programs,
            pace=pace,
            behavior=behavior,
            seed=seed,
            host=host,
            keep_jobs=keep_jobs,
            keep_bytes=keep_bytes,
        )
        self.calls = Calls(self._api, check_thread)
        self.jobs = JobsView(self.model, self.programs, check_thread, lambda: self._inside)
        self.runtimes = RuntimesView(self.model, check_thread)
        self.host = HostView(self.model)
        self.history = HistoryView(self.model, check_thread)
        self.networks = NetworksView(self.model, check_thread)
        self.volumes = VolumesView(self.model, check_thread)
        self.workflows = WorkflowsView(self.model, check_thread)
        self.quirks = QuirksView(self.model, check_thread)
        self._exchange = Exchange(self._api, self._generation, self.model, roles=roles)
        self._tls = Tls(self._generation.roles, names) if tls else None
        self._server: Server | None = None
        self._channels: weakref.WeakSet[grpc.Channel] = weakref.WeakSet()
        self._client = Client(
            self._api,
            self.channel,
            self.persist_channel,
            lambda: (INSIDE,) if self._inside else (),
        )
        self._errors: list[BaseException] = []
        self.clock.holds.failed = self._errors.append
        self.faults = Faults(
            self._api,
            self.clock,
            seed,
            lambda rules: ServerFaults(
                server=lambda: self._started,
                rules=rules,
                model=self.model,
                tls=self._tls,
                reconnect=self._client.forget,
            ),
        )

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

        async def listen() -> Server:
            backend = Backend(
                self._exchange,
                self.calls,
                loop,
                faults=self.faults,
                errors=self._errors,
                stall_timeout=options.stall_timeout,
                code_timeout=options.program_timeout,
            )
            backend.restart, backend.reconnect = self.restart, self._client.forget
            server = Server(backend, self._tls, options.listen)
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
        self.faults.server.stopped()
        self.programs.close()

    start_async, stop_async = twin(start), twin(stop)

    def restart(self, *, keep_state: bool = False) -> None:
        """Crash the server and start it again on the same ports, with the same certificates.

        Clients lose their connections, and open calls end with UNAVAILABLE. What a restarted
        server has forgotten is forgotten: the jobs and their output in memory (JOB-RST-01).
        Stored output stays (JOB-RST-02), and so do programs, fault rules, the journal and the
        clock, which are the test's. A real server that is asked to end waits for open log streams
        before it goes (JOB-RST-05): `joblet.faults.server.drain()` does that. It is back when
        this returns.

        Args:
            keep_state: whether it forgets nothing.

        Raises:
            RuntimeError: it is not started.
            PortError: another program took a port in between.

        >>> with FakeJoblet() as joblet:
        ...     _ = joblet.rpc("RunJob", command="true")
        ...     joblet.restart()
        ...     len(joblet.rpc("ListJobs").jobs)
        0
        """
        self.faults.server.restart(keep_state=keep_state)

    restart_async = twin(restart)

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
        return await self.start_async()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop_async()

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
        name = next((each for each in self.options.names if not each.startswith("*")), None)
        if name is not None:
            name = f"[{name}]" if ":" in name else name
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
        self.faults.server.settle()
        return self._client.rpc(method, role=role, timeout=timeout, **fields)

    def masks(self) -> Masks:
        r"""Give what hides secrets in a text, all that this fake has been sent until now.

        That is the values of secret variables, of jobs and of workflows' jobs (JOB-WF-06), and
        metadata such as `authorization`. One of several lines is hidden line by line too; one of
        fewer than four characters is not.

        >>> with FakeJoblet() as joblet:
        ...     _ = joblet.rpc("RunJob", command="true", secret_environment={"TOKEN": "s3cret"})
        ...     print(joblet.masks()("it said s3cret"))
        it said ***
        """
        with self.clock.lock:
            return Masks([*self.calls.secrets, *self.model.secrets])

    # State

    def populate(
        self,
        *,
        jobs: int = 100,
        networks: int = 2,
        volumes: int = 2,
        runtimes: int = 2,
        days: float = 7.0,
    ) -> Populated:
        """Fill the server with a realistic history: the same seed gives the same.

        Jobs of the kinds that teams run, with believable output, metrics, durations and ends: most
        COMPLETED, some FAILED, a few that are running now, wait for their time, or were cancelled.
        Those that run or wait go on as time does.

        Args:
            jobs: how many jobs.
            networks: how many networks, beside `bridge`.
            volumes: how many volumes.
            runtimes: how many runtimes.
            days: how far back the first job lies.

        Returns:
            What was made, by id and by name.

        Raises:
            ValueError: a number is negative.

        >>> with FakeJoblet(clock="frozen", seed=7) as joblet:
        ...     made = joblet.populate(jobs=200, networks=3)
        ...     len(joblet.rpc("ListJobs").jobs), len(joblet.networks) - 1
        (200, 3)
        """
        from joblet_fake.populate import populate  # noqa: PLC0415 - few need it

        check_thread()
        with laying_down():
            return populate(
                self, jobs=jobs, networks=networks, volumes=volumes, runtimes=runtimes, days=days
            )

    populate_async = twin(populate)

    def reset(self) -> None:
        """Forget all state, programs, faults, calls and errors; ports and time stay.

        Quirks are again those of `behavior=`. Open streams end; processes of local execution are
        killed.
        """
        check_thread()
        self.faults.forget()
        self.faults.server.clear()
        # Without the lock, which the end of a local process needs.
        self.programs.clear()
        with self.clock.lock:
            self.clock.cancel_all()
            self.model.clear()
            self.calls.clear()
            self._errors.clear()
            if self._server is not None:
                self._server.backend.forget()

    reset_async = twin(reset)

    def snapshot(self) -> Snapshot:
        r"""Keep the state, to come back to it with `restore`, here or in another fake.

        It holds what the server knows: jobs with their output and samples, the history, networks,
        volumes with their files, runtimes, workflows, the host, which ids come next, and the
        clock's moment. Programs, fault rules and the journal are the test's, and stay what they
        are. It is made at once, whatever is in it: what only grows is shared.

        Raises:
            SnapshotError: a job runs as a real local process, which nobody could run again.
            RuntimeError: called by a program, for which it would wait.

        >>> with FakeJoblet(clock="frozen") as joblet:
        ...     _ = joblet.programs.on("train").sleeps(60).prints("hi\n")
        ...     job_id = joblet.rpc("RunJob", command="train").job_uuid
        ...     joblet.clock.advance(30)
        ...     half = joblet.snapshot()
        ...     joblet.clock.advance(minutes=10)
        ...     joblet.restore(half)
        ...     print(half, joblet.jobs[job_id].status)
        ...     joblet.clock.advance(30)
        ...     print(joblet.clock.now().time(), repr(joblet.jobs[job_id].stdout))
        <snapshot of 1 job (1 RUNNING) at 2026-01-01T00:00:30+00:00> RUNNING
        00:01:00 'hi\n'
        """
        self._check_resting()
        with laying_down(), self.clock.at_rest():
            return Snapshot(self.model, self._state_options)

    snapshot_async = twin(snapshot)

    def restore(self, snapshot: Snapshot) -> None:
        """Come back to a state that was kept.

        What was under way goes on as it would have: a running job's program is run again, silently,
        up to where it was, and sleeps for the rest of its sleep. A frozen or skipping clock shows
        the moment of the snapshot again; a flowing one goes on, and what was to come after a while
        comes after the rest of it. Calls that are open end with UNAVAILABLE. If it fails, nothing
        has changed.

        Args:
            snapshot: what `snapshot` of a fake with the same options gave.

        Raises:
            ValueError: that fake had other options; the text says which.
            SnapshotError: a generator does something else when it is run again.
            RuntimeError: called by a program.
        """
        self._check_resting()
        given: object = snapshot
        if not isinstance(given, Snapshot):
            raise TypeError(f"restore({given!r}): give what snapshot() gave")
        snapshot.check(self._state_options)
        with laying_down():
            prepared = snapshot.prepared(self.model)
        self.programs.close_local()
        with self.clock.at_rest():
            prepared.begin()
            if self._server is not None:
                self._server.backend.forget()
        # What is due at once has its turn.
        with self.clock.by_hand():
            pass

    restore_async = twin(restore)

    @property
    def _state_options(self) -> dict[str, object]:
        """The options that a state depends on."""
        return {name: getattr(self.options, name) for name in OF_STATE}

    def _check_resting(self) -> None:
        check_thread()
        if self._inside:
            raise RuntimeError(
                "a program can't keep or restore the state, which waits for programs to wait: do "
                "it in the test"
            )

    def check(self) -> None:
        """Raise what went wrong inside the fake; the fixtures do so at the end of a test.

        Raises:
            BaseException: the first error, with its own traceback; the others are its notes.
        """
        if self._errors:
            error, *others = self._errors
            self._errors.clear()
            for other in others[:NOTES]:
                error.add_note(f"and after it, in the same fake: {other!r:.{NOTE_LENGTH}}")
            if others[NOTES:]:
                error.add_note(f"and {len(others) - NOTES} more")
            raise error

    # Inside

    def _set_persist(self, state: str) -> None:
        """Have the persist service be `"up"`, `"gone"` or `"hung"` for its core (PER-70, PER-71).

        Raises:
            ValueError: there is no such state.
        """
        check_thread()
        with self.model.change():
            self.model.persist_state = state

    @property
    def _inside(self) -> bool:
        """Whether a program of this fake asks: the clock waits for it."""
        return owner() is self.programs

    def _check_moving(self) -> None:
        check_thread()
        if self._inside:
            raise RuntimeError(
                "a program can't move the clock, which waits for it: let time pass with "
                "`yield Sleep(seconds)`"
            )

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
