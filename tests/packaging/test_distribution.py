from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from configparser import ConfigParser
from email.parser import Parser
from pathlib import Path

import pytest

from joblet_fake import __version__

ROOT = Path(__file__).parents[2]


def python(*arguments: str | Path, program: str | Path = sys.executable) -> str:
    """Run Python somewhere that is not the repository; give what it printed."""
    result = subprocess.run(
        [program, *arguments],
        cwd=Path(program).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{arguments}:\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from the sdist's content."""
    folder = tmp_path_factory.mktemp("dist")
    python("-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_is_for_every_platform(wheel: Path) -> None:
    assert wheel.name == f"pytest_joblet-{__version__}-py3-none-any.whl"


def test_the_wheel_has_all_that_is_needed_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= {
        "joblet_fake/py.typed",
        "joblet_fake/wire/versions.bin",
        "pytest_joblet/py.typed",
        "pytest_joblet/plugin.py",
    }
    sources = {
        str(path.relative_to(ROOT))
        for package in ("joblet_fake", "pytest_joblet")
        for path in (ROOT / package).rglob("*.py")
    }
    assert sources - names == set()
    assert {name.partition("/")[0].removesuffix(".dist-info") for name in names} <= {
        "joblet_conformance",
        "joblet_fake",
        "pytest_joblet",
        f"pytest_joblet-{__version__}",
    }
    assert [n for n in names if "/test_" in n or "tests/" in n or n.endswith(".pyc")] == []


def test_the_wheel_names_its_command_its_plugin_and_its_licence(wheel: Path) -> None:
    info = f"pytest_joblet-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        entries = ConfigParser()
        entries.read_string(archive.read(f"{info}/entry_points.txt").decode())
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        licence = archive.read(f"{info}/licenses/LICENSE").decode()
    assert dict(entries["console_scripts"]) == {"joblet-fake": "joblet_fake.cli:main"}
    assert dict(entries["pytest11"]) == {"joblet": "pytest_joblet.plugin"}
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert "Framework :: Pytest" in metadata.get_all("Classifier", [])
    assert str(metadata.get_payload()).startswith("# pytest-joblet")
    assert "MIT License" in licence


def test_the_sdist_has_what_a_packager_tests_with(folder: Path) -> None:
    (path,) = folder.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "conftest.py",
        "pyproject.toml",
        "proto/joblet.proto",
        "tests/lowest.txt",
        "tests/packaging/test_distribution.py",
        "tests/wire/data/2.3.1.json",
    }
    assert [name for name in names if name.startswith(".venv") or "__pycache__" in name] == []


@pytest.mark.toolchain
def test_the_wheel_runs_the_demo_and_a_test_in_an_empty_environment(
    wheel: Path,
    tmp_path: Path,
) -> None:
    """Installed as a user does it, dependencies from the index, nothing of the repository."""
    venv.create(tmp_path / "v", with_pip=True)
    program = tmp_path / "v" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    installed = subprocess.run(
        [program, "-m", "pip", "install", "--quiet", "--retries=1", wheel],
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode and "connection" in installed.stderr.lower():
        pytest.skip("needs a package index: " + installed.stderr.splitlines()[0])
    assert installed.returncode == 0, installed.stderr
    assert python("-m", "pip", "check", program=program) == "No broken requirements found.\n"
    shown = python(program.with_name("joblet-fake"), "demo", program=program)
    assert "=> COMPLETED, exit code 0" in shown
    test = tmp_path / "test_it.py"
    test.write_text(
        "def test_it(joblet):\n"
        "    job_id = joblet.rpc('RunJob', command='echo', args=['hi']).job_uuid\n"
        "    assert joblet.jobs[job_id].stdout == 'hi\\n'\n",
    )
    assert "1 passed" in python("-m", "pytest", "-q", test, program=program)
