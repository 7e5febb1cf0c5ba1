"""Which training rows validate."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from hilum.cohort.split.fold import Rows
from hilum.cohort.split.patients import draw, last
from hilum.errors import SplitError
from hilum.recipe.settings import SplitSettings, Validation

__all__ = ["apart", "by_image", "keras_count"]


def keras_count(rows: int, share: float) -> int:
    """Count the rows that Keras' ``validation_split`` takes: all from ``floor(rows * (1 - share))`` on.

    Examples
    --------
    >>> keras_count(220, 0.1)
    22
    """
    return rows - math.floor(rows * (1 - share))


def by_image(table: pd.DataFrame, rows: Rows, settings: SplitSettings) -> tuple[Rows, Rows]:
    """Divide training rows into training and validation, images being independent.

    Returns
    -------
    train, validation : ndarray of int64

    Raises
    ------
    SplitError
        If a label has too few rows.
    """
    if settings.validation_rows is Validation.LAST:
        start = len(rows) - keras_count(len(rows), settings.validation)
        return rows[:start], rows[start:]
    labels = table["label"].to_numpy()[rows]
    try:
        train, validation = train_test_split(
            rows, test_size=settings.validation, stratify=labels, random_state=settings.seed
        )
    except ValueError as error:
        raise SplitError("too few images to draw validation rows of every label", found=str(error)) from error
    return train, validation


def apart(table: pd.DataFrame, rows: Rows, settings: SplitSettings) -> tuple[Rows, Rows]:
    """Divide training rows into training and validation, no patient being in both.

    ``last`` takes the last rows, and with them every row of their patients.

    Returns
    -------
    train, validation : ndarray of int64

    Raises
    ------
    SplitError
        If a label has too few patients.
    """
    if settings.validation_rows is Validation.LAST:
        chosen = last(table, rows, keras_count(len(rows), settings.validation))
    else:
        chosen = draw(table.iloc[rows], settings.validation, np.random.default_rng([settings.seed, 1]))
    return rows[~chosen], rows[chosen]
