"""The audit of a run, of any classifier, or of predictions made elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing import PROBE_PREPROCESSING, Audit, External, Probe, ProbeImages, Subject, examine
from hilum.auditing.images import ABLATED, PROBE_BACKBONE
from hilum.auditing.subject import MAX_ROWS
from hilum.backbone import FeatureStore, choose_engine, extract_views, open_backbone
from hilum.classifier.classifier import Classifier
from hilum.cohort import Cohort, locate
from hilum.errors import AuditError, RunError
from hilum.metrics import Predictions, metrics_of_parts
from hilum.progress import SILENT, Progress
from hilum.run.evaluate import predict_cohort
from hilum.run.report import write_audit_report, write_report
from hilum.run.run import AUDIT_FILE, Run, write_metrics

__all__ = ["audit", "audit_run", "images_of", "probe_images", "subject_of"]


def audit(
    result: Run | Classifier | Predictions | Path | str,
    cohort: Cohort | Path | str | None = None,
    *,
    data: Path | str | None = None,
    external: Cohort | Path | str | None = None,
    external_data: Path | str | None = None,
    out: Path | str | None = None,
    probes: Iterable[Probe] | None = None,
    progress: Progress = SILENT,
) -> Audit:
    """Test whether a classifier's result can be believed.

    A run keeps the audit and draws its report again. The audit of a classifier, or of predictions made
    elsewhere, is written to `out`: ``audit.json``, ``predictions.csv``, ``metrics.json`` and ``report.html``.

    Parameters
    ----------
    result : Run, Classifier, Predictions, Path or str
        A finished run or its folder; a classifier, which predicts `cohort`; or predictions for images in
        `data`.
    cohort : Cohort, Path or str, optional
        Table of the images, or a folder with a subfolder for each class. Needed for a classifier; it adds
        facts such as age or view to predictions.
    data : Path or str, optional
        Folder that the images' paths start from; for a run, where it was trained from by default.
    external : Cohort, Path or str, optional
        Images of another hospital; needs a classifier that can be run.
    external_data : Path or str, optional
        Folder that the external table's paths start from.
    out : Path or str, optional
        Folder for the audit of a classifier or of predictions; nothing is written by default.
    probes : iterable of Probe, optional
        All probes by default.
    progress : Progress

    Raises
    ------
    HilumError
        If the run, the images, the probe network or a cohort cannot be read.

    Examples
    --------
    >>> import hilum
    >>> hilum.audit("runs/tutorial-model-1").verdict.rating  # doctest: +SKIP
    <Rating.BROKEN: 'broken'>
    """
    if external is not None and not isinstance(external, Cohort):
        external = locate(external, external_data)
    with FeatureStore.open(progress=progress) as store:
        if isinstance(result, Run | Path | str):
            run = result if isinstance(result, Run) else Run.open(result)
            return audit_run(run, images_of(run, data), external, store, probes, progress)
        if cohort is not None and not isinstance(cohort, Cohort):
            cohort = locate(cohort, data)
        subject, root = _foreign(result, cohort, data, external, store, progress)
        found = examine(subject, probes)
    if out is not None:
        _write(Path(out), root, subject, found, progress)
    return found


def audit_run(
    run: Run,
    data: Path,
    external: Cohort | None = None,
    store: FeatureStore | None = None,
    probes: Iterable[Probe] | None = None,
    progress: Progress = SILENT,
    *,
    images: ProbeImages | None = None,
    thumbnails: Mapping[str, NDArray[np.uint8]] | None = None,
) -> Audit:
    """Audit a run, keep the audit in it, and draw its report again; see `audit`.

    Training hands on the run's `images` and the report's `thumbnails`, as far as it has read them.
    """
    subject = subject_of(run, data, external, store, progress, images)
    found = examine(subject, probes)
    found.write(run.path / AUDIT_FILE)
    write_report(run.holding(audit=found), data, progress, thumbnails=thumbnails)
    return found


def images_of(run: Run, data: Path | str | None = None) -> Path:
    """Return the folder of a run's images: `data`, or where the run was trained from.

    Raises
    ------
    RunError
        If the first image is not there.
    """
    folder = run.data if data is None else Path(data)
    first = run.cohort.table["image"].iloc[0]
    if folder is None or not (folder / first).is_file():
        raise RunError(
            "the images of the run are not here",
            path=folder or run.path,
            expected=first,
            found="no such file",
            remedy="Name the folder that the run was trained from with --data.",
        )
    return folder


def subject_of(
    run: Run,
    data: Path,
    external: Cohort | None = None,
    store: FeatureStore | None = None,
    progress: Progress = SILENT,
    images: ProbeImages | None = None,
) -> Subject:
    """Make the subject of a run's audit: its table, predictions and classifier.

    Rows are in the order of their names, so that the audit does not depend on the order of the table.
    `images` are those of the run's cohort, row by row, if they were read before.
    """
    order = np.argsort(run.cohort.table["image"].to_numpy(str), kind="stable")
    table = run.cohort.table.iloc[order].reset_index(drop=True)
    if images is None:
        images = probe_images([data / image for image in table["image"]], store, progress)
    else:
        images = images.select(order)
    return Subject(
        table=table,
        predictions=run.predictions,
        images=images,
        classifier=run.model,
        external=None if external is None else _predict_external(run.model, external, progress),
        published=run.recipe.published,
        progress=progress,
    )


def probe_images(
    paths: Sequence[Path], store: FeatureStore | None = None, progress: Progress = SILENT
) -> ProbeImages:
    """Open the network of the audit's probe model, the embedded EfficientNet-Lite0, for some files."""
    backbone = open_backbone(PROBE_BACKBONE, PROBE_PREPROCESSING.size)
    return ProbeImages(paths, backbone, choose_engine(backbone), store=store, progress=progress)


