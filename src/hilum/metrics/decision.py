"""Clinical use of a classifier: decision curves, operating points, and the content of ``evaluation.json``."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.classifier.threshold import MIN_POSITIVES, choose, midpoint
from hilum.metrics.calibration import Calibration, calibration, confidence_calibration
from hilum.metrics.curves import PrevalenceCurve, prevalence_curve
from hilum.metrics.intervals import Estimate, bootstrap_estimates, proportion
from hilum.metrics.predictions import Bools, Floats, OneVsRest, Predictions, one_vs_rest, ratio
from hilum.recipe.settings import TargetThreshold

__all__ = [
    "SCHEMA_VERSION",
    "THRESHOLDS",
    "Clinical",
    "DecisionCurve",
    "OperatingPoint",
    "clinical",
    "decision_curve",
    "operating_points",
]

SCHEMA_VERSION = 1
"""Of ``evaluation.json``."""

THRESHOLDS = tuple(round(percent / 100, 2) for percent in range(1, 100))
"""Threshold probabilities of a decision curve."""


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit over threshold probabilities.

    Net benefit is true positives minus false positives, weighted by the odds of the threshold, per image: at
    a threshold of 0.2 a false positive weighs a quarter of a true one. Treating no one has a net benefit of 0
    everywhere.

    Parameters
    ----------
    thresholds : tuple of float
        Rising.
    model, treat_all : tuple of Estimate
        Net benefit at each threshold of treating where the probability reaches it, and of treating everyone.
    """

    thresholds: tuple[float, ...]
    model: tuple[Estimate, ...]
    treat_all: tuple[Estimate, ...]

    def __post_init__(self) -> None:
        if not len(self.thresholds) == len(self.model) == len(self.treat_all):
            raise ValueError(f"expected {len(self.thresholds)} estimates of each kind")


