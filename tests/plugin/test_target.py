"""Contract mode: the same tests on a fake and on a server at an address."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from joblet_fake import FakeJoblet
from pytest_joblet.target import check_server

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[2] / "examples" / "contract" / "test_contract.py"
QUIET = ("-p", "no:asyncio", "-p", "no:xdist")


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve a fake in another process; give its address and its rnx-config."""
    ready, config = folder / "ready.json", folder / "rnx-config.yml"
    ports = ("--port=0", "--persist-port=0", "--control-port=0")
    command = [sys.executable, "-m", "joblet_fake", "serve", *ports]
    process = subprocess.Popen(
        [*command, "--rnx-config", str(config), "--ready-file", str(ready)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        yield json.loads(ready.read_text())["core"], config
    finally:
        process.terminate()
        process.wait(20)


def test_the_example_passes_on_a_fake_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(EXAMPLE.read_text())

    pytester.runpytest_subprocess(*QUIET).assert_outcomes(passed=5)


def test_the_example_passes_on_a_server_in_another_process(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makepyfile(EXAMPLE.read_text())

    with served(tmp_path) as (address, config):
        result = pytester.runpytest_subprocess(
            *QUIET,
            "-rs",
            f"--joblet-target={address}",
            f"--joblet-rnx-config={config}",
        )

    result.assert_outcomes(passed=4, skipped=1)
    result.stdout.fnmatch_lines([f"*a real server has no 'clock': *--joblet-target is {address}*"])


def test_a_configuration_on_the_command_line_is_where_the_user_is(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    """As every path that is typed: not where pytest finds its own configuration."""
    below = pytester.mkdir("below")
    below.joinpath("pytest.ini").write_text("[pytest]\n")
    below.joinpath("test_it.py").write_text("def test(joblet_target): pass\n")
    with served(tmp_path) as (address, config):
        pytester.path.joinpath("mine.yml").write_text(config.read_text())
        options = (f"--joblet-target={address}", "--joblet-rnx-config=mine.yml")
        pytester.runpytest_subprocess(*QUIET, *options, "below").assert_outcomes(passed=1)


def test_the_target_can_stand_in_the_configuration_file(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makepyfile("def test(joblet_target): assert not joblet_target.is_fake")
    with FakeJoblet() as server:
        config = tmp_path / "rnx-config.yml"
        config.write_text(server.rnx_config())
        pytester.makeini(
            f"[pytest]\njoblet_target = {server.address}\njoblet_rnx_config = {config}\n",
        )
        pytester.runpytest_inprocess(*QUIET).assert_outcomes(passed=1)


def test_what_only_persist_can_answer_is_skipped_without_its_address(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makepyfile("def test(joblet_target): joblet_target.rpc('PersistService.Ping')")
    with FakeJoblet() as server:
        config = tmp_path / "rnx-config.yml"
        config.write_text(server.rnx_config())
        options = (f"--joblet-target={server.address}", f"--joblet-rnx-config={config}")

        without = pytester.runpytest_inprocess(*QUIET, "-rs", *options)
        given = f"--joblet-persist-target={server.persist_address}"
        pytester.runpytest_inprocess(*QUIET, *options, given).assert_outcomes(passed=1)

    without.assert_outcomes(skipped=1)
    without.stdout.fnmatch_lines(["*PersistService needs --joblet-persist-target*"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("--joblet-node=nobody", "*certificate has no role there: choose a node*"),
        ("--joblet-target=127.0.0.1:1", "*127.0.0.1:1: nothing listens there*"),
    ],
)
def test_a_server_that_cant_be_used_is_refused_in_plain_words(
    pytester: pytest.Pytester, tmp_path: Path, change: str, text: str
) -> None:
    pytester.makepyfile("def test(joblet_target): pass")
    with FakeJoblet() as server:
        config = tmp_path / "rnx-config.yml"
        config.write_text(server.rnx_config())
        result = pytester.runpytest_inprocess(
            *QUIET,
            f"--joblet-target={server.address}",
            f"--joblet-rnx-config={config}",
            change,
        )

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([text])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("--joblet-rnx-config=nowhere.yml", "--joblet-rnx-config: *nowhere.yml: No such file or *"),
        ("--joblet-rnx-config=", "--joblet-target needs --joblet-rnx-config: the file with the *"),
        ("--joblet-node=other", "--joblet-node: * has no node 'other'; it has default, viewer, *"),
        (
            "--joblet-target=nowhere.invalid:50051",
            "--joblet-target=nowhere.invalid:50051: the host 'nowhere.invalid' is not known: *",
        ),
        (
            "--joblet-target=localhost:99999",
            "--joblet-target=localhost:99999: give HOST:PORT, such as localhost:50051",
        ),
        (
            "--joblet-target=localhost",
            "--joblet-target=localhost: give HOST:PORT, such as localhost:50051",
        ),
        (
            "--joblet-target=https://localhost:50051",
            "--joblet-target=https://localhost:50051: give HOST:PORT, such as localhost:50051",
        ),
        (
            "--joblet-persist-target=50052",
            "--joblet-persist-target=50052: give HOST:PORT or unix:PATH, such as localhost:50051",
        ),
        ("--joblet-api=9.9.9", "--joblet-api: unknown api '9.9.9'*"),
    ],
)
def test_what_can_be_known_at_the_start_ends_the_run_there_once(
    pytester: pytest.Pytester, tmp_path: Path, change: str, text: str
) -> None:
    pytester.makepyfile("def test(joblet_target): pass\ndef test_other(joblet_target): pass")
    config = tmp_path / "rnx-config.yml"
    with FakeJoblet() as server:
        config.write_text(server.rnx_config())
    options = ("--joblet-target=localhost:50051", f"--joblet-rnx-config={config}", change)

    result = pytester.runpytest_inprocess(*QUIET, *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {text}"])
    assert "ERROR" not in result.stdout.str()


@pytest.mark.parametrize("address", ["[::1]:1", "127.0.0.1:65535", "dns:localhost:1", "unix:/x"])
def test_an_address_of_any_form_is_left_to_the_first_call(address: str, tmp_path: Path) -> None:
    config = tmp_path / "rnx-config.yml"
    with FakeJoblet() as server:
        config.write_text(server.rnx_config())

    check_server(address, persist_address=address, config=config, node="default")


def test_a_server_of_another_ca_is_told_from_one_that_is_down(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    pytester.makepyfile("def test(joblet_target): pass")
    config = tmp_path / "rnx-config.yml"
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            "from joblet_fake import FakeJoblet\nwith FakeJoblet() as f: print(f.rnx_config())",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    config.write_text(made.stdout)
    with FakeJoblet() as server:
        result = pytester.runpytest_inprocess(
            *QUIET, f"--joblet-target={server.address}", f"--joblet-rnx-config={config}"
        )

    result.stdout.fnmatch_lines(["*refused the certificate, or its own is not of this*"])


def test_a_name_that_nobody_has_is_an_error_not_a_skip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test(joblet_target): joblet_target.clocks")

    result = pytester.runpytest_inprocess(*QUIET)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*AttributeError: a joblet_target has no 'clocks', nor has a fake; near: 'clock'*"]
    )
