"""`joblet.faults.server`: what goes wrong with the whole server, its ports and its host."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final

from joblet_fake.server import check_thread, shared_loop
from joblet_fake.server.connections import check_possible
from joblet_fake.twins import twin
from joblet_fake.words import Named, check_number, near

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from joblet_fake.exchange import FaultRules, Rule
    from joblet_fake.model.model import Model
    from joblet_fake.server import Connection, Listener, Server, Tls

PORTS: Final = ("core", "persist")
CERTIFICATES: Final = ("valid", "expired", "rotated")


class ServerFaults(Named):
    """Faults of the whole server; `joblet.faults.server` is one.

    A real server is two processes: core, with the five services that clients use, and persist,
    which keeps what jobs wrote, and which core needs to run jobs (PER-70). Where a verb takes a
    port, it is `"core"`, `"persist"`, or None for both. Everything has happened when a verb
    returns, and lasts until its opposite or `clear()`. A verb that waits has an awaitable twin:
    `await joblet.faults.server.crash_async()`.

    Args:
        server: gives the started server.
        rules: where rules for calls are written.
        model: the server's state.
        tls: the certificates; None for plaintext.
        reconnect: has the fake's own calls make a new connection.

    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet() as joblet:
    ...     joblet.faults.server.refuse("persist")
    ...     joblet.faults.server.lasting
    ...     joblet.faults.server.rebind()
    ...     joblet.faults.server.lasting
    ('refuse',)
    ()
    """

    _called = "joblet.faults.server"

    def __init__(
        self,
        *,
        server: Callable[[], Server],
        rules: FaultRules,
        model: Model,
        tls: Tls | None,
        reconnect: Callable[[], object],
    ) -> None:
        self._server = server
        self._rules = rules
        self._model = model
        self._tls = tls
        self._reconnect = reconnect
        self._lock = threading.RLock()
        self._undo: dict[str, Callable[[], object]] = {}
        self._restarts = 0

    def __repr__(self) -> str:
        return f"<faults of the server: {', '.join(self.lasting) or 'none'}>"

    @property
    def lasting(self) -> tuple[str, ...]:
        """The faults that last: the verbs that were not taken back."""
        return tuple(self._undo)

    @property
    def restarts(self) -> int:
        """How often the server was restarted, by the test or by a fault rule.

        >>> from joblet_fake import FakeJoblet
        >>> with FakeJoblet() as joblet:
        ...     joblet.restart()
        ...     joblet.faults.server.restarts
        1
        """
        return self._restarts

    # Connections

    @property
    def connections(self) -> list[Connection]:
        """The connections that clients have: each has `.peer`, `.port`, `.drop()`, `.reset()`.

        Raises:
            RuntimeError: the fake is not started, or the system does not show connections.
        """
        server = self._server()
        return [one for port in (server.core, server.persist) for one in port.connections()]

    def drop_connections(self, port: str | None = None) -> int:
        """Close all connections to a port, with all calls on them; tell how many there were.

        Args:
            port: which one.

        Raises:
            RuntimeError: as for `connections`.
        """
        return self._cut(port, lambda connection: connection.drop())

    drop_connections_async = twin(drop_connections)

    def reset_connections(self, port: str | None = None) -> int:
        """Reset all connections to a port (TCP RST); otherwise like `drop_connections`."""
        return self._cut(port, lambda connection: connection.reset())

    reset_connections_async = twin(reset_connections)

    def _cut(self, port: str | None, how: Callable[[Connection], bool]) -> int:
        names = self._names(port)
        # The fake's own calls must not find out by failing, nor their connections go before.
        kept = self._reconnect()
        cut = sum(how(one) for one in self.connections if one.port in names)
        del kept
        return cut

    # Ports

    def refuse(self, port: str | None = None) -> None:
        """End a process without a word: its connections are cut, new ones are refused.

        Its state stays; `crash` is for what loses it. Without persist, core behaves as it does
        when persist is gone (PER-70, PER-71).

        Args:
            port: which one.

        Raises:
            ValueError: there is no such port.
            RuntimeError: the fake is not started.
        """
        self._at_ports(port, lambda listener: listener.refuse(), "gone", "refuse")

    refuse_async = twin(refuse)

    def drain(self, port: str | None = None) -> None:
        """Have a process end as it does on SIGTERM: calls that are open go on to their end.

        Clients get GOAWAY, and new calls are refused (SRV-09, JOB-RST-05).

        Args:
            port: which one.

        Raises:
            ValueError: there is no such port.
            RuntimeError: the fake is not started.
        """
        self._at_ports(port, lambda listener: listener.drain(), "gone", "drain")

    drain_async = twin(drain)

    def rebind(self, port: str | None = None) -> None:
        """Have a port listen again after `refuse`, `drain` or `crash`, with the same number.

        Args:
            port: which one.

        Raises:
            ValueError: there is no such port.
            PortError: another program has taken the number meanwhile.
            RuntimeError: the fake is not started.
        """
        self._at_ports(port, lambda listener: listener.rebind(), "up")
        self.resume(port)
        if port is None:
            for name in ("refuse", "drain", "crash"):
                self._undo.pop(name, None)

    rebind_async = twin(rebind)

    def hang(self, port: str | None = None) -> None:
        """Have a process stand still: it takes connections and calls, and answers nothing.

        Unlike a process that really is stopped, it goes on answering HTTP/2 pings. A client that
        waits for `stall_timeout` real seconds has no deadline: its call ends, and the test fails
        with the reason.

        Args:
            port: which one.

        Raises:
            ValueError: there is no such port.
            RuntimeError: the fake is not started.
        """
        self._at_ports(port, lambda listener: _now(listener.port.gate.close), "hung", "hang")

    hang_async = twin(hang)

    def resume(self, port: str | None = None) -> None:
        """Have a process go on after `hang`.

        Args:
            port: which one.

        Raises:
            ValueError: there is no such port.
            RuntimeError: the fake is not started.
        """
        self._at_ports(port, lambda listener: _now(listener.port.gate.open), "up")
        if port is None:
            self._undo.pop("hang", None)

    resume_async = twin(resume)

    def strict_keepalive(self, interval: float = 300.0) -> None:
        """Have the ports police pings as gRPC servers do that were not told otherwise (SDK-11).

        A client that pings more often, or without a call, is sent away with GOAWAY and
        `too_many_pings`. Connections that are open get GOAWAY and end with their last call.

        Args:
            interval: real seconds between two pings at least.

        Raises:
            RuntimeError: the fake is not started.
        """
        self._police(interval)
        self._undo["strict_keepalive"] = lambda: self._police(None)

    strict_keepalive_async = twin(strict_keepalive)

    def _police(self, interval: float | None) -> None:
        self._run(lambda listener: listener.police(interval), PORTS)
        self._reconnect()

    # The whole server

    def crash(self, *, keep_state: bool = False) -> None:
        """Kill the server: connections are cut, ports refuse, what memory held is forgotten.

        The list of jobs is empty, their output in memory gone (JOB-RST-01); stored output stays
        (JOB-RST-02), and so do programs, rules, the journal and the clock, which are the test's.
        Real processes live on, out of everybody's reach (JOB-RST-07). `restart()` starts it again.

        Args:
            keep_state: whether it forgets nothing.

        Raises:
            RuntimeError: the fake is not started.
        """
        with self._lock:
            self._at_ports(None, lambda listener: listener.refuse(), "gone", "crash")
            if keep_state:
                return
            with self._model.clock.lock:
                self._model.restart()
            # A server that starts brings its persist along; this one has not started yet.
            _tell_core(self._model, "gone")

    crash_async = twin(crash)

    def restart(self, *, keep_state: bool = False) -> None:
        """Start a crashed server again, on the same ports; one that runs crashes first.

        Args:
            keep_state: whether it forgets nothing.

        Raises:
            PortError: another program has taken a port meanwhile.
            RuntimeError: the fake is not started.
        """
        with self._lock:
            if "crash" not in self._undo:
                self.crash(keep_state=keep_state)
            self.rebind()
            self._restarts += 1
            with self._model.change():
                self._model.persist.begin()

    restart_async = twin(restart)

    # The host

    def disk_full(self, *, full: bool = True) -> None:
        """Leave no room on the server's disk: no job starts, no output is stored.

        RunJob is refused and leaves no job (FAULT-01), a job that comes due is INITIALIZING for
        good (FAULT-03), a workflow's jobs fail (FAULT-05), CreateVolume is refused (FAULT-06).
        What jobs write meanwhile is not stored, nor is anything after it (FAULT-02, FAULT-08):
        their logs are cut, which QueryLogs ends with INTERNAL (FAULT-07). Jobs that run go on, and
        their files are written as before.

        Args:
            full: False for room again; what was cut, and who waits for good, stays so.
        """
        with self._model.clock.lock:
            self._model.disk_full = full
        self._note("disk_full", lambda: self.disk_full(full=False), undone=not full)

    def certificate(self, state: str) -> None:
        """Have the server show another certificate to those who connect from now on.

        Args:
            state: `"expired"`; `"rotated"` for one of a new authority, which is then the only one
                that clients' certificates may be of, with new PEMs in `joblet.tls`; or `"valid"`
                for that of the beginning.

        Raises:
            ValueError: there is no such state; the text says which is near.
            RuntimeError: the fake listens in plaintext.

        Connections that are open stay: `drop_connections()` has their clients connect anew.
        """
        if state not in CERTIFICATES:
            raise ValueError(f"certificate({state!r}): there is none; {near(state, CERTIFICATES)}")
        if self._tls is None:
            raise RuntimeError("this fake was started with tls=False: it has no certificates")
        changes = {
            "valid": self._tls.renew,
            "expired": self._tls.expire,
            "rotated": self._tls.rotate,
        }
        changes[state]()
        self._reconnect()
        self._note(
            "certificate", lambda: self.certificate("valid"), undone=state == CERTIFICATES[0]
        )

    certificate_async = twin(certificate)

    def clock_skew(self, seconds: float) -> None:
        """Set the server's clock wrong: its times, and when what is scheduled is due, are off.

        What takes some time takes as long as before. `joblet.clock` is the server's clock.

        Args:
            seconds: by how much it goes before the right time; negative for after, 0 for right.
        """
        check_number(f"clock_skew({seconds!r})", seconds)
        self._model.clock.skew(seconds)
        self._note("clock_skew", lambda: self.clock_skew(0), undone=not seconds)

    def quota(self, calls: int, per: float, method: str = "*") -> Rule:
        """Refuse calls beyond a number within a window, with RESOURCE_EXHAUSTED.

        Args:
            calls: how many calls a window has room for.
            per: how long a window is, in clock seconds, from the first call in it.
            method: whose calls count, as in `joblet.faults.on`.

        Returns:
            The rule; `clear()` ends it.
        """
        text = f"quota exceeded: {calls} calls in {per:g} s"
        return self._rules.on(method).quota(calls, per).fail("RESOURCE_EXHAUSTED", text)

    # The end

    def settle(self) -> None:
        """Wait until a change that is under way on another thread is over, such as a restart."""
        with self._lock:
            pass

    def clear(self) -> None:
        """Undo everything: ports listen, clocks are right, certificates valid; rules stay."""
        with self._lock:
            while self._undo:
                _, undo = self._undo.popitem()
                undo()

    clear_async = twin(clear)

    def stopped(self) -> None:
        """Forget what the ports were told: the server is gone, and its ports with it."""
        for name in ("refuse", "drain", "crash", "hang", "strict_keepalive"):
            self._undo.pop(name, None)
        _tell_core(self._model, "up")

    # Inside

    def _at_ports(
        self,
        port: str | None,
        change: Callable[[Listener], Awaitable[object]],
        persist_state: str,
        name: str | None = None,
    ) -> None:
        names = self._names(port)
        if name in ("refuse", "crash"):
            check_possible()
        with self._lock:
            self._run(change, names)
            if "persist" in names:
                _tell_core(self._model, persist_state)
            # Calls of the test's own must not wait for a connection's backoff.
            self._reconnect()
            if name is not None:
                self._undo[name] = self.resume if name == "hang" else self.rebind

    def _run(self, change: Callable[[Listener], Awaitable[object]], names: tuple[str, ...]) -> None:
        check_thread()
        server = self._server()

        async def work() -> None:
            await asyncio.gather(*(change(getattr(server, name)) for name in names))

        shared_loop().run(work())

    @staticmethod
    def _names(port: str | None) -> tuple[str, ...]:
        if port is None:
            return PORTS
        if port not in PORTS:
            raise ValueError(f"there is no port {port!r}; {near(str(port), PORTS)}, None for both")
        return (port,)

    def _note(self, name: str, undo: Callable[[], object], *, undone: bool) -> None:
        if undone:
            self._undo.pop(name, None)
        else:
            self._undo[name] = undo


async def _now(action: Callable[[], object]) -> Any:  # noqa: ANN401 - nothing
    action()


def _tell_core(model: Model, persist_state: str) -> None:
    """Have core find persist in a state: `"up"`, `"gone"` or `"hung"`."""
    with model.change():
        model.persist_state = persist_state
