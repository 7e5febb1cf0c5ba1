"""The main job: from a recipe and a folder of radiographs to a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.backbone import (
    Backbone,
    Engine,
    Features,
    FeatureStore,
    OpenVinoEngine,
    choose_engine,
    extract,
    open_backbone,
    prepare_backbone,
)
from hilum.bundle.bundle import save
from hilum.bundle.manifest import PrecisionErrorRecord, PrecisionRecord
from hilum.classifier.fit import MAX_PRECISION_DEVIATION, PrecisionDeviation, fit
from hilum.cohort import Cohort, Fold, Reason, build, split
from hilum.errors import CohortError
from hilum.executor import LOCAL, Executor
from hilum.files import replacing, write_json, write_text
from hilum.metrics import metrics_of_parts
from hilum.progress import SILENT, Progress
from hilum.radiograph import Fit, Preprocessing
from hilum.recipe import Recipe, Setting, dump, load
from hilum.recipe.settings import HeadSettings, LinearHeadSettings, Precision
from hilum.run.audit import audit
from hilum.run.experiment import Experiment, perform
from hilum.run.report import write_report
from hilum.run.run import Run, Stopwatch, environment, staging, versions, write_metrics

__all__ = ["Learned", "Tried", "learn", "train", "with_headers"]


def with_headers(cohort: Cohort, features: Features) -> tuple[Cohort, NDArray[np.float32]]:
    """Add the headers' facts to the cohort, and leave out, with the cause, what could not be read.

    Returns
    -------
    Cohort
    ndarray of float32, shape (rows in use, features)
    """
    facts = pd.DataFrame([{} if header is None else header.as_row() for header in features.headers])
    facts = facts.dropna(axis="columns", how="all")  # what no file states is left as the source has it
    table = cohort.table.drop(columns=facts.columns, errors="ignore").reset_index(drop=True)
    cohort = Cohort(table.join(facts), cohort.exclusions, cohort.root)
    failed = np.zeros(len(table), dtype=bool)
    failed[list(features.failures)] = True
    if failed.all():
        first = next(iter(features.failures.values()))
        raise CohortError(
            f"none of the {len(table)} images can be read", path=cohort.root, found=f"first: {first}"
        )
    causes = [error.cause for _, error in sorted(features.failures.items())]
    return cohort.exclude(failed, Reason.UNREADABLE, causes), features.values[~failed]


@dataclass(frozen=True)
class Tried:
    """A reduced precision, and how far the classifier moved in it from float32."""

    precision: Precision
    precision_error: PrecisionDeviation


@dataclass(frozen=True, eq=False)
class Learned:
    """What was computed and fitted.

    Parameters
    ----------
    cohort : Cohort
        The rows that could be read, with the facts of their headers.
    features : Features
        Of all rows, those that could not be read included.
    folds : tuple of Fold
    experiment : Experiment
    tried : Tried, optional
        The reduced precision that the features are in, or that was refused; None where none was tried.
    """

    cohort: Cohort
    features: Features
    folds: tuple[Fold, ...]
    experiment: Experiment
    tried: Tried | None = None


def learn(
    cohort: Cohort,
    recipe: Recipe,
    preprocessing: Preprocessing,
    backbone: Backbone,
    store: FeatureStore | None,
    watch: Stopwatch,
    progress: Progress,
    executor: Executor = LOCAL,
) -> Learned:
    """Compute features and fit a head, in the recipe's precision.

    The precision ``auto`` is the processor's reduced one where the last fold's validation images allow it
    (`hilum.classifier.fit.PrecisionDeviation.allowed`), and float32 otherwise. A few of these images are
    tried first, so that features are seldom computed twice.
    """
    work = _Learning(cohort, recipe, preprocessing, backbone, store, watch, progress, executor)
    engine = choose_engine(backbone, recipe.engine)
    if engine.precision is Precision.FLOAT32:
        return work.fitted(engine)
    exact = choose_engine(backbone, recipe.engine.model_copy(update={"precision": Precision.FLOAT32}))
    is_free = recipe.engine.precision == "auto"
    if is_free:
        trial = work.trial(engine, exact)
        if trial.movement > MAX_PRECISION_DEVIATION:
            progress.say(
                f"float32 is used: with {engine.precision}, on {len(trial.exact)} validation images,"
                f" a probability can move by up to {trial.movement:.3f}."
            )
            found = work.fitted(exact)
            return replace(found, tried=Tried(engine.precision, _shift(found, trial.exact, trial.reduced)))
    found = work.fitted(engine)
    tried = Tried(engine.precision, work.shift(found, exact))
    if not is_free or tried.precision_error.allowed:
        return replace(found, tried=tried)
    error = tried.precision_error
    progress.say(
        f"float32 is used: with {tried.precision}, on {error.images} validation images, a probability"
        f" moves by {error.largest:.3f} and {error.flips} decisions flip."
    )
    return replace(work.fitted(exact), tried=tried)


TRIAL_IMAGES = 32
"""Validation images on which a reduced precision is tried before all features are computed in it."""


@dataclass(frozen=True, eq=False)
class _Trial:
    """Features of the same few images in float32 and in a reduced precision, each of shape (n, features).

    `movement` estimates how far a probability can move.
    """

    exact: NDArray[np.float32]
    reduced: NDArray[np.float32]
    movement: float


@dataclass(frozen=True, eq=False)
class _Learning:
    """The steps of `learn`, on what all of them need."""

    cohort: Cohort
    recipe: Recipe
    preprocessing: Preprocessing
    backbone: Backbone
    store: FeatureStore | None
    watch: Stopwatch
    progress: Progress
    executor: Executor
    computed: Counter[str] = field(default_factory=Counter)
    """Images computed here, by the engine's key."""

    def fitted(self, engine: Engine) -> Learned:
        """Compute all features, and fit the recipe's head."""
        with self.watch.stage("features"):
            features = self._features(self.cohort.paths, engine, f"Computing features in {engine.precision}")
            readable, values = with_headers(self.cohort, features)
        with self.watch.stage("head"):
            folds = split(readable.table, self.recipe.split)
            experiment = perform(readable.table, values, folds, self.recipe, self.progress)
        return Learned(readable, features, folds, experiment)

    def trial(self, engine: Engine, exact: Engine) -> _Trial:
        """Compare the features of a few validation images in both precisions."""
        table = self.cohort.table
        with self.watch.stage("precision"):
            fold = split(table, self.recipe.split)[-1]
            rows = _spread_over_classes(table["label"], fold.validation)
            paths = [self.cohort.paths[row] for row in rows]
            what = f"Trying {engine.precision} on {len(rows)} validation images"
            both = [self._features(paths, each, what) for each in (exact, engine)]
            readable = [row for row in range(len(rows)) if row not in both[0].failures]
            first, second = (each.values[readable] for each in both)
            classes = self.recipe.cohort.classes
            labels = pd.Categorical(table["label"].iloc[rows[readable]], categories=classes).codes
            C = _regularisation(self.recipe.head, len(fold.train) / max(1, len(readable)))
            return _Trial(first, second, _movement(first, second, labels, classes, C))

    def shift(self, found: Learned, exact: Engine) -> PrecisionDeviation:
        """Compare what a head gives for the validation images in its own precision and in float32."""
        with self.watch.stage("precision"):
            rows = found.folds[-1].validation
            what = f"Comparing {found.features.precision} with float32"
            reference = self._features([found.cohort.paths[row] for row in rows], exact, what)
            reduced = np.delete(found.features.values, list(found.features.failures), axis=0)[rows]
            kept = [row for row in range(len(rows)) if row not in reference.failures]
            return _shift(found, reference.values[kept], reduced[kept])

    def _features(self, paths: Sequence[Path], engine: Engine, what: str) -> Features:
        """Compute features; those that an earlier step has computed do not count as known before."""
        found = extract(
            paths,
            self.preprocessing,
            self.backbone,
            self.store,
            self.progress,
            engine=engine,
            executor=self.executor,
            what=what,
        )
        known = max(0, found.from_cache - self.computed[engine.key])
        self.computed[engine.key] += found.computed
        return replace(found, from_cache=known)


