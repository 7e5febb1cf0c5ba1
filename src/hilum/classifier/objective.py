"""What a dense head minimises, and what it is counted by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

from hilum.classifier.head import Output

__all__ = ["Objective"]

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Objective:
    """Cross-entropy of the last units' values: binary on a sigmoid, categorical on a softmax.

    Taken from logits, where it neither overflows nor needs Keras' clipping of probabilities at 1e-7.

    Parameters
    ----------
    output : Output
    classes : int
    """

    output: Output
    classes: int

    def targets(self, labels: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return labels as the units should be, shape (n, units)."""
        one_hot: NDArray[np.float32] = np.eye(self.classes, dtype=np.float32)[labels]
        return one_hot[:, 1:] if self.output is Output.SIGMOID else one_hot

    def losses(self, logits: Array, targets: Array) -> Array:
        """Return each row's loss in nats, shape (n,)."""
        if self.output is Output.SIGMOID:
            each = np.logaddexp(0, logits) - targets * logits
        else:
            each = logsumexp(logits, axis=1, keepdims=True) - (targets * logits).sum(axis=1, keepdims=True)
        return np.asarray(each[:, 0])

    def slopes(self, logits: Array, targets: Array) -> Array:
        """Return the derivative of the mean loss by each logit, shape (n, units)."""
        probabilities = expit(logits) if self.output is Output.SIGMOID else softmax(logits, axis=1)
        return np.asarray((probabilities - targets) / len(logits))

    def hits(self, logits: Array, targets: Array) -> NDArray[np.bool_]:
        """Return which rows are right (of two classes: above 0.5, as Keras counts), shape (n,)."""
        if self.output is Output.SIGMOID:
            return np.asarray((logits > 0) == (targets > 0.5))[:, 0]
        return np.asarray(logits.argmax(axis=1) == targets.argmax(axis=1))
