"""Installations: what is told in which order, when, and what lies there afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from joblet_fake.clock import Clock
from joblet_fake.model.runtime import Runtime
from joblet_fake.model.runtime_install import Asked, Done, InstallFeed
from joblet_fake.model.runtime_script import InstallScript, Says
from joblet_fake.model.runtimes import Runtimes

if TYPE_CHECKING:
    from joblet_fake.model.runtime_install import Told

BASE = "/opt/joblet/runtimes"
MIB = 1 << 20


class Yard:
    """A folder of runtimes and a frozen clock."""

    def __init__(self) -> None:
        self.clock = Clock("frozen")
        self.runtimes = Runtimes(lambda: "amd64")

    def on_install(self, name: str | None = None, repository: str | None = None) -> InstallScript:
        return self.runtimes.installs.add(InstallScript(name, repository))

    def begin(self, spec: str, **asked: object) -> InstallFeed:
        with self.clock.lock:
            return InstallFeed(
                self.runtimes,
                self.clock,
                Asked(spec, **asked),  # type: ignore[arg-type]
                registry="repository" not in asked,
            )

    def told(self, spec: str, **asked: object) -> list[str]:
        """Install, let all the time pass that it takes, and give what was told as texts."""
        feed = self.begin(spec, **asked)
        self.clock.run_until_idle()
        assert feed.outcome.done
        return texts(feed.take(1000))

    def listed(self) -> list[str]:
        return [f"{each.path}: {each.key}" for each in self.runtimes]


def texts(told: list[Told]) -> list[str]:
    shown = []
    for each in told:
        if isinstance(each, Done):
            shown.append(f"{'done' if each.success else 'failed'}: {each.message} [{each.path}]")
        else:
            shown.append(each.message if isinstance(each, Says) else f"log {each.data!r}")
    return shown


@pytest.fixture
def yard() -> Yard:
    return Yard()


STARTED = "🚀 Starting installation from external registry"
REGISTRY = "📡 Fetching registry from https://github.com/ehsaniara/joblet-runtimes"
CHROOT = (
    "🔒 Executing setup.sh in isolated chroot environment\nJOBLET_CHROOT=true (host is protected)\n"
).encode()


# From a registry


def test_a_package_is_fetched_checked_unpacked_and_listed(yard: Yard) -> None:
    """RT-40, RT-45: latest is the highest version by its numbers, and none with a suffix."""
    yard.on_install("python-3.11").provides(
        "1.2.0", "1.10.0", "2.0.0-rc1", size=2 * MIB + 1, packages=["numpy"], language="py"
    )

    assert yard.told(" python-3.11\t") == [
        STARTED,
        "📦 Parsing runtime specification:  python-3.11\t",
        REGISTRY,
        "✅ Resolved @latest → 1.10.0",
        "📥 Downloading: python-3.11-1.10.0 (2 MB)",
        "⬇️  Downloading: 49% (1 MB / 2 MB)",
        "⬇️  Downloading: 99% (2 MB / 2 MB)",
        "⬇️  Downloading: 100% (2 MB / 2 MB)",
        "🔐 Checksum verified successfully",
        "📦 Extracting runtime package...",
        "📦 Pre-built package detected - installing...",
        f"✅ Runtime installed: {BASE}/python-3.11/1.10.0",
        f"done: Runtime python-3.11@1.10.0 installed successfully [{BASE}/python-3.11/1.10.0]",
    ]
    assert yard.runtimes.find("py").runtime == Runtime(
        "python-3.11", "1.10.0", language="py", packages=("numpy",), size=2 * MIB + 1
    )


def test_a_small_package_is_downloaded_in_one_go_and_an_empty_one_in_silence(yard: Yard) -> None:
    """RT-45."""
    yard.on_install("small").provides(size=10)
    yard.on_install("empty").provides(size=0)

    assert yard.told("small@1.0.0")[3:5] == [
        "📥 Downloading: small-1.0.0 (0 MB)",
        "⬇️  Downloading: 100% (0 MB / 0 MB)",
    ]
    assert not [text for text in yard.told("empty") if text.startswith("⬇️")]


def test_without_a_say_any_version_can_be_installed_once(yard: Yard) -> None:
    """RT-40: the second time it is there already, unless it is forced."""
    assert yard.told("go-1.22@0.3.1-rc1", registry="http://mirror")[2:4] == [
        "📡 Fetching registry from http://mirror",
        "📥 Downloading: go-1.22-0.3.1-rc1 (3 MB)",
    ]
    assert yard.told("go-1.22@0.3.1-rc1")[-2:] == [
        "📥 Downloading: go-1.22-0.3.1-rc1 (3 MB)",
        f"done: Runtime go-1.22@0.3.1-rc1 is already installed [{BASE}/go-1.22/0.3.1-rc1]",
    ]
    yard.on_install().provides(packages=["new"])
    assert "installed successfully" in yard.told("go-1.22@0.3.1-rc1", force=True)[-1]
    assert yard.runtimes.find("go-1.22").runtime.packages == ("new",)


@pytest.mark.parametrize(
    ("spec", "count", "reason"),
    [
        ("@1.0.0", 3, "invalid runtime specification: runtime name cannot be empty"),
        (" ", 3, "invalid runtime specification: runtime name cannot be empty"),
        *(
            (
                spec,
                3,
                (
                    f"invalid runtime specification: invalid runtime name: {name} (must be "
                    "lowercase, start with letter/number, and contain only lowercase letters, "
                    "numbers, hyphens, or dots)"
                ),
            )
            for spec, name in (
                ("Python", "Python"),
                ("../x", "../x"),
                ("a b@1.0.0", "a b"),
                ("python:3.11", "python:3.11"),
                ("-x", "-x"),
                ("é@latest", "é"),
                ("a\x00", "a\x00"),
            )
        ),
        *(
            (
                f"a@{version}",
                3,
                (
                    f"invalid runtime specification: invalid version: {version} "
                    "(must be semantic version like 1.0.0 or 'latest')"
                ),
            )
            for version in (
                "1",
                "1.0",
                "v1.0.0",
                "1.0.0@2",
                "Latest",
                "1.0.0-",
                "../../x",
                "1.0.0 x",
            )
        ),
        (
            "a@9.9.9",
            4,
            (
                'runtime not found in registry: version "9.9.9" not found for runtime "a" '
                "(available: [1.0.0 1.1.0-rc1])"
            ),
        ),
        (
            "onlyrc",
            4,
            'runtime not found in registry: no versions found for runtime "onlyrc"',
        ),
    ],
)
def test_what_can_not_be_installed_is_told_in_the_result(
    yard: Yard, spec: str, count: int, reason: str
) -> None:
    """RT-41, RT-44, RT-45."""
    yard.on_install("a").provides("1.0.0", "1.1.0-rc1")
    yard.on_install("onlyrc").provides("1.0.0-rc1")

    told = yard.told(spec)

    assert told[-1] == f"failed: {reason} []"
    assert len(told) == count
    assert yard.listed() == []


@pytest.mark.parametrize(
    ("at", "last", "prefix"),
    [
        ("registry", REGISTRY, "runtime not found in registry: "),
        ("download", "📥 Downloading: a-1.0.0 (3 MB)", "download failed: "),
        ("extraction", "📦 Extracting runtime package...", "extraction failed: "),
        ("package", "📦 Extracting runtime package...", "invalid runtime package: "),
    ],
)
def test_a_failure_comes_where_the_test_says_so(
    yard: Yard, at: str, last: str, prefix: str
) -> None:
    """RT-41, RT-44: with the real server's words before the reason."""
    yard.on_install("a").sleeps(4).says("trying again").fails("no luck", at=at)
    began = yard.clock.now()

    told = yard.told("a@1.0.0")

    assert told[-3:] == [last, "trying again", f"failed: {prefix}no luck []"]
    assert (yard.clock.now() - began).total_seconds() == 4
    assert yard.listed() == []


