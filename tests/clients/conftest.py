"""A fake on its own, as `joblet-fake serve` starts it, for clients in any language."""

from __future__ import annotations

import json
import subprocess
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Scripts of clients' own processes: what they import is there only.
collect_ignore = ["every_method.py", "seed_client.py"]


@dataclass(frozen=True, slots=True)
class Served:
    """What a serving process wrote: where it listens, and how clients get in."""

    core: str
    persist: str
    rnx_config: Path
    home: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of a client: a private home, and where the configuration is."""
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "RNX_CONFIG_PATH": str(self.rnx_config),
            "no_proxy": "127.0.0.1,localhost",
        }


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A serving process for the whole run: a test finds other tests' jobs there."""
    folder = tmp_path_factory.mktemp("served")
    config, ready, home = folder / "f.yml", folder / "r.json", folder / "home"
    home.mkdir()
    command = [str(Path(sysconfig.get_path("scripts")) / "joblet-fake"), "serve"]
    ports = ["--port", "0", "--persist-port", "0", "--control-port", "0"]
    files = ["--rnx-config", str(config), "--ready-file", str(ready)]
    with (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            [*command, *ports, *files],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        try:
            deadline = time.monotonic() + 30
            while not ready.exists():
                assert process.poll() is None, (folder / "stderr").read_text()
                assert time.monotonic() < deadline, "it serves nothing after 30 s"
                time.sleep(0.02)
            where = json.loads(ready.read_text())
            yield Served(where["core"], where["persist"], config, home)
        finally:
            process.terminate()
            code = process.wait(10)
    said = (folder / "stderr").read_text()
    assert code == 0, said
    assert "Traceback" not in said
