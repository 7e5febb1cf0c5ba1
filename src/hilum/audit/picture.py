"""What a probe would show, as plain values: the report draws it, ``audit.json`` keeps it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter

from hilum.evaluate import Estimate

__all__ = [
    "Bar",
    "Bars",
    "Curves",
    "Distribution",
    "Example",
    "Examples",
    "Grid",
    "Picture",
    "Scale",
    "pictures",
]

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""JSON has no NaN, so null stands for it."""


class Scale(StrEnum):
    """How a figure is written."""

    SHARE = "share"
    """As a percentage."""
    AREA = "area"
    """As an AUC, with three decimals."""
    NUMBER = "number"
    """Plainly."""


@dataclass(frozen=True)
class Bar:
    """One figure of several that stand side by side, with its interval."""

    label: str
    value: Number
    low: Number
    high: Number
    n: int

    @classmethod
    def of(cls, label: str, estimate: Estimate) -> Bar:
        """Show an estimate."""
        return cls(label, estimate.value, estimate.low, estimate.high, estimate.n)


@dataclass(frozen=True)
class Bars:
    """Figures on one axis, with their intervals; `reference` is where nothing would be found, such as 0.5."""

    title: str
    axis: str
    bars: tuple[Bar, ...]
    reference: Number | None = None
    scale: Scale = Scale.AREA
    kind: Literal["bars"] = "bars"


@dataclass(frozen=True)
class Distribution:
    """Histograms of values on one axis, with marks at single ones."""

    title: str
    axis: str
    values: dict[str, tuple[Number, ...]]
    marks: dict[str, Number]
    scale: Scale = Scale.SHARE
    kind: Literal["distribution"] = "distribution"


@dataclass(frozen=True)
class Curves:
    """Lines through (x, y) points; `diagonal` draws where x equals y."""

    title: str
    x_axis: str
    y_axis: str
    lines: dict[str, tuple[tuple[Number, Number], ...]]
    diagonal: bool = False
    kind: Literal["curves"] = "curves"


@dataclass(frozen=True)
class Example:
    """An image to look at, by name: pixels are read when it is drawn, and never kept.

    Parameters
    ----------
    image : str
        As in the cohort.
    caption : str
    alteration : str
        Name in `hilum.audit.ALTERATIONS` of what is done to it; empty for nothing.
    middle_of : str
        Image whose middle is set into it; empty for none.
    """

    image: str
    caption: str
    alteration: str = ""
    middle_of: str = ""


@dataclass(frozen=True)
class Examples:
    """Rows of images that belong side by side."""

    title: str
    rows: tuple[tuple[Example, ...], ...]
    kind: Literal["examples"] = "examples"


@dataclass(frozen=True)
class Grid:
    """A small table, cells as text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: Literal["grid"] = "grid"


Picture = Bars | Distribution | Curves | Examples | Grid

_PICTURES: TypeAdapter[tuple[Picture, ...]] = TypeAdapter(tuple[Picture, ...])


def pictures(values: Any) -> tuple[Picture, ...]:
    """Make pictures again of what `dataclasses.asdict` and JSON made of them.

    Raises
    ------
    ValueError
        If they are none.
    """
    return _PICTURES.validate_python(values)
