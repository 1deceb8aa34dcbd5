from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from joblet_fake import FakeJoblet, Script
from joblet_fake.words import Named, names_near, near

if TYPE_CHECKING:
    from collections.abc import Callable


class Dog(Named):
    """Somebody with a verb, an attribute and a property that is broken."""

    _called = "a dog"

    def __init__(self) -> None:
        self.name = "Rex"

    def bark(self) -> str:
        return "wuff"

    @property
    def broken(self) -> object:
        return self.name.missing  # type: ignore[attr-defined]  # that is what is broken


def joblet_with_a_job() -> FakeJoblet:
    fake = FakeJoblet()
    fake.volumes.add("data")
    fake.jobs.add("true")
    return fake


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda j: j.programs.on("x").print("a"), r"a script has no \.print; near: 'prints'"),
        (lambda j: j.programs.on("x").exit(1), r"a script has no \.exit; near: 'exits'"),
        (lambda j: j.programs.on("x").sleep(3), r"a script has no \.sleep; near: 'sleeps'"),
        (lambda j: j.programs.of("x"), r"joblet\.programs has no \.of; it is one of add, "),
        (
            lambda j: j.runtimes.on_install("x").print("a"),
            r"an installation's script has no \.print; near: 'prints'",
        ),
        (
            lambda j: j.faults.on("RunJob").fial("UNAVAILABLE"),
            r"a fault rule has no \.fial; near: 'fail'",
        ),
        (lambda j: j.faults.clera(), r"joblet\.faults has no \.clera; near: 'clear'"),
        (lambda j: j.faults.server.refues(), r"joblet\.faults\.server has no \.refues; near: 'ref"),
        (lambda j: j.jobz, r"a FakeJoblet has no \.jobz; near: 'jobs'"),
        (lambda j: j.adress, r"a FakeJoblet has no \.adress; near: 'address'"),
        (lambda j: j.jobs.ad("true"), r"joblet\.jobs has no \.ad; near: 'add'"),
        (lambda j: j.jobs.last().stats, r"joblet\.jobs has no \.last; it is one of add, "),
        (lambda j: next(iter(j.jobs.values())).exitcode, r"a job has no \.exitcode; near: 'exit_c"),
        (lambda j: next(iter(j.jobs.values())).logz, r"a job has no \.logz; it is one of address"),
        (lambda j: j.networks["bridge"].job_cnt, r"a network has no \.job_cnt; near: 'job_count'"),
        (lambda j: j.volumes["data"].fils, r"a volume has no \.fils; near: 'files'"),
        (lambda j: j.history.ad("x"), r"joblet\.history has no \.ad; near: 'add'"),
        (lambda j: j.workflows.key(), r"joblet\.workflows has no \.key; near: 'keys'"),
        (lambda j: j.host.cpu, r"joblet\.host has no \.cpu; near: 'cpus'"),
        (lambda j: j.host.disks["/"].usd, r"a disk has no \.usd; near: 'used'"),
        (lambda j: j.quirks.enabel("x"), r"joblet\.quirks has no \.enabel; near: 'enable'"),
        (lambda j: j.tls.cert_perm(), r"joblet\.tls has no \.cert_perm; near: 'cert_pem'"),
    ],
)
def test_a_misspelt_verb_is_told_with_those_that_are_near(
    write: Callable[[Any], object], told: str
) -> None:
    with pytest.raises(AttributeError, match=f"^{told}"):
        write(joblet_with_a_job())


def test_a_name_that_is_not_there_is_not_there() -> None:
    assert not hasattr(Dog(), "meow")
    assert getattr(Dog(), "meow", 5) == 5
    assert hasattr(Dog(), "bark")


def test_attributes_of_the_instance_are_near_too() -> None:
    with pytest.raises(AttributeError, match=r"^a dog has no \.nam; near: 'name'$"):
        _ = Dog().nam  # type: ignore[attr-defined]  # the checker sees it, as it should


def test_copies_and_pickles_work_as_ever() -> None:
    assert copy.copy(Dog()).name == "Rex"
    assert copy.deepcopy(Dog()).bark() == "wuff"
    assert pickle.loads(pickle.dumps(Dog())).name == "Rex"
    bare = Dog.__new__(Dog)  # as both make it before it has attributes
    with pytest.raises(AttributeError, match="'Dog' object has no attribute '_closed'"):
        _ = bare._closed  # type: ignore[attr-defined]


def test_a_property_that_fails_inside_tells_its_own_error() -> None:
    with pytest.raises(AttributeError, match="'str' object has no attribute 'missing'"):
        _ = Dog().broken


def test_all_names_are_told_where_none_is_near_and_private_ones_never() -> None:
    assert names_near(Dog(), "zzz") == "it is one of bark, broken, name"
    assert near("FAIL", ["fail", "fall"]).startswith("near: 'fail', 'fall'")


def test_a_script_made_elsewhere_can_be_copied() -> None:
    script = copy.copy(Script(command="x").prints("y"))
    assert repr(script) == "on(command='x').prints('y')"
