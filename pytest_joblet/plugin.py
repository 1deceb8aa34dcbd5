"""Fixtures, options and the marker; pytest loads this in every run, so it imports pytest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from joblet_fake import FakeJoblet

RUN_OPTIONS = {
    "api": "the API version that the fakes serve",
    "clock": "the fakes' clock: flowing, frozen or skipping",
    "seed": "where the fakes' ids come from",
}
"""What can be set for a whole run, on the command line or in the configuration file."""

FAKES = pytest.StashKey["list[FakeJoblet]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--joblet-api` and the like, and configuration keys of the same names."""
    group = parser.getgroup("joblet", "fake Joblet servers")
    for name, text in RUN_OPTIONS.items():
        group.addoption(f"--joblet-{name}", default=None, help=f"{text} (ini: joblet_{name})")
        parser.addini(f"joblet_{name}", text, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "joblet(api=..., clock=..., tls=..., ...): start the test's `joblet` fixture with these "
        "options of FakeJoblet",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test in whose fakes something went wrong, with that error's own traceback."""
    failure: BaseException | None = None
    try:
        result = yield
    except BaseException as error:  # noqa: BLE001 - told again below, behind its likely cause
        failure = error
        result = None
    for fake in item.stash.get(FAKES, []):
        try:
            fake.check()
        except BaseException as error:
            raise error from failure
    if failure is not None:
        raise failure
    return result


@pytest.fixture
def joblet_options() -> dict[str, Any]:
    """Options for the `joblet` fixture; override it in a test module, class or conftest."""
    return {}


@pytest.fixture
def joblet(request: pytest.FixtureRequest, joblet_options: dict[str, Any]) -> Iterator[FakeJoblet]:
    """A started fake Joblet with fresh state: ephemeral ports, mutual TLS."""
    options = {**_run_options(request.config), **joblet_options}
    for marker in reversed(list(request.node.iter_markers("joblet"))):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.joblet takes keywords alone, such as clock='frozen'; "
                f"got {marker.args!r}",
            )
        options.update(marker.kwargs)
    yield from _started(request, options)


@pytest.fixture(scope="module")
def joblet_module(request: pytest.FixtureRequest) -> Iterator[FakeJoblet]:
    """One fake for a whole module: what tests put in stays until they `reset()` it."""
    yield from _started(request, _run_options(request.config))


@pytest.fixture(scope="session")
def joblet_session(request: pytest.FixtureRequest) -> Iterator[FakeJoblet]:
    """One fake for a whole run: what tests put in stays until they `reset()` it."""
    yield from _started(request, _run_options(request.config))


@pytest.fixture
def joblet_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., FakeJoblet]]:
    """Make further fakes in one test, each with ids of its own; they stop with the test."""
    made: list[FakeJoblet] = []
    defaults = _run_options(request.config)

    def make(**options: Any) -> FakeJoblet:  # noqa: ANN401 - FakeJoblet's own options
        seed = {"seed": int(defaults.get("seed", 0)) + len(made) + 1}
        fake = _make({**defaults, **seed, **options})
        made.append(fake.start())
        _note(request, fake)
        return fake

    yield make
    for fake in made:
        fake.stop()
    for fake in made:
        fake.check()


@pytest.fixture
def rnx_config(joblet: FakeJoblet, tmp_path: Path) -> Path:
    """The path of a written `rnx-config.yml` for the running fake, a node for each role."""
    path = tmp_path / "rnx-config.yml"
    path.write_text(joblet.rnx_config())
    return path


@pytest.fixture
def joblet_env(
    joblet: FakeJoblet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Set what Joblet's clients read, for this test; gives what was set.

    Clients that are made without arguments reach the fake: the configuration file by all its
    variables and in a private HOME, the address and the certificates (SDK-03, SDK-06, RNX-01).
    """
    from pytest_joblet.environment import client_environment  # noqa: PLC0415 - loaded when needed

    variables = client_environment(joblet, tmp_path / "home")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def _run_options(config: pytest.Config) -> dict[str, Any]:
    options = {}
    for name in RUN_OPTIONS:
        value = config.getoption(f"--joblet-{name}") or config.getini(f"joblet_{name}")
        if value:
            options[name] = value
    if "seed" in options:
        try:
            options["seed"] = int(options["seed"])
        except ValueError:
            raise pytest.UsageError(
                f"--joblet-seed={options['seed']}: a seed is a whole number",
            ) from None
    return options


def _make(options: dict[str, Any]) -> FakeJoblet:
    from joblet_fake import FakeJoblet  # noqa: PLC0415 - nothing is loaded before it is needed

    try:
        return FakeJoblet(**options)
    except TypeError:
        possible = ", ".join(
            name for name in FakeJoblet.__init__.__annotations__ if name != "return"
        )
        unknown = ", ".join(name for name in options if name not in possible)
        raise pytest.UsageError(
            f"FakeJoblet has no option {unknown}; its options: {possible}",
        ) from None
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _started(request: pytest.FixtureRequest, options: dict[str, Any]) -> Iterator[FakeJoblet]:
    fake = _make(options)
    with fake:
        _note(request, fake)
        yield fake
    fake.check()


def _note(request: pytest.FixtureRequest, fake: FakeJoblet) -> None:
    """Remember which fakes to look at when a test ends: of a scope, all tests below it."""
    node = request.node
    node.stash.setdefault(FAKES, []).append(fake)
