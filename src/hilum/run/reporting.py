"""From a run's files to its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.errors import RadiographError, RunError
from hilum.evaluate import Predictions, confusion, pr_curve, roc_curve
from hilum.progress import SILENT, Progress
from hilum.radiograph import ahead, read, thumbnail
from hilum.recipe import dump
from hilum.report import BackboneFacts, Content, Environment, write
from hilum.run.run import Run

__all__ = ["write_report"]

_THUMBNAIL_SIDE = 192


def write_report(run: Run, data: Path | None, progress: Progress = SILENT) -> None:
    """Write ``report.html`` and ``figures/``, ``predictions.pdf`` among them, of a run.

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
    write(_content(run, thumbnails), run.path, progress)


def _thumbnails(test: Predictions, data: Path, progress: Progress) -> dict[str, NDArray[np.uint8]]:
    def small(image: str) -> NDArray[np.uint8] | None:
        try:
            return thumbnail(read(data / image).pixels, _THUMBNAIL_SIDE)
        except RadiographError:  # it was read once; now it is gone, and the gallery says so
            return None

    images = list(dict.fromkeys(test.table["image"]))
    pairs = zip(images, ahead(small, images), strict=True)
    done = progress.track(pairs, what="Reading the test images", total=len(images))
    return {image: pixels for image, pixels in done if pixels is not None}


def _content(run: Run, thumbnails: dict[str, NDArray[np.uint8]]) -> Content:
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
            device=environment["device"],
            versions=environment["versions"],
            seconds=environment["seconds"],
        ),
        thumbnails=thumbnails,
        synthetic=manifest.synthetic,
        splits_share_patients=_shared_patients(run.predictions),
    )


def _shared_patients(predictions: Predictions) -> int:
    """Count patients who stand in a fold's test rows and among the rows that it learned from."""
    table = predictions.table
    shared = set()
    for _, fold in table.groupby("fold"):
        tested = fold["split"] == "test"
        shared |= set(fold.loc[tested, "patient"]) & set(fold.loc[~tested, "patient"])
    return len(shared)
