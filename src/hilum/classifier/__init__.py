"""Heads on features: what they are here, how they are fitted in `hilum.classifier.fit`.

What a prediction needs stands at the front, without torch or scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.classifier.head import Head, Layer, Output
    from hilum.classifier.threshold import Threshold, choose, decide

__all__ = ["Head", "Layer", "Output", "Threshold", "choose", "decide"]


__getattr__, __dir__ = on_demand(
    __name__,
    {
        "Head": "head",
        "Layer": "head",
        "Output": "head",
        "Threshold": "threshold",
        "choose": "threshold",
        "decide": "threshold",
    },
)
