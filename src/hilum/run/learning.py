"""From a cohort to features, fitted heads and predictions, in the precision that the recipe allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing import ProbeImages
from hilum.auditing.images import ABLATED
from hilum.auditing.subject import MAX_ROWS
from hilum.backbone import (
    Backbone,
    Engine,
    Features,
    FeatureStore,
    Observer,
    View,
    choose_engine,
    extract,
    extract_views,
)
from hilum.classifier import Head, Threshold, choose, decide
from hilum.classifier.fit import MAX_PRECISION_DEVIATION, PrecisionDeviation, fit
from hilum.classifier.samples import FittedHead
from hilum.cohort import Cohort, Fold, Reason, split
from hilum.errors import CohortError
from hilum.executor import LOCAL, Executor
from hilum.metrics import Predictions
from hilum.progress import SILENT, Progress
from hilum.radiograph import Preprocessing, thumbnail
from hilum.recipe import Recipe
from hilum.recipe.settings import HeadSettings, LinearHeadSettings, Precision
from hilum.run.audit import probe_images
from hilum.run.report import THUMBNAIL_SIDE
from hilum.run.run import Stopwatch

__all__ = ["AlsoRead", "Experiment", "Learned", "Tried", "learn", "perform", "with_headers"]


@dataclass
class AlsoRead:
    """What else is made of the images while their features are computed, so that each file is read once.

    Parameters
    ----------
    probe : ProbeImages, optional
        The audit's; None where there is no audit, or where it uses a sample of the images.
    thumbnails : dict of str to ndarray of uint8
        The report's, by image.
    """

    probe: ProbeImages | None = None
    thumbnails: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

    @classmethod
    def of(cls, cohort: Cohort, store: FeatureStore, progress: Progress, *, audited: bool) -> AlsoRead:
        """Choose for a cohort; large ones are not kept in memory."""
        if len(cohort) > MAX_ROWS:
            return cls(None)
        return cls(probe_images(cohort.paths, store, progress) if audited else None)

    def extract(
        self,
        cohort: Cohort,
        view: View,
        store: FeatureStore | None,
        progress: Progress,
        executor: Executor,
        what: str,
    ) -> Features:
        """Compute the features of `view`, and everything else in the same pass."""
        views = [view] if self.probe is None else [view, *self.probe.views()]
        observers = [] if self.probe is None else self.probe.observers()
        if len(cohort) <= MAX_ROWS:
            observers.append(self._thumbnail_observer(cohort.table["image"].tolist()))
        features, *others = extract_views(
            cohort.paths, views, store, progress, executor=executor, observers=observers, what=what
        )
        if self.probe is not None:
            self.probe.accept(others, np.arange(len(cohort)), ("", *ABLATED))
        return features

    def _thumbnail_observer(self, images: list[str]) -> Observer:
        def keep(row: int, _file: str, pixels: NDArray[np.uint8]) -> None:
            self.thumbnails[images[row]] = pixels

        return Observer(
            lambda radiograph: thumbnail(radiograph.pixels, THUMBNAIL_SIDE, radiograph.extent),
            keep,
            side=THUMBNAIL_SIDE,
        )

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Drop the rows that could not be read."""
        if self.probe is not None:
            self.probe = self.probe.select(rows)


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
    *,
    executor: Executor = LOCAL,
    also: AlsoRead | None = None,
) -> Learned:
    """Compute features and fit a head, in the recipe's precision.

    The precision ``auto`` is the processor's reduced one where the last fold's validation images allow it
    (`hilum.classifier.fit.PrecisionDeviation.allowed`), and float32 otherwise. A few of these images are
    tried first, so that features are seldom computed twice. `also` is what else is made of the images.
    """
    work = _Learning(
        cohort, recipe, preprocessing, backbone, store, watch, progress, executor, also or AlsoRead()
    )
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
    also: AlsoRead
    computed: Counter[str] = field(default_factory=Counter)
    """Images computed here, by the engine's key."""

    def fitted(self, engine: Engine) -> Learned:
        """Compute all features, and fit the recipe's head."""
        with self.watch.stage("features"):
            what = f"Computing features in {engine.precision}"
            view = View(self.preprocessing, self.backbone, engine)
            features = self._new(
                self.also.extract(self.cohort, view, self.store, self.progress, self.executor, what), engine
            )
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
        return self._new(found, engine)

    def _new(self, found: Features, engine: Engine) -> Features:
        """Do not count as known before what an earlier step has computed."""
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


