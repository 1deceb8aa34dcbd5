"""A target that can be restarted, by a command or in this process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import joblet_conformance.cases
from joblet_conformance import CASES, FakeTarget, Target, TargetError, remote_target, run_case
from joblet_conformance.remote import restart_with
from joblet_conformance.run import missing
from joblet_fake import FakeJoblet
from joblet_fake.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

assert joblet_conformance.cases.__all__


def test_a_command_is_split_as_a_shell_does_and_run_to_its_end(tmp_path: Path) -> None:
    mark = tmp_path / "a mark"
    code = f"open({str(mark)!r}, 'w').write('x')"

    restart_with(f'{sys.executable} -c "{code}"')()

    assert mark.read_text() == "x"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (f"{sys.executable} -c 'exit(3)'", r"ended with 3$"),
        ("/no/such/command", r"No such file or directory"),
    ],
)
def test_a_command_that_fails_says_how(command: str, told: str) -> None:
    with pytest.raises(TargetError, match=f"--restart-command: .*{told}"):
        restart_with(command)()


@pytest.mark.parametrize("command", ["", "  ", "'open"])
def test_what_is_no_command_is_refused(command: str) -> None:
    with pytest.raises(ValueError, match=r"empty|closing quotation"):
        restart_with(command)


def test_a_target_without_a_command_offers_none() -> None:
    target = Target("t", "2.3.1", "nowhere", None, credentials={}, persist_credentials={})
    with pytest.raises(TargetError, match="can't be restarted: there is no --restart-command"):
        target.restart()
    assert "leave to restart the server" in missing(CASES["jobs/restart"], target)


def test_a_target_that_is_gone_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    """The command may return before the server answers."""
    config = tmp_path / "rnx-config.yml"
    with FakeJoblet() as fake:
        config.write_text(fake.rnx_config())
        target = remote_target(
            address=fake.address,
            persist_address=fake.persist_address,
            config=config,
            api="2.3.1",
            destructive=True,
        )
        list(target.invoke(target.api.method("ListJobs"), b"", "admin", 5))
        before = target.channel("admin")
        target._restart = fake.restart

        target.restart()

        assert target.channel("admin") is not before
        list(target.invoke(target.api.method("ListJobs"), b"", "admin", 5))
        target.close()


def test_a_fake_is_restarted_in_this_process() -> None:
    with FakeJoblet(clock="frozen", pace="real") as fake:
        target = FakeTarget(fake)
        transcript = run_case(CASES["jobs/restart"], target)
        target.close()
    assert transcript.unmet == []
    assert len(transcript.steps) > 10


def test_the_command_line_takes_it(tmp_path: Path) -> None:
    config = tmp_path / "rnx-config.yml"
    with FakeJoblet() as fake:
        config.write_text(fake.rnx_config())
        said = CliRunner().invoke(
            main,
            [
                "conform",
                f"--target={fake.address}",
                f"--persist-target={fake.persist_address}",
                f"--rnx-config={config}",
                "--destructive",
                f"--restart-command={sys.executable} -c 'exit(7)'",
                "jobs/restart",
            ],
        )
    assert said.exit_code == 1
    assert "ended with 7" in said.output
