"""`joblet-fake conform` and `record`: a fake of their own, and a server elsewhere."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from click.testing import CliRunner

import joblet_conformance.cases
from joblet_conformance import CASES, remote_target
from joblet_conformance.target import ODD
from joblet_fake import FakeJoblet
from joblet_fake.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

assert joblet_conformance.cases.__all__
COMMAND = Path(sys.executable).with_name("joblet-fake")
# Quick ones of every area, with roles, streams, refused calls and the connection itself.
SOME = (
    "auth/viewer-changes",
    "auth/denied",
    "history/records",
    "history/paths",
    "logs/finished",
    "logs/unknown",
    "logs/no-program",
    "transport/unknown-methods",
    "transport/names",
    "transport/old-tls",
)
# What only a fake offers that was started for it.
MORE = (
    "auth/no-install",
    "auth/units",
    "auth/viewer-installs",
    "jobs/limited",
    "runtimes/list",
    "transport/useless-certificates",
)


def joblet_fake(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[str, ...]]:
    """Serve a fake in another process; give the options by which `conform` finds it."""
    options = options or ("--for-conform",)
    ready, config = folder / "ready.json", folder / "rnx-config.yml"
    process = subprocess.Popen(
        [
            *(COMMAND, "serve", "--port=0", "--persist-port=0"),
            *(f"--rnx-config={config}", f"--ready-file={ready}", *options),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (folder / "pid").write_text(str(process.pid))
    try:
        end = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        where = json.loads(ready.read_text())
        yield (
            f"--target={where['core']}",
            f"--persist-target={where['persist']}",
            f"--rnx-config={config}",
        )
    finally:
        process.terminate()
        process.wait(20)


def test_a_run_prints_a_table_and_ends_with_0() -> None:
    result = joblet_fake("conform", *SOME)

    assert result.exit_code == 0, result.output
    assert "Conformance of fake" in result.output
    assert f"{len(CASES.matching(SOME))} cases in" in result.output
    assert "methods:" in result.output


def test_reports_are_written_on_request(tmp_path: Path) -> None:
    junit, html = tmp_path / "junit.xml", tmp_path / "report.html"

    joblet_fake("conform", f"--junit={junit}", f"--html={html}", "logs/unknown", "auth/no-handler")

    suites = {suite.get("name"): suite.get("failures") for suite in ET.parse(junit).getroot()}
    assert suites == {"auth": "0", "logs": "0"}
    assert "logs/unknown" in html.read_text()


def test_a_mutant_ends_with_1_and_the_case_is_named() -> None:
    result = joblet_fake("conform", "--mutant=viewer-may-stop", "auth")

    assert result.exit_code == 1
    assert "different  auth/denied-is-nothing" in result.output
    assert "JOB-GEN-05: the job's status is 'FAILED', not 'RUNNING'" in result.output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nothing/like-it"], "no case begins with 'nothing/like-it'; the areas are "),
        (["--mutant=none"], "no mutant is called 'none'; there are"),
        (["--target=127.0.0.1:1"], "--target needs --rnx-config"),
        (["--rnx-config=f.yml"], "--rnx-config is for a server that --target HOST:PORT names"),
        (["--restart-command=true"], "--restart-command is for a server that --target"),
        (["--html=nowhere/a.html"], "there is no folder nowhere"),
    ],
)
def test_what_cant_be_run_is_refused_with_what_would_be_right(
    arguments: list[str], text: str
) -> None:
    result = joblet_fake("conform", *arguments)

    assert result.exit_code == 2
    assert text in result.output


def test_recordings_that_cant_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "2.3.1").mkdir()
    (tmp_path / "2.3.1" / "broken.json").write_text("{}")

    result = joblet_fake("conform", f"--recordings={tmp_path}", "logs/nothing")

    assert result.exit_code == 1
    assert "broken.json" in result.output


def counts(result: Result) -> list[str]:
    """Give the numbers of the table's last line: same, different, known and so on."""
    (line,) = (line for line in result.output.splitlines() if line.startswith("│ all "))
    return re.findall(r"\d+", line)


