"""Keras' ReduceLROnPlateau."""

from __future__ import annotations

import math

from hilum.recipe.settings import PlateauSettings

__all__ = ["Plateau"]


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
