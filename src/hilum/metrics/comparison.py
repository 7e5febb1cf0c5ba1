"""Two classifiers on the same images, one classifier on two cohorts, and predictions by source."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import binom

from hilum.errors import CohortError
from hilum.metrics.auc import AucDifference, auc_difference
from hilum.metrics.intervals import Estimate, bootstrap, newcombe, proportion
from hilum.metrics.metrics import Scores, evaluate
from hilum.metrics.predictions import Bools, Floats, Predictions

__all__ = [
    "Comparison",
    "FalsePositives",
    "McNemar",
    "PairedMetric",
    "PerformanceDrop",
    "compare",
    "false_positives",
    "mcnemar",
    "performance_drop",
    "predictions_by_source",
]


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifiers on the same images.

    Only images that one classifier alone gets right count: if both are equally good, each of these falls to
    either with a probability of 1/2. Images count as independent; where patients have several, p is too
    small.

    Parameters
    ----------
    only_a, only_b : int
        Images that one classifier alone gets right.

    References
    ----------
    McNemar, Q. Note on the sampling error of the difference between correlated proportions or percentages.
    Psychometrika 12, 153-157 (1947).
    Fagerland, M. W., Lydersen, S. and Laake, P. The McNemar test for binary matched-pairs data: mid-p and
    asymptotic are better than exact conditional. BMC Med. Res. Methodol. 13, 91 (2013).

    Examples
    --------
    >>> round(McNemar(only_a=1, only_b=7).mid_p, 4)
    0.0391
    """

    only_a: int
    only_b: int

    def __post_init__(self) -> None:
        if min(self.only_a, self.only_b) < 0:
            raise ValueError(f"expected counts of images, found {self!r}")

    @property
    def mid_p(self) -> float:
        """Two-sided mid-p value, which counts half of the probability of the observed outcome."""
        fewer, both = min(self.only_a, self.only_b), self.only_a + self.only_b
        return float(2 * binom.cdf(fewer, both, 0.5) - binom.pmf(fewer, both, 0.5))


def mcnemar(correct_a: Bools, correct_b: Bools) -> McNemar:
    """Count the images, (n,), that one of two classifiers alone gets right."""
    if correct_a.shape != correct_b.shape:
        raise ValueError(f"expected the same images, found {correct_a.shape} and {correct_b.shape}")
    return McNemar(int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum()))


@dataclass(frozen=True)
class PairedMetric:
    """A metric of two classifiers on the same images.

    Parameters
    ----------
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
    metrics : mapping of str to PairedMetric
        By name, as from `hilum.metrics.evaluate`.
    images : int
        In both tables.
    only_a, only_b : int
        Images left out, since only one table has them.
    """

    metrics: Mapping[str, PairedMetric]
    right: McNemar
    images: int
    only_a: int
    only_b: int


@dataclass(frozen=True)
class PerformanceDrop:
    """A metric on the internal test images and on those of another hospital; `difference` is internal minus
    external.
    """

    internal: Estimate
    external: Estimate
    difference: Estimate


def compare(a: Predictions, b: Predictions, rng: np.random.Generator, resamples: int = 2000) -> Comparison:
    """Compare two classifiers on the images that both have predicted, whatever the fold.

    Differences get the bootstrap over patients, with the same resamples for both; the ROC AUC of a class gets
    DeLong's interval with patients as clusters. Images that either table assigns to one patient count as one
    patient's.

    Parameters
    ----------
    a, b : Predictions
        One row per image each, usually of the test part.
    rng : numpy.random.Generator
        It is copied.

    Raises
    ------
    CohortError
        If the classes differ, no image is in both, one has several rows, or its labels differ.
    """
    _check_classes(a, b)
    first, second = _matched(a, b)
    scores = Scores(first), Scores(second)
    metrics = [evaluate(one, copy.deepcopy(rng), resamples) for one in (first, second)]
    low, high = bootstrap(
        lambda weights: _stacked(scores[0], weights) - _stacked(scores[1], weights),
        first.patients,
        copy.deepcopy(rng),
        resamples,
    )
    test, areas = mcnemar(scores[0].correct, scores[1].correct), _auc_differences(*scores)
    bounds = dict(zip(metrics[0], zip(low.tolist(), high.tolist(), strict=True), strict=True))
    bounds |= {name: (found.difference.low, found.difference.high) for name, found in areas.items()}
    p = {"accuracy": test.mid_p} | {name: found.p for name, found in areas.items()}
    pairs = {
        name: PairedMetric(
            one, metrics[1][name], _difference(one, metrics[1][name], bounds[name]), p.get(name, math.nan)
        )
        for name, one in metrics[0].items()
    }
    return Comparison(pairs, test, len(first), len(a) - len(first), len(b) - len(first))


