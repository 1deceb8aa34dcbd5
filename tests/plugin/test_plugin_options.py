from __future__ import annotations

import pytest

from joblet_fake import FakeJoblet
from pytest_joblet.options import check_names, make, possible, refusal


def test_the_possible_options_are_those_of_the_fake() -> None:
    """Each of them can be given: what is listed in errors is true."""
    options = FakeJoblet().options
    assert set(possible()) >= {"api", "behavior", "clock", "pace", "seed", "tls", "stall_timeout"}
    FakeJoblet(**{name: getattr(options, name) for name in possible()})


def test_a_part_of_an_options_name_is_not_taken_for_it() -> None:
    check_names(["exec"], "here")
    with pytest.raises(pytest.fail.Exception, match=r"^here: FakeJoblet has no option exe; "):
        check_names(["exe"], "here")


def test_all_unknown_names_are_told_at_once() -> None:
    with pytest.raises(pytest.fail.Exception, match="no option apy, klock; its options: api, "):
        check_names(["apy", "seed", "klock"], "here")


def test_a_fake_is_made_but_not_started() -> None:
    assert "stopped" in repr(make({"seed": 3}))


def test_a_value_that_cannot_be_is_told_with_those_that_can() -> None:
    assert refusal({"clock": "frozen"}) is None
    assert refusal({"clock": "icy"}) == (
        "unknown clock 'icy': it is one of flowing, frozen, skipping"
    )
