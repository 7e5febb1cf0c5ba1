"""The main job: from a recipe and a folder of radiographs to a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from hilum.auditing.images import PROBE_BACKBONE, PROBE_PREPROCESSING
from hilum.backbone import (
    FeatureStore,
    OpenVinoEngine,
    open_backbone,
    prepare_backbone,
)
from hilum.bundle.bundle import save
from hilum.bundle.manifest import PrecisionErrorRecord, PrecisionRecord
from hilum.cohort import Cohort, Fold, build, split
from hilum.errors import CohortError
from hilum.files import replacing, write_json, write_text
from hilum.metrics import metrics_of_parts
from hilum.progress import SILENT, Progress
from hilum.radiograph import Fit, Preprocessing
from hilum.recipe import Recipe, Setting, dump, load
from hilum.run.audit import audit_run
from hilum.run.learning import AlsoRead, Experiment, Learned, learn
from hilum.run.report import write_report
from hilum.run.run import Run, Stopwatch, environment, staging, versions, write_metrics

__all__ = ["train"]


def train(
    recipe: str | Path | Recipe,
    data: Path | str = "data",
    out: Path | str | None = None,
    *,
    settings: Iterable[Setting] = (),
    audited: bool = True,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> Run:
    """Train a classifier as a recipe states it, and report what it is worth.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A shipped recipe's name, a YAML file, or a recipe.
    data : Path or str
        Folder that holds the recipe's sources.
    out : Path or str, optional
        Where the run shall be; ``runs/<name of the recipe>`` otherwise.
    settings : iterable of Setting
        Values in place of the recipe's.
    audited : bool
        Ask also whether the result can be believed; see `hilum.auditing`.
    overwrite : bool
        Replace a finished run at `out`.
    progress : Progress
        Listens to the work.

    Returns
    -------
    Run

    Raises
    ------
    HilumError
        If the recipe, the data, the weights or the place for the run are not as they must be. Nothing is left
        at `out` then, except the run that was there.

    Examples
    --------
    >>> import hilum
    >>> run = hilum.train("tutorial-model-1", data="xrays/")  # doctest: +SKIP
    >>> [found.predicted for found in hilum.predict(run.model, ["chest.dcm"])]  # doctest: +SKIP
    ['COVID-19']
    """
    resolved = recipe if isinstance(recipe, Recipe) else load(recipe, settings)
    data = Path(data)
    out = Path("runs") / resolved.name if out is None else Path(out)
    with staging(out, overwrite=overwrite) as folder, FeatureStore.open(progress=progress) as store:
        run, also = _work(resolved, data, folder, store, progress, audited=audited)
        if audited:
            audit_run(
                run, data, store=store, progress=progress, images=also.probe, thumbnails=also.thumbnails
            )
        else:
            write_report(run, data, progress, thumbnails=also.thumbnails)
    return Run.open(out)


def _work(
    recipe: Recipe, data: Path, folder: Path, store: FeatureStore, progress: Progress, *, audited: bool
) -> tuple[Run, AlsoRead]:
    """Do all stages up to the figures in order, and leave their files in `folder`."""
    watch = Stopwatch()
    prepare_backbone(recipe.backbone, recipe.preprocessing.size, recipe.seed)
    if audited:
        prepare_backbone(PROBE_BACKBONE, PROBE_PREPROCESSING.size)
    with watch.stage("cohort"):
        cohort = build(recipe.cohort, data, progress)
        _require_classes(cohort, recipe.cohort.classes)
        split(cohort.table, recipe.split)  # fails before hours of computing features
    with watch.stage("backbone"):
        backbone = open_backbone(recipe.backbone, recipe.preprocessing.size, recipe.seed)
        preprocessing = Preprocessing(backbone.size, Fit(recipe.preprocessing.fit))
    also = AlsoRead.of(cohort, store, progress, audited=audited)
    learned = learn(cohort, recipe, preprocessing, backbone, store, watch, progress, also=also)
    also.keep(np.setdiff1d(np.arange(len(cohort)), list(learned.features.failures)))
    cohort, features, experiment = learned.cohort, learned.features, learned.experiment
    with watch.stage("metrics"):
        metrics = metrics_of_parts(experiment.predictions, np.random.default_rng(recipe.seed))
    with watch.stage("model"):
        model = save(
            folder / "model",
            recipe=recipe,
            preprocessing=preprocessing,
            backbone=backbone,
            precision=_precision(learned),
            head=experiment.head,
            threshold=experiment.threshold,
            details=experiment.details,
            fitted_on=experiment.fitted_on,
            synthetic=_synthetic(cohort),
            versions=versions(),
        )
    write_text(folder / "recipe.yaml", dump(recipe))
    cohort = _with_split(cohort, learned.folds)
    cohort.write(folder / "cohort.parquet")
    _write_tables(folder, experiment)
    write_metrics(folder / "metrics.json", metrics)
    facts = environment(
        data=data,
        device=features.device,
        precision=features.precision,
        cached=features.from_cache,
        computed=len(cohort) - features.from_cache,
        watch=watch,
    )
    write_json(folder / "environment.json", facts)
    run = Run(folder).holding(
        recipe=recipe,
        cohort=cohort,
        history=experiment.history,
        predictions=experiment.predictions,
        metrics=metrics,
        environment=facts,
        model=model,
    )
    return run, also


def _require_classes(cohort: Cohort, classes: list[str]) -> None:
    """Refuse a class without images before the features are computed, with what was left out."""
    here = cohort.table["label"].unique()
    missing = [name for name in classes if name not in here]
    if missing:
        reasons = cohort.exclusions["reason"].value_counts().items()
        left_out = ", ".join(f"{count} with {reason}" for reason, count in reasons) or "none"
        raise CohortError(
            f"no image of {', '.join(missing)} is in use",
            path=cohort.root,
            expected="images of every class",
            found=f"{len(cohort)} of {', '.join(here)}; left out: {left_out}",
            remedy="Bring the images, or leave the class out of the recipe.",
        )


def _precision(learned: Learned) -> PrecisionRecord:
    """Return what the bundle's backbone is to be computed in.

    A precision_error with another engine says nothing of OpenVINO, which runs bundles.
    """
    used, tried = learned.features.precision, learned.tried
    if tried is None or learned.features.device != OpenVinoEngine.device:
        return PrecisionRecord()
    precision_error = PrecisionErrorRecord(precision=tried.precision, **asdict(tried.precision_error))
    return PrecisionRecord(value=used, precision_error=precision_error)


def _synthetic(cohort: Cohort) -> bool:
    return bool(cohort.table.get("synthetic", pd.Series(dtype=bool)).fillna(value=False).astype(bool).any())


def _with_split(cohort: Cohort, folds: tuple[Fold, ...]) -> Cohort:
    """Note in the table which part each row is in, and in which fold it tests."""
    part = np.full(len(cohort.table), "train", dtype=object)
    number = np.zeros(len(cohort.table), dtype=np.int64)
    for index, fold in enumerate(folds):
        part[fold.test] = "test"
        number[fold.test] = index
    if len(folds) == 1:
        part[folds[0].validation] = "validation"
    return Cohort(cohort.table.assign(split=part, fold=number), cohort.exclusions, cohort.root)


def _write_tables(folder: Path, experiment: Experiment) -> None:
    experiment.predictions.write(folder / "predictions.csv")
    with replacing(folder / "history.csv") as temporary:
        experiment.history.to_csv(temporary, index=False)
