"""`python -m benchmarks [NAME...]`: measure, and print a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from benchmarks.measurements import MEASUREMENTS, measure
from benchmarks.table import machine, markdown, notes, rich_table

if TYPE_CHECKING:
    from benchmarks.harness import Result

ROUNDS: Final = 25
ATTEMPTS: Final = 3
WIDTH: Final = 160
"""Columns of the table where it is not written to a terminal."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(MEASUREMENTS)), metavar="[NAME]...")
@click.option("--rounds", default=ROUNDS, show_default=True, help="Alternating rounds of each.")
@click.option(
    "--attempts",
    default=ATTEMPTS,
    show_default=True,
    help="How often one is made at most, while the machine is too busy to tell.",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table for a document.")
def main(names: tuple[str, ...], rounds: int, attempts: int, *, as_markdown: bool) -> None:
    """Measure the fake beside a bare grpcio server: all there is, or what is named."""
    results: list[Result] = []
    said = Console(stderr=True)
    for name in names or MEASUREMENTS:
        with said.status(f"measuring {name}"):
            results += measure(name, rounds, attempts)
    if as_markdown:
        click.echo(f"{machine()}\n\n{markdown(results)}\n")
    else:
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDTH)
        console.print(machine())
        console.print(rich_table(results))
    for note in notes(results):
        click.echo(note)


main.help = f"{main.help}\n\nNAMES: {', '.join(MEASUREMENTS)}."

if __name__ == "__main__":
    main()
