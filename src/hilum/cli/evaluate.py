"""``hilum evaluate``: a run's classifier on a cohort that it has never seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from hilum.run.evaluation import Evaluation

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    cohort: Annotated[
        Path,
        typer.Option(metavar="COHORT", help="A table of images, or a folder with a subfolder per class."),
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that the table's paths start from.  [default: data, or the table's own]"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The predictions as a CSV file, too.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Evaluate the classifier of RUN on COHORT. Its own test images stand beside."""
    from hilum.artifact import json_text
    from hilum.cli.console import results, status
    from hilum.cli.progress import TerminalProgress
    from hilum.cohort import locate
    from hilum.run import Run, evaluate_on

    found = evaluate_on(Run.open(run), locate(cohort, data), TerminalProgress(status()))
    if out is not None:
        found.found.predictions.write(out)
    if json_:
        print(json_text(found.as_dict()))
    else:
        _show(found, results())


def _show(found: Evaluation, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from hilum.evaluate import METRICS
    from hilum.report.format import estimate, interval, plural, value

    cohort, alarms = found.found.cohort, found.alarms
    left_out = len(cohort.exclusions)
    counted = f"{plural(len(cohort), 'image')} of {plural(cohort.table['patient'].nunique(), 'patient')}"
    console.print(f"\n{counted}{f'; {left_out} left out' if left_out else ''}", style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Metric", "Own test", "Here", "95 % interval", "n", "Drop", "95 % interval"):
        table.add_column(title, justify="left" if title == "Metric" else "right")
    for name, metric in METRICS.items():
        one = found.drops[name]
        here = value(name, one.external.value), interval(name, one.external), str(one.external.n)
        gap = value(name, one.difference.value), interval(name, one.difference)
        table.add_row(metric.title, value(name, one.internal.value), *here, *gap)
    console.print(table)
    if alarms.share.n:
        called = alarms.called or "something else"
        of = f"\nOf {plural(alarms.share.n, 'image')} of {alarms.label}, {alarms.count} are called {called}:"
        console.print(f"{of} {estimate('accuracy', alarms.share)}", markup=False, soft_wrap=True)
    answers = Table(box=None, padding=(0, 2, 0, 0))
    for column in found.by_source:
        answers.add_column(Text(str(column)))
    for row in found.by_source.itertuples(index=False):
        answers.add_row(*(Text(f"{cell:.2f}" if isinstance(cell, float) else str(cell)) for cell in row))
    console.print()
    console.print(answers)
    for reason, count in cohort.exclusions["reason"].value_counts().items():
        console.print(f"Left out: {count}, {reason}", markup=False)
