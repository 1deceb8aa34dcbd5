"""The suite's own runtimes: the same on a server's disk and in a fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from joblet_conformance.own_runtimes import BOTH, OWN, SPARE, SPARES, add_runtimes, write_runtimes
from joblet_conformance.remote import has_runtimes
from joblet_conformance.target import Target
from joblet_fake import FakeJoblet

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_written_is_what_a_fake_gets(tmp_path: Path) -> None:
    write_runtimes(tmp_path)
    joblet = FakeJoblet(clock="frozen")
    add_runtimes(joblet)

    written = {}
    for file in tmp_path.rglob("runtime.yml"):
        told: dict[str, Any] = yaml.load(file.read_text(), yaml.BaseLoader)
        size = sum(each.stat().st_size for each in file.parent.rglob("*") if each.is_file())
        key = f"{told['name']}@{told['version']}"
        written[key] = (
            str(file.parent.relative_to(tmp_path)),
            size,
            told.get("language", ""),
            tuple(told.get("packages", ())),
            told.get("environment", {}),
            tuple(told.get("requirements", {}).get("architectures", ())),
        )
    assert len(written) == len(OWN) == len(joblet.runtimes)
    assert written == {
        key: (
            runtime.path.removeprefix("/opt/joblet/runtimes/"),
            runtime.size,
            runtime.language,
            runtime.packages,
            runtime.environment,
            runtime.architectures,
        )
        for key, runtime in joblet.runtimes.items()
    }
    assert sum(key.startswith(SPARE) for key in written) == 2 * SPARES


def test_a_server_that_has_them_is_known_by_that() -> None:
    with FakeJoblet(clock="frozen", tls=False) as joblet:
        target = Target(
            "fake",
            "2.3.1",
            joblet.address,
            None,
            credentials={"admin": None},
            persist_credentials={},
        )
        try:
            assert has_runtimes(target) == frozenset()
            joblet.runtimes.add(BOTH)
            assert has_runtimes(target) == {"runtimes"}
        finally:
            target.close()
