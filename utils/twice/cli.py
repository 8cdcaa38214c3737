"""The command `twice`: each subcommand imports its room only when it is called."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from twice.doctor import Row

app = typer.Typer(
    name="twice",
    help="Built Twice: deep vision from NumPy to CUDA.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

STYLES = {"ok": "green", "note": "yellow", "stop": "bold red"}


@app.callback()
def commands() -> None:
    """Built Twice: deep vision from NumPy to CUDA."""


@app.command()
def doctor() -> None:
    """Say what is there, what is missing, and what to type. Exit 1 only where the course cannot run."""
    from twice import doctor as room

    rows = room.examine()
    console = Console()
    console.print(as_table(rows))
    runs = room.can_run(rows)
    console.print("The course runs here." if runs else "The course cannot run here yet: see the rows marked stop.")
    raise typer.Exit(0 if runs else 1)


def as_table(rows: list[Row]) -> Table:
    """One line a row; the last column is what to type."""
    table = Table("", "What", "Found", "Type", header_style="bold")
    for row in rows:
        style = STYLES[row.state]
        table.add_row(f"[{style}]{row.state}[/]", row.subject, plain(row.found), plain(row.advice))
    return table


def plain(text: str) -> str:
    """Square brackets in a path or a requirement are not Rich's markup."""
    return text.replace("[", "\\[")


@app.command()
def bench(
    json: Annotated[Path | None, typer.Option(help="Write environment and rows to this file.")] = None,
    threads: Annotated[int, typer.Option(help="Threads for both engines.", min=1)] = 1,
    only: Annotated[str | None, typer.Option(help="Only the operations whose name matches.")] = None,
) -> None:
    """Measure NumPy against PyTorch side by side, in one process."""
    from twice.bench import main as run

    raise typer.Exit(0 if run(json=json, threads=threads, only=only) else 1)


@app.command()
def claims(
    chapter: Annotated[str | None, typer.Option(help="Only this chapter's.")] = None,
    document: Annotated[str | None, typer.Option(help="Only those of document A, B, C, D or E.")] = None,
    verdict: Annotated[str | None, typer.Option(help="Only agrees, rounds, differs or cited.")] = None,
) -> None:
    """Compute every number of the source documents again. Exit 1 where a verdict no longer holds."""
    from twice import claims as room

    if find_spec("torch") is None:
        raise typer.BadParameter("torch is missing: the ledger counts large networks with it; pip install torch")
    try:
        found = room.LEDGER.find(chapter, document, verdict)
    except ValueError as mistake:
        raise typer.BadParameter(str(mistake)) from None
    findings = found.check()
    table = Table(*room.HEADER, header_style="bold")
    for finding in findings:
        table.add_row(*map(plain, room.cells(finding)), style="" if finding.holds else "bold red")
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    console.print(f"{len(found)} claims: {room.counts(found)}")
    broken = [finding.claim.id for finding in findings if not finding.holds]
    if broken:
        console.print(f"No longer true: {', '.join(broken)}")
    raise typer.Exit(1 if broken else 0)


@app.command()
def data(
    names: Annotated[list[str] | None, typer.Argument(help="mnist, fashion_mnist, cifar10, cifar100.")] = None,
) -> None:
    """Bring real data sets to the folder TWICE_DATA. Without names, say which sets are here."""
    from twice.data.__main__ import main as bring

    raise typer.Exit(bring(names or []))


def main(argv: list[str] | None = None) -> None:
    """Run the command line (`argv` without the program's name); ends in SystemExit as a program does."""
    app(args=argv)


if __name__ == "__main__":
    main()
