"""Fitting the tutorial's head by Keras' rules.

Adam, inverted dropout, rows shuffled anew in every epoch, the last smaller batch kept, training loss and
accuracy running over the batches with dropout on, validation without it at the end of every epoch.
In numpy: the network is so small that a framework's own overhead would outweigh it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax
from threadpoolctl import threadpool_limits

from hilum.classifier.head import Head, Layer, Output
from hilum.classifier.samples import HISTORY_COLUMNS, FittedHead, Samples
from hilum.errors import FitError
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import DenseHeadSettings, PlateauSettings

__all__ = [
    "Adam",
    "Forward",
    "Network",
    "Objective",
    "Plateau",
    "fit_dense",
    "glorot_uniform",
    "side_by_side",
]


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


class Plateau:
    """Lowers the learning rate when the validation loss stops falling.

    An epoch counts as better when its loss lies more than `min_delta` below the best. After `patience`
    epochs in a row that are not, the rate is multiplied by `factor`, though never below the least rate,
    and for `cooldown` epochs nothing is counted. A rate that is at the least already, or below, stays: with
    Model 2's own settings (1e-3, least 1e-3) it never changes.

    Parameters
    ----------
    settings : PlateauSettings

    Examples
    --------
    >>> plateau = Plateau(PlateauSettings(factor=0.5, patience=2, min_learning_rate=0))
    >>> rate = 0.1
    >>> for loss in (1.0, 1.0, 1.0, 1.0):
    ...     rate = plateau.next_rate(loss, rate)
    ...     print(rate)
    0.1
    0.1
    0.05
    0.05
    """

    def __init__(self, settings: PlateauSettings) -> None:
        self._settings = settings
        self._best = math.inf
        self._waited = 0
        self._cooling = 0

    def next_rate(self, loss: float, rate: float) -> float:
        """Return the rate of the next epoch, after one that ran with `rate` and ended at `loss`."""
        if self._cooling:
            self._cooling -= 1
        if loss < self._best - self._settings.min_delta:
            self._best = loss
            self._waited = 0
        elif not self._cooling:
            self._waited += 1
        if self._waited < self._settings.patience:
            return rate
        self._waited = 0
        self._cooling = self._settings.cooldown
        return min(rate, max(rate * self._settings.factor, self._settings.min_learning_rate))


def fit_dense(
    samples: Samples, settings: DenseHeadSettings, seed: int, progress: Progress = SILENT
) -> FittedHead:
    """Fit dense, ReLU, dropout, dense.

    The same samples, settings and seed give the same bits, on any number of cores.

    Parameters
    ----------
    samples : Samples
    settings : DenseHeadSettings
    seed : int
        Of initial weights, shuffling and dropout.
    progress : Progress, optional

    Returns
    -------
    FittedHead
        The head after the last epoch that ran; validation columns of the history are NaN without such rows.

    Raises
    ------
    FitError
        Training diverged, or a plateau is asked for and nothing validates.
    """
    if settings.plateau is not None and len(samples.validation) == 0:
        raise FitError(
            "the learning rate follows the validation loss, and no row validates",
            remedy="Raise split.validation, or leave head.plateau out.",
        )
    training = _Training(samples, settings, seed)
    plateau = None if settings.plateau is None else Plateau(settings.plateau)
    history = []
    epochs = range(1, settings.epochs + 1)
    # One thread: sums split over threads end in other bits, and batches are too small to gain.
    with threadpool_limits(1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
        for epoch in progress.track(epochs, what="Fitting the head", total=settings.epochs):
            rate = training.adam.learning_rate
            loss, accuracy = training.run_epoch()
            if not math.isfinite(loss):
                raise FitError("training diverged", found=f"loss {loss} in epoch {epoch}")
            val_loss, val_accuracy = training.validate()
            history.append((epoch, loss, accuracy, val_loss, val_accuracy, rate))
            if settings.enough_loss is not None and loss <= settings.enough_loss:
                break
            if plateau is not None:
                training.adam.learning_rate = plateau.next_rate(val_loss, rate)
    head = Head(training.network.layers(), training.objective.output, samples.classes)
    return FittedHead(head, pd.DataFrame(history, columns=list(HISTORY_COLUMNS)), {"kind": "dense"})


class _Training:
    """The values that change from epoch to epoch."""

    def __init__(self, samples: Samples, settings: DenseHeadSettings, seed: int) -> None:
        classes = len(samples.classes)
        output = Output.suited_to(classes)
        initial, self._order, self._dropout = np.random.default_rng(seed).spawn(3)
        self._settings = settings
        self.objective = Objective(output, classes)
        self._features = samples.features
        self._train = samples.train, self.objective.targets(samples.labels[samples.train])
        targets = self.objective.targets(samples.labels[samples.validation])
        self._validation = self._inputs(samples.validation), targets
        start = Network.initial(
            initial, inputs=samples.features.shape[1], hidden=settings.units, units=output.units(classes)
        )
        weights, views = side_by_side(start.parameters)
        self.network = Network(*views)
        self.adam = Adam([weights], settings.learning_rate)
        self._gradient, self._gradients = side_by_side(start.parameters)  # of the weights, batch by batch

    def _inputs(self, rows: NDArray[np.integer]) -> Array:
        return np.asarray(self._features[rows], np.float32)

    def run_epoch(self) -> tuple[float, float]:
        """Go through all training rows once; return loss and accuracy as they ran."""
        places, targets = self._train
        order = self._order.permutation(len(places))
        places, targets, mask = places[order], targets[order], self._mask(len(order))
        logits = np.empty_like(targets)
        for start in range(0, len(order), self._settings.batch):
            rows = slice(start, start + self._settings.batch)
            kept = None if mask is None else mask[rows]
            logits[rows] = self._run_batch(self._inputs(places[rows]), targets[rows], kept)
        return self._score(logits, targets)

    def _run_batch(self, inputs: Array, targets: Array, mask: Array | None) -> Array:
        """Learn from a few rows; return the last units' values from before."""
        forward = self.network.forward(inputs, mask)
        slopes = self.objective.slopes(forward.logits, targets)
        self.network.gradients(forward, slopes, mask, out=self._gradients)
        self.adam.step([self._gradient])
        return forward.logits

    def _mask(self, rows: int) -> Array | None:
        rate = self._settings.dropout
        if rate == 0:
            return None
        kept = self._dropout.random((rows, self._settings.units), np.float32) >= rate
        return kept.astype(np.float32) / np.float32(1 - rate)

    def validate(self) -> tuple[float, float]:
        """Return loss and accuracy on the validation rows, without dropout; NaN without rows."""
        inputs, targets = self._validation
        if len(inputs) == 0:
            return math.nan, math.nan
        return self._score(self.network.forward(inputs).logits, targets)

    def _score(self, logits: Array, targets: Array) -> tuple[float, float]:
        """Mean loss, and the share that is right."""
        losses, hits = self.objective.losses(logits, targets), self.objective.hits(logits, targets)
        return float(losses.mean(dtype=np.float64)), float(hits.mean())
