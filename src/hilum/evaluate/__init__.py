"""What predictions are worth: metrics, their intervals, curves and confusion matrices.

Tables and arrays come in, frozen dataclasses go out; nothing here draws, and nothing needs torch.
"""

from __future__ import annotations

from hilum.evaluate.confusion import ConfusionMatrix, confusion
from hilum.evaluate.curve import PrCurve, RocCurve, pr_curve, roc_curve
from hilum.evaluate.estimate import Estimate
from hilum.evaluate.interval import bootstrap, wilson
from hilum.evaluate.metrics import METRICS, Metric, evaluate, metrics_of_parts
from hilum.evaluate.predictions import PARTS, Predictions

__all__ = [
    "METRICS",
    "PARTS",
    "ConfusionMatrix",
    "Estimate",
    "Metric",
    "PrCurve",
    "Predictions",
    "RocCurve",
    "bootstrap",
    "confusion",
    "evaluate",
    "metrics_of_parts",
    "pr_curve",
    "roc_curve",
    "wilson",
]
