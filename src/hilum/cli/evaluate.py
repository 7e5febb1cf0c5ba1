"""``hilum evaluate``: a run's classifier on a cohort that it has never seen."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli.classifiers import (
    ClassesOption,
    FunctionOption,
    ModelOption,
    PredictionsOption,
    PreprocessingOption,
    ThresholdOption,
    class_names,
    open_classifier,
    open_table,
)

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from hilum.classifier import Classifier
    from hilum.metrics import Comparison, Predictions
    from hilum.run.evaluate import Evaluation
    from hilum.run.predict import Prediction

__all__ = ["audit", "compare", "evaluate", "predict"]


def evaluate(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="A finished run, unless an option names a classifier."),
    ] = None,
    cohort: Annotated[
        Path | None,
        typer.Option(metavar="COHORT", help="A table of images, or a folder with a subfolder per class."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that the table's paths start from.  [default: data, or the table's own]"),
    ] = None,
    model: ModelOption = None,
    preprocessing: PreprocessingOption = None,
    function: FunctionOption = None,
    predictions: PredictionsOption = None,
    classes: ClassesOption = None,
    threshold: ThresholdOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Leave predictions and metrics in this folder, or predictions in a .csv."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an evaluation at --out.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Evaluate a classifier on COHORT. Beside those of a RUN stand the figures of its own test images."""
    from hilum.cli.console import TerminalProgress, results, status
    from hilum.files import json_text
    from hilum.run.evaluate import evaluate as evaluate_model
    from hilum.run.run import Run

    progress = TerminalProgress(status())
    if predictions is not None:
        if run or model or function:
            raise typer.BadParameter("name one: RUN, --model, --function or --predictions")
        table = open_table(predictions, classes, threshold, _facts(cohort, data))
        for column, stand_in in table.absent.items():
            progress.say(f"The predictions have no column {column}: {stand_in}.")
        found = evaluate_model(table.predictions)
    elif cohort is None:
        raise typer.BadParameter("name the images: --cohort")
    elif run is not None and model is None and function is None:
        found = evaluate_model(Run.open(run), cohort, data=data, progress=progress)
    else:
        classifier = open_classifier(run, model, preprocessing, function, classes, threshold)
        found = evaluate_model(classifier, cohort, data=data, progress=progress)
    if out is not None and out.suffix.lower() == ".csv":
        found.predictions.write(out)
    elif out is not None:
        found.write(out, overwrite=overwrite)
    if json_:
        print(json_text(found.as_dict()))
    else:
        _show_evaluation(found, results())


def _facts(cohort: Path | None, data: Path | None) -> pd.DataFrame | None:
    """Return the table of a cohort; its images are not needed."""
    if cohort is None:
        return None
    from hilum.cohort import locate
    from hilum.cohort.tables import read_table

    return locate(cohort, data).table if cohort.is_dir() else read_table(cohort)[0]


