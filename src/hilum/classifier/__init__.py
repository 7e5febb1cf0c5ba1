"""What predicts: the protocol `Classifier`, its makers, and heads on frozen features.

Loading these names needs neither torch nor scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.classifier.classifier import Classifier
    from hilum.classifier.function import FunctionClassifier
    from hilum.classifier.head import Head, Layer, Output
    from hilum.classifier.onnx import OnnxClassifier
    from hilum.classifier.specification import ModelSpecification
    from hilum.classifier.threshold import Threshold, choose, decide

__all__ = [
    "Classifier",
    "FunctionClassifier",
    "Head",
    "Layer",
    "ModelSpecification",
    "OnnxClassifier",
    "Output",
    "Threshold",
    "choose",
    "decide",
]


__getattr__, __dir__ = on_demand(
    __name__,
    {
        "Classifier": "classifier",
        "FunctionClassifier": "function",
        "Head": "head",
        "Layer": "head",
        "ModelSpecification": "specification",
        "OnnxClassifier": "onnx",
        "Output": "head",
        "Threshold": "threshold",
        "choose": "threshold",
        "decide": "threshold",
    },
)
