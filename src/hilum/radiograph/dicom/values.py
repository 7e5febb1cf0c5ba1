"""Values of elements, whatever a damaged file put there."""

from __future__ import annotations

import math

from pydicom.dataset import Dataset

__all__ = ["integer", "numbers", "positive", "text"]


def numbers(elements: Dataset, keyword: str) -> list[float]:
    """Return the values of a numeric element; none where it is absent or empty."""
    value = elements.get(keyword)
    if value is None or value == "":
        return []
    values = [value] if isinstance(value, int | float | str) else list(value)
    return [float(item) for item in values]


def integer(elements: Dataset, keyword: str, default: int = -1) -> int:
    """Return the first value of an integer element, or `default` where there is none."""
    values = numbers(elements, keyword)
    return int(values[0]) if values else default


def positive(elements: Dataset, keyword: str) -> float | None:
    """Return the first value of a numeric element if it is a number above 0; nothing hangs on it."""
    try:
        value = next(iter(numbers(elements, keyword)), math.nan)
    except (ValueError, TypeError, OverflowError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def text(elements: Dataset, keyword: str, longest: int = 16) -> str | None:
    """Return a text in upper case, cut to what its kind allows: a code string has 16 (PS3.5, 6.2)."""
    value = elements.get(keyword)
    if value is None or not isinstance(value, str):
        return None
    return "".join(c for c in value if c.isprintable()).strip().upper()[:longest] or None
