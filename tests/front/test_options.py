from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from joblet_fake import FakeJoblet

AWARE = "an aware datetime, such as datetime(2026, 1, 1, tzinfo=timezone.utc)"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tls": "no"}, "tls='no': it is True or False"),
        ({"roles": 1}, "roles=1: it is True or False"),
        ({"exec": None}, "exec=None: it is True or False"),
        ({"unused_faults": "yes"}, "unused_faults='yes': it is True or False"),
        ({"seed": "x"}, "seed='x': it is a whole number"),
        ({"seed": True}, "seed=True: it is a whole number"),
        ({"core_port": "50051"}, "core_port='50051': it is a whole number"),
        ({"persist_port": 1.5}, "persist_port=1.5: it is a whole number"),
        ({"stall_timeout": "3"}, "stall_timeout='3': it is a number of real seconds"),
        ({"exec_timeout": None}, "exec_timeout=None: it is a number of real seconds"),
        ({"listen": 5}, "listen=5: it is an address as text, such as '127.0.0.1'"),
        ({"names": "lab"}, "names='lab': it is a tuple of text, as ('joblet.lab',) is"),
        ({"names": (5,)}, "names=(5,): it is a tuple of text, as ('joblet.lab',) is"),
        ({"start": "2026-01-01"}, f"start='2026-01-01': it is {AWARE}"),
    ],
)
def test_an_option_of_a_wrong_type_is_refused_with_what_is_right(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(TypeError) as refused:
        FakeJoblet(**options)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"clock": 5}, "unknown clock 5: it is one of flowing, frozen, skipping"),
        ({"pace": None}, "unknown pace None: it is one of immediate, real"),
        ({"core_port": 70_000}, "core_port=70000: a port is 0 (any free one) to 65535"),
        ({"exec_timeout": 0}, "exec_timeout=0: it is a number of real seconds above 0"),
        ({"stall_timeout": float("nan")}, "stall_timeout=nan: it is a number of real seconds abo"),
    ],
)
def test_a_value_that_cant_be_is_refused_with_those_that_can(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole text is looked at
        FakeJoblet(**options)
    assert str(refused.value).startswith(told)


def test_what_is_right_is_taken() -> None:
    start = datetime(2027, 1, 1, tzinfo=UTC)
    options = FakeJoblet(start=start, names=("a",), stall_timeout=3, seed=-1, tls=False).options
    assert (options.start, options.names, options.stall_timeout) == (start, ("a",), 3)
