"""Windows: the part of the gray scale that a reader looks at (PS3.3, C.11.2.1.2 and C.11.2.1.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hilum.errors import CorruptFileError
from hilum.radiograph.dicom.values import numbers, text

__all__ = ["Shape", "Window", "first_window"]


class Shape(Enum):
    """VOILUTFunction."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True)
class Window:
    """A window on modality values.

    Parameters
    ----------
    center, width : float
        WindowCenter and WindowWidth; at least 1 wide for LINEAR, wider than 0 otherwise.
    shape : Shape
        The function within the window.

    Examples
    --------
    >>> Window(128, 256, Shape.LINEAR)(np.array([0.0, 255.0])).tolist()
    [0.0, 1.0]
    """

    center: float
    width: float
    shape: Shape = Shape.LINEAR

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width) and self.width > 0):
            msg = f"width: expected a finite number above 0, found {self.width} around {self.center}"
            raise ValueError(msg)
        if self.shape is Shape.LINEAR and self.width < 1:
            msg = f"width: expected at least 1 for LINEAR, found {self.width}"
            raise ValueError(msg)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map modality values to [0, 1]."""
        if self.shape is Shape.SIGMOID:
            exponent = np.clip(-4 * (values - self.center) / self.width, -700, 700)  # exp stays finite
            return np.asarray(1 / (1 + np.exp(exponent)))
        if self.shape is Shape.LINEAR_EXACT:
            return np.clip((values - self.center) / self.width + 0.5, 0, 1)
        if self.width == 1:
            return np.where(values <= self.center - 0.5, 0.0, 1.0)
        return np.clip((values - (self.center - 0.5)) / (self.width - 1) + 0.5, 0, 1)


def first_window(elements: Dataset, path: Path | str) -> Window | None:
    """Return the first window; None where there is none, or its width is one that the standard rules out.

    Raises
    ------
    CorruptFileError
        If VOILUTFunction is unknown.
    """
    center, width = numbers(elements, "WindowCenter"), numbers(elements, "WindowWidth")
    if not center or not width:
        return None
    name = text(elements, "VOILUTFunction") or Shape.LINEAR.value
    if name not in Shape.__members__:
        raise CorruptFileError(
            "an unknown VOILUTFunction", path=path, expected=", ".join(Shape.__members__), found=name
        )
    try:
        return Window(center[0], width[0], Shape[name])
    except ValueError:
        return None
