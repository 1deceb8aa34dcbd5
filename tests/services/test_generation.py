"""Behaviour generations: which version belongs to which, and what roles may do in it."""

from __future__ import annotations

import pytest

from joblet_fake.model.errors import Kind
from joblet_fake.services import CODES, GENERATIONS, generation_of
from joblet_fake.wire import load, versions

OLD = GENERATIONS[0]


@pytest.mark.parametrize("api", ["1.0.0", "2.0.0", "2.3.0", "2.3.1"])
def test_a_version_up_to_the_last_one_of_a_generation_belongs_to_it(api: str) -> None:
    assert generation_of(api) is OLD


@pytest.mark.parametrize("api", ["2.4.0", "2.5.0", "2.6.0"])
def test_a_version_of_a_generation_to_come_is_refused(api: str) -> None:
    with pytest.raises(ValueError, match=r"not built yet: .* '2\.3\.1'"):
        generation_of(api)


def test_every_method_that_asks_for_a_role_or_has_no_handler_exists_in_some_version() -> None:
    known = {
        method.key
        for version in versions()
        if version in {"1.0.0", "2.0.0", "2.3.1"}
        for method in load(version).methods.values()
    }

    assert set(OLD.operations) | set(OLD.unhandled) - known <= known | set(OLD.unhandled)
    assert set(OLD.operations) <= known


@pytest.mark.parametrize(
    ("role", "operation", "allowed"),
    [
        ("admin", "anything", True),
        ("viewer", "get_job", True),
        ("viewer", "stream_jobs", True),
        ("viewer", "run_job", False),
        ("viewer", "stop_job", False),
        ("unknown", "get_job", False),
        ("", "get_job", False),
    ],
)
def test_a_role_may_do_what_the_facts_say(role: str, operation: str, *, allowed: bool) -> None:
    """AUTH-09, JOB-GEN-02."""
    assert OLD.may(role, operation) is allowed


def test_every_code_is_one_of_grpcs() -> None:
    """JOB-GEN-08: the call site decides, whatever the kind."""
    for site in OLD.codes:
        for kind in Kind:
            assert OLD.code(site, kind) in CODES
    assert OLD.code("job run failed", Kind.INVALID) == "INTERNAL"
    assert OLD.code("job logs", Kind.NOT_FOUND) == "NOT_FOUND"
    assert OLD.code("job stop failed", Kind.UNAVAILABLE) == "UNAVAILABLE"
