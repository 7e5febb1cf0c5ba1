"""The tutorial's head while it is being fitted: dense, ReLU, dropout, dense, with its gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.classifier.head import Layer

__all__ = ["Forward", "Network", "glorot_uniform"]

Array = NDArray[np.floating]


def glorot_uniform(rng: np.random.Generator, outputs: int, inputs: int) -> NDArray[np.float32]:
    """Draw a weight, shape (outputs, inputs), uniformly within ±sqrt(6 / (inputs + outputs)).

    Keras' default kernel; Glorot and Bengio 2010, equation 16.
    """
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (outputs, inputs)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Forward:
    """One pass: what went in, what the hidden units gave (after dropout), and the last units' values."""

    inputs: Array
    hidden: Array
    logits: Array


@dataclass(frozen=True, eq=False)
class Network:
    """Two dense layers; an optimiser changes the arrays in place.

    Parameters
    ----------
    weight_1 : ndarray of float, shape (hidden, inputs)
    bias_1 : ndarray of float, shape (hidden,)
    weight_2 : ndarray of float, shape (units, hidden)
    bias_2 : ndarray of float, shape (units,)
    """

    weight_1: Array
    bias_1: Array
    weight_2: Array
    bias_2: Array

    @classmethod
    def initial(cls, rng: np.random.Generator, *, inputs: int, hidden: int, units: int) -> Network:
        """Start as Keras does: Glorot uniform weights, biases at zero."""
        return cls(
            glorot_uniform(rng, hidden, inputs),
            np.zeros(hidden, np.float32),
            glorot_uniform(rng, units, hidden),
            np.zeros(units, np.float32),
        )

    @property
    def parameters(self) -> tuple[Array, ...]:
        """Weights and biases, in the order of `gradients`."""
        return self.weight_1, self.bias_1, self.weight_2, self.bias_2

    def layers(self) -> tuple[Layer, Layer]:
        """Return the weights as they are now, for a `Head`."""
        w1, b1, w2, b2 = (parameter.astype(np.float32) for parameter in self.parameters)
        return Layer(w1, b1), Layer(w2, b2)

    def forward(self, inputs: Array, mask: Array | None = None) -> Forward:
        """Run rows through; `mask`, shape (n, hidden), scales the hidden units (inverted dropout)."""
        hidden = np.maximum(inputs @ self.weight_1.T + self.bias_1, 0)
        if mask is not None:
            hidden *= mask
        return Forward(inputs, hidden, hidden @ self.weight_2.T + self.bias_2)

    def gradients(self, forward: Forward, slopes: Array, mask: Array | None = None) -> tuple[Array, ...]:
        """Return the loss's derivative by each of `parameters`.

        Parameters
        ----------
        forward : Forward
            What `forward` returned with the same `mask`.
        slopes : ndarray of float, shape (n, units)
            The loss's derivative by the last units' values.
        mask : ndarray of float, shape (n, hidden), optional
        """
        back = (slopes @ self.weight_2) * (forward.hidden > 0)
        if mask is not None:
            back *= mask
        return back.T @ forward.inputs, back.sum(axis=0), slopes.T @ forward.hidden, slopes.sum(axis=0)
