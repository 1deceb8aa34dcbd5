"""A grpc-js client, made from what `joblet-fake protos` writes, over mutual TLS."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from real_client import GRPC_JS, node_modules, run

if TYPE_CHECKING:
    from conftest import Served

pytestmark = pytest.mark.toolchain


def test_a_grpc_js_client_takes_a_job_through_its_life(served: Served, tmp_path: Path) -> None:
    modules = node_modules()
    protos = tmp_path / "protos"
    command = str(Path(sysconfig.get_path("scripts")) / "joblet-fake")
    subprocess.run(
        [command, "protos", "--api", "2.3.1", "--out", str(protos)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    node = yaml.safe_load(served.rnx_config.read_text())["nodes"]["default"]
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(node[name])

    client = ["node", "--tls-min-v1.3", str(GRPC_JS / "client.js"), str(protos), str(tmp_path)]
    seen: dict[str, Any] = run(
        [*client, served.core, served.persist],
        {**served.env, "NODE_PATH": str(modules)},
    )

    uuid = seen["ran"]["jobUuid"]
    assert seen["ran"]["status"] == "RUNNING"
    assert "".join(seen["log"]["chunks"]) == "one\nnode\n"
    assert seen["log"]["code"] == "OK"
    assert (seen["status"]["status"], seen["status"]["exitCode"]) == ("FAILED", 7)
    assert (seen["status"]["maxCPU"], seen["status"]["environment"]) == (50, {"WHO": "node"})
    assert seen["stored"]["chunks"] == seen["log"]["chunks"]
    assert seen["ping"]["healthy"] is True
    assert (seen["hello"]["status"], seen["hello"]["exitCode"]) == ("COMPLETED", 0)
    assert seen["helloLog"] == {"chunks": ["hello\n"], "code": "OK", "details": ""}
    assert seen["unknown"] == {"code": "NOT_FOUND", "details": "job nobody not found"}
    assert seen["unknownLog"] == {
        "chunks": [],
        "code": "NOT_FOUND",
        "details": "job not found: nobody",
    }
    assert seen["deleted"] == {
        "uuid": uuid,
        "success": True,
        "message": "Job deleted successfully",
    }
