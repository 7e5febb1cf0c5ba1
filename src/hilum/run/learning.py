"""From a cohort to features and a head, in the precision that the run's validation images allow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hilum.backbone import Backbone, Engine, Features, FeatureStore, choose_engine, extract
from hilum.classifier.drift import Drift
from hilum.cohort import Cohort, Fold, split
from hilum.experiment import Experiment, perform
from hilum.progress import Progress
from hilum.radiograph import Preparation
from hilum.recipe import Recipe
from hilum.recipe.engine import Precision
from hilum.run.environment import Stopwatch
from hilum.run.headers import with_headers

__all__ = ["Learned", "Tried", "learn"]


@dataclass(frozen=True)
class Tried:
    """A reduced precision, and how far the classifier moved in it from float32."""

    precision: Precision
    drift: Drift


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
    preparation: Preparation,
    backbone: Backbone,
    store: FeatureStore | None,
    watch: Stopwatch,
    progress: Progress,
) -> Learned:
    """Compute features and fit, in the recipe's precision; ``auto`` goes back to float32 where it must.

    The images that tell are the last fold's validation images.

    Parameters
    ----------
    cohort : Cohort
    recipe : Recipe
    preparation : Preparation
    backbone : Backbone
    store : FeatureStore, optional
        Where features are kept.
    watch : Stopwatch
    progress : Progress
    """

    def fitted(engine: Engine) -> Learned:
        with watch.stage("features"):
            features = extract(cohort.paths, preparation, backbone, store, progress, engine=engine)
            readable, values = with_headers(cohort, features)
        with watch.stage("head"):
            folds = split(readable.table, recipe.split)
            experiment = perform(readable.table, values, folds, recipe, progress)
        return Learned(readable, features, folds, experiment)

    engine = choose_engine(backbone, recipe.engine)
    found = fitted(engine)
    if engine.precision is Precision.FLOAT32:
        return found
    exact = choose_engine(backbone, recipe.engine.model_copy(update={"precision": Precision.FLOAT32}))
    with watch.stage("precision"):
        paths = [found.cohort.paths[row] for row in found.folds[-1].validation]
        reference = extract(paths, preparation, backbone, store, progress, engine=exact)
        tried = Tried(engine.precision, _drift(found, reference))
    if recipe.engine.precision != "auto" or tried.drift.allowed:
        return replace(found, tried=tried)
    progress.say(
        f"float32 is used: with {tried.precision}, on {tried.drift.images} validation images, a probability"
        f" moves by {tried.drift.largest:.3f} and {tried.drift.flips} decisions flip."
    )
    return replace(fitted(exact), tried=tried)


def _drift(found: Learned, reference: Features) -> Drift:
    """Compare the validation images' probabilities with those that `reference`, their features, gives."""
    experiment, features = found.experiment, found.features
    values = np.delete(features.values, list(features.failures), axis=0)[found.folds[-1].validation]
    both = (np.delete(each, list(reference.failures), axis=0) for each in (reference.values, values))
    exact, reduced = (experiment.head.probabilities(each) for each in both)
    return Drift.between(exact, reduced, experiment.threshold)
