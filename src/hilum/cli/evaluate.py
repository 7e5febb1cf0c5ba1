"""``hilum evaluate``: a run's classifier on a cohort that it has never seen."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from hilum.bundle import Prediction
    from hilum.metrics import Comparison
    from hilum.run.evaluate import Evaluation

__all__ = ["audit", "compare", "evaluate", "predict"]


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
    from hilum.cli.console import TerminalProgress, results, status
    from hilum.cohort import locate
    from hilum.files import json_text
    from hilum.run.evaluate import evaluate_on
    from hilum.run.run import Run

    found = evaluate_on(Run.open(run), locate(cohort, data), TerminalProgress(status()))
    if out is not None:
        found.found.predictions.write(out)
    if json_:
        print(json_text(found.as_dict()))
    else:
        _show_evaluation(found, results())


def _show_evaluation(found: Evaluation, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from hilum.metrics import METRICS
    from hilum.report.text import estimate, interval, plural, value

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


def compare(
    a: Annotated[Path, typer.Argument(metavar="RUN_A", help="A finished run.")],
    b: Annotated[Path, typer.Argument(metavar="RUN_B", help="Another one, of the same classes.")],
    json_: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Compare two runs, image by image. Only test images that both have count."""
    from dataclasses import asdict

    import numpy as np

    from hilum.files import json_text
    from hilum.metrics import compare as compare_predictions
    from hilum.run.run import Run

    runs = Run.open(a), Run.open(b)
    test_a, test_b = (run.predictions.part("test") for run in runs)
    found = compare_predictions(test_a, test_b, np.random.default_rng(runs[0].recipe.seed))
    if json_:
        print(json_text({"schema_version": 1, **asdict(found)}))
    else:
        _show_comparison(found, str(a), str(b))


def _show_comparison(found: Comparison, a: str, b: str) -> None:
    from rich.table import Table

    from hilum.cli.console import results
    from hilum.metrics import METRICS
    from hilum.report.text import interval, plural, value

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


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run, or the model folder inside one.")],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Images, folders or globs; DICOM or raster.")
    ],
    csv_: Annotated[bool, typer.Option("--csv", help="CSV on standard output.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")] = False,
) -> None:
    """Predict images with the model of RUN. Exits with 1 if any image failed; the others' results stand."""
    from hilum.bundle import Bundle
    from hilum.cli.console import TerminalProgress, status
    from hilum.radiograph import find_images

    if csv_ and json_:
        raise typer.BadParameter("choose one of --csv and --json")
    model = Bundle.load(run)
    progress = TerminalProgress(status())
    predictions = model.predict_many(find_images(paths), progress)
    write = _write_csv if csv_ else _write_json if json_ else _show_predictions
    failed = write(predictions, model.classes)
    if failed:
        raise typer.Exit(1)


def _write_json(predictions: Iterable[Prediction], classes: tuple[str, ...]) -> int:
    del classes
    failed = 0
    for prediction in predictions:
        print(json.dumps(prediction.as_dict(), ensure_ascii=False), flush=True)
        failed += prediction.error is not None
    return failed


def _write_csv(predictions: Iterable[Prediction], classes: tuple[str, ...]) -> int:
    failed = 0
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(
        ["image", "predicted", *(f"probability_{name}" for name in classes), "threshold", "error"]
    )
    for prediction in predictions:
        row = prediction.as_dict()
        probability = [prediction.probability.get(name, "") for name in classes]
        threshold = "" if prediction.threshold is None else prediction.threshold
        writer.writerow(
            [prediction.image, prediction.predicted or "", *probability, threshold, row.get("error", "")]
        )
        failed += prediction.error is not None
    return failed


def _show_predictions(predictions: Iterable[Prediction], classes: tuple[str, ...]) -> int:
    from rich.table import Table
    from rich.text import Text

    from hilum.bundle import INTENDED_USE
    from hilum.cli.console import results

    done = list(predictions)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Image", overflow="fold", ratio=3)
    table.add_column("Predicted", overflow="fold")
    for name in classes:
        table.add_column(Text(f"P({name})"), justify="right", no_wrap=True)
    failures = [prediction for prediction in done if prediction.error is not None]
    for prediction in done:
        if prediction.error is None:
            shares = [f"{prediction.probability[name]:.1%}" for name in classes]
            table.add_row(Text(prediction.image), Text(prediction.predicted or ""), *shares)
    console = results()
    if len(done) > len(failures):
        console.print(table)
    for prediction in failures:
        console.print(
            Text.assemble(("failed  ", "red"), f"{prediction.image}: {prediction.as_dict()['error']}"),
            soft_wrap=True,
        )
    rule = next((prediction.threshold for prediction in done if prediction.threshold is not None), None)
    told = "" if rule is None else f" {classes[-1]} from a probability of {rule:.3g} on."
    counted = f"{len(done) - len(failures)} predicted, {len(failures)} failed."
    console.print(f"\n{counted}{told} {INTENDED_USE}", style="dim", soft_wrap=True, markup=False)
    return len(failures)


def audit(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of its images.  [default: where it was trained from]")
    ] = None,
    external: Annotated[
        Path | None,
        typer.Option(metavar="COHORT", help="Another hospital's images: a table, or a folder per class."),
    ] = None,
    external_data: Annotated[
        Path | None, typer.Option(help="Folder that the external table's paths start from.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="audit.json on standard output.")] = False,
) -> None:
    """Ask whether RUN's result can be believed. Exits with 0 if it is sound, 2 doubtful, 3 broken."""
    from hilum.auditing import Rating
    from hilum.cli.console import TerminalProgress, results, show_audit, status
    from hilum.run.audit import audit as audit_run
    from hilum.run.run import Run

    opened = Run.open(run)
    found = audit_run(
        opened, data, external, external_data=external_data, progress=TerminalProgress(status())
    )
    if json_:
        print((opened.path / "audit.json").read_text())
    else:
        show_audit(found, results())
        results().print(f"\nReport  {opened.report}", soft_wrap=True, markup=False)
    codes = {Rating.SOUND: 0, Rating.DOUBTFUL: 2, Rating.BROKEN: 3}
    raise typer.Exit(codes[found.verdict.rating])
