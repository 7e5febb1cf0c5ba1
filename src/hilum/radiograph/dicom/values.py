"""Values of elements, whatever a damaged file put there."""

from __future__ import annotations

from pydicom.dataset import Dataset

__all__ = ["integer", "numbers", "text"]


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


def text(elements: Dataset, keyword: str) -> str | None:
    """Return a code string, in upper case and at most 16 characters as the standard has it."""
    value = elements.get(keyword)
    if value is None or not isinstance(value, str):
        return None
    return "".join(c for c in value if c.isprintable()).strip().upper()[:16] or None
