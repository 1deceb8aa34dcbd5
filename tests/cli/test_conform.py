"""`joblet-fake conform` and `record`: against a fake of their own and a server elsewhere."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from joblet_fake import FakeJoblet
from joblet_fake.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Path(sys.executable).with_name("joblet-fake")
QUICK = ("jobs/empty-command", "jobs/negative-limits", "jobs/exit-codes")
PATIENCE = 20.0


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, prog_name="joblet-fake")
    return result.exit_code, result.output


@contextmanager
def elsewhere(tmp_path: Path) -> Iterator[tuple[FakeJoblet, list[str]]]:
    """Give a fake on real time, and the options that name it as a server of somebody else."""
    with FakeJoblet(pace="real") as server:
        config = tmp_path / "rnx-config.yml"
        config.write_text(server.rnx_config())
        yield server, [f"--target={server.address}", f"--rnx-config={config}"]


def test_the_fake_answers_as_the_real_server_did() -> None:
    code, text = run("conform", *QUICK)

    assert code == 0, text
    assert "Conformance of fake" in text
    assert "3 cases in" in text
    assert "known differences" in text
    assert "recorded from a real server and compared" in text


def test_a_mutant_is_found_and_its_case_named() -> None:
    code, text = run("conform", "--mutant=exit-code-lost", *QUICK)

    assert code == 1
    assert "different  jobs/exit-codes" in text
    assert "real " in text
    assert "jobs/empty-command" not in text


def test_reports_are_written_when_asked_for(tmp_path: Path) -> None:
    junit, html = tmp_path / "junit.xml", tmp_path / "report.html"
    code, _ = run("conform", f"--junit={junit}", f"--html={html}", "jobs/empty-command")

    assert code == 0
    assert [each.get("name") for each in ET.parse(junit).getroot().iter("testcase")] == [
        "jobs/empty-command"
    ]
    assert "jobs/empty-command" in html.read_text()


def test_a_server_in_another_process_gives_the_same_result(tmp_path: Path) -> None:
    ready, config = tmp_path / "ready.json", tmp_path / "rnx-config.yml"
    ports = ("--port=0", "--persist-port=0", "--control-port=0", "--pace=real")
    process = subprocess.Popen(
        [COMMAND, "serve", *ports, f"--rnx-config={config}", f"--ready-file={ready}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        where = json.loads(ready.read_text())
        code, text = run(
            "conform",
            f"--target={where['core']}",
            f"--persist-target={where['persist']}",
            f"--rnx-config={config}",
            *QUICK,
        )
    finally:
        process.terminate()
        process.wait(PATIENCE)

    assert code == 0, text
    assert f"Conformance of {where['core']}" in text


def test_nothing_is_left_on_a_server_and_nothing_of_others_touched(tmp_path: Path) -> None:
    with elsewhere(tmp_path) as (server, options):
        theirs = server.jobs.add("sleep", ["1000"], status="RUNNING")
        done = server.jobs.add("true")
        code, text = run("conform", *options, *QUICK)

        assert code == 0, text
        assert list(server.jobs) == [theirs.uuid, done.uuid]
        assert theirs.status == "RUNNING"


def test_what_could_harm_a_server_is_left_out_and_said(tmp_path: Path) -> None:
    with elsewhere(tmp_path) as (server, options):
        code, text = run("conform", *options, "jobs/delete-all")

        assert code == 0
        assert "needs leave to do what could harm a server" in text.replace("\n", " ")
        server.calls.assert_not_called("DeleteAllJobs")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    with elsewhere(tmp_path) as (server, options):
        process = subprocess.Popen(
            [COMMAND, "conform", *options, "jobs/stop"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        server.calls.wait_for("RunJob", timeout=PATIENCE)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)

        assert process.returncode == 1
        assert "Aborted!" in out
        assert "Traceback" not in out
        assert list(server.jobs) == []


def test_a_recording_is_written_with_what_there_is_to_know_of_it(tmp_path: Path) -> None:
    with elsewhere(tmp_path) as (_, options):
        out = tmp_path / "recordings"
        code, text = run(
            "record",
            *options,
            f"--out={out}",
            "--server=v9",
            "--environment=no limits",
            "--runs=2",
            "jobs/empty-command",
        )
        told = json.loads((out / "2.3.1" / "jobs" / "empty-command.json").read_text())
        again, _ = run("conform", f"--recordings={out}", "jobs/empty-command")

    assert (code, again) == (0, 0), text
    assert (told["case"], told["api"], told["server"]) == ("jobs/empty-command", "2.3.1", "v9")
    assert told["environment"] == ["no limits"]
    assert len(told["runs"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target=127.0.0.1:1"], "--target needs --rnx-config"),
        (["nothing/like-it"], "no case begins with 'nothing/like-it'; the areas are"),
        (["--mutant=x"], "no mutant is called 'x'; there are"),
    ],
)
def test_misuse_is_refused_with_what_is_possible(arguments: list[str], said: str) -> None:
    code, text = run("conform", *arguments)

    assert code == 2
    assert said in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("--rnx-config=nowhere.yml", "nowhere.yml: No such file or directory"),
        ("--node=other", "has no node 'other'; it has default, viewer, nobody"),
        ("--node=nobody", "the certificate has no role there: choose a node with an admin's"),
        ("--target=127.0.0.1:1", "127.0.0.1:1: nothing listens there"),
    ],
)
def test_a_server_that_cant_be_used_is_refused_in_plain_words(
    tmp_path: Path, change: str, said: str
) -> None:
    with elsewhere(tmp_path) as (_, options):
        code, text = run("conform", *options, change, *QUICK)

    assert code == 1
    assert said in text


def test_a_server_of_another_version_is_told(tmp_path: Path) -> None:
    with FakeJoblet(api="1.0.0") as server:
        config = tmp_path / "rnx-config.yml"
        config.write_text(server.rnx_config())
        code, text = run("conform", f"--target={server.address}", f"--rnx-config={config}", *QUICK)

    assert code == 1
    assert "it speaks another API than 2.3.1 (--api)" in text
