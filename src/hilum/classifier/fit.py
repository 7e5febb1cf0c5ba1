"""Fitting the head that a recipe asks for.

Apart from the package's front, since prediction needs none of what fitting imports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.classifier.dense import fit_dense
from hilum.classifier.fitted import FittedHead
from hilum.classifier.linear import fit_linear
from hilum.classifier.samples import Samples
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import DenseHeadSettings, HeadSettings, LinearHeadSettings

__all__ = ["FITTERS", "fit"]

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
