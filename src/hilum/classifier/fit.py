"""Fitting the head of a recipe, predictions out of fold, and the deviation of a reduced precision.

Kept out of the package's ``__init__``: prediction needs none of what fitting imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.classifier.dense import fit_dense
from hilum.classifier.linear import fit_linear
from hilum.classifier.samples import FittedHead, Samples
from hilum.classifier.threshold import Threshold, decide
from hilum.cohort.split import Fold
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import DenseHeadSettings, HeadSettings, LinearHeadSettings

__all__ = [
    "FITTERS",
    "MAX_PRECISION_DEVIATION",
    "PrecisionDeviation",
    "fit",
    "fix_hyperparameters",
    "out_of_fold",
]

FITTERS: dict[type[HeadSettings], Callable[[Samples, Any, int, Progress], FittedHead]] = {
    DenseHeadSettings: fit_dense,
    LinearHeadSettings: fit_linear,
}
"""The function that fits each kind of head, by its settings."""

EARLY_STOP_LOSS = 1e-3
"""Training loss at which repeated fits of a dense head stop: each training image then has its label with a
probability of about 0.999, and the weights hardly change."""

MAX_PRECISION_DEVIATION = 0.01
"""The largest change of a probability that is accepted."""


def fit(
    features: NDArray[np.floating],
    labels: ArrayLike,
    patients: ArrayLike,
    train: ArrayLike,
    validation: ArrayLike,
    settings: HeadSettings,
    classes: Sequence[str],
    seed: int,
    *,
    progress: Progress = SILENT,
) -> FittedHead:
    """Fit a head on the training rows.

    Parameters
    ----------
    features : ndarray of float, shape (n, d)
    labels : array-like of int, shape (n,)
        Indices into `classes`.
    patients : array-like, shape (n,)
    train, validation : array-like of int
        Row numbers; other rows are not used. No weight is fitted on validation rows.
    classes : sequence of str
        In the order of the probabilities' columns; of two, the second is the positive one.

    Raises
    ------
    FitError
        The rows do not allow it: a class without training rows, features that are not finite, too few
        patients, or training that diverges.
    ValueError
        The arrays do not fit together.
    """
    samples = Samples(
        features,
        np.asarray(labels),
        np.asarray(patients),
        np.asarray(train, np.intp),
        np.asarray(validation, np.intp),
        tuple(classes),
    )
    return FITTERS[type(settings)](samples, settings, seed, progress)


def out_of_fold(
    features: NDArray[np.floating],
    labels: NDArray[np.integer],
    patients: ArrayLike,
    folds: Sequence[Fold],
    head: HeadSettings,
    classes: Sequence[str],
    seed: int,
) -> NDArray[np.float32]:
    """Predict each row, float32 (n, classes), with a head fitted without its fold; every row tests once."""
    found = np.full((len(features), len(classes)), np.nan, np.float32)
    for fold in folds:
        fitted = fit(features, labels, patients, fold.train, fold.validation, head, classes, seed)
        found[fold.test] = fitted.head.probabilities(features[fold.test])
    return found


def fix_hyperparameters(head: HeadSettings, details: Mapping[str, object]) -> HeadSettings:
    """Fix what a fit chose (its `details`), so that repeated fits neither choose again nor train idly."""
    if not isinstance(head, LinearHeadSettings):
        return head.model_copy(update={"early_stop_loss": head.early_stop_loss or EARLY_STOP_LOSS})
    return head.model_copy(update={"C": [details["C"]]})


@dataclass(frozen=True)
class PrecisionDeviation:
    """The deviation of probabilities in reduced precision from those in float32, on the same images.

    Parameters
    ----------
    largest : float
        The largest change of a probability, range [0, 1].
    flips : int
        Decisions that changed.
    """

    images: int
    largest: float
    flips: int

    @classmethod
    def between(
        cls, exact: NDArray[np.floating], found: NDArray[np.floating], threshold: Threshold
    ) -> PrecisionDeviation:
        """Compare probabilities, each of shape (n, classes), and their decisions.

        Examples
        --------
        >>> exact, found = np.array([[0.3, 0.7], [0.505, 0.495]]), np.array([[0.29, 0.71], [0.5, 0.5]])
        >>> deviation = PrecisionDeviation.between(exact, found, Threshold(0.5, "fixed"))
        >>> deviation.images, round(deviation.largest, 3), deviation.flips
        (2, 0.01, 1)
        """
        if exact.shape != found.shape:
            raise ValueError(f"found: expected shape {exact.shape}, found {found.shape}")
        return cls(
            images=len(exact),
            largest=float(np.abs(exact - found).max(initial=0.0)),
            flips=int((decide(exact, threshold) != decide(found, threshold)).sum()),
        )

    @property
    def allowed(self) -> bool:
        """Whether it is small enough, measured on at least one image."""
        return self.images > 0 and self.flips == 0 and self.largest <= MAX_PRECISION_DEVIATION
