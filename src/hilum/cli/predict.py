"""``hilum predict``: a saved classifier on files that it has not seen."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.bundle import Prediction

__all__ = ["predict"]


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
    from hilum.cli.console import status
    from hilum.cli.progress import TerminalProgress
    from hilum.radiograph import find_images

    if csv_ and json_:
        raise typer.BadParameter("choose one of --csv and --json")
    model = Bundle.load(run)
    progress = TerminalProgress(status())
    predictions = model.predict_many(find_images(paths), progress)
    write = _write_csv if csv_ else _write_json if json_ else _show
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


def _show(predictions: Iterable[Prediction], classes: tuple[str, ...]) -> int:
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
