"""Fitting the tutorial's head by Keras' rules.

Adam, inverted dropout, rows shuffled anew in every epoch, the last smaller batch kept, training loss and
accuracy running over the batches with dropout on, validation without it at the end of every epoch.
In numpy: the network is so small that a framework's own overhead would outweigh it.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.classifier.adam import Adam
from hilum.classifier.fitted import HISTORY_COLUMNS, FittedHead
from hilum.classifier.head import Head, Output
from hilum.classifier.network import Network, side_by_side
from hilum.classifier.objective import Objective
from hilum.classifier.plateau import Plateau
from hilum.classifier.samples import Samples
from hilum.errors import FitError
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import DenseHeadSettings

__all__ = ["fit_dense"]

Array = NDArray[np.floating]


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
