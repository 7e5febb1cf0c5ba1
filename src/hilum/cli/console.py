"""Where the commands write: results to standard output, all else to standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from hilum.auditing import Rating
from hilum.bundle import INTENDED_USE
from hilum.metrics import METRICS
from hilum.report.text import interval, scaled, scaled_interval, value

if TYPE_CHECKING:
    from hilum.auditing import Answer, Audit
    from hilum.run.run import Run

__all__ = ["TerminalProgress", "results", "show", "show_audit", "status"]


def results() -> Console:
    """Return the console of results."""
    return Console(highlight=False)


def status() -> Console:
    """Return the console of progress and remarks."""
    return Console(stderr=True, highlight=False)


T = TypeVar("T")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if not task.speed else f"{task.speed:.0f}/s", style="progress.data.speed")


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )


class TerminalProgress:
    """Draws on standard error; bars only if that is a terminal.

    Parameters
    ----------
    console : rich.console.Console
        Where messages and bars go.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None

    def track(self, items: Iterable[T], *, what: str, total: int | None = None) -> Iterator[T]:
        """Yield `items` below a bar that names `what`; it goes when the work is done."""
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
        """Give the bars on the screen; work within work adds one to those that are there."""
        if self._bars is not None:
            yield self._bars
            return
        disabled = not self._console.is_terminal
        with Bars(*_columns(), console=self._console, transient=True, disable=disabled) as bars:
            self._bars = bars
            try:
                yield bars
            finally:
                self._bars = None

    def say(self, message: str) -> None:
        """Show one line."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)


_SHOWN = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "roc_auc", "brier", "loss")


def show(run: Run, console: Console) -> None:
    """Print a run's test figures with intervals, and where its report is."""
    recipe, test = run.recipe, run.metrics["test"]
    backbone = run.model.manifest.backbone
    console.print(f"\n{recipe.title}", style="bold", markup=False)
    console.print(f"{backbone.name}, weights: {backbone.weights}", style="dim", markup=False)
    if run.model.manifest.synthetic:
        console.print("Synthetic radiographs: these figures say nothing about patients.", style="yellow")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Test", "Value", "95 % interval", "n"):
        table.add_column(title, justify="left" if title == "Test" else "right")
    for name in _SHOWN:
        estimate = test[name]
        figures = value(name, estimate.value), interval(name, estimate), str(estimate.n)
        table.add_row(METRICS[name].title, *figures)
    console.print(table)
    if run.audit is not None:
        show_audit(run.audit, console)
    console.print(f"\nReport  {run.report}\nModel   {run.path / 'model'}", soft_wrap=True, markup=False)
    console.print(INTENDED_USE, style="dim")


_COLOURS = {"sound": "green", "doubtful": "yellow", "broken": "red", "cannot tell": "dim"}

_COLUMNS = ("Probe", "Rating", "Figure", "95 % interval", "n")
_WIDE = 110
"""Columns of a terminal from which on each figure's meaning has room; the report has it always."""


def show_audit(audit: Audit, console: Console) -> None:
    """Print the verdict, then each probe's figure and reading."""
    verdict = audit.verdict
    colour = _COLOURS[verdict.rating]
    line = Text.assemble(("\nCan it be believed?  ", "bold"), (verdict.rating.upper(), f"bold {colour}"))
    console.print(line)
    console.print(verdict.sentence, markup=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in _COLUMNS:
        table.add_column(title, justify="right" if title in {"Figure", "95 % interval", "n"} else "left")
    told = console.width >= _WIDE
    if told:
        table.add_column("What it is")
    for asked in audit.asked.values():
        answer = asked.answer
        cells: list[Text | str] = [
            Text(asked.title),
            Text(answer.rating, style=_COLOURS[answer.rating]),
            *_figures(answer),
        ]
        table.add_row(*cells, *([Text(_told(answer))] if told else []))
    console.print()
    console.print(table)


def _figures(answer: Answer) -> tuple[str, str, str]:
    figure = answer.figure
    if figure.n == 0:
        return "", "", ""
    return scaled(answer.scale, figure.value), scaled_interval(answer.scale, figure), str(figure.n)


def _told(answer: Answer) -> str:
    return answer.reason if answer.rating is Rating.CANNOT_TELL else answer.measure
