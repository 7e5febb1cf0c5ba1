"""From a run's files to its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.auditing import Audit, Example, illustrated
from hilum.bundle.manifest import PrecisionRecord
from hilum.errors import RadiographError, RunError
from hilum.executor import LOCAL
from hilum.files import write_json
from hilum.metrics import Predictions, clinical, confusion, pr_curve, roc_curve
from hilum.progress import SILENT, Progress
from hilum.radiograph import read, thumbnail
from hilum.recipe import dump
from hilum.report import BackboneFacts, Content, Environment, shown, write
from hilum.run.run import Run

__all__ = ["EVALUATION_FILE", "write_report"]


EVALUATION_FILE = "evaluation.json"
"""Calibration, other thresholds and other prevalences of the test rows."""

_THUMBNAIL_SIDE = 192


def write_report(run: Run, data: Path | None, progress: Progress = SILENT) -> None:
    """Write ``report.html``, ``checklist.md``, ``evaluation.json`` and ``figures/`` of a run.

    Parameters
    ----------
    run : Run
        With all its other files.
    data : Path, optional
        Folder that the cohort's paths are relative to; without it the gallery has names and no pictures.
    progress : Progress

    Raises
    ------
    RunError
        If `data` is no folder.
    """
    if data is not None and not data.is_dir():
        raise RunError("the folder of the images is not here", path=data, remedy="Check --data.")
    thumbnails = {} if data is None else _thumbnails(run.predictions.part("test"), data, progress)
    examples = {} if data is None or run.audit is None else _examples(run, run.audit, data, progress)
    content = _content(run, thumbnails, examples)
    write_json(run.path / EVALUATION_FILE, content.clinical.record())
    write(content, run.path, progress)


def _thumbnails(test: Predictions, data: Path, progress: Progress) -> dict[str, NDArray[np.uint8]]:
    def small(image: str) -> NDArray[np.uint8] | None:
        try:
            radiograph = read(data / image, side=_THUMBNAIL_SIDE)
        except RadiographError:  # it was read once; now it is gone, and the gallery says so
            return None
        return thumbnail(radiograph.pixels, _THUMBNAIL_SIDE, radiograph.extent)

    images = list(dict.fromkeys(test.images[shown(test)]))
    pairs = zip(images, LOCAL.map(small, images), strict=True)
    done = progress.track(pairs, what="Reading the test images", total=len(images))
    return {image: pixels for image, pixels in done if pixels is not None}


def _examples(run: Run, audit: Audit, data: Path, progress: Progress) -> dict[Example, NDArray[np.uint8]]:
    """Draw the images that the audit shows; one that is gone stays a name."""
    preprocessing = run.model.preprocessing

    def prepared(image: str) -> NDArray[np.float32]:
        radiograph = read(data / image, side=preprocessing.size)
        return preprocessing.apply(radiograph.pixels, radiograph.extent)

    def drawn(example: Example) -> NDArray[np.uint8] | None:
        try:
            return illustrated(example, prepared)
        except RadiographError:
            return None

    examples = audit.examples
    pairs = zip(examples, LOCAL.map(drawn, examples), strict=True)
    done = progress.track(pairs, what="Drawing the audit's examples", total=len(examples))
    return {example: pixels for example, pixels in done if pixels is not None}


def _content(
    run: Run, thumbnails: dict[str, NDArray[np.uint8]], examples: dict[Example, NDArray[np.uint8]]
) -> Content:
    test = run.predictions.part("test")
    seed = run.recipe.seed
    manifest = run.model.manifest
    backbone, environment = manifest.backbone, run.environment
    return Content(
        recipe=run.recipe,
        recipe_text=dump(run.recipe),
        cohort=run.cohort.table,
        exclusions=run.cohort.exclusions,
        history=run.history,
        predictions=run.predictions,
        metrics=run.metrics,
        roc=roc_curve(test),
        pr=pr_curve(test, np.random.default_rng(seed)),
        confusion=confusion(test),
        threshold=manifest.threshold.value,
        threshold_choice=manifest.threshold.rule,
        backbone=BackboneFacts(
            name=backbone.name,
            weights=backbone.weights,
            licence=backbone.licence,
            features=backbone.features,
            parameters=backbone.parameters,
        ),
        environment=Environment(
            device=f"{environment['device']}, {environment['precision']}{_drift(manifest.precision)}",
            versions=environment["versions"],
            seconds=environment["seconds"],
        ),
        thumbnails=thumbnails,
        audit=run.audit,
        examples=examples,
        clinical=clinical(run.predictions, manifest.threshold.value, np.random.default_rng(seed)),
        synthetic=manifest.synthetic,
        splits_share_patients=_shared_patients(run.predictions),
    )


def _drift(precision: PrecisionRecord) -> str:
    """Say how far a reduced precision moved the classifier, where one was tried."""
    error = precision.precision_error
    if error is None:
        return ""
    moved = (
        f"on {error.images} validation images a probability moved by {error.largest:.4f} at most from"
        f" float32, {error.flips} decisions flipped"
    )
    return (
        f" ({moved})" if error.precision == precision.value else f" ({error.precision} was refused: {moved})"
    )


def _shared_patients(predictions: Predictions) -> int:
    """Count patients who stand in a fold's test rows and among the rows that it learned from."""
    table = predictions.table
    shared = set()
    for _, fold in table.groupby("fold"):
        tested = fold["split"] == "test"
        shared |= set(fold.loc[tested, "patient"]) & set(fold.loc[~tested, "patient"])
    return len(shared)
