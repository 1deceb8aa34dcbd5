"""`joblet-fake`: its commands and their options."""

from __future__ import annotations

from pathlib import Path

import click

from joblet_fake._version import __version__
from joblet_fake.clock import CLOCK_MODES
from joblet_fake.model import PACES
from joblet_fake.options import BEHAVIORS, DEFAULT_API

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
PORT = click.IntRange(0, 65_535)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="joblet-fake")
def main() -> None:
    """A fake Joblet server, for tests and for work without a real one."""


@main.command()
@click.option("--port", default=50_051, type=PORT, help="Core services; 0 for any free port.")
@click.option("--persist-port", default=50_052, type=PORT, help="PersistService; 0 for any free.")
@click.option(
    "--control-port",
    default=0,
    type=PORT,
    help="Reserved for the control service, which is not built yet.",
)
@click.option("--tls/--no-tls", default=True, help="Mutual TLS, as on a real server, or plaintext.")
@click.option("--api", default=DEFAULT_API, help="The API version to serve.", show_default=True)
@click.option("--behavior", default="server", type=click.Choice(BEHAVIORS))
@click.option(
    "--pace",
    default="immediate",
    type=click.Choice(tuple(PACES)),
    help="State changes at once, or with the durations of real servers.",
)
@click.option("--clock", default="flowing", type=click.Choice(CLOCK_MODES))
@click.option("--seed", default=0, type=int, help="Where ids come from.")
@click.option("--exec", "exec_", is_flag=True, help="Run jobs as real local processes.")
@click.option("--rnx-config", type=FILE, help="Write the clients' configuration file here.")
@click.option("--ready-file", type=FILE, help="Write a JSON file here once calls are accepted.")
def serve(**options: object) -> None:
    """Serve until interrupted (Ctrl-C or SIGTERM)."""
    from joblet_fake.cli.serve import serve as run  # noqa: PLC0415 - loads gRPC

    run(**options)  # type: ignore[arg-type]  # click has checked them


@main.command()
def demo() -> None:
    """Show a job's whole life, on a fake started for it."""
    from joblet_fake.cli.demo import demo as run  # noqa: PLC0415 - loads gRPC

    run()


@main.command()
@click.option("--api", required=True, metavar="X.Y.Z", help="A published API version.")
@click.option("--out", required=True, type=FOLDER, help="The folder to write to; it is made.")
def protos(api: str, out: Path) -> None:
    """Write the .proto files of a published API version, ready for protoc."""
    from joblet_fake.wire.render import write_protos  # noqa: PLC0415 - loads protobuf

    try:
        written = write_protos(api, out)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--api") from None
    for path in written:
        click.echo(path)
