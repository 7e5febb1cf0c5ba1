"""One question that the audit asks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter

from hilum.auditing.subject import Subject
from hilum.metrics import Estimate

__all__ = [
    "UNKNOWN",
    "Answer",
    "Bar",
    "Bars",
    "Curves",
    "Distribution",
    "Example",
    "Examples",
    "Grid",
    "Picture",
    "Probe",
    "Rating",
    "Scale",
    "cannot_tell",
    "pictures",
]


class Rating(StrEnum):
    """What a probe, or the verdict, comes to."""

    SOUND = "sound"
    """The probe looked, with enough images to see, and found nothing."""
    DOUBTFUL = "doubtful"
    """Something speaks against the result."""
    BROKEN = "broken"
    """The result does not mean what it seems to mean."""
    CANNOT_TELL = "cannot tell"
    """The data do not allow the question, or are too few for an answer."""

    @property
    def severity(self) -> int:
        """How much it weighs: 0 where nothing is known, 1 sound, 2 doubtful, 3 broken."""
        return (Rating.CANNOT_TELL, Rating.SOUND, Rating.DOUBTFUL, Rating.BROKEN).index(self)


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
        Name in `hilum.auditing.ALTERATIONS` of what is done to it; empty for nothing.
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


UNKNOWN = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True, eq=False)
class Answer:
    """A figure, its rating, and what they mean.

    Parameters
    ----------
    rating : Rating
    claim : str
        What was found, in a sentence that can stand alone in the verdict.
    meaning : str
        What that means for the classifier, in a sentence.
    reason : str
        Why the figure is read so, in a clause: the rule's, or what is missing.
    measure : str
        What the figure is: ``"AUC of the frame alone"``.
    figure : Estimate
        With its 95 % interval, and the images that it is about.
    scale : Scale
        How the figure is written.
    details : mapping of str to JSON values
        Further figures, for ``audit.json``.
    pictures : tuple of Picture
    """

    rating: Rating
    claim: str
    meaning: str
    reason: str
    measure: str = ""
    figure: Estimate = UNKNOWN
    scale: Scale = Scale.AREA
    details: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()


def cannot_tell(reason: str, meaning: str = "", **others: Any) -> Answer:
    """Answer that the question has no answer here, and why.

    Parameters
    ----------
    reason : str
        A clause: ``"every source holds one label alone"``.
    meaning : str
        What would be needed, or what stays open.
    **others
        Of `Answer`: a figure that is known all the same, pictures.
    """
    return Answer(Rating.CANNOT_TELL, f"Cannot tell: {reason}.", meaning, reason, **others)


@dataclass(frozen=True)
class Probe:
    """A question, and the experiment that answers it.

    Parameters
    ----------
    name : str
        In ``audit.json`` and on the command line: lower case letters, digits, ``_``.
    title : str
        In tables: two to four words.
    question : str
        In words that a student understands.
    source : str
        Whose idea it is: a citation.
    ask : callable
        From a subject to an answer. A `HilumError` that it raises becomes ``cannot tell`` with its cause.
    worst : Rating
        The worst that its answer can say of a result, by what the probe can show.

    Raises
    ------
    ValueError
        If the name is not as stated.

    Examples
    --------
    >>> from hilum.auditing import cannot_tell
    >>> Probe("weather", "Weather", "Did it rain?", "Nobody", lambda subject: cannot_tell("no window")).name
    'weather'
    """

    name: str
    title: str
    question: str
    source: str
    ask: Callable[[Subject], Answer]
    worst: Rating = Rating.BROKEN

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            msg = f"name: expected lower case letters, digits and _, found {self.name!r}"
            raise ValueError(msg)
