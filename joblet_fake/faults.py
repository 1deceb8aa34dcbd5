"""`joblet.faults`: rules for calls, faults of the whole server, and presets of both."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from joblet_fake.exchange import FaultRules
from joblet_fake.words import Named, near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from joblet_fake.clock import Clock
    from joblet_fake.exchange import Rule
    from joblet_fake.server_faults import ServerFaults
    from joblet_fake.wire import Api


class Preset(NamedTuple):
    """Something that production does, by name.

    Attributes:
        says: what happens, in a sentence.
        arrange: has it happen; its keywords are the preset's options.
    """

    says: str
    arrange: Callable[..., Rule | None]


class Faults(FaultRules, Named):
    r"""What shall go wrong: `joblet.faults` is one.

    Args:
        api: the wire version, which knows the methods.
        clock: when things happen.
        seed: where probabilities come from.
        server: makes the part that is about the whole server.

    >>> import grpc
    >>> from joblet_fake import FakeJoblet
    >>> with FakeJoblet() as joblet:
    ...     rule = joblet.faults.on("RunJob").fail("UNAVAILABLE", times=1)
    ...     try:
    ...         joblet.rpc("RunJob", command="true")
    ...     except grpc.RpcError as error:
    ...         print(error.code().name, rule.used)
    UNAVAILABLE True
    """

    _called = "joblet.faults"

    def __init__(
        self,
        api: Api,
        clock: Clock,
        seed: int,
        server: Callable[[FaultRules], ServerFaults],
    ) -> None:
        super().__init__(api, clock, seed)
        self._server = server(self)

    @property
    def server(self) -> ServerFaults:
        """Faults of the whole server, of its ports and of its host."""
        return self._server

    @property
    def presets(self) -> Mapping[str, str]:
        """What production does, by name, each with a sentence on it.

        >>> from joblet_fake import FakeJoblet
        >>> FakeJoblet().faults.presets["reply lost"]
        'The work is done, and the connection goes before the reply: a retry does it twice.'
        """
        return {name: preset.says for name, preset in PRESETS.items()}

    def preset(self, name: str, **options: Any) -> Rule | None:  # noqa: ANN401 - the preset's own
        """Have happen what production does.

        Args:
            name: one of `presets`.
            **options: what it leaves open.

        Returns:
            The rule, where it is one; what is no rule is undone by `joblet.faults.server.clear()`.

        Raises:
            ValueError: there is no such preset or option; the text says what is near.
        """
        preset = PRESETS.get(name)
        if preset is None:
            raise ValueError(f"there is no preset {name!r}; {near(name, PRESETS)}")
        possible = [*inspect.signature(preset.arrange).parameters][1:]
        for option in options:
            if option not in possible:
                known = near(option, possible) if possible else "it has none"
                raise ValueError(f"preset({name!r}) has no option {option!r}; {known}")
        return preset.arrange(self, **options)


def _reply_lost(faults: Faults, method: str = "RunJob", times: int = 1) -> Rule:
    return faults.on(method).times(times).after_effect().drop_connection()


def _restart(faults: Faults, messages: int = 1) -> Rule:
    return faults.on("GetJobLogs").times(1).after(messages=messages).restart()


def _log_cut(faults: Faults, messages: int = 1, times: int = 1) -> Rule:
    return faults.on("GetJobLogs").times(times).after(messages=messages).drop_connection()


def _log_ends(faults: Faults, messages: int = 1, times: int = 1) -> Rule:
    return faults.on("GetJobLogs").times(times).after(messages=messages).end()


def _persist_away(faults: Faults) -> None:
    faults.server.refuse("persist")


def _persist_hangs(faults: Faults) -> None:
    faults.server.hang("persist")


def _outage(faults: Faults, seconds: float = 30.0) -> Rule:
    text = "joblet-fake: down for a while"
    return faults.on("*").during(seconds).fail("UNAVAILABLE", text)


def _upgrade(faults: Faults) -> None:
    faults.server.drain()
    faults.server.rebind()


def _overload(faults: Faults, calls: int = 10, per: float = 1.0) -> Rule:
    return faults.server.quota(calls, per)


def _certificate(faults: Faults) -> None:
    faults.server.certificate("expired")
    faults.server.drop_connections()


def _disk(faults: Faults) -> None:
    faults.server.disk_full()


PRESETS: Final[Mapping[str, Preset]] = {
    "certificate expired": Preset(
        "The server's certificate has run out, and connections are made anew: all of them fail.",
        _certificate,
    ),
    "disk full": Preset(
        "The server's disk has no room: no job starts, and no output is stored.",
        _disk,
    ),
    "log cut off": Preset(
        "The connection goes in the middle of a job's log, after some messages.",
        _log_cut,
    ),
    "log ends early": Preset(
        "A job's log ends after some messages, with OK: nothing tells that more was to come.",
        _log_ends,
    ),
    "outage": Preset(
        "Every call is UNAVAILABLE for some seconds of the clock.",
        _outage,
    ),
    "overload": Preset(
        "More calls than fit into a window of time are refused with RESOURCE_EXHAUSTED.",
        _overload,
    ),
    "persist away": Preset(
        "The persist process is gone: jobs are refused, logs wait until it is back.",
        _persist_away,
    ),
    "persist hangs": Preset(
        "The persist process stands still: jobs are refused, after a while.",
        _persist_hangs,
    ),
    "reply lost": Preset(
        "The work is done, and the connection goes before the reply: a retry does it twice.",
        _reply_lost,
    ),
    "restart during a log follow": Preset(
        "The server restarts while a client follows a log: the job is forgotten, the log cut.",
        _restart,
    ),
    "rolling upgrade": Preset(
        "Every connection gets GOAWAY: open calls go on, new ones need a new connection.",
        _upgrade,
    ),
}
"""What production does, by name."""
