"""`joblet-fake serve`: a fake on fixed ports, for clients in any language."""

from __future__ import annotations

import json
import os
import signal
import traceback
from typing import TYPE_CHECKING, Any, Final

import click

from joblet_fake.cli.asked import Asked
from joblet_fake.cli.watch import Watch
from joblet_fake.fake import FakeJoblet
from joblet_fake.server import PortError, is_loopback

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MIB: Final = 1024 * 1024


def serve(
    *,
    port: int,
    persist_port: int,
    control_port: int,  # noqa: ARG001 - reserved, so that start scripts need not change
    host: str,
    san: Sequence[str],
    rnx_config: Path | None,
    ready_file: Path | None,
    exec_: bool,
    for_conform: bool,
    unknown: str,
    quirks: Sequence[str],
    log_level: str,
    json_lines: bool,
    keep_mib: int,
    **options: Any,  # noqa: ANN401 - FakeJoblet's own
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        port: where the core services listen; 0 for any free port.
        persist_port: where PersistService listens; 0 for any free port.
        control_port: kept for the control service.
        host: the address to listen on.
        san: further names in the server's certificate.
        rnx_config: where to write the clients' configuration; None for nowhere.
        ready_file: where to write the addresses once calls are accepted; None for nowhere.
        exec_: run jobs as real local processes.
        for_conform: be as the conformance suite needs a host, whatever else is said.
        unknown: what a job does whose command the fake does not know, as `programs.default` has it.
        quirks: single behaviours to switch on.
        log_level: `"debug"` shows requests, `"info"` calls and jobs, the others failures of the
            fake.
        json_lines: write everything as JSON lines on stdout.
        keep_mib: how many MiB of output and uploads jobs may have that are over.
        **options: further options of `FakeJoblet`.

    Raises:
        click.ClickException: an option that can't be, a port that is taken, a file that can't be
            written, or something that went wrong inside the fake.
    """
    if options["clock"] == "frozen":
        raise click.UsageError(
            "--clock frozen: nobody could move it, since the control service is not built yet; "
            "use flowing or skipping",
        )
    if for_conform:
        options["pace"] = "real"
    ends = (signal.SIGINT, signal.SIGTERM)
    restarts = (signal.SIGHUP,) if for_conform and hasattr(signal, "SIGHUP") else ()
    asked = Asked(*ends, *restarts)
    try:
        fake = FakeJoblet(
            **options,
            exec=exec_,
            listen=host,
            names=tuple(san),
            core_port=port,
            persist_port=persist_port,
            keep_bytes=keep_mib * MIB,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if unknown != "succeed":
        fake.programs.default(unknown=unknown)
    fake.quirks.enable(*quirks)
    if for_conform:
        _for_conform(fake)
    watch = Watch(log_level, as_json=json_lines)
    watch.follow(fake)
    try:
        _forget(ready_file)  # one of an earlier run would be believed
        with asked, fake:
            if rnx_config is not None:
                _write_private(rnx_config, _config(fake, whole=for_conform))
            _tell(fake, rnx_config, watch, json_lines=json_lines)
            if ready_file is not None:
                _announce(ready_file, fake)
            while asked.wait() not in ends:
                fake.restart()
            _forget(ready_file)
    except PortError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    calls = len(fake.calls) + fake.calls.dropped
    last = f"stopped after {calls} call{'' if calls == 1 else 's'}"
    if json_lines:
        watch.tell("stopped", last, calls=calls)
    watch.close()
    if not json_lines:
        click.echo(last)
    try:
        fake.check()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and ends the command
        click.echo("".join(traceback.format_exception(error)), err=True)
        raise click.ClickException(f"the fake itself failed: {error!r}") from None


def _for_conform(fake: FakeJoblet) -> None:
    from joblet_conformance.served import like_a_host  # noqa: PLC0415 - only where it is asked for

    like_a_host(fake)


def _config(fake: FakeJoblet, *, whole: bool) -> str:
    if not whole:
        return fake.rnx_config()
    from joblet_conformance.served import whole_config  # noqa: PLC0415 - as above

    return whole_config(fake)


def _forget(ready_file: Path | None) -> None:
    """Remove the ready file: nobody is to wait for a server that is not there."""
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


def _tell(fake: FakeJoblet, rnx_config: Path | None, watch: Watch, *, json_lines: bool) -> None:
    """Say where the fake serves, and what clients need."""
    tls = fake.options.tls
    if not is_loopback(fake.options.listen):
        who = "whoever has one of its certificates" if tls else "anybody, as an admin,"
        click.echo(
            f"warning: it listens on {fake.options.listen}: {who} can call it from other machines",
            err=True,
        )
    if json_lines:
        watch.tell("started", "", **_news(fake))
        return
    click.echo(
        f"{click.style('joblet-fake', bold=True)} serves API {fake.options.api} "
        f"({'mutual TLS' if tls else 'plaintext'})",
    )
    click.echo(f"  core services   {fake.address}")
    click.echo(f"  PersistService  {fake.persist_address}")
    if rnx_config is not None:
        # ADM-02, RNX-04, SDK-07
        nodes = "default, without certificates: for the web admin; rnx and the SDK need TLS"
        if tls:
            nodes = ", ".join(("default", *(role for role in fake.tls.roles if role != "admin")))
        click.echo(f"  clients         export RNX_CONFIG={rnx_config} RNX_CONFIG_PATH={rnx_config}")
        click.echo(f"  its nodes       {nodes}")
    elif tls:
        click.echo("  clients         need certificates: --rnx-config FILE writes them")
    click.echo("Ctrl-C ends it.")


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read: it holds private keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _news(fake: FakeJoblet) -> dict[str, Any]:
    return {
        "core": fake.address,
        "persist": fake.persist_address,
        "control": None,
        "api": fake.options.api,
        "tls": fake.options.tls,
    }


def _announce(path: Path, fake: FakeJoblet) -> None:
    """Write the ready file in one piece: whoever waits for it never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(json.dumps(_news(fake)) + "\n")
    draft.replace(path)