def test_a_served_fake_gives_the_same_result(tmp_path: Path) -> None:
    with served(tmp_path) as where:
        result = joblet_fake("conform", *where, *SOME, *MORE)
    own = joblet_fake("conform", *SOME, *MORE)

    assert result.exit_code == own.exit_code == 0, result.output
    assert counts(result) == counts(own)
    assert "not applicable:" not in result.output
    assert "note:" not in result.output


def test_a_served_fake_is_restarted_by_a_signal(tmp_path: Path) -> None:
    with served(tmp_path) as where:
        command = f"sh -c 'kill -HUP {(tmp_path / 'pid').read_text()}; sleep 2'"
        restart = ("--destructive", f"--restart-command={command}")
        result = joblet_fake("conform", *where, *restart, "volumes/restart", "logs/unknown")

    assert result.exit_code == 0, result.output
    assert counts(result)[0] == str(len(CASES.matching(["volumes/restart", "logs/unknown"])))


def test_a_served_fake_of_another_kind_is_told_with_the_option_that_it_lacks(
    tmp_path: Path,
) -> None:
    with served(tmp_path, "--seed=1") as where:
        result = joblet_fake("conform", *where, "logs/unknown", "runtimes/list")

    (note,) = (line for line in result.output.splitlines() if line.startswith("note: "))
    assert "this is a fake that was not started with `joblet-fake serve --for-conform`" in note
    assert "runtimes/list: needs this suite's own runtimes" in result.output


def test_what_a_target_cant_is_not_applicable_and_says_why(tmp_path: Path) -> None:
    with served(tmp_path) as (target, _persist, config):
        # A console as wide as a line.
        result = joblet_fake("conform", target, config, "history/ping", "logs/all-deleted")

    assert result.exit_code == 0
    assert "history/ping: needs PersistService's address" in result.output
    assert "logs/all-deleted: needs leave to do what could harm a server" in result.output


def test_record_writes_what_a_server_answers_raw(tmp_path: Path) -> None:
    out = tmp_path / "recordings"
    told = ("--server=a fake", "--environment=no GPU", "--runs=2", f"--out={out}")
    with served(tmp_path) as where:
        result = joblet_fake("record", *where, *told, "logs/finished", "logs/all-deleted")

    assert result.exit_code == 0, result.output
    written = json.loads((out / "2.3.1" / "logs" / "finished.json").read_text())
    assert (written["server"], written["environment"], written["api"]) == (
        "a fake", ["no GPU"], "2.3.1",
    )  # fmt: skip
    first, second = written["runs"]
    # Raw: each run has ids of its own.
    assert first[0]["messages"][0]["job_uuid"] != second[0]["messages"][0]["job_uuid"]
    skipped = json.loads((out / "2.3.1" / "logs" / "all-deleted.json").read_text())
    assert skipped["runs"] == []
    assert "needs leave" in skipped["skipped"]


def other_config(folder: Path) -> Path:
    """Write the configuration of another process's fake, which has another authority."""
    code = "from joblet_fake import FakeJoblet\nwith FakeJoblet() as f: print(f.rnx_config())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    path = folder / "other.yml"
    path.write_text(told.stdout)
    return path


