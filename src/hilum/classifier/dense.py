"""The dense head of the tutorial (dense, ReLU, dropout, dense), fitted as Keras does.

Adam, inverted dropout, rows reshuffled in every epoch, the last smaller batch kept; training loss and
accuracy accumulate over the batches with dropout, validation follows every epoch without it. In numpy, since
a framework's overhead exceeds the arithmetic of so small a network.
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

__all__ = ["fit_dense"]

Array = NDArray[np.floating]

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Keras' defaults
SCALE = math.sqrt(1 - BETA_2)


def fit_dense(
    samples: Samples, settings: DenseHeadSettings, seed: int, progress: Progress = SILENT
) -> FittedHead:
    """Fit the head; the same samples, settings and seed give the same bits, on any number of cores.

    It is the head after the last epoch. `seed` determines the initial weights, shuffling and dropout.
    Validation columns of the history are NaN without validation rows.

    Raises
    ------
    FitError
        Training diverges, or `settings.plateau` is given and there are no validation rows.
    """
    if settings.plateau is not None and len(samples.validation) == 0:
        raise FitError(
            "head.plateau follows the validation loss, and there are no validation rows",
            remedy="Raise split.validation, or remove head.plateau.",
        )
    training = _Training(samples, settings, seed)
    plateau = None if settings.plateau is None else Plateau(settings.plateau)
    history = []
    epochs = range(1, settings.epochs + 1)
    # One thread: sums split over threads round differently, and batches are too small to gain.
    with threadpool_limits(1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
        for epoch in progress.track(epochs, what="Fitting the head", total=settings.epochs):
            rate = training.adam.learning_rate
            loss, accuracy = training.run_epoch()
            if not math.isfinite(loss):
                raise FitError("training diverged", found=f"loss {loss} in epoch {epoch}")
            val_loss, val_accuracy = training.validate()
            history.append((epoch, loss, accuracy, val_loss, val_accuracy, rate))
            if settings.early_stop_loss is not None and loss <= settings.early_stop_loss:
                break
            if plateau is not None:
                training.adam.learning_rate = plateau.next_rate(val_loss, rate)
    head = Head(training.network.layers(), training.objective.output, samples.classes)
    return FittedHead(head, pd.DataFrame(history, columns=list(HISTORY_COLUMNS)), {"kind": "dense"})


class _Training:
    """The state of a fit, epoch by epoch."""

    def __init__(self, samples: Samples, settings: DenseHeadSettings, seed: int) -> None:
        classes = len(samples.classes)
        output = Output.for_classes(classes)
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
        weights, views = flattened(start.parameters)
        self.network = Network(*views)
        self.adam = Adam([weights], settings.learning_rate)
        self._gradient, self._gradients = flattened(start.parameters)

    def _inputs(self, rows: NDArray[np.integer]) -> Array:
        return np.asarray(self._features[rows], np.float32)

    def run_epoch(self) -> tuple[float, float]:
        """Train on all training rows once; return the running loss and accuracy."""
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
        """Take one step on a batch; return the logits from before it."""
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
        """Loss and accuracy on the validation rows, without dropout; NaN without rows."""
        inputs, targets = self._validation
        if len(inputs) == 0:
            return math.nan, math.nan
        return self._score(self.network.forward(inputs).logits, targets)

    def _score(self, logits: Array, targets: Array) -> tuple[float, float]:
        """Mean loss and accuracy."""
        losses, hits = self.objective.losses(logits, targets), self.objective.hits(logits, targets)
        return float(losses.mean(dtype=np.float64)), float(hits.mean())


@dataclass(frozen=True, eq=False)
class Forward:
    """A forward pass: inputs, hidden units after dropout, and logits."""

    inputs: Array
    hidden: Array
    logits: Array


@dataclass(frozen=True, eq=False)
class Network:
    """Two dense layers, whose arrays an optimiser changes in place."""

    weight_1: Array  # (hidden, inputs)
    bias_1: Array  # (hidden,)
    weight_2: Array  # (units, hidden)
    bias_2: Array  # (units,)

    @classmethod
    def initial(cls, rng: np.random.Generator, *, inputs: int, hidden: int, units: int) -> Network:
        """Keras' initialisation: Glorot uniform weights, zero biases."""
        return cls(
            np.asfortranarray(glorot_uniform(rng, hidden, inputs)),  # faster for small batches
            np.zeros(hidden, np.float32),
            glorot_uniform(rng, units, hidden),
            np.zeros(units, np.float32),
        )

    @property
    def parameters(self) -> tuple[Array, ...]:
        """Weights and biases, in the order of `gradients`."""
        return self.weight_1, self.bias_1, self.weight_2, self.bias_2

    def layers(self) -> tuple[Layer, Layer]:
        """The current weights, for a `Head`."""
        w1, b1, w2, b2 = (parameter.astype(np.float32, order="C") for parameter in self.parameters)
        return Layer(w1, b1), Layer(w2, b2)

    def forward(self, inputs: Array, mask: Array | None = None) -> Forward:
        """Forward pass; `mask`, shape (n, hidden), scales the hidden units (inverted dropout)."""
        hidden = inputs @ self.weight_1.T
        hidden += self.bias_1
        np.maximum(hidden, 0, out=hidden)
        if mask is not None:
            hidden *= mask
        return Forward(inputs, hidden, hidden @ self.weight_2.T + self.bias_2)

    def gradients(
        self, forward: Forward, slopes: Array, mask: Array | None = None, out: Sequence[Array] | None = None
    ) -> tuple[Array, ...]:
        """Gradients of the loss by each of `parameters`, written to `out` if given.

        `slopes` is the gradient of the loss by the logits, (n, units); `mask` is that of the forward pass.
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
    """Cross-entropy: binary for a sigmoid, categorical for a softmax.

    Computed from logits, so that it neither overflows nor needs Keras' clipping of probabilities at 1e-7.
    """

    output: Output
    classes: int

    def targets(self, labels: NDArray[np.integer]) -> NDArray[np.float32]:
        """Target values of the units, shape (n, units)."""
        one_hot: NDArray[np.float32] = np.eye(self.classes, dtype=np.float32)[labels]
        return one_hot[:, 1:] if self.output is Output.SIGMOID else one_hot

    def losses(self, logits: Array, targets: Array) -> Array:
        """Loss of each row in nats, shape (n,)."""
        if self.output is Output.SIGMOID:
            each = np.logaddexp(0, logits) - targets * logits
        else:
            each = logsumexp(logits, axis=1, keepdims=True) - (targets * logits).sum(axis=1, keepdims=True)
        return np.asarray(each[:, 0])

    def slopes(self, logits: Array, targets: Array) -> Array:
        """Gradient of the mean loss by each logit, shape (n, units)."""
        probabilities = expit(logits) if self.output is Output.SIGMOID else softmax(logits, axis=1)
        return np.asarray((probabilities - targets) / len(logits))

    def hits(self, logits: Array, targets: Array) -> NDArray[np.bool_]:
        """Which rows are classified correctly (a sigmoid above 0.5 is positive, as in Keras), shape (n,)."""
        if self.output is Output.SIGMOID:
            return np.asarray((logits > 0) == (targets > 0.5))[:, 0]
        return np.asarray(logits.argmax(axis=1) == targets.argmax(axis=1))


def glorot_uniform(rng: np.random.Generator, outputs: int, inputs: int) -> NDArray[np.float32]:
    """A weight, shape (outputs, inputs), uniform within ±sqrt(6 / (inputs + outputs)).

    Keras' default initialiser; Glorot and Bengio 2010, equation 16.
    """
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (outputs, inputs)).astype(np.float32)


def flattened(arrays: Sequence[Array]) -> tuple[Array, tuple[Array, ...]]:
    """Copy arrays into one vector, for operations on all of them at once.

    Return it with views of its parts, each with the shape and memory order of its array.

    Examples
    --------
    >>> vector, (weight, bias) = flattened([np.zeros((2, 2)), np.ones(1)])
    >>> vector += 1
    >>> weight.sum(), bias.sum()
    (np.float64(4.0), np.float64(2.0))
    """
    vector = np.concatenate([array.ravel(order="K") for array in arrays])
    parts = np.split(vector, np.cumsum([array.size for array in arrays])[:-1])
    return vector, tuple(
        part.reshape(array.shape, order="C" if array.flags.c_contiguous else "F")
        for part, array in zip(parts, arrays, strict=True)
    )


class Adam:
    """Adam as Keras implements it, updating `parameters` in place.

    Keras adds epsilon to the root of the raw second moment ("epsilon hat" of Kingma and Ba 2015, just
    before their section 2.1); PyTorch adds it after the bias correction. Early steps differ.

    The learning rate may be changed between steps.

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
        """Take one step against `gradients`, in the order of the parameters."""
        self._steps += 1
        correction = math.sqrt(1 - BETA_2**self._steps) / (1 - BETA_1**self._steps)
        rate = self.learning_rate * correction * (1 - BETA_1) / SCALE
        state = self._parameters, self._means, self._squares, self._spares
        for arrays in zip(*state, gradients, strict=True):
            _move(*arrays, rate)


def _move(parameter: Array, mean: Array, square: Array, spare: Array, gradient: Array, rate: float) -> None:
    """Step in place; the factors 1 - beta of the moments are moved into `rate` and epsilon."""
    mean *= BETA_1
    mean += gradient
    square *= BETA_2
    square += np.multiply(gradient, gradient, out=spare)
    np.sqrt(square, out=spare)
    spare += EPSILON / SCALE
    np.divide(mean, spare, out=spare)
    spare *= rate
    parameter -= spare


class Plateau:
    """Keras' ReduceLROnPlateau: lowers the learning rate when the validation loss stops falling.

    An epoch improves if its loss is more than `min_delta` below the best. After `patience` epochs in a row
    without improvement the rate is multiplied by `factor`, down to `min_learning_rate`, and for `cooldown`
    epochs nothing is counted. A rate at the minimum or below stays: with Model 2's own settings (rate and
    minimum 1e-3) it never changes.

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
        """The rate of the next epoch, after one with `rate` that ended at `loss`."""
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
