"""Real clients: installed once from their package index, driven as processes of their own."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SDK: Final = "joblet-sdk-python"

GRPC_JS: Final = Path(__file__).with_name("grpc_js")
"""The folder of the grpc-js client and of the exact versions that it needs."""

OFFLINE: Final = (
    "Retrying (Retry",
    "No module named pip",
    "ECONNREFUSED",
    "ECONNRESET",
    "EAI_AGAIN",
    "ENOTFOUND",
    "ETIMEDOUT",
)
"""What pip and npm say when they, or their index, are not there."""


def sdk_path(version: str) -> Path:
    """Give the folder of a published SDK, which is installed there once for this environment.

    gRPC, protobuf and PyYAML are the environment's own: its other needs, if any, are not met.
    """
    target = Path(sys.prefix) / "sdk" / version

    def install(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--retries", "1", "--no-deps", "--target", str(folder), f"{SDK}=={version}"]
        _install([*pip, *options], SDK)

    return _once(target, install)


def node_modules() -> Path:
    """Give the folder with grpc-js, of the exact versions in our `package.json`."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("a grpc-js client needs Node and npm, which are not on this machine")
    package = (GRPC_JS / "package.json").read_bytes()
    target = Path(sys.prefix) / "node" / hashlib.sha256(package).hexdigest()[:12]

    def install(folder: Path) -> None:
        folder.mkdir()
        (folder / "package.json").write_bytes(package)
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        retries = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--loglevel=error"]
        _install([npm, "install", "--prefix", str(folder), *options, *retries], "grpc-js")

    return _once(target, install) / "node_modules"


def refused(call: Callable[..., Any], *args: object) -> str:
    """Give the error that a call ends with, as `Name: text`."""
    try:
        answer = call(*args)
    except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
        return f"{type(error).__name__}: {error}"
    return f"answered {answer}"


def drive(
    steps: Callable[..., object],
    env: Mapping[str, str],
    *args: object,
    sdk: Path,
) -> Any:
    """Run steps in a process of their own that finds an SDK; gives what they return.

    Args:
        steps: a function that needs nothing of its module but `refused`.
        env: the process's environment.
        *args: what the function is called with; like its result, what JSON can say.
        sdk: the folder of the SDK.
    """
    script = "\n".join(
        (
            "from __future__ import annotations",
            "import json, sys",
            inspect.getsource(refused),
            textwrap.dedent(inspect.getsource(steps)),
            f"print(json.dumps({steps.__name__}(*json.loads(sys.argv[1]))))",
        ),
    )
    return run([sys.executable, "-c", script, json.dumps(args)], {**env, "PYTHONPATH": str(sdk)})


def run(command: Sequence[str], env: Mapping[str, str]) -> Any:
    """Run a client that prints JSON, and nothing to stderr."""
    done = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def _once(target: Path, install: Callable[[Path], None]) -> Path:
    """Install into a folder unless it is there; it appears complete, whoever else is at it."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as making:
            made = Path(making) / target.name
            install(made)
            try:
                made.rename(target)
            except OSError:
                if not target.exists():  # else another worker was faster: its one is as good
                    raise
    return target


def _install(command: Sequence[str], what: str) -> None:
    """Run an installer; skip the test when there is no index, fail it for any other reason."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    if done.returncode:
        said = done.stdout + done.stderr
        if any(sign in said for sign in OFFLINE):
            pytest.skip(f"{what} is not installed, and its package index can't be reached")
        pytest.fail(f"{what} can't be installed:\n{said}")