def test_a_setup_script_that_prints_makes_it_a_package_that_is_built(yard: Yard) -> None:
    """RT-39, RT-40: output comes in pieces of up to 1024 bytes."""
    yard.on_install("a").prints("x" * 1500).says("linking").prints(b"\xff")

    told = yard.told("a@1.0.0")

    at = told.index("📦 Source package detected - building runtime on target server...")
    assert told[at:] == [
        "📦 Source package detected - building runtime on target server...",
        "🖥️  Detected platform: ubuntu-amd64",
        "🔒 Creating isolated chroot environment...",
        "📦 Copying source package to chroot...",
        "🔨 Running setup script in isolated environment...",
        f"log {CHROOT!r}",
        f"log {b'x' * 1024!r}",
        f"log {b'x' * 476!r}",
        "linking",
        "log b'\\xff'",
        "✅ Runtime built successfully in isolated environment",
        "📁 Moving runtime from chroot to host...",
        "📁 Moving to nested version structure...",
        f"✅ Runtime installed at: {BASE}/a/1.0.0",
        f"✅ Runtime installed: {BASE}/a/1.0.0",
        f"done: Runtime a@1.0.0 installed successfully [{BASE}/a/1.0.0]",
    ]


@pytest.mark.parametrize("registry", [True, False])
def test_a_setup_script_that_fails_leaves_nothing(yard: Yard, *, registry: bool) -> None:
    yard.on_install("a").prints("no gcc\n").exits(7)
    prefix = "setup script failed: setup script execution failed in chroot: " if registry else ""

    told = yard.told("a", **({} if registry else {"repository": "me/mine"}))

    assert told[-2:] == [
        "log b'no gcc\\n'",
        f"failed: {prefix}command execution failed: exit status 7 []",
    ]
    assert yard.listed() == []


