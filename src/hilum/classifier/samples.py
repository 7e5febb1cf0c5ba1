"""Input and output of fitting: features with their labels, and the fitted head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.classifier.head import Head
from hilum.errors import FitError

__all__ = ["HISTORY_COLUMNS", "FittedHead", "Samples"]

HISTORY_COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")

_BLOCK_ROWS = 1024  # checked at a time, so that the matrix is not copied


@dataclass(frozen=True, eq=False)
class Samples:
    """Features with their labels, and which rows train and validate.

    Parameters
    ----------
    features : ndarray of float, shape (n, d)
    labels : ndarray of int, shape (n,)
        Indices into `classes`.
    patients : ndarray, shape (n,)
    train, validation : ndarray of int
        Row numbers; other rows are not used. `validation` may be empty.
    classes : tuple of str

    Raises
    ------
    ValueError
        The arrays do not fit together, or a row both trains and validates.
    FitError
        No head can be fitted: a class has no training row, or a feature is NaN or infinite.
    """

    features: NDArray[np.floating]
    labels: NDArray[np.integer]
    patients: NDArray[np.generic]
    train: NDArray[np.integer]
    validation: NDArray[np.integer]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_rows()
        missing = [name for code, name in enumerate(self.classes) if code not in self.training_labels]
        if missing:
            raise FitError(
                "a class has no training row",
                expected=f"every one of {', '.join(self.classes)}",
                found=f"none of {', '.join(missing)} in {len(self.train)} rows",
                remedy="Choose another split, or remove the class from the recipe.",
            )

    @property
    def training_labels(self) -> NDArray[np.integer]:
        """Labels of the training rows, shape (training rows,)."""
        return np.asarray(self.labels[self.train])

    @property
    def training_patients(self) -> NDArray[np.generic]:
        """Patients of the training rows, shape (training rows,)."""
        return np.asarray(self.patients[self.train])

    def _check_shapes(self) -> None:
        if self.features.ndim != 2 or 0 in self.features.shape:
            raise ValueError(f"features: expected shape (n, d), found {self.features.shape}")
        for name, column in (("labels", self.labels), ("patients", self.patients)):
            if column.shape != (len(self.features),):
                raise ValueError(f"{name}: expected shape ({len(self.features)},), found {column.shape}")

    def _check_rows(self) -> None:
        rows = np.concatenate([self.train, self.validation]).astype(np.intp)
        if len(np.unique(rows)) != len(rows):
            raise ValueError("train, validation: expected every row at most once")
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self.features)):
            raise ValueError(f"train, validation: expected rows from 0 to {len(self.features) - 1}")
        if not np.isin(self.labels[rows], np.arange(len(self.classes))).all():
            raise ValueError(f"labels: expected integers from 0 to {len(self.classes) - 1}")
        blocks = np.split(rows, range(_BLOCK_ROWS, len(rows), _BLOCK_ROWS))
        if not all(np.isfinite(self.features[block]).all() for block in blocks):
            raise FitError("features are not finite", expected="numbers", found="NaN or infinity")


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A head and how it was fitted.

    Parameters
    ----------
    head : Head
    history : DataFrame
        `HISTORY_COLUMNS`, one row per epoch; without rows where there are no epochs.
    details : dict
        What the fit chose, as values for JSON.
    """

    head: Head
    history: pd.DataFrame
    details: dict[str, Any]
