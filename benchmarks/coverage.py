"""The coverage of 95 % intervals in simulated cohorts: how often each contains the true value.

Each line has the coverage, marked with * outside 93 to 97 %, and the mean width. Scores are normal; with
several images per patient, half of the variance is the patient's. ``plain`` is the AUC ± 1.96 standard
errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product, starmap
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from benchmarks.measuring import Results, arguments
from hilum.metrics import (
    Estimate,
    OneVsRest,
    auc_difference,
    auc_interval,
    auc_variance,
    bootstrap,
    newcombe,
    wilson,
)

Floats = NDArray[Any]
Interval = tuple[float, float]
PREVALENCE = 0.4


@dataclass(frozen=True)
class Setting:
    """A method of intervals, the cohort it is tried on, and the true value."""

    method: str
    where: str
    truth: float
    draw: Callable[[np.random.Generator], Interval]

    def coverage(self, simulations: int, rng: np.random.Generator) -> tuple[float, float]:
        """Return the share of intervals with the truth in them, and their mean width."""
        low, high = np.array([self.draw(rng) for _ in range(simulations)]).T
        return float(((low <= self.truth) & (self.truth <= high)).mean()), float(np.nanmean(high - low))


def cohort(images: int, each: int) -> tuple[Floats, Floats]:
    """Return the patient of each image, and which images are positive: those of two in five patients."""
    patients = np.repeat(np.arange(images // each), each)
    return patients, patients < PREVALENCE * (images // each)


def noise(patients: Floats, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a standard normal value per image, with a correlation of 0.5 within a patient."""
    patient, image = rng.normal(size=patients.max() + 1)[patients], rng.normal(size=patients.size)
    return np.asarray(math.sqrt(0.5) * (patient + image), np.float64)


def gap(auc: float) -> float:
    """Return the distance between the means of two normal scores that gives an AUC."""
    return math.sqrt(2) * float(ndtri(auc))


def share(n: int, truth: float) -> Setting:
    """Wilson's interval."""
    return Setting("Wilson", f"n {n}, share {truth}", truth, lambda rng: wilson(rng.binomial(n, truth), n))


def shares(n: int, truth: float, m: int, other: float) -> Setting:
    """Newcombe's interval of a drop in a share."""

    def draw(rng: np.random.Generator) -> Interval:
        one, two = (rng.binomial(k, p) for k, p in ((n, truth), (m, other)))
        found = newcombe(Estimate(one / n, *wilson(one, n), n), Estimate(two / m, *wilson(two, m), m))
        return found.low, found.high

    return Setting("Newcombe, shares", f"{truth} of {n}, {other} of {m}", truth - other, draw)


def area_of(images: int, auc: float, each: int, rng: np.random.Generator) -> Estimate:
    """Draw a cohort and estimate its AUC as `hilum.metrics.evaluate` does."""
    patients, positive = cohort(images, each)
    score = gap(auc) * positive + noise(patients, rng)
    value = float(OneVsRest("", positive, positive, score).roc_auc(np.ones((1, positive.size)))[0])
    fewest = min(np.unique(patients[side]).size for side in (positive, ~positive))
    found = wilson(fewest, fewest) if value == 1 else auc_interval(positive, score, patients)
    return Estimate.around(value, found, positive.size)


def area(images: int, auc: float, each: int) -> Setting:
    """DeLong's interval of an AUC."""

    def draw(rng: np.random.Generator) -> Interval:
        found = area_of(images, auc, each, rng)
        return found.low, found.high

    return Setting("DeLong", f"n {images}, {each} a patient, AUC {auc}", auc, draw)


def plain_area(images: int, auc: float, each: int) -> Setting:
    """The symmetric interval around the AUC, which hilum does not use."""

    def draw(rng: np.random.Generator) -> Interval:
        patients, positive = cohort(images, each)
        score = gap(auc) * positive + noise(patients, rng)
        value = float(OneVsRest("", positive, positive, score).roc_auc(np.ones((1, positive.size)))[0])
        half = 1.96 * math.sqrt(auc_variance(positive, score, patients))
        return value - half, min(1.0, value + half)

    return Setting("DeLong, plain", f"n {images}, {each} a patient, AUC {auc}", auc, draw)


