"""`joblet-fake serve`: a fake on fixed ports, for clients in any language."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING

import click
from rich.console import Console

from joblet_fake.fake import FakeJoblet
from joblet_fake.server import PortError

if TYPE_CHECKING:
    from pathlib import Path


def serve(
    *,
    port: int,
    persist_port: int,
    control_port: int,  # noqa: ARG001 - reserved, so that start scripts need not change
    tls: bool,
    api: str,
    behavior: str,
    pace: str,
    clock: str,
    seed: int,
    exec_: bool,
    rnx_config: Path | None,
    ready_file: Path | None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        click.ClickException: an option that can't be, or a port that is taken.
    """
    console = Console(highlight=False)
    if clock == "frozen":
        raise click.UsageError(
            "--clock frozen: nobody could move it, since the control service is not built yet; "
            "use flowing or skipping",
        )
    if rnx_config is not None and not tls:
        raise click.UsageError("--rnx-config holds certificates: it does not go with --no-tls")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        fake = FakeJoblet(
            api=api,
            behavior=behavior,
            pace=pace,
            tls=tls,
            clock=clock,
            seed=seed,
            exec=exec_,
            core_port=port,
            persist_port=persist_port,
        ).start()
    except (ValueError, PortError) as error:
        raise click.ClickException(str(error)) from None
    try:
        if rnx_config is not None:
            rnx_config.write_text(fake.rnx_config())
            rnx_config.chmod(0o600)
        console.print(
            f"[bold]joblet-fake[/] serves API {api} ({'mutual TLS' if tls else 'plaintext'})"
        )
        console.print(f"  core services   {fake.address}")
        console.print(f"  PersistService  {fake.persist_address}")
        if rnx_config is not None:
            console.print(
                f"  clients         RNX_CONFIG={rnx_config} (nodes: default, viewer, nobody)"
            )
        elif tls:
            console.print("  clients         need certificates: --rnx-config FILE writes them")
        console.print("Ctrl-C ends it.")
        if ready_file is not None:
            _announce(ready_file, fake, tls=tls)
        ended.wait()
    finally:
        fake.stop()
    console.print(f"\nstopped after {len(fake.calls) + fake.calls.dropped} calls")


def _announce(path: Path, fake: FakeJoblet, *, tls: bool) -> None:
    """Write the ready file in one piece: whoever waits for it never sees half of it."""
    news = {
        "core": fake.address,
        "persist": fake.persist_address,
        "control": None,
        "api": fake.options.api,
        "tls": tls,
    }
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(news) + "\n")
    draft.replace(path)
