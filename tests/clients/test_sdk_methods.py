"""Every public method of the published Python SDKs, the failing ones included (SDK-46)."""

from __future__ import annotations

import functools
import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from real_client import run, sdk_path
from sdk_expected import expected

import joblet_conformance
from joblet_fake import FakeJoblet
from pytest_joblet.environment import client_environment

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.toolchain

STORY: Final = Path(__file__).with_name("every_method.py")
VERSIONS: Final = ("2.1.0", "2.1.1", "2.3.0", "2.5.1", "2.5.2")
DRIVEN: Final = tomllib.loads(
    (Path(joblet_conformance.__file__).parent / "driven.toml").read_text()
)
SERVER_RANDOM: Final = frozenset(
    {
        "JobService.list_jobs",
        "JobService.get_workflow_jobs",
        "NetworkService.list_networks",
        "VolumeService.list_volumes",
    },
)
"""Lists that a real server gives in random order (NET-19, VOL-15, JOB-WF-22)."""


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """Give a function that tells what a version's methods gave; each version is run once."""

    @functools.cache
    def story(version: str) -> dict[str, Any]:
        sdk = sdk_path(version)
        with FakeJoblet(clock="skipping", pace="real") as fake:
            jobs = _prepare(fake)
            env = client_environment(fake, tmp_path_factory.mktemp("home"))
            command = [sys.executable, str(STORY), json.dumps(jobs)]
            told: dict[str, Any] = run(command, {**env, "PYTHONPATH": str(sdk)})
            before = len(jobs) + 2
            told["called"] = {call.method for call in fake.calls if call.role}
            told["calls"] = [(call.method, call.code) for call in list(fake.calls)[before:]]
        return told

    return story


def _prepare(fake: FakeJoblet) -> dict[str, str]:
    """Set up what the story asks about: jobs, and a runtime; gives the jobs' ids by name."""

    def ran(command: str, **options: Any) -> str:
        uuid: str = fake.rpc("RunJob", command=command, **options).job_uuid
        return uuid

    train = fake.programs.on("train").metrics(cpu_percent=93.0, memory_bytes=512 << 20)
    train.prints("epoch\n").sleeps(12)
    fake.programs.on("talk").prints("one\n").sleeps(3600).prints("two\n")
    fake.programs.on("watch").hangs()
    fake.runtimes.add(
        "python-3.11-ml",
        version="1.3.1",
        packages=["numpy"],
        description="For models",
        size=1000,
    )
    fake.runtimes.on_install("broken-1").prints("no gcc\n").exits(1)
    fake.volumes.add("models", "100MB")
    jobs = {"train": ran("train")}
    fake.clock.advance(seconds=20)
    jobs["late"] = ran("talk")
    jobs["scheduled"] = ran("echo", schedule="2030-01-01T00:00:00Z")
    jobs["long"] = ran("watch")
    return jobs


@pytest.mark.parametrize(
    ("version", "method"),
    [
        pytest.param(version, method, id=f"{version}-{method}")
        for version in VERSIONS
        for method in expected(version)
    ],
)
def test_a_method_of_an_sdk_gives_what_it_gives_on_a_real_server(
    version: str,
    method: str,
    driven: Callable[[str], dict[str, Any]],
) -> None:
    seen = driven(version)["seen"][method]

    if method in SERVER_RANDOM:
        seen = {label: _in_order(told) for label, told in seen.items()}
        told = {label: _in_order(each) for label, each in expected(version)[method].items()}
    else:
        told = expected(version)[method]
    assert seen == told


def _in_order(told: Any) -> Any:
    """Give a list of what servers list, by its names; anything else as it is."""
    if not isinstance(told, list):
        return told
    return sorted(
        told, key=lambda each: [str(each.get(key)) for key in ("job_name", "name", "uuid")]
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_every_public_method_of_an_sdk_is_expected_something_of(
    version: str,
    driven: Callable[[str], dict[str, Any]],
) -> None:
    told = driven(version)

    assert set(told["public"]) == set(expected(version)) == set(told["seen"])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_evidence_page_names_what_an_sdk_calls(
    version: str,
    driven: Callable[[str], dict[str, Any]],
) -> None:
    called = {method for method in driven(version)["called"] if not method.startswith("/")}

    assert called == set(DRIVEN[f"joblet-sdk-python {version}"])


def test_the_broken_sdk_is_answered_each_call_that_it_can_not_read(
    driven: Callable[[str], dict[str, Any]],
) -> None:
    """SDK-30: the calls went well, and their jobs have run."""
    codes = [code for method, code in driven("2.5.2")["calls"] if method == "JobService.RunJob"]

    assert codes == ["OK", "OK", "OK", "INVALID_ARGUMENT"]
