"""Two classifiers on the same images, and one classifier on two cohorts."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import binom

from hilum.errors import CohortError
from hilum.metrics.auc import AucDifference, auc_difference
from hilum.metrics.intervals import Estimate, Floats, bootstrap, wilson
from hilum.metrics.metrics import Scores, evaluate
from hilum.metrics.predictions import Predictions

__all__ = [
    "Comparison",
    "Drop",
    "FalseAlarms",
    "McNemar",
    "Paired",
    "answers_by_source",
    "compare",
    "drop",
    "false_alarms",
    "mcnemar",
    "newcombe",
]


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifiers on the same images.

    Only images that one alone gets right tell them apart: were both equally good, each of these would be
    a fair coin's throw. Images count as independent; where patients have several, p is too small.

    Parameters
    ----------
    only_a, only_b : int
        Images that one classifier alone gets right.

    Raises
    ------
    ValueError
        If a count is negative.

    References
    ----------
    McNemar, Q. Note on the sampling error of the difference between correlated proportions or percentages.
    Psychometrika 12, 153-157 (1947).

    Fagerland, M. W., Lydersen, S. and Laake, P. The McNemar test for binary matched-pairs data: mid-p and
    asymptotic are better than exact conditional. BMC Med. Res. Methodol. 13, 91 (2013).

    Examples
    --------
    >>> test = McNemar(only_a=1, only_b=7)
    >>> round(test.exact, 4), round(test.mid, 4)
    (0.0703, 0.0391)
    """

    only_a: int
    only_b: int

    def __post_init__(self) -> None:
        if min(self.only_a, self.only_b) < 0:
            raise ValueError(f"expected counts of images, found {self!r}")

    @property
    def exact(self) -> float:
        """Two-sided p value, binomial; never too small, often too large."""
        fewer, both = sorted((self.only_a, self.only_b))[0], self.only_a + self.only_b
        return float(min(1.0, 2 * binom.cdf(fewer, both, 0.5)))

    @property
    def mid(self) -> float:
        """Two-sided mid-p value, which counts what was seen half; nearer to the nominal level."""
        fewer, both = sorted((self.only_a, self.only_b))[0], self.only_a + self.only_b
        return float(2 * binom.cdf(fewer, both, 0.5) - binom.pmf(fewer, both, 0.5))


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> McNemar:
    """Count where one of two classifiers alone is right.

    Parameters
    ----------
    right_a, right_b : ndarray of bool, shape (n,)
        Whether each is right on each image.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if right_a.shape != right_b.shape:
        raise ValueError(f"expected the same images, found {right_a.shape} and {right_b.shape}")
    return McNemar(int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum()))


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
        By name, as from `hilum.metrics.evaluate`.
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
    >>> from hilum.metrics import wilson
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


@dataclass(frozen=True)
class FalseAlarms:
    """Images of the first class, usually the healthy, that are called something else.

    Parameters
    ----------
    label : str
        The first class.
    called : str
        What they are called instead: the positive class of two; empty with more.
    count : int
    share : Estimate
        Of the images of the class, with Wilson's interval; NaN without any.
    """

    label: str
    called: str
    count: int
    share: Estimate


def false_alarms(predictions: Predictions) -> FalseAlarms:
    """Count the images of the first class that are called something else."""
    healthy = predictions.labels == 0
    count, n = int((healthy & (predictions.predicted != 0)).sum()), int(healthy.sum())
    share = Estimate.around(count / n if n else np.nan, wilson(count, n), n)
    return FalseAlarms(predictions.classes[0], predictions.positive or "", count, share)


def answers_by_source(predictions: Predictions) -> pd.DataFrame:
    """Count the classifier's answers for each source and label.

    Returns
    -------
    DataFrame
        ``source``, ``label``, ``n``, then for each class ``called <class>``, and its mean probability as
        ``mean probability of <class>``.
    """
    rows = []
    for (source, label), group in predictions.table.groupby(["source", "label"], sort=True):
        called = {f"called {name}": int((group["predicted"] == name).sum()) for name in predictions.classes}
        means = {
            f"mean probability of {name}": float(group[f"probability_{name}"].mean())
            for name in predictions.classes
        }
        rows.append({"source": source, "label": label, "n": len(group), **called, **means})
    return pd.DataFrame(rows)
