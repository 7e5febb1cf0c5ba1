"""Which rows train, validate and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.errors import SplitError

__all__ = ["PARTS", "Fold", "Rows", "require_classes"]

Rows = NDArray[np.int64]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Fold:
    """Positions of rows in a cohort's table; no row is in two parts, and no part is empty.

    Parameters
    ----------
    train, validation, test : ndarray of int64, shape (rows,)
        ``train`` in the order in which a network first sees it.

    Raises
    ------
    SplitError
        If a part is empty, or two share a row.
    """

    train: Rows
    validation: Rows
    test: Rows

    def __post_init__(self) -> None:
        for name in PARTS:
            rows = np.asarray(getattr(self, name), dtype=np.int64)
            object.__setattr__(self, name, rows)
            if not len(rows):
                raise SplitError(f"the {name} part is empty", remedy="Use more images, or another share")
        everything = np.concatenate([self.train, self.validation, self.test])
        if len(np.unique(everything)) != len(everything):
            raise SplitError("a row is in two parts, or twice in one")


def require_classes(table: pd.DataFrame, fold: Fold, parts: Sequence[str] = PARTS) -> Fold:
    """Give `fold` back if each of `parts` holds every label of `table`.

    Raises
    ------
    SplitError
        If a label is missing in a part.
    """
    labels = table["label"].to_numpy()
    for name in parts:
        present = set(labels[getattr(fold, name)])
        missing = [str(label) for label in pd.unique(labels) if label not in present]
        if missing:
            raise SplitError(
                f"the {name} part has no image of {', '.join(missing)}",
                expected="every label in every part",
                found=f"{len(getattr(fold, name))} images of {', '.join(sorted(map(str, present)))}",
                remedy="Use more images of that label, larger shares, fewer folds, or another seed",
            )
    return fold
