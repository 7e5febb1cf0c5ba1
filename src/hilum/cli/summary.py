"""A run's result on a terminal: whether to believe it, the figures that count, and where the rest is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hilum.audit import Reading
from hilum.bundle import INTENDED_USE
from hilum.evaluate import METRICS
from hilum.report.format import interval, scaled, scaled_interval, value

if TYPE_CHECKING:
    from hilum.audit import Answer, Audit
    from hilum.run import Run

__all__ = ["show", "show_audit"]

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

_COLUMNS = ("Probe", "Reading", "Figure", "95 % interval", "n")
_WIDE = 110
"""Columns of a terminal from which on each figure's meaning has room; the report has it always."""


def show_audit(audit: Audit, console: Console) -> None:
    """Print the verdict, then each probe's figure and reading."""
    verdict = audit.verdict
    colour = _COLOURS[verdict.reading]
    line = Text.assemble(("\nCan it be believed?  ", "bold"), (verdict.reading.upper(), f"bold {colour}"))
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
            Text(answer.reading, style=_COLOURS[answer.reading]),
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
    return answer.reason if answer.reading is Reading.CANNOT_TELL else answer.measure
