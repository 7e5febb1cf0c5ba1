"""Adam as Keras steps it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Adam"]

Array = NDArray[np.floating]

BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-7
SCALE = math.sqrt(1 - BETA_2)


class Adam:
    """Adam with Keras' constants and Keras' place for epsilon.

    Keras adds epsilon to the root of the raw second moment ("epsilon hat" of Kingma and Ba 2015, just
    before their section 2.1); PyTorch adds it after the bias correction. Early steps differ.

    Parameters
    ----------
    parameters : sequence of ndarray of float
        Changed in place.
    learning_rate : float
        May be set anew between steps.

    Examples
    --------
    >>> weight = np.array([1.0])
    >>> Adam([weight], learning_rate=0.1).step([np.array([5.0])])
    >>> weight.round(3)
    array([0.9])
    """

    def __init__(self, parameters: Sequence[Array], learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._parameters = parameters
        self._means = [np.zeros_like(parameter) for parameter in parameters]
        self._squares = [np.zeros_like(parameter) for parameter in parameters]
        self._spares = [np.empty_like(parameter) for parameter in parameters]
        self._steps = 0

    def step(self, gradients: Sequence[Array]) -> None:
        """Move the parameters by one step against `gradients`, given in the same order."""
        self._steps += 1
        correction = math.sqrt(1 - BETA_2**self._steps) / (1 - BETA_1**self._steps)
        rate = self.learning_rate * correction * (1 - BETA_1) / SCALE
        state = self._parameters, self._means, self._squares, self._spares
        for arrays in zip(*state, gradients, strict=True):
            _move(*arrays, rate)


def _move(parameter: Array, mean: Array, square: Array, spare: Array, gradient: Array, rate: float) -> None:
    """Step in place; the moments are kept without their factors 1 - beta, which stand in rate and epsilon."""
    mean *= BETA_1
    mean += gradient
    square *= BETA_2
    square += np.multiply(gradient, gradient, out=spare)
    np.sqrt(square, out=spare)
    spare += EPSILON / SCALE
    np.divide(mean, spare, out=spare)
    spare *= rate
    parameter -= spare
