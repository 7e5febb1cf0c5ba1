"""Output of the commands: results go to standard output, progress and remarks to standard error."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from hilum.auditing import Answer, Audit
    from hilum.run.run import Run

__all__ = ["TerminalProgress", "new_table", "results", "show", "show_audit", "status"]

T = TypeVar("T")

_SHOWN = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "roc_auc", "brier", "loss")
_COLOURS = {"sound": "green", "doubtful": "yellow", "broken": "red", "cannot tell": "dim"}
_WIDE = 110
"""Columns of a terminal with room for the meaning of each figure; the report always shows it."""


def results() -> Console:
    """Return the console of results."""
    return Console(highlight=False)


def status() -> Console:
    """Return the console of progress and remarks."""
    return Console(stderr=True, highlight=False)


def new_table(*titles: str, right: Collection[str] = ()) -> Table:
    """Return an empty table without lines; columns in `right` are aligned to the right and not wrapped."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in titles:
        numeric = title in right
        table.add_column(title, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    return table


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if not task.speed else f"{task.speed:.0f}/s", style="progress.data.speed")


class TerminalProgress:
    """A `hilum.progress.Progress` on a console; bars are drawn only on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None

    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        """Yield `items` with a bar named `what`, which disappears when the work is done."""
        if total is None and isinstance(items, Sized):
            total = len(items)
        with self._shown() as bars:
            task = bars.add_task(what, total=total)
            try:
                yield from bars.track(items, task_id=task, total=total)
            finally:
                bars.remove_task(task)

    @contextmanager
    def _shown(self) -> Iterator[Bars]:
        """Yield the bars on the screen; nested work adds a bar to them."""
        if self._bars is not None:
            yield self._bars
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        disabled = not self._console.is_terminal
        with Bars(*columns, console=self._console, transient=True, disable=disabled) as bars:
            self._bars = bars
            try:
                yield bars
            finally:
                self._bars = None

    def say(self, message: str) -> None:
        """Show one line."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)


def show(run: Run, console: Console) -> None:
    """Print the test metrics of a run, its audit, and where its report and model are."""
    from hilum.bundle import INTENDED_USE
    from hilum.metrics import METRICS
    from hilum.report.text import interval, value

    manifest = run.model.manifest
    console.print(f"\n{run.recipe.title}", style="bold", markup=False)
    console.print(
        f"{manifest.backbone.name}, weights: {manifest.backbone.weights}", style="dim", markup=False
    )
    if manifest.synthetic:
        console.print("Synthetic radiographs: these figures say nothing about patients.", style="yellow")
    figures = "Value", "95 % CI", "n"
    table = new_table("Test", *figures, right=figures)
    for name in _SHOWN:
        estimate = run.metrics["test"][name]
        table.add_row(
            METRICS[name].title, value(name, estimate.value), interval(name, estimate), str(estimate.n)
        )
    console.print(table)
    if run.audit is not None:
        show_audit(run.audit, console)
    console.print(f"\nReport  {run.report}\nModel   {run.path / 'model'}", soft_wrap=True, markup=False)
    console.print(INTENDED_USE, style="dim")


def show_audit(audit: Audit, console: Console) -> None:
    """Print the verdict, then the figure and rating of each probe."""
    verdict = audit.verdict
    colour = _COLOURS[verdict.rating]
    console.print(Text.assemble(("\nVerdict: ", "bold"), (verdict.rating.upper(), f"bold {colour}")))
    console.print(verdict.sentence, markup=False)
    figures = "Figure", "95 % CI", "n"
    meaning = ("Meaning",) if console.width >= _WIDE else ()
    table = new_table("Probe", "Rating", *figures, *meaning, right=figures)
    for asked in audit.asked.values():
        answer = asked.answer
        rating = Text(answer.rating, style=_COLOURS[answer.rating])
        cells = [Text(_meaning(answer)) for _ in meaning]
        table.add_row(Text(asked.title), rating, *_figures(answer), *cells)
    console.print()
    console.print(table)


def _figures(answer: Answer) -> tuple[str, str, str]:
    from hilum.report.text import scaled, scaled_interval

    figure = answer.figure
    if figure.n == 0:
        return "", "", ""
    return scaled(answer.scale, figure.value), scaled_interval(answer.scale, figure), str(figure.n)


def _meaning(answer: Answer) -> str:
    from hilum.auditing import Rating

    return answer.reason if answer.rating is Rating.CANNOT_TELL else answer.measure