def decision_curve(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> DecisionCurve:
    """Net benefit of the positive class's probability of two, at the prevalence of the rows.

    Intervals are by bootstrap over patients.

    References
    ----------
    Vickers, A. J. and Elkin, E. B. Decision curve analysis: a novel method for evaluating prediction models.
    Med. Decis. Making 26, 565-574 (2006).
    """
    _check_binary(predictions)
    (one,) = one_vs_rest(predictions)
    at = np.array(THRESHOLDS)
    benefit = np.where(one.actual[:, None], 1.0, -at / (1 - at))  # of treating a row, at each threshold
    per_row = np.hstack([benefit * (one.score[:, None] >= at), benefit])

    def net_benefit(weights: Floats) -> dict[str, Floats]:
        means = ratio(weights @ per_row, weights.sum(axis=1)[:, None])
        return {str(column): values for column, values in enumerate(means.T)}

    found = tuple(bootstrap_estimates(net_benefit, predictions, rng, resamples).values())
    return DecisionCurve(THRESHOLDS, found[: len(at)], found[len(at) :])


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and its rates on the test rows.

    Parameters
    ----------
    name : str
        ``own``, ``sensitivity_95``, ``sensitivity_90`` or ``specificity_95``.
    aim : str
        What it was chosen for, for people.
    threshold : float
        The class is predicted at or above this probability; the mean over the folds where there are several,
        NaN where none could be chosen. A threshold just above 1 never predicts the class.
    note : str
        A limitation of the choice, as a clause; empty if there is none.
    sensitivity, specificity, ppv, npv : Estimate
        Of the test rows.
    """

    name: str
    aim: str
    threshold: float
    note: str
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate


@dataclass(frozen=True)
class _Aim:
    """A target rate, the label whose images it is a share of, and how labels and scores give a threshold."""

    name: str
    text: str
    target: float
    code: int
    choose: Callable[[float, NDArray[np.intp], Floats], float]


def _threshold_for_sensitivity(target: float, labels: NDArray[np.intp], scores: Floats) -> float:
    chosen = choose(TargetThreshold(target=target), labels, np.stack([1 - scores, scores], axis=1)).value
    return math.nan if chosen is None else chosen


def _threshold_for_specificity(target: float, labels: NDArray[np.intp], scores: Floats) -> float:
    negatives, positives = np.sort(scores[labels == 0]), scores[labels == 1]
    shares = np.arange(1, len(negatives) + 1) / len(negatives)
    below = float(negatives[int(np.argmax(shares >= target))])
    above = positives[positives > below]
    return midpoint(below, float(above.min()) if len(above) else math.nextafter(below, math.inf))


_AIMS = (
    _Aim("sensitivity_95", "sensitivity of 95 % or more", 0.95, 1, _threshold_for_sensitivity),
    _Aim("sensitivity_90", "sensitivity of 90 % or more", 0.90, 1, _threshold_for_sensitivity),
    _Aim("specificity_95", "specificity of 95 % or more", 0.95, 0, _threshold_for_specificity),
)


def operating_points(predictions: Predictions, threshold: float) -> tuple[OperatingPoint, ...]:
    """Rates on the test rows at the run's own threshold, and at others chosen on the validation rows.

    For a target rate, the threshold is the one that reaches it on the validation rows with the best other
    rate. In cross-validation, each fold's test rows are classified with the threshold of that fold.

    Parameters
    ----------
    predictions : Predictions
        Of two classes, all parts.
    threshold : float
        The run's own; its rates are those of the predicted classes.
    """
    _check_binary(predictions)
    test = predictions.part("test")
    (one,) = one_vs_rest(test)
    own = _point("own", "the run's own threshold", threshold, "", one, test.images)
    return (own, *(_point_for(aim, predictions) for aim in _AIMS))


def _point_for(aim: _Aim, predictions: Predictions) -> OperatingPoint:
    validation, test = predictions.part("validation"), predictions.part("test")
    (one,), (known,) = one_vs_rest(test), one_vs_rest(validation)
    folds, known_folds = (part.table["fold"].to_numpy() for part in (test, validation))
    predicted = np.zeros(len(test), dtype=bool)
    thresholds, notes = [], []
    for fold in np.unique(folds):
        rows = known_folds == fold
        labels, scores = known.actual[rows].astype(np.intp), known.score[rows]
        notes.append(_note(aim, labels, scores, predictions.classes))
        if not (labels == aim.code).any():
            thresholds.append(math.nan)
            continue
        thresholds.append(aim.choose(aim.target, labels, scores))
        predicted[folds == fold] = one.score[folds == fold] >= thresholds[-1]
    chosen = float(np.mean(thresholds)) if thresholds else math.nan
    rows = slice(0 if math.isnan(chosen) else None)  # rows of a fold without a threshold have no prediction
    judged = OneVsRest(one.name, one.actual[rows], predicted[rows], one.score[rows])
    return _point(aim.name, aim.text, chosen, next(filter(None, notes), ""), judged, test.images[rows])


def _note(aim: _Aim, labels: NDArray[np.intp], scores: Floats, classes: tuple[str, ...]) -> str:
    """The gravest limitation of the choice."""
    sought = scores[labels == aim.code]
    name = f"validation image{'s' if len(sought) != 1 else ''} of {classes[aim.code]}"
    if len(sought) == 0:
        return f"no {name} to choose on"
    if len(sought) < MIN_POSITIVES:
        return f"{len(sought)} {name}: too few to estimate the rate elsewhere"
    others = scores[labels != aim.code]
    if len(others) == 0:
        return f"no validation image of {classes[1 - aim.code]}: nothing limits the choice"
    if scores[labels == 1].min() > scores[labels == 0].max():
        return "the validation images are separated without error, so any threshold between them is as good"
    if len(sought) * (1 - aim.target) < 1:
        return f"none of {len(sought)} {name} may be missed"
    return ""


def _point(
    name: str, aim: str, threshold: float, note: str, one: OneVsRest, images: NDArray[Any]
) -> OperatingPoint:
    correct: Bools = one.actual == one.predicted
    rates = {rate: proportion(correct[rows], images[rows]) for rate, rows in one.denominators.items()}
    return OperatingPoint(name, aim, threshold, note, **rates)


def _check_binary(predictions: Predictions) -> None:
    if predictions.positive is None:
        raise ValueError(f"expected two classes, found {len(predictions.classes)}")


_NO_PREVALENCE = PrevalenceCurve(math.nan, ())
_NO_DECISION = DecisionCurve((), (), ())


@dataclass(frozen=True)
class Clinical:
    """Calibration of the test rows and, for two classes, what thresholds and prevalences would give.

    Parameters
    ----------
    calibration : mapping of str to Calibration
        By class, each against the rest; of two classes the positive one alone. Empty without test rows.
    confidence : Calibration, optional
        Of the highest probability, with three classes or more.
    points : tuple of OperatingPoint
        The run's own threshold first.
    prevalence, decision
        Empty where they do not apply.
    """

    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    confidence: Calibration | None = None
    points: tuple[OperatingPoint, ...] = ()
    prevalence: PrevalenceCurve = _NO_PREVALENCE
    decision: DecisionCurve = _NO_DECISION

    def record(self) -> dict[str, Any]:
        """The content of ``evaluation.json``, without what does not apply."""
        filled = {
            "calibration": self.calibration,
            "confidence": self.confidence,
            "points": self.points,
            "prevalence": self.prevalence.points,
            "decision": self.decision.thresholds,
        }
        parts = asdict(self)
        return {"schema_version": SCHEMA_VERSION} | {name: parts[name] for name in filled if filled[name]}


def clinical(predictions: Predictions, threshold: float | None, rng: np.random.Generator) -> Clinical:
    """Compute it from all parts of a run's predictions and, for two classes, the run's own threshold."""
    test = predictions.part("test")
    if not len(test):
        return Clinical()
    by_class = calibration(test, copy.deepcopy(rng))
    if predictions.positive is None or threshold is None:
        return Clinical(by_class, confidence_calibration(test, copy.deepcopy(rng)))
    return Clinical(
        calibration=by_class,
        points=operating_points(predictions, threshold),
        prevalence=prevalence_curve(test),
        decision=decision_curve(test, copy.deepcopy(rng)),
    )
