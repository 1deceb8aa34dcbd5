"""`joblet-fake protos`: text that protoc accepts, of the version's own names."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from grpc_tools import protoc

from joblet_fake.wire import load, versions
from joblet_fake.wire.render import write_protos

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("version", versions())
def test_every_version_compiles(version: str, tmp_path: Path) -> None:
    written = write_protos(version, tmp_path / "protos")

    arguments = [f"-I{tmp_path / 'protos'}", f"--python_out={tmp_path}", *map(str, written)]
    assert protoc.main(["protoc", *arguments]) == 0


def test_what_it_writes_for_an_old_version_says_the_old_names(tmp_path: Path) -> None:
    write_protos("2.3.1", tmp_path)

    text = (tmp_path / "joblet.proto").read_text()
    assert "message GetJobStatusReq " in text
    assert "int32 maxCpu = 4;" in text


def test_messages_of_its_python_code_are_read_by_the_fake(tmp_path: Path) -> None:
    """The published names and the fake's differ; the bytes are the same."""
    (proto, _) = write_protos("2.3.1", tmp_path)
    protoc.main(["protoc", f"-I{tmp_path}", f"--python_out={tmp_path}", str(proto)])
    script = (
        "import sys, joblet_pb2\n"
        "m = joblet_pb2.RunJobRequest(command='echo', maxCpu=7, environment={'A': 'b'})\n"
        "sys.stdout.write(m.SerializeToString().hex())"
    )

    made = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    request = load("2.3.1").method("RunJob").decode(bytes.fromhex(made.stdout))
    assert (request.command, request.max_cpu) == ("echo", 7)  # type: ignore[attr-defined]


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown API version '3\.0\.0'"):
        write_protos("3.0.0", tmp_path)
