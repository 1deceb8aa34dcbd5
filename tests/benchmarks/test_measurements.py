"""Every measurement runs; what it measures is printed by `make bench` and asserted nowhere."""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from benchmarks import cycle, followers, logs, plugin, rules, store, unary, wire
from benchmarks.bare import CHANNELS, Bare, open_channel
from benchmarks.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.harness import Result


@pytest.mark.parametrize("tls", CHANNELS)
def test_a_bare_server_answers_with_what_it_was_given(*, tls: bool) -> None:
    given = [b"one", b"two"]

    with Bare({"/a/Unary": b"core"}, {"/a/Stream": given}, tls=tls) as server:
        core = open_channel(server.address, tls=tls)
        persist = open_channel(server.persist_address, tls=tls)
        with core, persist:
            assert core.unary_unary("/a/Unary", None, None)(b"") == b"core"
            assert list(persist.unary_stream("/a/Stream", None, None)(b"")) == given
            with pytest.raises(grpc.RpcError) as failed:
                persist.unary_unary("/a/Unary", None, None)(b"")

    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("measure", "lines"),
    [
        (lambda rounds: cycle.measure(rounds, slices=1), 2),
        (lambda rounds: unary.measure(rounds, slices=1), 4),
        (lambda rounds: logs.measure(rounds, slices=1), 2),
        (plugin.measure, 1),
        (lambda rounds: store.measure(rounds, slices=1, many=50), 2),
        (lambda rounds: rules.measure(rounds, slices=1, many=20), 2),
        (lambda rounds: followers.measure(rounds, followers=12), 4),
    ],
    ids=["cycle", "unary", "logs", "plugin", "store", "rules", "followers"],
)
def test_a_measurement_compares_the_fake_with_a_bare_server(
    measure: Callable[[int], list[Result]], lines: int
) -> None:
    results = measure(1)

    assert len(results) == lines
    for result in results:
        assert result.what
        assert result.rounds == 1
        assert math.isfinite(result.value.middle)
        assert math.isfinite(result.control.middle)


def test_followers_are_told_of_what_they_missed() -> None:
    """A server that loses a line is found out, whatever it costs."""
    side = followers.Side(losing, 3, tls=False)
    with side.child, pytest.raises(RuntimeError, match="a follower got 19 messages of 20"):
        side.round()


@contextmanager
def losing(*, tls: bool) -> Iterator[Any]:
    message = wire.answer("GetJobLogs", payload=followers.LINE)
    core = {wire.path("GetJobLogs"): [message] * (followers.LINES - 1)}
    with Bare(core, tls=tls) as server:
        yield Losing(server)


class Losing:
    def __init__(self, server: Bare) -> None:
        self._address = server.address

    def begin(self) -> tuple[str, str]:
        return self._address, "any"

    def memory(self) -> int:
        return 0

    processor = memory

    def wait_for(self, followers: int) -> None:
        pass

    tell = memory


def test_a_childs_error_comes_to_whoever_asked() -> None:
    with Child(store.store, jobs=1, tls=False) as child:
        with pytest.raises(AttributeError, match="no_such_thing"):
            child.ask("no_such_thing")
        assert child.ask("seconds", 2) > 0


def test_the_command_prints_a_table() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "plugin", "--rounds=1", "--attempts=1", "--markdown"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "grpcio" in ran.stdout
    assert "| plugin, at pytest's start | over an empty plugin |" in ran.stdout