@dataclass(frozen=True, eq=False)
class Experiment:
    """What fitting on a cohort's features gave.

    Parameters
    ----------
    predictions : Predictions
        Of every row in every part, for each fold.
    history : DataFrame
        One row an epoch and fold; empty for a head that is not trained in epochs.
    head : Head
        The head to keep: the only fold's, or, after cross-validation, one fitted on all rows.
    threshold : Threshold
        The one to keep: the only fold's, or the mean of the folds'.
    fitted_on : int
        Rows that the kept head was fitted on.
    details : dict
        What the kept head's fitting chose.
    """

    predictions: Predictions
    history: pd.DataFrame
    head: Head
    threshold: Threshold
    fitted_on: int
    details: dict[str, object]


def perform(
    table: pd.DataFrame,
    features: NDArray[np.float32],
    folds: tuple[Fold, ...],
    recipe: Recipe,
    progress: Progress = SILENT,
) -> Experiment:
    """Fit a head in each fold and predict every row with it.

    Parameters
    ----------
    table : DataFrame
        The cohort's rows in use: ``image``, ``label``, ``patient``, ``source``.
    features : ndarray of float32, shape (rows, features)
    folds : tuple of Fold
    recipe : Recipe
        Its classes, head, threshold and seed.
    progress : Progress

    Returns
    -------
    Experiment
    """
    classes = tuple(recipe.cohort.classes)
    labels = pd.Categorical(table["label"], categories=list(classes)).codes.astype(np.int64)
    patients = table["patient"].to_numpy()

    def fitted_on(train: NDArray[np.int64], validation: NDArray[np.int64]) -> FittedHead:
        rows = train, validation
        return fit(features, labels, patients, *rows, recipe.head, classes, recipe.seed, progress=progress)

    heads, thresholds, parts = [], [], []
    for number, fold in enumerate(folds):
        fitted = fitted_on(fold.train, fold.validation)
        probabilities = fitted.head.probabilities(features)
        threshold = choose(recipe.threshold, labels[fold.validation], probabilities[fold.validation])
        heads.append(fitted)
        thresholds.append(threshold)
        parts.append(_predicted(table, fold, number, classes, probabilities, threshold))

    last = heads[-1]
    rows = folds[-1].train
    if len(folds) > 1:
        rows = np.arange(len(table))
        last = fitted_on(rows, rows[:0])
    return Experiment(
        predictions=Predictions(pd.concat(parts, ignore_index=True), classes),
        history=_history(heads),
        head=last.head,
        threshold=_mean(thresholds),
        fitted_on=len(rows),
        details=dict(last.details),
    )


def _predicted(
    table: pd.DataFrame,
    fold: Fold,
    number: int,
    classes: tuple[str, ...],
    probabilities: NDArray[np.float32],
    threshold: Threshold,
) -> pd.DataFrame:
    rows = np.concatenate([fold.train, fold.validation, fold.test])
    sizes = [len(fold.train), len(fold.validation), len(fold.test)]
    predicted = decide(probabilities[rows], threshold)
    return pd.DataFrame(
        {
            **{name: table[name].to_numpy()[rows] for name in ("image", "patient", "source")},
            "split": np.repeat(["train", "validation", "test"], sizes),
            "fold": number,
            "label": table["label"].to_numpy()[rows],
            **{
                f"probability_{name}": probabilities[rows, code].astype(np.float64)
                for code, name in enumerate(classes)
            },
            "predicted": np.asarray(classes, dtype=object)[predicted],
        }
    )


def _history(heads: list[FittedHead]) -> pd.DataFrame:
    tables = [fitted.history.assign(fold=number) for number, fitted in enumerate(heads)]
    return pd.concat(tables, ignore_index=True)


def _mean(thresholds: list[Threshold]) -> Threshold:
    """Return the threshold to keep after cross-validation, where each fold chose its own."""
    values = [threshold.value for threshold in thresholds if threshold.value is not None]
    if len(set(values)) <= 1:
        return thresholds[0]
    return Threshold(
        float(np.mean(values)), rule=f"mean over {len(thresholds)} folds; in each: {thresholds[0].rule}"
    )
