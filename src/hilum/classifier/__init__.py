"""What predicts: the protocol `Classifier`, its makers, and heads on frozen features.

Loading these names needs neither torch nor scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from hilum.classifier.classifier import Classifier as Classifier
    from hilum.classifier.function import FunctionClassifier as FunctionClassifier
    from hilum.classifier.head import Head as Head
    from hilum.classifier.head import Layer as Layer
    from hilum.classifier.head import Output as Output
    from hilum.classifier.onnx import OnnxClassifier as OnnxClassifier
    from hilum.classifier.specification import ModelSpecification as ModelSpecification
    from hilum.classifier.threshold import Threshold as Threshold
    from hilum.classifier.threshold import choose as choose
    from hilum.classifier.threshold import decide as decide

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classifier": ["Classifier"],
        "function": ["FunctionClassifier"],
        "head": ["Head", "Layer", "Output"],
        "onnx": ["OnnxClassifier"],
        "specification": ["ModelSpecification"],
        "threshold": ["Threshold", "choose", "decide"],
    },
)
