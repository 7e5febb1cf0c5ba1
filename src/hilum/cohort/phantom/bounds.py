"""Ranges that the phantom's parameters must keep."""

from __future__ import annotations

import math

__all__ = ["require_within"]


def require_within(low: float, high: float, **values: float) -> None:
    """Raise unless each value lies in [low, high].

    Raises
    ------
    ValueError
        A value is outside the range, or not a number.

    Examples
    --------
    >>> require_within(0, 1, severity=1.5)
    Traceback (most recent call last):
    ValueError: severity must lie in [0, 1], found 1.5
    """
    for name, value in values.items():
        if math.isnan(value) or not low <= value <= high:
            raise ValueError(f"{name} must lie in [{low:g}, {high:g}], found {value:g}")