def test_what_it_takes_is_taken_off_the_clock(yard: Yard) -> None:
    """Nothing is there before its time, and a reader is woken when it is."""
    yard.on_install("a").prints("1\n").sleeps(30).prints("2\n").sleeps(30)
    feed = yard.begin("a")
    woken: list[bool] = []
    feed.subscribe(lambda: woken.append(True))

    assert texts(feed.take(1000))[-1] == "log b'1\\n'"
    yard.clock.advance(29)
    assert (feed.take(1000), woken) == ([], [])
    yard.clock.advance(1)
    assert texts(feed.take(1000)) == ["log b'2\\n'"]
    assert (len(woken), feed.ended, yard.listed()) == (1, False, [])
    yard.clock.advance(30)
    assert texts(feed.take(1)) == ["✅ Runtime built successfully in isolated environment"]
    assert not feed.ended
    assert len(feed.take(1000)) == 5
    assert feed.ended
    assert yard.listed() == ["a/1.0.0: a@1.0.0"]


def test_a_client_that_goes_away_breaks_the_installation_off(yard: Yard) -> None:
    yard.on_install("a").sleeps(30)
    feed = yard.begin("a")

    feed.close()
    yard.clock.advance(60)

    assert not feed.outcome.done
    assert yard.listed() == []


# From GitHub


def test_a_repository_is_told_of_otherwise_and_its_runtime_lies_flat(yard: Yard) -> None:
    """RT-42, by what the server's code says."""
    yard.on_install("python-3.11-ml").prints("ok\n").provides(packages=["numpy"])

    assert yard.told("python-3.11-ml", repository="me/mine") == [
        "📦 Cloning repository...",
        "Extracting repository...",
        "Repository extracted successfully",
        "🏗️  Running setup script...",
        "log b'Executing setup.sh in /tmp/runtime-build/runtimes/python-3.11-ml/python-3.11-ml\\n'",
        "log b'ok\\n'",
        f"done: Runtime installed successfully [{BASE}/python-3.11-ml/runtime.yml]",
    ]
    assert yard.listed() == ["python-3.11-ml: python-3.11-ml@1.0.0"]


def test_a_wrong_repository_is_not_found(yard: Yard) -> None:
    """RT-42."""
    yard.on_install(repository="no/such").fails("status 404", at="download")

    assert yard.told("a", repository="no/such") == [
        "📦 Cloning repository...",
        "failed: failed to download repository: status 404 []",
    ]
    assert yard.told("a", repository="other/one")[-1].startswith("done:")


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("python:3.11", "runtimes/python-3.11"),
        ("python-3.11", "runtimes/python-3.11"),
        ("a:b:c", "runtimes/a:b:c"),
        (":", "runtimes/-"),
    ],
)
def test_the_folder_in_the_repository_follows_from_the_spec(spec: str, path: str) -> None:
    """RT-37."""
    assert Asked(spec).resolved_path == path
    assert Asked(spec, path="mine").resolved_path == "mine"


@pytest.mark.parametrize("spec", ["x" * 300, "a\x00", "a/" + "x" * 300, "../../x", ".."])
def test_a_repository_has_no_folder_that_can_not_be_or_leads_out(yard: Yard, spec: str) -> None:
    assert yard.told(spec, repository="me/mine", force=True)[-1] == (
        "failed: command execution failed: exit status 1 []"
    )
    assert yard.listed() == []
