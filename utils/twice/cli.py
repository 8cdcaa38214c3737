"""The command `twice`: each subcommand imports its room only when it is called."""

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


def main(argv: list[str] | None = None) -> None:
    """Run the command line (`argv` without the program's name); ends in SystemExit as a program does."""
    app(args=argv)


if __name__ == "__main__":
    main()
