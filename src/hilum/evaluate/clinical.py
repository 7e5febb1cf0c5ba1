"""What a run's probabilities and thresholds would mean in practice, as one value."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from hilum.evaluate.calibration import Calibration, calibration, confidence
from hilum.evaluate.decision import DecisionCurve, decision_curve
from hilum.evaluate.operating import OperatingPoint, operating_points
from hilum.evaluate.predictions import Predictions
from hilum.evaluate.prevalence import PrevalenceCurve, prevalence_curve

__all__ = ["SCHEMA_VERSION", "Clinical", "clinical"]

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
