"""What predictions are worth: metrics, their intervals, curves and confusion matrices.

Tables and arrays come in, frozen dataclasses go out; nothing here draws, and nothing needs torch.
"""

from __future__ import annotations

from hilum.metrics.auc import AucDifference, auc_difference, auc_interval, auc_variance
from hilum.metrics.calibration import Calibration, calibration, confidence, overall
from hilum.metrics.comparison import (
    Comparison,
    Drop,
    FalseAlarms,
    McNemar,
    Paired,
    answers_by_source,
    compare,
    drop,
    false_alarms,
    mcnemar,
    newcombe,
)
from hilum.metrics.curves import (
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
from hilum.metrics.intervals import Estimate, bootstrap, wilson
from hilum.metrics.metrics import METRICS, ConfusionMatrix, Metric, confusion, evaluate, metrics_of_parts
from hilum.metrics.predictions import PARTS, Predictions
from hilum.metrics.subgroups import Subgroup, subgroups
from hilum.metrics.tables import PredictionsTable, read_predictions

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
    "PredictionsTable",
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
    "read_predictions",
    "roc_curve",
    "subgroups",
    "wilson",
]
