from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from joblet_fake import __version__, versions
from joblet_fake.cli import main

COMMAND = Path(sys.executable).with_name("joblet-fake")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, prog_name="joblet-fake")
    return result.exit_code, result.output


def test_the_command_is_installed_and_tells_its_version() -> None:
    result = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == f"joblet-fake, version {__version__}\n"
    assert metadata.version("pytest-joblet") == __version__


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command(flag: str) -> None:
    code, text = run(flag)
    assert code == 0
    listed = [line.split()[0] for line in text.partition("Commands:\n")[2].splitlines()]
    assert listed == sorted(main.commands)
    assert {"demo", "protos", "serve"} <= set(listed)


@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_explains_every_option(command: str) -> None:
    code, text = run(command, "--help")
    assert code == 0
    for option in main.commands[command].params:
        if isinstance(option, click.Option):
            assert option.opts[0] in text
            assert option.help, f"{command} {option.opts[0]} is not explained"


def test_help_of_serve_shows_the_defaults() -> None:
    _, text = run("serve", "--help")
    for default in ("50051", "50052", "50053", "2.3.1", "immediate", "flowing", "[default: tls]"):
        assert default in text


@pytest.mark.parametrize("command", [["nonsense"], ["serve", "--nonsense"], ["protos"]])
def test_misuse_is_refused_with_a_hint(command: list[str]) -> None:
    code, text = run(*command)
    assert code == 2
    assert "Usage: joblet-fake" in text


def test_protos_are_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "protos"
    code, text = run("protos", "--api", "2.3.1", "--out", str(folder))
    assert code == 0
    assert sorted(map(Path, text.split())) == sorted(folder.iterdir())
    assert "rpc RunJob(" in (folder / "joblet.proto").read_text()
    assert "service PersistService" in (folder / "persist.proto").read_text()


def test_protos_of_an_unknown_version_are_refused_with_the_list_of_all(tmp_path: Path) -> None:
    code, text = run("protos", "--api", "2.3.7", "--out", str(tmp_path / "never"))
    assert code == 2
    assert "Invalid value for --api" in text
    assert all(version in text for version in versions())
    assert not (tmp_path / "never").exists()


def test_protos_into_a_place_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, text = run("protos", "--api", "2.3.1", "--out", str(tmp_path / "file" / "deeper"))
    assert code == 1
    assert text.startswith("Error: Not a directory: ")


INTERRUPTED_WHILE_LOADING = """
import signal, sys
sys.argv = [{program!r}, "serve"]

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "grpc":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Finder)
import joblet_fake
"""


def test_ctrl_c_while_it_loads_ends_it_without_a_word() -> None:
    code = INTERRUPTED_WHILE_LOADING.format(program=str(COMMAND))
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_ctrl_c_while_others_load_it_is_theirs() -> None:
    code = INTERRUPTED_WHILE_LOADING.format(program="pytest")
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.stderr.endswith("KeyboardInterrupt\n")
