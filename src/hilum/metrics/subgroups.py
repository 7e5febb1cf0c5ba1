"""Performance by subgroup of images, each compared with all others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.errors import CohortError
from hilum.metrics.intervals import Estimate, proportion
from hilum.metrics.metrics import METRICS
from hilum.metrics.predictions import Bools, Predictions

__all__ = ["AGE_BANDS", "MIN_IMAGES", "Subgroup", "subgroups"]

AGE_BANDS = {"0-17": 0, "18-39": 18, "40-59": 40, "60-79": 60, "80+": 80}
"""Names of the bands of ``age``, with the first year of each."""

MIN_IMAGES = 10
"""Images of the label that a group, and the others, must have to be compared."""


@dataclass(frozen=True)
class Subgroup:
    """A metric of a group of images, beside that of all others.

    Parameters
    ----------
    column, value : str
        Such as ``sex`` and ``F``.
    metric : str
        ``sensitivity`` or ``specificity``; with three classes or more ``sensitivity_<class>``, the recall.
    figure : Estimate
        Of the group.
    others : Estimate
        Of the images with another known value.
    p : float
        Two-sided p value of no difference; NaN with too few images.
    corrected : float
        The same with Holm's correction over all groups and metrics tested.
    """

    column: str
    value: str
    metric: str
    figure: Estimate
    others: Estimate
    p: float
    corrected: float

    def __post_init__(self) -> None:
        if self.corrected < self.p:
            raise ValueError(f"a correction cannot lower a p value, found {self!r}")

    @property
    def too_few(self) -> bool:
        """Whether the group or the others have under `MIN_IMAGES` images of the label, and are not tested."""
        return min(self.figure.n, self.others.n) < MIN_IMAGES


def subgroups(
    predictions: Predictions, facts: pd.DataFrame, rng: np.random.Generator, permutations: int = 20_000
) -> list[Subgroup]:
    """Compare each group of images with all others.

    The p value is by permutation of patients: how often a random group of as many patients has an excess of
    errors, or a deficit, at least as large. With one image per patient this is Fisher's exact test; where
    patients have several, Fisher's test takes their images as independent and finds differences that do not
    exist. A patient with images inside and outside the group counts as two, which is conservative.

    Parameters
    ----------
    predictions : Predictions
        Usually of the test part.
    facts : pandas.DataFrame
        By image, one column per fact (``source``, ``view``, ``sex``, ``age``). ``age``, in years, is grouped
        by `AGE_BANDS`. Images where a fact is missing belong neither to its groups nor to the others.
    permutations : int
        No p value is below 1 / (permutations + 1).

    Raises
    ------
    CohortError
        If an image appears twice in `facts`, or none of them is among the predictions.

    References
    ----------
    Holm, S. A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6, 65-70 (1979).
    Phipson, B. and Smyth, G. K. Permutation P-values should never be zero. Stat. Appl. Genet. Mol. Biol. 9,
    article 39 (2010).
    """
    known = _aligned(facts, predictions)
    labels, correct = predictions.labels, predictions.labels == predictions.predicted
    found = []
    for column, value, inside, outside in _groups(known):
        for code, metric in _metrics(predictions).items():
            ours, rest = inside & (labels == code), outside & (labels == code)
            figure, others = (proportion(correct[rows], predictions.images[rows]) for rows in (ours, rest))
            group = Subgroup(column, value, metric, figure, others, math.nan, math.nan)
            if not group.too_few:
                p = _permutation_test(~correct, predictions.patients, ours, rest, rng, permutations)
                group = replace(group, p=p, corrected=1.0)
            found.append(group)
    corrected = _holm([group.p for group in found])
    return [replace(group, corrected=p) for group, p in zip(found, corrected, strict=True)]


def _aligned(facts: pd.DataFrame, predictions: Predictions) -> pd.DataFrame:
    """Facts in the order of the predictions' rows, ages in bands."""
    if facts.index.has_duplicates:
        raise CohortError("an image appears twice", found=str(facts.index[facts.index.duplicated()][0]))
    if len(predictions) and not facts.index.isin(predictions.images).any():
        raise CohortError("no fact is about a predicted image", expected="a table indexed by image")
    table = facts.reindex(predictions.images)
    if "age" in table:
        years = pd.to_numeric(table["age"], errors="coerce")
        table = table.assign(
            age=pd.cut(years, [*AGE_BANDS.values(), math.inf], right=False, labels=list(AGE_BANDS))
        )
    return table


def _groups(known: pd.DataFrame) -> Iterator[tuple[str, str, Bools, Bools]]:
    """Yield each value of each column, with the rows that have it and those that have another."""
    for column in known:
        text = known[column].astype(str)
        recorded = known[column].notna().to_numpy(bool)
        for value in sorted(set(text[recorded]), key=lambda name: (AGE_BANDS.get(name, 0), name)):
            has = (text == value).to_numpy(bool)
            yield str(column), value, has & recorded, ~has & recorded


def _metrics(predictions: Predictions) -> dict[int, str]:
    """By label, the metric that is a share of its images."""
    if predictions.positive is not None:
        return {1: "sensitivity", 0: "specificity"}
    return {code: METRICS["sensitivity"].key(name) for code, name in enumerate(predictions.classes)}


def _permutation_test(
    wrong: Bools,
    patients: NDArray[Any],
    inside: Bools,
    outside: Bools,
    rng: np.random.Generator,
    permutations: int,
) -> float:
    """The two-sided p value of the group's error rate being that of all rows."""
    rows = inside | outside
    excess = np.where(wrong, 1.0, 0.0)[rows] - wrong[rows].mean()
    units = pd.DataFrame({"patient": patients[rows], "inside": inside[rows], "excess": excess})
    sums = units.groupby(["inside", "patient"], sort=False)["excess"].sum().round(9)
    size = int(sums.index.get_level_values("inside").to_numpy(bool).sum())
    # Units of equal excess are interchangeable, so it suffices to draw the number of each kind.
    kinds, counts = np.unique(sums.to_numpy(), return_counts=True)
    draws = rng.multivariate_hypergeometric(counts, size, size=permutations, method="marginals")
    observed = abs(float(excess[inside[rows]].sum()))
    extreme = int((np.abs(draws @ kinds) >= observed - 1e-6).sum())
    return (extreme + 1) / (permutations + 1)


def _holm(values: list[float]) -> list[float]:
    """Holm's correction of the p values that are not NaN."""
    # statsmodels' multipletests gives the same, but collects garbage first: 70 ms a call, not microseconds.
    p = np.array(values)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(order.size, 0, -1)
    p[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in p]
