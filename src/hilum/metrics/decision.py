"""Decision curves: the good of acting on the classifier, beside treating everyone and no one."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.classifier.threshold import FEW_POSITIVES, between, choose
from hilum.metrics.calibration import Calibration, calibration, confidence
from hilum.metrics.curves import PrevalenceCurve, prevalence_curve
from hilum.metrics.intervals import Contrast, Estimate, Floats, contrasts, estimates, proportion, ratio
from hilum.metrics.predictions import Predictions
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


THRESHOLDS = tuple(round(percent / 100, 2) for percent in range(1, 100))
"""Threshold probabilities of a decision curve."""


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit over threshold probabilities.

    Net benefit counts true alarms, less false ones weighed by the odds of the threshold, per image: at 0.2
    a false alarm weighs a quarter of a patient found. Treating no one has a net benefit of 0 everywhere.

    Parameters
    ----------
    thresholds : tuple of float
        Rising.
    model, treat_all : tuple of Estimate
        Net benefit at each threshold: acting where the probability reaches it, and acting always.

    Raises
    ------
    ValueError
        If they differ in length.
    """

    thresholds: tuple[float, ...]
    model: tuple[Estimate, ...]
    treat_all: tuple[Estimate, ...]

    def __post_init__(self) -> None:
        if not len(self.thresholds) == len(self.model) == len(self.treat_all):
            raise ValueError(f"expected {len(self.thresholds)} figures of each kind")


