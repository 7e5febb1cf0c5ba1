"""Metrics of predictions: values with intervals, curves, calibration, comparisons, subgroups.

Tables and arrays in, frozen dataclasses out. Nothing here draws, and nothing needs torch.
"""

from __future__ import annotations

from hilum.metrics.auc import auc_difference, auc_estimates, auc_interval, auc_variance
from hilum.metrics.calibration import Calibration, calibration, confidence_calibration, overall_calibration
from hilum.metrics.comparison import (
    Comparison,
    FalsePositives,
    PerformanceDrop,
    compare,
    false_positives,
    performance_drop,
    predictions_by_source,
)
from hilum.metrics.curves import (
    SCREENING_PREVALENCE,
    PrCurve,
    PrevalenceCurve,
    RocCurve,
    pr_curve,
    predictive_values,
    prevalence_curve,
    roc_curve,
)
from hilum.metrics.decision import (
    Clinical,
    DecisionCurve,
    OperatingPoint,
    clinical,
    decision_curve,
    operating_points,
)
from hilum.metrics.intervals import (
    Estimate,
    bootstrap,
    bootstrap_estimates,
    min_class_patients,
    newcombe,
    wilson,
)
from hilum.metrics.metrics import METRICS, ConfusionMatrix, Metric, confusion, evaluate, metrics_of_parts
from hilum.metrics.predictions import PARTS, OneVsRest, Predictions, one_vs_rest
from hilum.metrics.subgroups import Subgroup, subgroups
from hilum.metrics.tables import PredictionsTable, read_predictions

__all__ = [
    "METRICS",
    "PARTS",
    "SCREENING_PREVALENCE",
    "Calibration",
    "Clinical",
    "Comparison",
    "ConfusionMatrix",
    "DecisionCurve",
    "Estimate",
    "FalsePositives",
    "Metric",
    "OneVsRest",
    "OperatingPoint",
    "PerformanceDrop",
    "PrCurve",
    "Predictions",
    "PredictionsTable",
    "PrevalenceCurve",
    "RocCurve",
    "Subgroup",
    "auc_difference",
    "auc_estimates",
    "auc_interval",
    "auc_variance",
    "bootstrap",
    "bootstrap_estimates",
    "calibration",
    "clinical",
    "compare",
    "confidence_calibration",
    "confusion",
    "decision_curve",
    "evaluate",
    "false_positives",
    "metrics_of_parts",
    "min_class_patients",
    "newcombe",
    "one_vs_rest",
    "operating_points",
    "overall_calibration",
    "performance_drop",
    "pr_curve",
    "predictions_by_source",
    "predictive_values",
    "prevalence_curve",
    "read_predictions",
    "roc_curve",
    "subgroups",
    "wilson",
]
