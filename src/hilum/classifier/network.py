"""The tutorial's head while it is being fitted: dense, ReLU, dropout, dense, with its gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.classifier.head import Layer

__all__ = ["Forward", "Network", "glorot_uniform", "side_by_side"]

Array = NDArray[np.floating]


def glorot_uniform(rng: np.random.Generator, outputs: int, inputs: int) -> NDArray[np.float32]:
    """Draw a weight, shape (outputs, inputs), uniformly within ±sqrt(6 / (inputs + outputs)).

    Keras' default kernel; Glorot and Bengio 2010, equation 16.
    """
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (outputs, inputs)).astype(np.float32)


def side_by_side(arrays: Sequence[Array]) -> tuple[Array, tuple[Array, ...]]:
    """Copy arrays into one vector, so that one operation reaches them all.

    Returns
    -------
    vector : ndarray of float, shape (values in all arrays,)
    views : tuple of ndarray
        The arrays again, each with its shape and memory order, as parts of `vector`.

    Examples
    --------
    >>> vector, (weight, bias) = side_by_side([np.zeros((2, 2)), np.ones(1)])
    >>> vector += 1
    >>> weight.sum(), bias.sum()
    (np.float64(4.0), np.float64(2.0))
    """
    vector = np.concatenate([array.ravel(order="K") for array in arrays])
    parts = np.split(vector, np.cumsum([array.size for array in arrays])[:-1])
    return vector, tuple(map(_shaped_like, parts, arrays))


def _shaped_like(part: Array, array: Array) -> Array:
    return part.reshape(array.shape, order="C" if array.flags.c_contiguous else "F")


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
            np.asfortranarray(glorot_uniform(rng, hidden, inputs)),  # small batches multiply faster so
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
        w1, b1, w2, b2 = (parameter.astype(np.float32, order="C") for parameter in self.parameters)
        return Layer(w1, b1), Layer(w2, b2)

    def forward(self, inputs: Array, mask: Array | None = None) -> Forward:
        """Run rows through; `mask`, shape (n, hidden), scales the hidden units (inverted dropout)."""
        hidden = inputs @ self.weight_1.T
        hidden += self.bias_1
        np.maximum(hidden, 0, out=hidden)
        if mask is not None:
            hidden *= mask
        return Forward(inputs, hidden, hidden @ self.weight_2.T + self.bias_2)

    def gradients(
        self, forward: Forward, slopes: Array, mask: Array | None = None, out: Sequence[Array] | None = None
    ) -> tuple[Array, ...]:
        """Return the loss's derivative by each of `parameters`.

        Parameters
        ----------
        forward : Forward
            What `forward` returned with the same `mask`.
        slopes : ndarray of float, shape (n, units)
            The loss's derivative by the last units' values.
        mask : ndarray of float, shape (n, hidden), optional
        out : sequence of ndarray of float, optional
            Arrays as `parameters`, which take the result; else new ones do.
        """
        w1, b1, w2, b2 = out or (None,) * 4
        back = slopes @ self.weight_2
        back *= forward.hidden > 0
        if mask is not None:
            back *= mask
        return (
            np.matmul(back.T, forward.inputs, out=w1),
            back.sum(axis=0, out=b1),
            np.matmul(slopes.T, forward.hidden, out=w2),
            slopes.sum(axis=0, out=b2),
        )