def _show_evaluation(found: Evaluation, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from hilum.metrics import METRICS
    from hilum.report.text import estimate, interval, plural, value

    images, alarms = found.predictions.table, found.alarms
    left_out = len(found.exclusions)
    counted = (
        f"{plural(images['image'].nunique(), 'image')} of {plural(images['patient'].nunique(), 'patient')}"
    )
    console.print(f"\n{counted}{f'; {left_out} left out' if left_out else ''}", style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0))
    inside = ("Own test",) if found.drops else ()
    beside = ("Drop", "95 % interval") if found.drops else ()
    for title in ("Metric", *inside, "Here", "95 % interval", "n", *beside):
        table.add_column(title, justify="left" if title == "Metric" else "right")
    for name, metric in METRICS.items():
        figure = found.metrics[name]
        here = value(name, figure.value), interval(name, figure), str(figure.n)
        if found.drops:
            one = found.drops[name]
            gap = value(name, one.difference.value), interval(name, one.difference)
            table.add_row(metric.title, value(name, one.internal.value), *here, *gap)
        else:
            table.add_row(metric.title, *here)
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
    for reason, count in found.exclusions["reason"].value_counts().items():
        console.print(f"Left out: {count}, {reason}", markup=False)


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="A run, an evaluation, or a table of predictions.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one, of the same classes.")],
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Of tables that do not tell which class is positive: that one last."
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Compare two classifiers, image by image. Only test images that both have count."""
    from dataclasses import asdict

    from hilum.files import json_text
    from hilum.run.compare import compare as compare_classifiers

    found = compare_classifiers(a, b, classes=class_names(classes))
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
    console.print(f"\n{plural(found.images, 'test image')} in both", style="bold")
    if found.only_a or found.only_b:
        console.print(
            f"Left out, in one of them alone: {found.only_a} of {a}, {found.only_b} of {b}", markup=False
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
        f"\nCorrect in one of them alone: {right.only_a} in A, {right.only_b} in B."
        " p: McNemar's test (mid-p) for accuracy, DeLong's for ROC AUC.",
        style="dim",
    )


def _p(value: float) -> str:
    if value != value:  # noqa: PLR0124  no test
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def predict(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN] PATH",
            help="A run or its model folder, unless an option names a classifier; images, folders, globs.",
        ),
    ],
    model: ModelOption = None,
    preprocessing: PreprocessingOption = None,
    function: FunctionOption = None,
    classes: ClassesOption = None,
    threshold: ThresholdOption = None,
    csv_: Annotated[bool, typer.Option("--csv", help="CSV on standard output.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")] = False,
) -> None:
    """Predict images, DICOM or raster. Exits with 1 if any image failed; the others' results stand."""
    from hilum.cli.console import TerminalProgress, status
    from hilum.radiograph import find_images
    from hilum.run.predict import predict as predict_files

    if csv_ and json_:
        raise typer.BadParameter("choose one of --csv and --json")
    run, paths = (Path(words[0]), words[1:]) if model is None and function is None else (None, words)
    if not paths:
        raise typer.BadParameter("name the images to predict behind the run")
    classifier = open_classifier(run, model, preprocessing, function, classes, threshold)
    predictions = predict_files(classifier, find_images(paths), TerminalProgress(status()))
    write = _write_csv if csv_ else _write_json if json_ else _show_predictions
    failed = write(predictions, classifier.classes)
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
    told = "" if rule is None else f" {classes[-1]} is predicted when its probability is at least {rule:.3g}."
    counted = f"{len(done) - len(failures)} predicted, {len(failures)} failed."
    console.print(f"\n{counted}{told} {INTENDED_USE}", style="dim", soft_wrap=True, markup=False)
    return len(failures)


def audit(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A finished run.")] = None,
    model: ModelOption = None,
    preprocessing: PreprocessingOption = None,
    function: FunctionOption = None,
    predictions: PredictionsOption = None,
    classes: ClassesOption = None,
    threshold: ThresholdOption = None,
    cohort: Annotated[
        Path | None,
        typer.Option(
            metavar="COHORT", help="Images of --model, --function or --predictions: a table or folder."
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the images.  [default for RUN: where it was trained from]")
    ] = None,
    external: Annotated[
        Path | None,
        typer.Option(metavar="COHORT", help="Images of another hospital: a table, or a folder per class."),
    ] = None,
    external_data: Annotated[
        Path | None, typer.Option(help="Folder that the external table's paths start from.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the audit of a classifier or of predictions.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print audit.json.")] = False,
) -> None:
    """Test whether a classifier's result can be believed: a run's, or any other classifier's.

    Exits with 0 if it is sound, 2 if doubtful, 3 if broken.
    """
    from hilum.auditing import Rating
    from hilum.cli.console import TerminalProgress, results, show_audit, status
    from hilum.cohort import locate
    from hilum.run.audit import audit as audit_result

    progress = TerminalProgress(status())
    if run is not None:
        if any(each is not None for each in (model, function, predictions, cohort, out)):
            raise typer.BadParameter(
                "a run needs none of --model, --function, --predictions, --cohort, --out"
            )
        folder = run
        found = audit_result(
            run, data=data, external=external, external_data=external_data, progress=progress
        )
    else:
        folder = (
            out or Path("runs") / f"audit-{(predictions or model or Path(function or 'classifier')).stem}"
        )
        located = None if cohort is None else locate(cohort, data)
        result: Classifier | Predictions
        if predictions is not None:
            facts = None if located is None else located.table
            result = open_table(predictions, classes, threshold, facts).predictions
        else:
            result = open_classifier(None, model, preprocessing, function, classes, threshold)
        found = audit_result(
            result,
            located,
            data=data,
            external=external,
            external_data=external_data,
            out=folder,
            progress=progress,
        )
    if json_:
        print((folder / "audit.json").read_text())
    else:
        show_audit(found, results())
        results().print(f"\nReport  {folder / 'report.html'}", soft_wrap=True, markup=False)
    raise typer.Exit({Rating.SOUND: 0, Rating.DOUBTFUL: 2, Rating.BROKEN: 3}[found.verdict.rating])
