"""(d) What the plugin adds to the start of every pytest run, of those that never use it too."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.harness import ADDED, Target, alternate, compare

if TYPE_CHECKING:
    from benchmarks.harness import Result

OURS: Final = "pytest_joblet.plugin"
EMPTY: Final = "empty_plugin"

PROBE: Final = """
import os, time

def pytest_addoption(parser, pluginmanager):
    start = time.perf_counter()
    pluginmanager.import_plugin(os.environ["MEASURED_PLUGIN"])
    print("spent", time.perf_counter() - start)
"""
"""A plugin that loads the measured one, as pytest loads those that are installed."""

PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-q", "--collect-only"),
    *("-p", "no:cacheprovider", "-p", "probe"),
)
NOTHING_COLLECTED: Final = 5

TARGET: Final = Target(2.0, at_most=True)


def measure(rounds: int) -> list[Result]:
    """Measure, in a run of pytest in an empty folder, loading this plugin and one with nothing."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "probe.py").write_text(PROBE)
        Path(folder, f"{EMPTY}.py").write_text("")
        times = alternate(
            lambda: _seconds(folder, EMPTY),
            lambda: _seconds(folder, OURS),
            lambda: _seconds(folder, EMPTY),
            rounds,
        )
    return [
        compare(
            "plugin, at pytest's start",
            times,
            ADDED,
            over="over an empty plugin",
            bare=f"{times.middle_of_bare * 1e3:.2f} ms",
            target=TARGET,
        ),
    ]


def _seconds(folder: str, plugin: str) -> float:
    """Give the seconds that pytest spends on loading a plugin, its options included."""
    environment = {
        **os.environ,
        "MEASURED_PLUGIN": plugin,
        "PYTHONPATH": os.pathsep.join([folder, *sys.path]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "",
        # Compiled once, as what is installed is.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": folder,
    }
    ran = subprocess.run(
        (*PYTEST, f"--rootdir={folder}"),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != NOTHING_COLLECTED:
        raise RuntimeError(f"pytest ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
    (spent,) = [line for line in ran.stdout.splitlines() if line.startswith("spent")]
    return float(spent.split()[1])
