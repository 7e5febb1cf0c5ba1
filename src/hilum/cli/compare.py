"""``hilum compare``: two runs on the same test images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.evaluate import Comparison

__all__ = ["compare"]


def compare(
    a: Annotated[Path, typer.Argument(metavar="RUN_A", help="A finished run.")],
    b: Annotated[Path, typer.Argument(metavar="RUN_B", help="Another one, of the same classes.")],
    json_: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Compare two runs, image by image. Only test images that both have count."""
    from dataclasses import asdict

    import numpy as np

    from hilum.artifact import json_text
    from hilum.evaluate import compare as compare_predictions
    from hilum.run import Run

    runs = Run.open(a), Run.open(b)
    test_a, test_b = (run.predictions.part("test") for run in runs)
    found = compare_predictions(test_a, test_b, np.random.default_rng(runs[0].recipe.seed))
    if json_:
        print(json_text({"schema_version": 1, **asdict(found)}))
    else:
        _show(found, str(a), str(b))


def _show(found: Comparison, a: str, b: str) -> None:
    from rich.table import Table

    from hilum.cli.console import results
    from hilum.evaluate import METRICS
    from hilum.report.format import interval, plural, value

    console = results()
    console.print(f"\n{plural(found.images, 'test image')} in both runs", style="bold")
    if found.only_a or found.only_b:
        console.print(
            f"Left out, in one run alone: {found.only_a} of {a}, {found.only_b} of {b}", markup=False
        )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Test", "A", "B", "A − B", "95 % interval", "p"):
        table.add_column(title, justify="left" if title == "Test" else "right", overflow="fold")
    for name, metric in METRICS.items():
        pair = found.metrics[name]
        gap = pair.difference
        figures = value(name, pair.a.value), value(name, pair.b.value), value(name, gap.value)
        table.add_row(metric.title, *figures, interval(name, gap), _p(pair.p))
    console.print(table)
    right = found.right
    console.print(
        f"\nRight in one run alone: {right.only_a} in A, {right.only_b} in B."
        " p: McNemar's test (mid-p) for accuracy, DeLong's for ROC AUC.",
        style="dim",
    )


def _p(value: float) -> str:
    if value != value:  # noqa: PLR0124  no test
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