def areas(images: int, a: float, b: float, each: int) -> Setting:
    """DeLong's interval of the difference of two scores that correlate by 0.6 on the same images."""

    def draw(rng: np.random.Generator) -> Interval:
        patients, positive = cohort(images, each)
        shared = noise(patients, rng)
        a_score, b_score = (
            gap(auc) * positive + math.sqrt(0.6) * shared + math.sqrt(0.4) * noise(patients, rng)
            for auc in (a, b)
        )
        found = auc_difference(positive, a_score, b_score, patients).difference
        return (0.0, 0.0) if math.isnan(found.low) else (found.low, found.high)

    return Setting("DeLong, difference", f"n {images}, {each} a patient, AUC {a} and {b}", a - b, draw)


def area_drop(images: int, auc: float, others: int, other: float, each: int) -> Setting:
    """Newcombe's interval of the difference of two cohorts' AUCs."""

    def draw(rng: np.random.Generator) -> Interval:
        found = newcombe(area_of(images, auc, each, rng), area_of(others, other, each, rng))
        return found.low, found.high

    where = f"{auc} of {images}, {other} of {others}, {each} a patient"
    return Setting("Newcombe, AUCs", where, auc - other, draw)


def resampled(people: int, each: int, figure: str, distance: float = 1.5) -> Setting:
    """The bootstrap over patients, of the mean score or of balanced accuracy."""
    truth = {"mean": PREVALENCE * distance, "balanced accuracy": float(ndtr(distance / 2))}[figure]

    def draw(rng: np.random.Generator) -> Interval:
        patients, _ = cohort(people * each, each)
        positive = (rng.random(people) < PREVALENCE)[patients]
        score = distance * positive + noise(patients, rng)
        side = OneVsRest("", positive, score > distance / 2, score)

        def mean(weights: Floats) -> Floats:
            means: Floats = weights @ score / weights.sum(axis=1)
            return means

        def balanced(weights: Floats) -> Floats:
            rates = side.values(weights)
            return (rates["sensitivity"] + rates["specificity"]) / 2

        low, high = bootstrap(mean if figure == "mean" else balanced, patients, rng, resamples=400)
        return float(low), float(high)

    return Setting("Bootstrap", f"{people} patients, {each} images each, {figure}", truth, draw)


def settings() -> Iterator[Setting]:
    """Yield every line of the table."""
    yield from starmap(share, product((22, 55, 300), (0.6, 0.9, 0.98)))
    aucs = (0.6, 0.8, 0.9, 0.95, 0.98)
    for each, images in product((1, 3), (55, 100, 300)):
        yield from (area(images, auc, each) for auc in aucs)
        yield from (plain_area(images, auc, each) for auc in aucs)
        pairs = ((0.8, 0.7), (0.9, 0.9), (0.95, 0.85), (0.98, 0.95))
        yield from (areas(images, a, b, each) for a, b in pairs)
    yield from starmap(resampled, product((12, 20, 40, 100), (1, 5), ("mean", "balanced accuracy")))
    for (n, m), drop in product(((55, 55), (55, 300), (300, 300)), ((0.98, 0.9), (0.95, 0.5), (0.8, 0.8))):
        yield shares(n, drop[0], m, drop[1])
    for (n, m), each in product(((55, 100), (100, 300)), (1, 3)):
        yield from (area_drop(n, a, m, b, each) for a, b in ((0.98, 0.8), (0.95, 0.6), (0.9, 0.9)))


def main() -> None:
    """Simulate every setting."""
    parser = arguments(__doc__)
    parser.add_argument("--simulations", type=int, default=2000, help="cohorts per setting [2000]")
    parser.add_argument("--seed", type=int, default=0, help="[0]")
    options = parser.parse_args()
    results = Results("coverage", options.out)
    for number, setting in enumerate(settings()):
        rng = np.random.default_rng([options.seed, number])
        held, width = setting.coverage(options.simulations, rng)
        mark = " " if 0.93 <= held <= 0.97 else "*"
        line = f"{setting.method:20}{setting.where:46}{held:7.1%} {mark}  width {width:.3f}"
        results.add(line, method=setting.method, where=setting.where, coverage=held, width=width)


if __name__ == "__main__":
    main()
