"""Fitting the head that a recipe asks for.

Apart from the package's front, since prediction needs none of what fitting imports.
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

__all__ = ["FITTERS", "LARGEST_PRECISION_ERROR", "PrecisionShift", "fit", "fixed", "out_of_fold"]


ENOUGH_LOSS = 1e-3
"""Training loss at which a dense head that is fitted many times ends: each training image has its label with
a probability of about 0.999 then, and the weights hardly move."""

LARGEST_PRECISION_ERROR = 0.01
"""The most that a probability may move."""


@dataclass(frozen=True)
class PrecisionShift:
    """The distance between two sets of probabilities of the same images.

    Parameters
    ----------
    images : int
    largest : float
        The most that a probability moved, range [0, 1].
    flips : int
        Decisions that changed.
    """

    images: int
    largest: float
    flips: int

    @classmethod
    def between(
        cls, exact: NDArray[np.floating], found: NDArray[np.floating], threshold: Threshold
    ) -> PrecisionShift:
        """Compare probabilities, each of shape (n, classes), and what they decide.

        Examples
        --------
        >>> exact, found = np.array([[0.3, 0.7], [0.505, 0.495]]), np.array([[0.29, 0.71], [0.5, 0.5]])
        >>> precision_error = PrecisionShift.between(exact, found, Threshold(0.5, "fixed"))
        >>> precision_error.images, round(precision_error.largest, 3), precision_error.flips
        (2, 0.01, 1)
        """
        if exact.shape != found.shape:
            msg = f"found: expected shape {exact.shape}, found {found.shape}"
            raise ValueError(msg)
        return cls(
            images=len(exact),
            largest=float(np.abs(exact - found).max(initial=0.0)),
            flips=int((decide(exact, threshold) != decide(found, threshold)).sum()),
        )

    @property
    def allowed(self) -> bool:
        """Whether it is small enough, and was seen on an image at all."""
        return self.images > 0 and self.flips == 0 and self.largest <= LARGEST_PRECISION_ERROR


FITTERS: dict[type[HeadSettings], Callable[[Samples, Any, int, Progress], FittedHead]] = {
    DenseHeadSettings: fit_dense,
    LinearHeadSettings: fit_linear,
}
"""Each kind of head's settings, and what fits them."""


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
        Positions in `classes`.
    patients : array-like, shape (n,)
        A key per patient.
    train, validation : array-like of int
        Row numbers; rows in neither are not looked at. No weight is fitted on validation rows.
    settings : DenseHeadSettings or LinearHeadSettings
        Which head, and how.
    classes : sequence of str
        In the order of the probabilities' columns; of two, the second is the positive one.
    seed : int
    progress : Progress, optional

    Returns
    -------
    FittedHead

    Raises
    ------
    FitError
        The rows do not allow it: a class without training rows, features that are not finite, too few
        patients, or training that diverged.
    ValueError
        The arrays do not fit each other.
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
    """Predict each row by a head fitted on the folds that do not test it.

    Parameters
    ----------
    features : ndarray of float, shape (rows, features)
    labels : ndarray of int, shape (rows,)
        Positions in `classes`.
    patients : array-like, shape (rows,)
    folds : sequence of Fold
        Every row tests once.
    head : HeadSettings
    classes : sequence of str
    seed : int

    Returns
    -------
    ndarray of float32, shape (rows, classes)

    Raises
    ------
    FitError
        If a head cannot be fitted.
    """
    found = np.full((len(features), len(classes)), np.nan, np.float32)
    for fold in folds:
        fitted = fit(features, labels, patients, fold.train, fold.validation, head, classes, seed)
        found[fold.test] = fitted.head.probabilities(features[fold.test])
    return found


def fixed(head: HeadSettings, details: Mapping[str, object]) -> HeadSettings:
    """Fix what a fit chose, so that it can be repeated without choosing again, and without idle epochs.

    Parameters
    ----------
    head : HeadSettings
    details : mapping
        Of that fit: a linear head's ``strength``.
    """
    if not isinstance(head, LinearHeadSettings):
        return head.model_copy(update={"enough_loss": head.enough_loss or ENOUGH_LOSS})
    return head.model_copy(update={"C": [details["C"]]})