def decision_curve(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> DecisionCurve:
    """Net benefit of the positive class's probability; intervals by bootstrap over patients.

    Parameters
    ----------
    predictions : Predictions
        Of two classes, usually the test rows. Their prevalence is the cohort's, and so is the curve.
    rng : numpy.random.Generator
    resamples : int

    Raises
    ------
    ValueError
        If there are more than two classes.

    References
    ----------
    Vickers, A. J. and Elkin, E. B. Decision curve analysis: a novel method for evaluating prediction models.
    Med. Decis. Making 26, 565-574 (2006).
    """
    if predictions.positive is None:
        raise ValueError(f"expected two classes, found {len(predictions.classes)}")
    (side,) = contrasts(predictions)
    at = np.array(THRESHOLDS)
    worth = np.where(side.actual[:, None], 1.0, -at / (1 - at))  # of acting on a row, at each threshold
    both = np.hstack([worth * (side.score[:, None] >= at), worth])

    def benefit(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=1)[:, None]
        found = ratio(weights @ both, total)
        return {str(column): found[:, column] for column in range(found.shape[1])}

    found = tuple(estimates(benefit, predictions, rng, resamples).values())
    return DecisionCurve(THRESHOLDS, found[: len(at)], found[len(at) :])


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it gives on the test rows.

    Parameters
    ----------
    name : str
        ``own``, ``sensitivity_95``, ``sensitivity_90`` or ``specificity_95``.
    aim : str
        What it was chosen for, for people.
    threshold : float
        The class is predicted from this probability on; the mean of the folds' where there are several, NaN
        where none could be chosen. One just above 1 predicts the class never.
    note : str
        What stands against the choice, as a clause; empty if nothing.
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


Chooser = Callable[[NDArray[np.intp], Floats], float]
"""From labels and scores of validation rows to a threshold."""


@dataclass(frozen=True)
class _Aim:
    name: str
    text: str
    target: float
    code: int
    """Label of the rows that the target is a share of."""
    choose: Chooser


def _sensitive(target: float) -> Chooser:
    settings = TargetThreshold(target=target)

    def chosen(labels: NDArray[np.intp], scores: Floats) -> float:
        threshold = choose(settings, labels, np.stack([1 - scores, scores], axis=1)).value
        return math.nan if threshold is None else threshold

    return chosen


def _specific(target: float) -> Chooser:
    def chosen(labels: NDArray[np.intp], scores: Floats) -> float:
        negatives, positives = np.sort(scores[labels == 0]), scores[labels == 1]
        shares = np.arange(1, len(negatives) + 1) / len(negatives)
        below = float(negatives[int(np.argmax(shares >= target))])
        above = positives[positives > below]
        return between(below, float(above.min()) if len(above) else math.nextafter(below, math.inf))

    return chosen


_AIMS = (
    _Aim("sensitivity_95", "sensitivity of 95 % or more", 0.95, 1, _sensitive(0.95)),
    _Aim("sensitivity_90", "sensitivity of 90 % or more", 0.90, 1, _sensitive(0.90)),
    _Aim("specificity_95", "specificity of 95 % or more", 0.95, 0, _specific(0.95)),
)


def operating_points(predictions: Predictions, threshold: float) -> tuple[OperatingPoint, ...]:
    """The run's own threshold, and others chosen on validation rows alone, on the test rows.

    For a target it is the threshold that reaches it on the validation rows with the best of the other rate.
    In cross-validation each fold's test rows are judged by a threshold from that fold's validation rows.

    Parameters
    ----------
    predictions : Predictions
        Of two classes, all parts.
    threshold : float
        The run's own; its figures are those of the predicted classes.

    Raises
    ------
    ValueError
        If there are more than two classes.
    """
    if predictions.positive is None:
        raise ValueError(f"expected two classes, found {len(predictions.classes)}")
    test = predictions.part("test")
    (side,) = contrasts(test)
    own = _point("own", "the run's own threshold", threshold, "", side, test.images)
    return (own, *(_aimed(aim, predictions) for aim in _AIMS))


def _aimed(aim: _Aim, predictions: Predictions) -> OperatingPoint:
    validation, test = predictions.part("validation"), predictions.part("test")
    (side,), (known,) = contrasts(test), contrasts(validation)
    folds, known_folds = (part.table["fold"].to_numpy() for part in (test, validation))
    called = np.zeros(len(test), dtype=bool)
    thresholds, notes = [], []
    for fold in np.unique(folds):
        rows = known_folds == fold
        labels, scores = known.actual[rows].astype(np.intp), known.score[rows]
        notes.append(_note(aim, labels, scores, predictions.classes))
        if not (labels == aim.code).any():
            thresholds.append(math.nan)
            continue
        thresholds.append(aim.choose(labels, scores))
        called[folds == fold] = side.score[folds == fold] >= thresholds[-1]
    chosen = float(np.mean(thresholds)) if thresholds else math.nan
    contrast = Contrast(side.name, side.actual, called, side.score)
    if math.isnan(chosen):  # a fold without a threshold leaves rows that nobody judged
        contrast = Contrast(side.name, side.actual[:0], called[:0], side.score[:0])
    images = test.images[: len(contrast.actual)]
    return _point(aim.name, aim.text, chosen, next(filter(None, notes), ""), contrast, images)


def _note(aim: _Aim, labels: NDArray[np.intp], scores: Floats, classes: tuple[str, ...]) -> str:
    """What makes the choice a poor one, the gravest first."""
    sought = scores[labels == aim.code]
    name = f"validation image{'s' if len(sought) != 1 else ''} of {classes[aim.code]}"
    if len(sought) == 0:
        return f"no {name} to choose on"
    if len(sought) < FEW_POSITIVES:
        return f"{len(sought)} {name}: too few to say what is reached elsewhere"
    others = scores[labels != aim.code]
    if len(others) == 0:
        return f"no validation image of {classes[1 - aim.code]}: nothing limits the choice"
    if scores[labels == 1].min() > scores[labels == 0].max():
        return "the validation images are separated without error, so any threshold between them does"
    if len(sought) * (1 - aim.target) < 1:
        return f"of {len(sought)} {name} none may be missed"
    return ""


def _point(
    name: str, aim: str, threshold: float, note: str, side: Contrast, images: NDArray[Any]
) -> OperatingPoint:
    right = side.actual == side.called
    figures = {rate: proportion(right[base], images[base]) for rate, base in side.bases.items()}
    return OperatingPoint(name, aim, threshold, note, **figures)


SCHEMA_VERSION = 1
"""Of ``evaluation.json``."""

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
    prevalence : PrevalenceCurve
    decision : DecisionCurve
        Both empty where they do not apply.
    """

    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    confidence: Calibration | None = None
    points: tuple[OperatingPoint, ...] = ()
    prevalence: PrevalenceCurve = _NO_PREVALENCE
    decision: DecisionCurve = _NO_DECISION

    def record(self) -> dict[str, Any]:
        """Give the content of ``evaluation.json``; what does not apply is left out."""
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
    """Work it out from a run's predictions.

    Parameters
    ----------
    predictions : Predictions
        All parts.
    threshold : float, optional
        The run's own, of two classes.
    rng : numpy.random.Generator
        Each part starts from a copy.
    """
    test = predictions.part("test")
    if not len(test):
        return Clinical()
    by_class = calibration(test, copy.deepcopy(rng))
    if predictions.positive is None or threshold is None:
        return Clinical(by_class, confidence(test, copy.deepcopy(rng)))
    return Clinical(
        calibration=by_class,
        points=operating_points(predictions, threshold),
        prevalence=prevalence_curve(test),
        decision=decision_curve(test, copy.deepcopy(rng)),
    )
