"""`joblet-fake`: its commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from joblet_fake._command import end_as_usual
from joblet_fake._version import __version__
from joblet_fake.clock import CLOCK_MODES
from joblet_fake.model import BEHAVIORS, PACES, QUIRKS
from joblet_fake.options import DEFAULT_API

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER: Final = click.Path(file_okay=False, path_type=Path)
FILE: Final = click.Path(dir_okay=False, path_type=Path)
PORT: Final = click.IntRange(0, 65_535)
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, prog_name="joblet-fake")
def main() -> None:
    """A fake Joblet server, for tests and for work without a real one."""
    end_as_usual()


@main.command()
@click.option("--port", default=50_051, type=PORT, help="Core services; 0 for any free port.")
@click.option("--persist-port", default=50_052, type=PORT, help="PersistService; 0 for any free.")
@click.option(
    "--control-port",
    default=50_053,
    type=PORT,
    help="Kept for the control service, which is not built yet: nothing listens there.",
)
@click.option("--tls/--no-tls", default=True, help="Mutual TLS, as on a real server, or plaintext.")
@click.option("--api", default=DEFAULT_API, metavar="X.Y.Z", help="The API version to serve.")
@click.option(
    "--behavior",
    default="server",
    type=click.Choice(tuple(BEHAVIORS)),
    help="What real servers were seen to do, or what their documentation says.",
)
@click.option(
    "--quirk",
    "quirks",
    multiple=True,
    type=click.Choice(tuple(QUIRKS)),
    metavar="NAME",
    help="Switch a single behaviour on; `joblet-fake quirks` lists them; can be given again.",
)
@click.option(
    "--pace",
    default="immediate",
    type=click.Choice(tuple(PACES)),
    help="State changes at once, or with the durations of real servers.",
)
@click.option(
    "--clock",
    default="flowing",
    type=click.Choice(CLOCK_MODES),
    help="Real time, or a clock that skips ahead when clients only wait. A frozen one needs the "
    "control service.",
)
@click.option("--seed", default=0, type=int, help="Where ids come from.")
@click.option(
    "--exec",
    "exec_",
    is_flag=True,
    help="Run jobs as real local processes, with your rights: for clients that you trust.",
)
@click.option(
    "--unknown",
    default="succeed",
    type=click.Choice(("succeed", "not found")),
    help="What a job does whose command the fake does not know: nothing, with success, or fail as "
    "on a host that lacks it.",
)
@click.option(
    "--for-conform",
    is_flag=True,
    help="Be as `joblet-fake conform` needs a host: --pace real, --unknown 'not found', the "
    "suite's own runtimes, odd certificates in the configuration; SIGHUP restarts it.",
)
@click.option(
    "--rnx-config",
    type=FILE,
    help="Write the clients' configuration here, private keys included: an admin (default), a "
    "viewer and a nobody. With --no-tls it has none: rnx and the SDK can't use it, the "
    "web admin can.",
)
@click.option(
    "--ready-file",
    type=FILE,
    help="Write the addresses here, as JSON, once calls are accepted; removed at the end.",
)
@click.option(
    "--log-level",
    default="info",
    type=click.Choice(LOG_LEVELS),
    help="What goes to stderr: requests in full (debug), calls and jobs (info), or failures of "
    "the fake alone.",
)
@click.option(
    "--json",
    "json_lines",
    is_flag=True,
    help="Write JSON lines to stdout: started, each call and each job's new status, stopped.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    help="The address to listen on; 0.0.0.0 in a container. Other machines can then call it.",
)
@click.option(
    "--san",
    multiple=True,
    metavar="NAME",
    help="A further name or address for the server's certificate, and the first one for the "
    "clients' configuration; can be given again.",
)
@click.option(
    "--keep-jobs",
    default=1000,
    type=click.IntRange(1),
    metavar="N",
    help="How many jobs that are over are kept; the oldest beyond are forgotten, with their logs "
    "and stored history, which a real server never does. One that runs is never forgotten.",
)
@click.option(
    "--keep-mib",
    default=256,
    type=click.IntRange(1),
    metavar="MIB",
    help="How many MiB of output and uploads these may have together; the same beyond.",
)
def serve(**options: Any) -> None:  # noqa: ANN401 - click has checked them
    """Serve until interrupted (Ctrl-C or SIGTERM), and show what happens."""
    from joblet_fake.cli.serve import serve as run  # noqa: PLC0415 - only what a command needs

    run(**options)


def _target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which server to talk to."""
    for option in (
        click.option(
            "--persist-target",
            metavar="HOST:PORT|unix:PATH",
            help="PersistService of the target; without it, cases that need it do not apply.",
        ),
        click.option(
            "--rnx-config",
            type=FILE,
            help="The configuration file with the target's certificates; its nodes viewer and "
            "nobody, if any, serve the other roles.",
        ),
        click.option("--node", default="default", help="The file's node with an admin's rights."),
        click.option("--api", default=DEFAULT_API, metavar="X.Y.Z", help="What the target speaks."),
        click.option(
            "--destructive",
            is_flag=True,
            help="Also run what could harm a server that others use, such as DeleteAllJobs.",
        ),
        click.option(
            "--restart-command",
            metavar="CMD",
            help="What restarts the target and returns when that is done; without it, and without "
            "--destructive, cases that need a restart do not apply.",
        ),
        click.option(
            "--offer",
            multiple=True,
            type=click.Choice(("limits",)),
            help="What the target's host can do; can be given again.",
        ),
        click.argument("cases", nargs=-1, metavar="[CASES]..."),
    ):
        command = option(command)
    return command


