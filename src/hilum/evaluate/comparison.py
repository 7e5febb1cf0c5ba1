"""Two classifiers on the same images, and one classifier on two cohorts."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hilum.errors import CohortError
from hilum.evaluate.delong import AucDifference, auc_difference
from hilum.evaluate.estimate import Estimate
from hilum.evaluate.interval import Floats, bootstrap
from hilum.evaluate.mcnemar import McNemar, mcnemar
from hilum.evaluate.metrics import Scores, evaluate
from hilum.evaluate.predictions import Predictions

__all__ = ["Comparison", "Drop", "Paired", "compare", "drop", "newcombe"]


@dataclass(frozen=True)
class Paired:
    """A metric of two classifiers on the same images.

    Parameters
    ----------
    a, b : Estimate
        Of each.
    difference : Estimate
        `a` minus `b`; no interval where they differ in no resample.
    p : float
        Two-sided p value of no difference, where there is a test: DeLong's for the ROC AUC of a class,
        McNemar's (mid-p) for accuracy. NaN otherwise.
    """

    a: Estimate
    b: Estimate
    difference: Estimate
    p: float = math.nan


@dataclass(frozen=True)
class Comparison:
    """Two classifiers, a and b, on the images that both have predicted.

    Parameters
    ----------
    metrics : mapping of str to Paired
        By name, as from `hilum.evaluate.evaluate`.
    right : McNemar
        Images that one alone gets right.
    images : int
        That both have.
    only_a, only_b : int
        Images left out, as one alone has them.
    """

    metrics: Mapping[str, Paired]
    right: McNemar
    images: int
    only_a: int
    only_b: int


@dataclass(frozen=True)
class Drop:
    """A metric on the images of one's own test and on those of another hospital.

    Parameters
    ----------
    internal, external : Estimate
        Each on its own images.
    difference : Estimate
        `internal` minus `external`; NaN where one of them is.
    """

    internal: Estimate
    external: Estimate
    difference: Estimate


def compare(a: Predictions, b: Predictions, rng: np.random.Generator, resamples: int = 2000) -> Comparison:
    """Compare two classifiers on the images that both have predicted, whatever the fold.

    Differences get the bootstrap over patients, both classifiers weighed alike in each resample; the ROC
    AUC of a class gets DeLong's interval with patients as clusters. Images that either table gives to one
    patient count as one patient's.

    Parameters
    ----------
    a, b : Predictions
        One row per image each, usually of the test part.
    rng : numpy.random.Generator
        Source of the resamples; it is copied.
    resamples : int
        Number of resamples.

    Raises
    ------
    CohortError
        If the classes differ, no image is in both, one stands in several rows, or its labels differ.
    """
    _check_classes(a, b)
    left, right = _matched(a, b)
    scores = Scores(left), Scores(right)
    first, second = (evaluate(side, copy.deepcopy(rng), resamples) for side in (left, right))
    low, high = bootstrap(
        lambda weights: _stacked(scores[0], weights) - _stacked(scores[1], weights),
        left.patients,
        copy.deepcopy(rng),
        resamples,
    )
    test, areas = mcnemar(scores[0].right, scores[1].right), _area_differences(*scores)
    bounds = dict(zip(first, zip(low.tolist(), high.tolist(), strict=True), strict=True))
    bounds |= {name: (found.difference.low, found.difference.high) for name, found in areas.items()}
    p = {"accuracy": test.mid} | {name: found.p for name, found in areas.items()}
    rows = {
        name: Paired(one, second[name], _less(one, second[name], bounds[name]), p.get(name, math.nan))
        for name, one in first.items()
    }
    return Comparison(rows, test, len(left), len(a) - len(left), len(b) - len(left))


def drop(
    internal: Predictions, external: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> dict[str, Drop]:
    """How much worse every metric is on another hospital's images.

    The images are others, so that each side keeps the interval that `evaluate` gives it, and `newcombe`
    combines the two.

    Parameters
    ----------
    internal, external : Predictions
        One classifier's, usually on the test part and on an external cohort.
    rng : numpy.random.Generator
        Source of the bootstraps' resamples.
    resamples : int
        Number of resamples.

    Returns
    -------
    dict of str to Drop
        In the order of `METRICS`; per class after that, with three classes or more.

    Raises
    ------
    CohortError
        If the classes differ.
    """
    _check_classes(internal, external)
    inside, outside = evaluate(internal, rng, resamples), evaluate(external, rng, resamples)
    return {
        name: Drop(figure, outside[name], newcombe(figure, outside[name])) for name, figure in inside.items()
    }


def newcombe(first: Estimate, second: Estimate) -> Estimate:
    """Difference of two figures of independent images, first minus second.

    The distances from each value to the far end of its interval are added as standard errors are. For
    proportions with Wilson's intervals this is Newcombe's method 10; Zou and Donner carry it over to any two
    figures. It needs no figure to be symmetric, and knows that one of 100 % is not certain.

    References
    ----------
    Newcombe, R. G. Interval estimation for the difference between independent proportions: comparison of
    eleven methods. Stat. Med. 17, 873-890 (1998).

    Zou, G. Y. and Donner, A. Construction of confidence limits about effect measures: a general approach.
    Stat. Med. 27, 1693-1702 (2008).

    Examples
    --------
    >>> from hilum.evaluate import wilson
    >>> found = newcombe(Estimate(0.8, *wilson(56, 70), 70), Estimate(0.6, *wilson(48, 80), 80))
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    """
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    value = first.value - second.value
    return Estimate.around(value, (value - below, value + above), first.n + second.n)


def _check_classes(a: Predictions, b: Predictions) -> None:
    if a.classes != b.classes:
        raise CohortError(
            "the predictions are of different classes",
            expected=", ".join(a.classes),
            found=", ".join(b.classes),
            remedy="Compare predictions of the same classes in the same order.",
        )


def _matched(a: Predictions, b: Predictions) -> tuple[Predictions, Predictions]:
    """The rows of the images that both have, in one order, with one patient each."""
    tables = [_by_image(side) for side in (a, b)]
    names = tables[0].index.intersection(tables[1].index).sort_values()
    if names.empty:
        raise CohortError("the two have no image in common", remedy="Images are matched by their name.")
    left, right = (table.loc[names] for table in tables)
    differ = (left["label"] != right["label"]).to_numpy()
    if differ.any():
        raise CohortError(
            f"the labels of {differ.sum()} images differ",
            expected=f"{left['label'][differ].iloc[0]} for {names[differ][0]}",
            found=str(right["label"][differ].iloc[0]),
        )
    patients = _joined(left["patient"], right["patient"])
    first, second = (
        Predictions(side.reset_index().assign(patient=patients, fold=0), a.classes) for side in (left, right)
    )
    return first, second


def _by_image(predictions: Predictions) -> pd.DataFrame:
    twice = predictions.table.duplicated("image")
    if twice.any():
        raise CohortError(
            "an image stands in several rows",
            found=str(predictions.table.loc[twice, "image"].iloc[0]),
            remedy="Compare the test parts, where each image stands once.",
        )
    return predictions.table.set_index("image")


def _joined(one: pd.Series[str], other: pd.Series[str]) -> list[str]:
    """A patient for each image: the same for images that have a patient in common in either column."""
    rows, columns = pd.factorize(one)[0], pd.factorize(other)[0]
    size = int(rows.max()) + 1
    links = coo_array((np.ones(rows.size), (rows, size + columns)), shape=(size + rows.size,) * 2)
    return [str(code) for code in connected_components(links, directed=False)[1][rows]]


def _less(a: Estimate, b: Estimate, interval: tuple[float, float]) -> Estimate:
    """`a` less `b`; where they are shares of different images, it is about those of the larger."""
    return Estimate.around(a.value - b.value, interval, max(a.n, b.n))


def _stacked(scores: Scores, weights: Floats) -> Floats:
    return np.stack(list(scores.values(weights).values()), axis=1)


def _area_differences(one: Scores, other: Scores) -> dict[str, AucDifference]:
    return {
        one.key("roc_auc", a.name): auc_difference(a.actual, a.score, b.score, one.predictions.patients)
        for a, b in zip(one.contrasts, other.contrasts, strict=True)
    }
