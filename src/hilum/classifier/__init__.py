"""Heads on features: what they are here, how they are fitted in `hilum.classifier.fit`.

What a prediction needs stands at the front, without torch or scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from hilum.classifier.head import Head as Head
    from hilum.classifier.head import Layer as Layer
    from hilum.classifier.head import Output as Output
    from hilum.classifier.threshold import Threshold as Threshold
    from hilum.classifier.threshold import choose as choose
    from hilum.classifier.threshold import decide as decide

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "head": ["Head", "Layer", "Output"],
        "threshold": ["Threshold", "choose", "decide"],
    },
)
