"""The report of a run, and of the audit of any other classifier: gathers its content, and writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing import PROBE_PREPROCESSING, Audit, Example, illustrated
from hilum.bundle.manifest import PrecisionRecord
from hilum.errors import RadiographError, RunError
from hilum.executor import LOCAL
from hilum.files import write_json
from hilum.metrics import Predictions, clinical, confusion, pr_curve, roc_curve
from hilum.progress import SILENT, Progress
from hilum.radiograph import read, thumbnail
from hilum.recipe import dump
from hilum.report import BackboneFacts, Content, Environment, shown, write
from hilum.run.run import Metrics, Run

__all__ = ["EVALUATION_FILE", "content_of", "write_audit_report", "write_report"]

EVALUATION_FILE = "evaluation.json"
"""Calibration, operating points, predictive values and decision curve of the test images."""

THUMBNAIL_SIDE = 192

Pixels = NDArray[np.uint8]
Prepare = Callable[[str], NDArray[np.float32]]


def write_report(
    run: Run,
    data: Path | None,
    progress: Progress = SILENT,
    *,
    thumbnails: Mapping[str, Pixels] | None = None,
) -> None:
    """Write ``report.html``, ``checklist.md``, ``evaluation.json`` and ``figures/`` of a run.

    Parameters
    ----------
    run : Run
        With all its other files.
    data : Path, optional
        Folder of the images; without it the report shows no images.
    progress : Progress
    thumbnails : mapping of str to ndarray of uint8, optional
        Small copies of test images that were decoded before; only the others are read.

    Raises
    ------
    RunError
        If `data` is not a folder.
    """
    _require_folder(data)
    model, environment = run.model, run.environment
    manifest = model.manifest
    backbone, threshold = manifest.backbone, manifest.threshold
    content = content_of(
        run.predictions,
        run.cohort.table,
        run.metrics,
        threshold=threshold.value,
        seed=run.recipe.seed,
        threshold_choice=threshold.rule,
        exclusions=run.cohort.exclusions,
        recipe=run.recipe,
        recipe_text=dump(run.recipe),
        history=run.history,
        backbone=BackboneFacts(
            backbone.name, backbone.weights, backbone.licence, backbone.features, backbone.parameters
        ),
        environment=Environment(
            f"{environment['device']}, {environment['precision']}{_precision_error(manifest.precision)}",
            environment["versions"],
            environment["seconds"],
        ),
        synthetic=manifest.synthetic,
        audit=run.audit,
        **_images(run.predictions, run.audit, data, _reader(data), thumbnails, progress),
    )
    _write(content, run.path, progress)


def write_audit_report(
    folder: Path,
    table: pd.DataFrame,
    predictions: Predictions,
    metrics: Metrics,
    audit: Audit | None,
    progress: Progress = SILENT,
    *,
    data: Path | None = None,
    thumbnails: Mapping[str, Pixels] | None = None,
    threshold: float | None = None,
    seed: int = 0,
    **facts: Any,
) -> None:
    """Write the same files for a classifier that hilum did not train; the report names what is not known.

    Parameters
    ----------
    folder : Path
    table : DataFrame
        One row per image: image, label, patient, source, and further facts such as age, if known.
    predictions : Predictions
    metrics : mapping of str to mapping of str to Estimate
    audit : Audit, optional
    progress : Progress
    data : Path, optional
        Folder of the images; without it the report shows no images.
    thumbnails : mapping of str to ndarray of uint8, optional
        Small copies of test images that were decoded before; only the others are read.
    threshold : float, optional
        The positive class is predicted when its probability is at least this; two classes only.
    seed : int
        Of the bootstrap.
    **facts
        Further fields of `hilum.report.Content`, such as ``classifier``.

    Raises
    ------
    RunError
        If `data` is not a folder.
    """
    _require_folder(data)
    images = _images(predictions, audit, data, _reader(data), thumbnails, progress)
    content = content_of(
        predictions, table, metrics, threshold=threshold, seed=seed, audit=audit, **images, **facts
    )
    _write(content, folder, progress)


def content_of(
    predictions: Predictions,
    cohort: pd.DataFrame,
    metrics: Metrics,
    *,
    threshold: float | None = None,
    seed: int = 0,
    **facts: Any,
) -> Content:
    """Compute from predictions what a report needs, and add `facts`, further fields of `Content`."""
    test = predictions.part("test")
    return Content(
        predictions=predictions,
        cohort=cohort,
        metrics=metrics,
        roc=roc_curve(test),
        pr=pr_curve(test, np.random.default_rng(seed)),
        confusion=confusion(test),
        threshold=threshold,
        clinical=clinical(predictions, threshold, np.random.default_rng(seed)),
        splits_share_patients=_shared_patients(predictions),
        **facts,
    )


def _write(content: Content, folder: Path, progress: Progress) -> None:
    write_json(folder / EVALUATION_FILE, content.clinical.record())
    write(content, folder, progress)


def _require_folder(data: Path | None) -> None:
    if data is not None and not data.is_dir():
        raise RunError("the folder of the images does not exist", path=data, remedy="Check --data.")


def _reader(data: Path | None) -> Prepare | None:
    """Return what reads an example of the audit, as the probe model sees it."""
    if data is None:
        return None

    def prepared(image: str) -> NDArray[np.float32]:
        radiograph = read(data / image, side=PROBE_PREPROCESSING.size)
        return PROBE_PREPROCESSING.apply(radiograph.pixels, radiograph.extent)

    return prepared


def _images(
    predictions: Predictions,
    audit: Audit | None,
    data: Path | None,
    prepare: Prepare | None,
    thumbnails: Mapping[str, Pixels] | None,
    progress: Progress,
) -> dict[str, Any]:
    """Thumbnails of the test images that are shown, and pixels of the audit's examples."""
    known = dict(thumbnails or {})
    test = predictions.part("test")
    if data is not None:
        missing = [image for image in dict.fromkeys(test.images[shown(test)]) if image not in known]
        known |= _thumbnails(missing, data, progress)
    examples = {} if audit is None or prepare is None else _examples(audit, prepare, progress)
    return {"thumbnails": known, "examples": examples}