def performance_drop(
    internal: Predictions, external: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> dict[str, PerformanceDrop]:
    """By how much every metric falls on another hospital's images.

    The images differ, so each side keeps the interval of `evaluate`, and `newcombe` combines the two. Metrics
    come in the order of `evaluate`.
    """
    _check_classes(internal, external)
    inside, outside = evaluate(internal, rng, resamples), evaluate(external, rng, resamples)
    return {
        name: PerformanceDrop(one, outside[name], newcombe(one, outside[name]))
        for name, one in inside.items()
    }


@dataclass(frozen=True)
class FalsePositives:
    """Images of the first class, usually healthy people's, that are predicted as another class.

    Parameters
    ----------
    label : str
        The first class.
    called : str
        The predicted class: the positive one of two; empty with more.
    count : int
    share : Estimate
        Of the images of the first class, with Wilson's interval; NaN without any.
    """

    label: str
    called: str
    count: int
    share: Estimate


def false_positives(predictions: Predictions) -> FalsePositives:
    """Count the images of the first class that are predicted as another class."""
    healthy = predictions.labels == 0
    wrong = predictions.predicted[healthy] != 0
    share = proportion(wrong, np.arange(wrong.size))
    return FalsePositives(predictions.classes[0], predictions.positive or "", int(wrong.sum()), share)


def predictions_by_source(predictions: Predictions) -> pd.DataFrame:
    """Count the predictions of each class by source and label.

    Returns
    -------
    DataFrame
        ``source``, ``label``, ``n``, then for each class ``called <class>``, and its mean probability as
        ``mean probability of <class>``.
    """
    rows = []
    for (source, label), group in predictions.table.groupby(["source", "label"], sort=True):
        counts = {f"called {name}": int((group["predicted"] == name).sum()) for name in predictions.classes}
        means = {
            f"mean probability of {name}": float(group[f"probability_{name}"].mean())
            for name in predictions.classes
        }
        rows.append({"source": source, "label": label, "n": len(group), **counts, **means})
    return pd.DataFrame(rows)


def _check_classes(a: Predictions, b: Predictions) -> None:
    if a.classes != b.classes:
        raise CohortError(
            "the predictions are of different classes",
            expected=", ".join(a.classes),
            found=", ".join(b.classes),
            remedy="Compare predictions of the same classes in the same order.",
        )


def _matched(a: Predictions, b: Predictions) -> list[Predictions]:
    """The rows of the images that both have, in the same order, with one patient each."""
    tables = [_by_image(one) for one in (a, b)]
    names = tables[0].index.intersection(tables[1].index).sort_values()
    if names.empty:
        raise CohortError(
            "the predictions have no image in common", remedy="Images are matched by their name."
        )
    left, right = (table.loc[names] for table in tables)
    differ = (left["label"] != right["label"]).to_numpy()
    if differ.any():
        raise CohortError(
            f"the labels of {differ.sum()} images differ",
            expected=f"{left['label'][differ].iloc[0]} for {names[differ][0]}",
            found=str(right["label"][differ].iloc[0]),
        )
    patients = _joined_patients(left["patient"], right["patient"])
    return [
        Predictions(one.reset_index().assign(patient=patients, fold=0), a.classes) for one in (left, right)
    ]


def _by_image(predictions: Predictions) -> pd.DataFrame:
    repeated = predictions.table.duplicated("image")
    if repeated.any():
        raise CohortError(
            "an image has several rows",
            found=str(predictions.table.loc[repeated, "image"].iloc[0]),
            remedy="Compare the test parts, where each image has one row.",
        )
    return predictions.table.set_index("image")


def _joined_patients(one: pd.Series[str], other: pd.Series[str]) -> list[str]:
    """A patient for each image: the same for images that share a patient in either column."""
    rows, columns = pd.factorize(one)[0], pd.factorize(other)[0]
    size = int(rows.max()) + 1
    links = coo_array((np.ones(rows.size), (rows, size + columns)), shape=(size + rows.size,) * 2)
    return [str(code) for code in connected_components(links, directed=False)[1][rows]]


def _difference(a: Estimate, b: Estimate, interval: tuple[float, float]) -> Estimate:
    """`a` minus `b`; `n` is the larger where their denominators differ."""
    return Estimate.around(a.value - b.value, interval, max(a.n, b.n))


def _stacked(scores: Scores, weights: Floats) -> Floats:
    return np.stack(list(scores.values(weights).values()), axis=1)


def _auc_differences(one: Scores, other: Scores) -> dict[str, AucDifference]:
    return {
        one.key("roc_auc", a.name): auc_difference(a.actual, a.score, b.score, one.predictions.patients)
        for a, b in zip(one.one_vs_rest, other.one_vs_rest, strict=True)
    }
