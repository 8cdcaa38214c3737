"""The command `twice`: each subcommand imports its room only when it is called."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

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
    names: Annotated[
        list[str] | None, typer.Argument(help="mnist, fashion_mnist, cifar10, cifar100, voc2007, voc2012, celeba.")
    ] = None,
) -> None:
    """Bring real data sets to the folder TWICE_DATA. Without names, say which sets are here."""
    from twice.data.__main__ import main as bring

    raise typer.Exit(bring(names or []))


@app.command()
def run(
    name: Annotated[str | None, typer.Argument(help="The experiment. Without a name: --list.")] = None,
    scale: Annotated[str, typer.Option(help="small (seconds), medium (minutes on a CPU) or full (a GPU).")] = "small",
    out: Annotated[Path | None, typer.Option(help="Store the result in this folder, not in chapters/results.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order and augmentation.", min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    list: Annotated[bool, typer.Option("--list", help="Say which experiments there are and what is stored.")] = False,
) -> None:
    """Train or measure one of the experiments behind the pages, and store what came out."""
    from twice import runs as room

    console = Console(width=None if sys.stdout.isatty() else 160)
    if list or name is None:
        console.print(listing(room.listed(out)))
        return
    try:
        found = room.run(name, scale, seed=seed, out=out, resume=resume, progress=True)
    except (ValueError, OSError, ImportError, RuntimeError) as mistake:
        console.print(plain(str(mistake)), style="bold red", soft_wrap=True)
        raise typer.Exit(1) from None
    console.print(plain(str(found)), soft_wrap=True)


def listing(rows: list[tuple[str, str, str]]) -> Table:
    """Name, title and what is stored, one line an experiment."""
    table = Table("Experiment", "What", "Stored", header_style="bold")
    for row in rows:
        table.add_row(*map(plain, row))
    return table


@app.command()
def grade(
    notebook: Annotated[Path, typer.Argument(help="The lab's own notebook, labs/NAME.ipynb.")],
    submissions: Annotated[Path, typer.Argument(help="A folder or zip: plain, Canvas, Moodle, Gradescope, nbgrader.")],
    out: Annotated[Path, typer.Option(help="The folder of the results; call again to go on or to regrade.")],
    deadline: Annotated[str, typer.Option(help="2026-05-04 or 2026-05-04 18:00; what comes later is late.")] = "",
    late_penalty: Annotated[str, typer.Option(help="Of the points earned: 10%, 10%/day, 1%/hour up to 50%.")] = "0%",
    keep: Annotated[Literal["best", "last", "first"], typer.Option(help="Which of several attempts counts.")] = "last",
    weight: Annotated[list[str] | None, typer.Option(help="conv2d=2 doubles an exercise's points; repeatable.")] = None,
    extra_limit: Annotated[float | None, typer.Option(help="The most points that extra credit adds.", min=0)] = None,
    manual: Annotated[Path | None, typer.Option(help="Points by hand, if not in manual.csv of the results.")] = None,
    roster: Annotated[Path | None, typer.Option(help="A CSV, Canvas's gradebook or Moodle's worksheet.")] = None,
    column: Annotated[str | None, typer.Option(help="The assignment's column in Canvas: 'Lab 1 (1234)'.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the cases; else drawn once and kept.", min=0)] = None,
    jobs: Annotated[int | None, typer.Option(help="Notebooks at once; else one a core.", min=1)] = None,
    sandbox: Annotated[Literal["auto", "bwrap", "none"], typer.Option(help="none trusts every submission.")] = "auto",
    scheduler: Annotated[str | None, typer.Option(help="The address of a Dask scheduler: tcp://host:8786.")] = None,
) -> None:
    """Grade a class: submissions in, gradebook and feedback out. Exit 1 where the grader failed for somebody."""
    try:
        from twice.grade import commands
        from twice.grade.engine import CannotGrade, engine
    except ImportError as missing:
        raise typer.BadParameter(f"{missing.name} is missing; pip install 'built-twice[grade]'") from None
    try:
        rules = commands.rules(deadline, late_penalty, keep, weight or [], extra_limit)
        more = (seed, jobs, sandbox, scheduler, manual, roster, column)
        status = commands.run(commands.Request(notebook, submissions, out, rules, *more), engine(), Console())
    except CannotGrade as error:
        Console(stderr=True).print(plain(str(error)), style="bold red", soft_wrap=True)
        raise typer.Exit(2) from None
    raise typer.Exit(status)


lab_app = typer.Typer(
    help="The exercise notebooks: list, open, check; new and build for authors.", no_args_is_help=True
)
app.add_typer(lab_app, name="lab")


@lab_app.command("list")
def lab_list() -> None:
    """Say which labs there are."""
    from twice.labs import commands

    table = Table("", "Name", "Title", "Exercises", header_style="bold")
    for row in commands.listed():
        table.add_row(*map(plain, row))
    Console().print(table)


@lab_app.command("open")
def lab_open(
    name: str,
    folder: Annotated[Path, typer.Option(help="Where your own copy lies, or will lie.")] = Path("my-labs"),
    jupyter: Annotated[bool, typer.Option(help="Open it in JupyterLab.")] = True,
) -> None:
    """Copy a lab's notebook into your folder, once, and open it in JupyterLab."""
    from twice.labs import commands

    with sentences():
        copy = commands.copied(name, folder, commands.root())
        Console().print(plain(f"Your notebook is {copy}"), soft_wrap=True)
        raise typer.Exit(commands.opened(copy) if jupyter else 0)


@lab_app.command("new")
def lab_new(name: str) -> None:
    """Write a new lab's source and declaration, which pass their tests, to be changed."""
    from twice.labs import commands, scaffold

    with sentences():
        for path in scaffold.new(name, commands.root()):
            Console().print(plain(f"wrote {path}"), soft_wrap=True)


@lab_app.command("build")
def lab_build(
    names: Annotated[list[str] | None, typer.Argument(help="The labs. Without a name: all.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Execute solved notebooks that did not change, too.")] = False,
) -> None:
    """Build the notebooks from their sources, and execute the solved ones that changed."""
    from twice.labs import commands

    with sentences():
        written = commands.built(names or [], commands.root(), again)
        for path in written:
            Console().print(plain(f"wrote {path}"), soft_wrap=True)
        Console().print(f"{len(written)} files changed")


@lab_app.command("check")
def lab_check(notebook: Path) -> None:
    """Run your notebook from top to bottom and count the points of its checks. Exit 1 where some are missing."""
    from twice.labs import commands

    with sentences():
        with Console().status("starting") as status:
            lines = commands.checked(notebook, lambda cell, cells: status.update(f"cell {cell + 1} of {cells}"))
        table = Table("Exercise", "Points", "What the check says", header_style="bold")
        for line in lines:
            table.add_row(plain(line.title), f"{line.points:g} of {line.possible:g}", plain(line.said))
        console = Console()
        console.print(table)
        console.print(f"{sum(x.points for x in lines):g} of {sum(x.possible for x in lines):g} points")
        raise typer.Exit(0 if all(x.points == x.possible or x.said == commands.BY_HAND for x in lines) else 1)


@contextmanager
def sentences() -> Iterator[None]:
    """What a lab's command cannot do is said in a sentence, with exit 1."""
    from twice.labs.commands import LabError

    try:
        yield
    except LabError as error:
        Console(stderr=True).print(plain(str(error)), style="bold red", soft_wrap=True)
        raise typer.Exit(1) from None


def main(argv: list[str] | None = None) -> None:
    """Run the command line (`argv` without the program's name); ends in SystemExit as a program does."""
    app(args=argv)


if __name__ == "__main__":
    main()