def _thumbnails(images: list[str], data: Path, progress: Progress) -> dict[str, Pixels]:
    def small(image: str) -> Pixels | None:
        try:
            radiograph = read(data / image, side=THUMBNAIL_SIDE)
        except RadiographError:  # the file is no longer there: the gallery says so
            return None
        return thumbnail(radiograph.pixels, THUMBNAIL_SIDE, radiograph.extent)

    pairs = zip(images, LOCAL.map(small, images), strict=True)
    done = progress.track(pairs, what="Reading the test images", total=len(images))
    return {image: pixels for image, pixels in done if pixels is not None}


def _examples(audit: Audit, prepare: Prepare, progress: Progress) -> dict[Example, Pixels]:
    def drawn(example: Example) -> Pixels | None:
        try:
            return illustrated(example, prepare)
        except RadiographError:
            return None

    pairs = zip(audit.examples, LOCAL.map(drawn, audit.examples), strict=True)
    done = progress.track(pairs, what="Drawing the audit's examples", total=len(audit.examples))
    return {example: pixels for example, pixels in done if pixels is not None}


def _precision_error(precision: PrecisionRecord) -> str:
    """Deviation of a reduced precision from float32, if one was tried."""
    error = precision.precision_error
    if error is None:
        return ""
    moved = (
        f"on {error.images} validation images the probabilities differ from float32 by {error.largest:.4f} at"
        f" most, and {error.flips} decisions differ"
    )
    return (
        f" ({moved})" if error.precision == precision.value else f" ({error.precision} was rejected: {moved})"
    )


def _shared_patients(predictions: Predictions) -> int:
    """Number of patients in the test part of a fold and in another part of the same fold."""
    shared = set()
    for _, fold in predictions.table.groupby("fold"):
        tested = fold["split"] == "test"
        shared |= set(fold.loc[tested, "patient"]) & set(fold.loc[~tested, "patient"])
    return len(shared)