def _spread_over_classes(labels: pd.Series, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose some rows, as many of each class as there are, up to an equal share."""
    rank = labels.iloc[rows].groupby(labels.iloc[rows], observed=True).cumcount().to_numpy()
    return rows[np.argsort(rank, kind="stable")[:TRIAL_IMAGES]]


def _regularisation(head: HeadSettings, scale: float) -> float:
    """Return the C with which one row in `scale` is fitted as closely as the recipe's head fits all."""
    return float(np.median(head.C)) * scale if isinstance(head, LinearHeadSettings) else 1.0


def _movement(
    exact: NDArray[np.float32],
    reduced: NDArray[np.float32],
    labels: NDArray[np.integer],
    classes: list[str],
    C: float,
) -> float:
    """Estimate from a few images how far a probability can move; infinite where a class has none.

    A linear head is fitted to these images, and its logits are compared. A probability moves by no more than
    a quarter of the difference of two logits. Images that are near no decision move less, so the estimate is
    high rather than low.
    """
    if len(np.unique(labels)) < len(classes):
        return float("inf")
    rows = np.arange(len(labels))
    fitted = fit(exact, labels, rows, rows, rows[:0], LinearHeadSettings(C=[C]), classes, seed=0)
    moved = (reduced - exact) @ fitted.head.layers[0].weight.T
    if len(classes) == 2:
        moved = np.hstack([moved, np.zeros_like(moved)])
    return float(np.ptp(moved, axis=1).max()) / 4


def _shift(found: Learned, exact: NDArray[np.float32], reduced: NDArray[np.float32]) -> PrecisionDeviation:
    """Compare the probabilities of a fitted head for the same images in two precisions."""
    head = found.experiment.head
    return PrecisionDeviation.between(
        head.probabilities(exact), head.probabilities(reduced), found.experiment.threshold
    )


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
    with staging(out, overwrite=overwrite) as folder:
        _work(resolved, data, folder, progress)
        if audited:
            audit(folder, data, progress=progress)
        else:
            write_report(Run.open(folder), data, progress)
    return Run.open(out)


def _work(recipe: Recipe, data: Path, folder: Path, progress: Progress) -> None:
    """Do all stages up to the figures in order, and leave their files in `folder`."""
    watch = Stopwatch()
    prepare_backbone(recipe.backbone, recipe.preprocessing.size, recipe.seed)
    with watch.stage("cohort"):
        cohort = build(recipe.cohort, data, progress)
        _require_classes(cohort, recipe.cohort.classes)
        split(cohort.table, recipe.split)  # fails before hours of computing features
    with watch.stage("backbone"):
        backbone = open_backbone(recipe.backbone, recipe.preprocessing.size, recipe.seed)
        preprocessing = Preprocessing(backbone.size, Fit(recipe.preprocessing.fit))
    with FeatureStore.open(progress=progress) as store:
        learned = learn(cohort, recipe, preprocessing, backbone, store, watch, progress)
    cohort, features, experiment = learned.cohort, learned.features, learned.experiment
    with watch.stage("metrics"):
        metrics = metrics_of_parts(experiment.predictions, np.random.default_rng(recipe.seed))
    with watch.stage("model"):
        save(
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
    _with_split(cohort, learned.folds).write(folder / "cohort.parquet")
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