@main.command()
@click.option(
    "--target",
    metavar="HOST:PORT",
    help="The server to test; without it, a fake that is started for it.",
)
@click.option("--junit", type=FILE, help="Write a JUnit XML report here.")
@click.option("--html", type=FILE, help="Write an HTML report here, one file.")
@click.option("--recordings", type=FOLDER, help="Compare with these, not with the ones shipped.")
@click.option(
    "--mutant",
    metavar="NAME",
    help="Make the target misbehave, to see that it is found; a wrong name lists them.",
)
@_target_options
def conform(**options: Any) -> None:  # noqa: ANN401 - click has checked them
    """Run the conformance suite: facts and recordings of real servers against a target.

    CASES are beginnings of case ids, such as `jobs` or `logs/late`; all without any. Exits with 1
    on a difference that is not listed as known. A fake in another process is a target as good as
    a real server if it was started with `joblet-fake serve --for-conform`.
    """
    from joblet_fake.cli.conform import conform as run  # noqa: PLC0415 - only what a command needs

    if not run(**options):
        raise click.exceptions.Exit(1)


@main.command()
@click.option("--target", required=True, metavar="HOST:PORT", help="The real server.")
@click.option("--out", required=True, type=FOLDER, help="The recordings' folder; it is made.")
@click.option("--server", default="unknown", help="The server's version, for the record.")
@click.option(
    "--environment",
    multiple=True,
    help="What the server's machine can't do, for the record; can be given again.",
)
@click.option("--runs", default=3, type=click.IntRange(1), help="How often each case is run.")
@_target_options
def record(**options: Any) -> None:  # noqa: ANN401 - click has checked them
    """Record what a real server answers, for the conformance suite to compare with.

    Exits with 1 if runs of a case differ where it declares nothing, or a fact does not hold.
    """
    from joblet_fake.cli.conform import record as run  # noqa: PLC0415 - only what a command needs

    if not run(**options):
        raise click.exceptions.Exit(1)


@main.command()
def demo() -> None:
    """Show a job's whole life, on a fake started for it."""
    from joblet_fake.cli.demo import demo as run  # noqa: PLC0415 - colouring code loads slowly

    run()


@main.command()
@click.option("--markdown", is_flag=True, help="As a page of documentation.")
def quirks(*, markdown: bool) -> None:
    """List the behaviours that can be switched on, one by one."""
    from joblet_fake.cli import quirks as command  # noqa: PLC0415 - only what a command needs

    if markdown:
        click.echo(command.page(), nl=False)
    else:
        command.show()


@main.command()
@click.option("--api", required=True, metavar="X.Y.Z", help="A published API version.")
@click.option("--out", required=True, type=FOLDER, help="The folder to write to; it is made.")
def protos(api: str, out: Path) -> None:
    """Write a published API version as .proto files, for protoc."""
    from joblet_fake.wire.render import write_protos  # noqa: PLC0415 - only what a command needs

    try:
        written = write_protos(api, out)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--api") from None
    except OSError as error:
        raise click.ClickException(f"{error.strerror}: {error.filename}") from None
    for path in written:
        click.echo(path)
