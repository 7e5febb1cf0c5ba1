"""What predictions are worth: metrics, their intervals, curves and confusion matrices.

Tables and arrays come in, frozen dataclasses go out; nothing here draws, and nothing needs torch.
"""

from __future__ import annotations

from hilum.evaluate.calibration import Calibration, calibration, confidence, overall
from hilum.evaluate.clinical import Clinical, clinical
from hilum.evaluate.comparison import Comparison, Drop, Paired, compare, drop, newcombe
from hilum.evaluate.confusion import ConfusionMatrix, confusion
from hilum.evaluate.curve import PrCurve, RocCurve, pr_curve, roc_curve
from hilum.evaluate.decision import DecisionCurve, decision_curve
from hilum.evaluate.delong import AucDifference, auc_difference, auc_interval, auc_variance
from hilum.evaluate.elsewhere import FalseAlarms, answers_by_source, false_alarms
from hilum.evaluate.estimate import Estimate
from hilum.evaluate.interval import bootstrap, wilson
from hilum.evaluate.mcnemar import McNemar, mcnemar
from hilum.evaluate.metrics import METRICS, Metric, evaluate, metrics_of_parts
from hilum.evaluate.operating import OperatingPoint, operating_points
from hilum.evaluate.predictions import PARTS, Predictions
from hilum.evaluate.prevalence import PrevalenceCurve, predictive_values, prevalence_curve
from hilum.evaluate.subgroup import Subgroup, subgroups

__all__ = [
    "METRICS",
    "PARTS",
    "AucDifference",
    "Calibration",
    "Clinical",
    "Comparison",
    "ConfusionMatrix",
    "DecisionCurve",
    "Drop",
    "Estimate",
    "FalseAlarms",
    "McNemar",
    "Metric",
    "OperatingPoint",
    "Paired",
    "PrCurve",
    "Predictions",
    "PrevalenceCurve",
    "RocCurve",
    "Subgroup",
    "answers_by_source",
    "auc_difference",
    "auc_interval",
    "auc_variance",
    "bootstrap",
    "calibration",
    "clinical",
    "compare",
    "confidence",
    "confusion",
    "decision_curve",
    "drop",
    "evaluate",
    "false_alarms",
    "mcnemar",
    "metrics_of_parts",
    "newcombe",
    "operating_points",
    "overall",
    "pr_curve",
    "predictive_values",
    "prevalence_curve",
    "roc_curve",
    "subgroups",
    "wilson",
]
