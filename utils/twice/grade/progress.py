"""The bar that shows how many submissions are graded, how fast, and what is left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

Step = Callable[[], None]


class Rate(ProgressColumn):
    """Seconds of wall time for each submission, over all cores."""

    def render(self, task: Task) -> Text:
        """Nothing before the first one is done."""
        each = f"{task.elapsed / task.completed:.1f} s each" if task.elapsed and task.completed else ""
        return Text(each, style="progress.data.speed")


@contextmanager
def bar(total: int, console: Console) -> Iterator[Step]:
    """A bar for `total` submissions; call what it gives once for each."""
    columns = (
        TextColumn("Grading"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("grading", total=total)
        yield lambda: progress.advance(task)
