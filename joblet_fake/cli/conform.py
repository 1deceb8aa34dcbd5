"""`joblet-fake conform` and `record`: the conformance suite on the command line."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from joblet_fake.fake import FakeJoblet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from joblet_conformance import Case, Target


def conform(
    *,
    target: str | None,
    cases: Sequence[str],
    junit: Path | None,
    html: Path | None,
    recordings: Path | None,
    mutant: str | None,
    **options: Any,  # noqa: ANN401 - the target's own
) -> bool:
    """Run cases, print the report; tell whether nothing differs that is not listed."""
    from joblet_conformance import (  # noqa: PLC0415 - gRPC loads slowly, help need not wait
        RecordingError,
        TargetError,
        read_known,
        read_recordings,
        run,
    )
    from joblet_conformance.evidence import short  # noqa: PLC0415 - as above
    from joblet_conformance.mutants import mutated  # noqa: PLC0415 - as above
    from joblet_conformance.report import (  # noqa: PLC0415 - as above
        failed,
        print_report,
        write_html,
        write_junit,
    )

    for option, file in (("--junit", junit), ("--html", html)):
        if file and not file.parent.is_dir():
            raise click.UsageError(f"{option} {file}: there is no folder {file.parent}")
    console = Console(width=None if sys.stdout.isatty() else 120)
    chosen = _chosen(cases)
    try:
        recorded = read_recordings(options["api"], recordings)
        known = read_known()
    except (RecordingError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    began = time.perf_counter()
    try:
        with _target(target, **options) as server:
            talked = mutated(server, mutant) if mutant else server
            findings = run(chosen, talked, recorded, known)
            name, advice = server.name, server.advice
    except TargetError as error:
        raise click.ClickException(str(error)) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    print_report(console, findings, name)
    if advice:
        console.print(f"\n[bold]note[/]: {advice}", highlight=False, soft_wrap=True)
    took = time.perf_counter() - began
    ran = f"{len(findings)} case{'' if len(findings) == 1 else 's'} in {took:.1f} s"
    console.print(f"\n{ran}; {len(known)} known differences are listed")
    console.print(short(recorded), highlight=False)
    if junit:
        write_junit(junit, findings, name)
    if html:
        write_html(html, findings, name)
    return not failed(findings)


def record(
    *,
    target: str,
    out: Path,
    cases: Sequence[str],
    server: str,
    environment: Sequence[str],
    runs: int,
    **options: Any,  # noqa: ANN401 - the target's own
) -> bool:
    """Record cases; tell whether all runs of each agree, and with the facts."""
    from joblet_conformance import TargetError  # noqa: PLC0415 - as above
    from joblet_conformance.record import record as run  # noqa: PLC0415 - as above

    chosen = _chosen(cases)
    try:
        with _target(target, **options) as real:
            doubtful = run(
                chosen,
                real,
                out,
                server=server,
                date=time.strftime("%Y-%m-%d"),
                environment=list(environment),
                runs=runs,
                tell=click.echo,
            )
    except TargetError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{len(chosen)} cases; {doubtful} with runs that differ or facts that do not hold")
    return not doubtful


def _chosen(patterns: Sequence[str]) -> list[Case]:
    import joblet_conformance.cases  # noqa: F401, PLC0415 - makes them known
    from joblet_conformance import CASES  # noqa: PLC0415 - as above

    try:
        return CASES.matching(patterns)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@contextlib.contextmanager
def _target(
    address: str | None,
    *,
    persist_target: str | None,
    rnx_config: Path | None,
    node: str,
    api: str,
    destructive: bool,
    restart_command: str | None,
    offer: Sequence[str],
) -> Iterator[Target]:
    from joblet_conformance import FakeTarget  # noqa: PLC0415 - as above
    from joblet_conformance.remote import remote_target  # noqa: PLC0415 - as above

    if address is None:
        foreign = {
            "--persist-target": persist_target,
            "--rnx-config": rnx_config,
            "--restart-command": restart_command,
        }
        for option, given in foreign.items():
            if given is not None:
                raise click.UsageError(
                    f"{option} is for a server that --target HOST:PORT names; "
                    "without it, a fake is started",
                )
        with FakeJoblet(api=api, clock="frozen", pace="real") as fake:
            target: Target = FakeTarget(fake)
            try:
                yield target
            finally:
                target.close()
        return
    if rnx_config is None:
        raise click.UsageError("--target needs --rnx-config: the file with the certificates")
    target = remote_target(
        address=address,
        persist_address=persist_target,
        config=rnx_config,
        node=node,
        api=api,
        destructive=destructive,
        restart_command=restart_command,
        offer=offer,
    )
    try:
        yield target
    finally:
        target.close()
