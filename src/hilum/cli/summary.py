"""A run's result on a terminal: the figures that count, and where the rest is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from hilum.bundle import INTENDED_USE
from hilum.evaluate import METRICS
from hilum.report.format import interval, value

if TYPE_CHECKING:
    from hilum.run import Run

__all__ = ["show"]

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
    console.print(f"\nReport  {run.report}\nModel   {run.path / 'model'}", soft_wrap=True, markup=False)
    console.print(INTENDED_USE, style="dim")