def _foreign(
    result: Classifier | Predictions,
    cohort: Cohort | None,
    data: Path | str | None,
    external: Cohort | None,
    store: FeatureStore,
    progress: Progress,
) -> tuple[Subject, Path]:
    """Make the subject of any other classifier, or of its predictions, and return its images' folder."""
    classifier: Classifier | None = None
    if isinstance(result, Predictions):
        predictions, root = result, cohort.root if data is None and cohort is not None else data
    else:
        classifier = result
        if cohort is None:
            raise AuditError("a classifier needs images to predict", remedy="Name their table with --cohort.")
        found = predict_cohort(classifier, cohort, progress)
        predictions, cohort, root = found.predictions, found.cohort, found.cohort.root
    if root is None:
        raise AuditError("the folder of the images is not known", remedy="Name it with --data.")
    root = Path(root)
    table, predictions, images = _read_files(_table(predictions, cohort), predictions, root, store, progress)
    if external is not None and classifier is None:
        raise AuditError(
            "predictions alone cannot be tested on another hospital",
            remedy="Name the classifier with --model or --function, or evaluate its predictions there.",
        )
    there = None
    if classifier is not None and external is not None:
        there = _predict_external(classifier, external, progress)
    return Subject(table, predictions, images, classifier, there, progress=progress), root


def _table(predictions: Predictions, cohort: Cohort | None) -> pd.DataFrame:
    """One row an image that has a prediction, by name, with the facts that the cohort's table adds."""
    table = predictions.table.drop_duplicates("image")[["image", "label", "patient", "source"]]
    table = table.iloc[np.argsort(table["image"].to_numpy(str), kind="stable")]
    if cohort is None:
        return table.reset_index(drop=True)
    known = table.columns.difference(["image"])
    facts = cohort.table.drop(columns=known, errors="ignore").drop_duplicates("image")
    return table.merge(facts, on="image", how="left")


def _read_files(
    table: pd.DataFrame, predictions: Predictions, root: Path, store: FeatureStore, progress: Progress
) -> tuple[pd.DataFrame, Predictions, ProbeImages]:
    """Read the files once; add the facts of their headers, and drop images that cannot be read."""
    images = probe_images([root / image for image in table["image"]], store, progress)
    names = ("", *ABLATED) if len(table) <= MAX_ROWS else ("",)
    observers = images.observers() if len(table) <= MAX_ROWS else []
    found = extract_views(images.paths, images.views(names), store, progress, observers=observers)
    images.accept(found, np.arange(len(table)), names)
    failures = found[0].failures
    if len(failures) == len(table):
        raise AuditError(
            "none of the images can be read", path=root, found=f"first: {next(iter(failures.values()))}"
        )
    if failures:
        progress.say(f"{len(failures)} of {len(table)} images cannot be read and are left out of the audit.")
    headers = pd.DataFrame([{} if header is None else header.as_row() for header in found[0].headers])
    headers = headers.dropna(axis="columns", how="all")
    readable = np.setdiff1d(np.arange(len(table)), list(failures))
    table = table.drop(columns=headers.columns, errors="ignore").join(headers)
    table = table.iloc[readable].reset_index(drop=True)
    kept = predictions.table["image"].isin(table["image"])
    predictions = replace(predictions, table=predictions.table[kept].reset_index(drop=True))
    return table, predictions, images.select(readable)


def _predict_external(classifier: Classifier, external: Cohort, progress: Progress) -> External:
    sources = sorted(external.table["source"].unique())
    name = ", ".join(sources) if len(sources) <= 3 else f"{len(sources)} sources"
    return External(name, predict_cohort(classifier, external, progress).predictions)


def _write(out: Path, root: Path, subject: Subject, found: Audit, progress: Progress) -> None:
    out.mkdir(parents=True, exist_ok=True)
    subject.predictions.write(out / "predictions.csv")
    metrics = metrics_of_parts(subject.predictions, np.random.default_rng(subject.seed))
    write_metrics(out / "metrics.json", metrics)
    found.write(out / AUDIT_FILE)
    classifier = subject.classifier
    threshold = None if classifier is None else classifier.threshold
    write_audit_report(
        out,
        subject.table,
        subject.predictions,
        metrics,
        found,
        progress,
        data=root,
        threshold=None if threshold is None else threshold.value,
        seed=subject.seed,
        classifier="predictions made elsewhere" if classifier is None else type(classifier).__name__,
    )
