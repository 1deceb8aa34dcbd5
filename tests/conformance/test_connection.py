"""A bare connection sees what a server does that gRPC's own client hides."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from joblet_conformance import FakeTarget, TargetError
from joblet_conformance.connection import ACK, PING, PREFACE, SETTINGS, Frame, connect
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def target() -> Iterator[FakeTarget]:
    with FakeJoblet(clock="frozen") as fake:
        made = FakeTarget(fake)
        yield made
        made.close()


def test_a_connection_speaks_http2_over_tls(target: FakeTarget) -> None:
    with connect(target) as connection:
        assert (connection.version, connection.protocol) == ("TLSv1.3", "h2")
        assert connection.names >= {"joblet", "localhost", "127.0.0.1"}
        connection.send(PREFACE)
        connection.frame(SETTINGS)
        frames, ended = connection.frames(10, until=SETTINGS)
        settings = [frame.settings for frame in frames if frame.kind == SETTINGS and frame.payload]
        assert settings[0]["MAX_CONCURRENT_STREAMS"] == 1000
        assert not ended
        connection.frame(PING, payload=b"12345678")
        frames, _ = connection.frames(10, until=PING)
        assert Frame(PING, ACK, b"12345678") in frames


def test_frames_that_do_not_come_are_waited_for_no_longer_than_said(target: FakeTarget) -> None:
    with connect(target) as connection:
        connection.send(PREFACE)
        connection.frame(SETTINGS)
        connection.frames(10, until=SETTINGS)
        frames, ended = connection.frames(0.2, until=PING)

    assert not ended
    assert PING not in {frame.kind for frame in frames}


def test_a_server_of_another_name_is_not_trusted(target: FakeTarget) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(target, name="elsewhere")


def test_a_role_without_a_certificate_of_its_own_is_refused(target: FakeTarget) -> None:
    with pytest.raises(TargetError, match="has no certificate of role 'owner'"):
        connect(target, "owner")


def test_a_target_that_nobody_serves_is_an_error_of_the_system(target: FakeTarget) -> None:
    address, target.address = target.address, "127.0.0.1:1"
    try:
        with pytest.raises(OSError, match="refused"):
            connect(target)
    finally:
        target.address = address
