"""Fixtures, options and the marker; pytest loads this in every run, so it imports pytest alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from joblet_fake import FakeJoblet
    from pytest_joblet.target import JobletTarget

RUN_OPTIONS = {
    "api": "the API version that the fakes serve",
    "clock": "the fakes' clock: flowing, frozen or skipping",
    "seed": "where the fakes' ids come from, a whole number",
}
"""What can be set for a whole run, on the command line or in the configuration file."""

TARGET_OPTIONS = {
    "target": "a real server for joblet_target, as host:port; without it joblet_target is a fake",
    "persist-target": "its PersistService, as host:port or unix:path",
    "rnx-config": "the rnx-config with its certificates",
    "node": "the node of that file with an admin's certificate (default: default)",
}
"""What names the server of contract tests, in the same two places."""

REPORT_OPTION = {
    "report": "what a failed test's report says of its fakes: short (the default), full or none",
}

FAKES = pytest.StashKey["list[FakeJoblet]"]()
NAMES = pytest.StashKey["list[str]"]()
"""What the fixtures are called that have started fakes of a node."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--joblet-api` and the like, and configuration keys of the same names."""
    group = parser.getgroup("joblet", "fake Joblet servers")
    for name, text in (RUN_OPTIONS | TARGET_OPTIONS | REPORT_OPTION).items():
        key = f"joblet_{name.replace('-', '_')}"
        group.addoption(
            f"--joblet-{name}",
            default=None,
            metavar=name.upper(),
            help=f"{text} (ini: {key})",
        )
        parser.addini(key, text, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and refuse options of the run that can't be."""
    config.addinivalue_line(
        "markers",
        "joblet(api=..., clock=..., tls=..., ...): start the test's `joblet` fixture with these "
        "options of FakeJoblet; on a test, a class or a module, the closest wins",
    )
    report = _setting(config, "report")
    if report not in (None, "short", "full", "none"):
        raise pytest.UsageError(f"joblet-report={report}: it is short, full or none")
    options = _run_options(config)
    for name in RUN_OPTIONS:
        # The configuration file's are looked at by the first fixture: until then a run that
        # needs no fake does not load gRPC.
        if config.getoption(f"--joblet-{name}") is not None:
            from pytest_joblet.options import refusal  # noqa: PLC0415 - loads gRPC

            reason = refusal({name: options[name]})
            if reason is not None:
                raise pytest.UsageError(f"--joblet-{name}: {reason}")
    if config.getoption("--joblet-target") is not None and not hasattr(config, "workerinput"):
        from pytest_joblet.target import check_server  # noqa: PLC0415 - as above

        check_server(**_server(config))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker with an unknown option before anything is set up."""
    if item.get_closest_marker("joblet") is not None:
        from pytest_joblet.options import marked  # noqa: PLC0415 - as above

        marked(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test in whose fakes something went wrong, with that error's own traceback.

    One that passed fails if a fault rule was not used: it has not proved what it was written for.
    """
    __tracebackhide__ = True
    result = yield from _checked(item)
    _check_faults(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Do the same for what went wrong before the test, or while its fakes stopped."""
    __tracebackhide__ = True
    return (yield from _checked(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show in a failed test's report who called its fakes, and what became of the jobs."""
    report = yield
    if report.failed and report.when != "teardown":
        fakes = _used(item)
        if fakes:
            from pytest_joblet.sections import sections  # noqa: PLC0415 - loaded when needed

            chosen = _setting(item.config, "report") or "short"
            seed = _run_options(item.config).get("seed", 0)
            report.sections.extend(sections(fakes, chosen, seed))
    return report


@pytest.fixture
def joblet_options() -> dict[str, Any]:
    """Options for the `joblet` fixture; override it in a test module, class or conftest.

    A marker's options are stronger, those of the run weaker.
    """
    return {}


@pytest.fixture
def joblet(request: pytest.FixtureRequest, joblet_options: dict[str, Any]) -> Iterator[FakeJoblet]:
    """A started fake Joblet with fresh state: ephemeral ports, mutual TLS."""
    with ExitStack() as stack:
        yield _start(request, stack, _options(request, joblet_options))


@pytest.fixture(scope="module")
def joblet_module(request: pytest.FixtureRequest) -> Iterator[FakeJoblet]:
    """One fake for a whole module: what tests put in stays until they `reset()` it.

    It starts with the options of the run and of the module's own `joblet` marker.
    """
    with ExitStack() as stack:
        yield _start(request, stack, _options(request))


@pytest.fixture(scope="session")
def joblet_session(request: pytest.FixtureRequest) -> Iterator[FakeJoblet]:
    """One fake for a whole run: what tests put in stays until they `reset()` it.

    It starts with the options of the run. Each worker of pytest-xdist has its own.
    """
    with ExitStack() as stack:
        yield _start(request, stack, _options(request))


@pytest.fixture
def joblet_factory(
    request: pytest.FixtureRequest,
    joblet_options: dict[str, Any],
) -> Iterator[Callable[..., FakeJoblet]]:
    """Make further fakes in one test, each with ids of its own; they stop with the test.

    They start with the options that `joblet` has in this test, changed by those given.
    """
    defaults = _options(request, joblet_options)
    made = 0
    with ExitStack() as stack:

        def make(**options: Any) -> FakeJoblet:  # noqa: ANN401 - FakeJoblet's own options
            nonlocal made
            made += 1
            seed = {"seed": defaults.get("seed", 0) + made}
            return _start(request, stack, {**defaults, **seed, **options})

        yield make


@pytest.fixture
def joblet_target(request: pytest.FixtureRequest) -> Iterator[JobletTarget]:
    """What a contract test talks to: a fake, or the real server that `--joblet-target` names."""
    from pytest_joblet.target import of_fake, of_server  # noqa: PLC0415 - loads gRPC

    if _setting(request.config, "target") is None:
        yield of_fake(request.getfixturevalue("joblet"))
        return
    target, server = of_server(**_server(request.config), api=_options(request).get("api"))
    try:
        yield target
    finally:
        server.close()


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
    Other variables whose names begin with JOBLET_ or RNX_ are taken away meanwhile.
    """
    from pytest_joblet.environment import (  # noqa: PLC0415 - loaded when needed
        client_environment,
        strays,
    )

    variables = client_environment(joblet, tmp_path / "home")
    for name in strays(variables):
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def _setting(config: pytest.Config, name: str) -> str | None:
    """Give an option of the run, from the command line or else from the configuration file."""
    value: str | None = config.getoption(f"--joblet-{name}")
    if value is None:
        value = config.getini(f"joblet_{name.replace('-', '_')}") or None
    return value


def _server(config: pytest.Config) -> dict[str, Any]:
    """Give what says where the server of contract tests is, as `of_server` takes it."""
    return {
        "address": _setting(config, "target"),
        "persist_address": _setting(config, "persist-target"),
        "config": _file(config, "rnx-config"),
        "node": _setting(config, "node") or "default",
    }


def _file(config: pytest.Config, name: str) -> Path | None:
    """Give a file that an option of the run names.

    One from the command line is where the user is, one from the configuration file where that is.
    """
    path = _setting(config, name)
    if not path:
        return None
    given = config.getoption(f"--joblet-{name}") is not None
    return (config.invocation_params.dir if given else config.rootpath) / path


def _run_options(config: pytest.Config) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name in RUN_OPTIONS:
        value = _setting(config, name)
        if value is not None:
            options[name] = value
    if "seed" in options:
        try:
            options["seed"] = int(options["seed"])
        except ValueError:
            raise pytest.UsageError(
                f"joblet-seed={options['seed']}: a seed is a whole number",
            ) from None
    return options


def _options(
    request: pytest.FixtureRequest,
    overridden: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Give the options for a fixture's fake: of the run, of `joblet_options`, of the markers."""
    from pytest_joblet.options import marked  # noqa: PLC0415 - loads gRPC: only when needed

    return {**_run_options(request.config), **(overridden or {}), **marked(request.node)}


def _start(
    request: pytest.FixtureRequest,
    stack: ExitStack,
    options: dict[str, Any],
) -> FakeJoblet:
    """Start a fake that ends with a fixture, and is looked at when a test of its scope ends."""
    from pytest_joblet.options import make  # noqa: PLC0415 - as above

    fake = make(options)
    fakes = request.node.stash.setdefault(FAKES, [])
    request.node.stash.setdefault(NAMES, []).append(request.fixturename or "")
    stack.callback(lambda: fakes.remove(fake) if fake in fakes else None)
    stack.enter_context(fake)
    fakes.append(fake)
    return fake


def _checked(item: pytest.Item) -> Generator[None, object, object]:
    """Go through a test's phase, then raise what went wrong in its fakes meanwhile."""
    __tracebackhide__ = True
    failure: BaseException | None = None
    result: object = None
    fakes = _fakes(item)  # those that the phase ends are looked at too
    try:
        result = yield
    except (KeyboardInterrupt, SystemExit, pytest.exit.Exception):
        raise
    except BaseException as error:  # noqa: BLE001 - told again below, behind its likely cause
        failure = error
        if fakes and isinstance(error, AttributeError):
            from pytest_joblet.sections import note_near  # noqa: PLC0415 - loaded when needed

            note_near(error)
    for fake in dict.fromkeys([*fakes, *_fakes(item)]):
        try:
            fake.check()
        except BaseException as error:
            if error is failure:
                raise  # it got here on another way as well, such as by an app's future
            raise error from failure
    if failure is not None:
        raise failure
    return result


def _check_faults(item: pytest.Item) -> None:
    """Fail a test that leaves fault rules unused, unless it or the fake allows that."""
    __tracebackhide__ = True
    for fake in _fakes(item):
        if fake.faults.unused and not fake.options.unused_faults:
            from pytest_joblet.options import marked  # noqa: PLC0415 - loads gRPC

            if not marked(item).get("unused_faults"):
                try:
                    fake.faults.check()
                finally:
                    # The next test of a shared fake is not to blame.
                    for rule in fake.faults.unused:
                        rule.clear()


def _used(item: pytest.Item) -> list[FakeJoblet]:
    """Give the running fakes that a test has used: those of a module or run only by their names."""
    request = getattr(item, "_request", item)  # knows fixtures that were asked for in the test too
    names: set[str] = set(getattr(request, "fixturenames", ()))
    found: list[FakeJoblet] = []
    for node in reversed(item.listchain()):
        starters: list[str] = node.stash.get(NAMES, [])
        if node is item or names.intersection(starters):
            fakes: list[FakeJoblet] = node.stash.get(FAKES, [])
            found += fakes
    return found


def _fakes(item: pytest.Item) -> list[FakeJoblet]:
    """Give the running fakes that a test can have used, the most private first."""
    return [fake for node in reversed(item.listchain()) for fake in node.stash.get(FAKES, [])]