def changed_config(folder: Path, text: str) -> Path:
    path = folder / "changed.yml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("nobody listens", "127.0.0.1:1: nothing listens there"),
        ("another authority", "it refused the certificate, or its own is not of this"),
        ("no such node", "has no node 'other'; it has default, viewer, nobody"),
        ("a node without a role", "the certificate has no role there: choose a node"),
        ("a viewer's node", "may look and change nothing: choose a node with an admin's (--node)"),
        ("no such file", "nowhere.yml: No such file or directory"),
        ("no YAML", "is no YAML"),
        ("no configuration", "is no rnx-config: each of its nodes needs address, ca, cert and key"),
        (
            "another version",
            "it speaks another API than 2.2.0 (--api), since it has JobService.Get",
        ),
        ("no such version", "unknown API version '9.9.9'"),
    ],
)
def test_a_server_that_cant_be_used_is_refused_in_plain_words(
    tmp_path: Path, change: str, text: str
) -> None:
    with FakeJoblet() as server:
        config = changed_config(tmp_path, server.rnx_config())
        options = {
            "nobody listens": ["--target=127.0.0.1:1"],
            "another authority": [f"--rnx-config={other_config(tmp_path)}"],
            "no such node": ["--node=other"],
            "a node without a role": ["--node=nobody"],
            "a viewer's node": ["--node=viewer"],
            "no such file": ["--rnx-config=nowhere.yml"],
            "no YAML": [f"--rnx-config={Path(__file__).with_name('no.yml')}"],
            "no configuration": [],
            "another version": ["--api=2.2.0"],
            "no such version": ["--api=9.9.9"],
        }[change]
        if change == "no YAML":
            options = [f"--rnx-config={changed_config(tmp_path, 'nodes: {')}"]
        if change == "no configuration":
            options = [f"--rnx-config={changed_config(tmp_path, 'nodes: {default: {}}')}"]
        result = joblet_fake(
            "conform",
            f"--target={server.address}",
            f"--rnx-config={config}",
            *options,
            "logs/unknown",
        )

    assert result.exit_code != 0
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert text in " ".join(result.output.split())


def test_a_server_that_is_older_lacks_a_method(tmp_path: Path) -> None:
    with FakeJoblet(api="2.2.0") as server:
        config = changed_config(tmp_path, server.rnx_config())
        where = (f"--target={server.address}", f"--rnx-config={config}")
        result = joblet_fake("conform", *where, "logs/unknown")

    assert result.exit_code == 1
    assert "than 2.3.1 (--api), since it has no JobService.GetJobMetrics" in result.output


def jobs_of(where: tuple[str, ...]) -> list[Any]:
    options = dict(option.removeprefix("--").split("=", 1) for option in where)
    target = remote_target(
        address=options["target"], persist_address=None, config=Path(options["rnx-config"]),
        api="2.3.1",
    )  # fmt: skip
    listed = target.api.method("JobService.ListJobs")
    (data,) = target.invoke(listed, b"", "admin", 10)
    target.close()
    return list(listed.decode_response(data).jobs)  # type: ignore[attr-defined]


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    with served(tmp_path) as where:
        process = subprocess.Popen(
            [COMMAND, "conform", *where, "logs/late"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 20
        while not jobs_of(where):
            assert process.poll() is None
            assert time.monotonic() < end
        process.send_signal(signal.SIGINT)
        process.wait(20)
        left = jobs_of(where)

    assert process.returncode != 0
    assert left == []


def test_nothing_of_others_is_touched(tmp_path: Path) -> None:
    with FakeJoblet(pace="real") as server:
        theirs = server.jobs.add("sleep", ["1000"], status="RUNNING")
        done = server.jobs.add("true")
        config = changed_config(tmp_path, server.rnx_config())
        where = (f"--target={server.address}", f"--rnx-config={config}")
        result = joblet_fake("conform", *where, "jobs/exit-codes", "logs/nothing")

        assert result.exit_code == 0, result.output
        assert list(server.jobs) == [theirs.uuid, done.uuid]
        assert theirs.status == "RUNNING"
        server.calls.assert_not_called("DeleteAllJobs")


def test_the_configuration_of_a_served_fake_has_the_nodes_that_the_suite_takes(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as (*_, config):
        told = yaml.safe_load(Path(config.partition("=")[2]).read_text())

    assert set(told["nodes"]) == {"default", "viewer", "nobody", *ODD}
