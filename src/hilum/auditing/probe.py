"""What a probe is, and what it answers: a rating, a figure with its interval, sentences and pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter

from hilum.metrics import Estimate

if TYPE_CHECKING:
    from hilum.auditing.subject import Subject

__all__ = [
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
    """The conclusion of a probe, or of the whole audit."""

    SOUND = "sound"
    """The probe had enough images and found nothing."""
    DOUBTFUL = "doubtful"
    """There is evidence against the result."""
    BROKEN = "broken"
    """The result does not measure what it claims to measure."""
    CANNOT_TELL = "cannot tell"
    """The data do not allow the question, or are too few for an answer."""

    @property
    def severity(self) -> int:
        """Rank for the verdict: 0 cannot tell, 1 sound, 2 doubtful, 3 broken."""
        return (Rating.CANNOT_TELL, Rating.SOUND, Rating.DOUBTFUL, Rating.BROKEN).index(self)


Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A float that JSON holds as null where it is NaN."""


class Scale(StrEnum):
    """The unit of a figure, which decides how it is written."""

    SHARE = "share"
    """A proportion, written as a percentage."""
    AREA = "area"
    """An area under a curve, written with three decimals."""
    NUMBER = "number"
    """A plain number."""


@dataclass(frozen=True)
class Bar:
    """One figure of a bar chart, with its 95 % interval."""

    label: str
    value: Number
    low: Number
    high: Number
    n: int

    @classmethod
    def of(cls, label: str, estimate: Estimate) -> Bar:
        """Make a bar of an estimate."""
        return cls(label, estimate.value, estimate.low, estimate.high, estimate.n)


@dataclass(frozen=True)
class Bars:
    """Figures on one axis, with their intervals; `reference` is the value without any effect, such as 0.5."""

    title: str
    axis: str
    bars: tuple[Bar, ...]
    reference: Number | None = None
    scale: Scale = Scale.AREA
    kind: Literal["bars"] = "bars"


@dataclass(frozen=True)
class Distribution:
    """Histograms of values on one axis, with marks at single values."""

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
    """An image to show, by its name in the cohort; its pixels are read when the report is drawn.

    Parameters
    ----------
    image, caption : str
    ablation : str
        Name in `hilum.auditing.ABLATIONS`; empty for none.
    lungs_of : str
        Image whose lung region replaces this one's; empty for none.
    """

    image: str
    caption: str
    ablation: str = ""
    lungs_of: str = ""


@dataclass(frozen=True)
class Examples:
    """Rows of images."""

    title: str
    rows: tuple[tuple[Example, ...], ...]
    kind: Literal["examples"] = "examples"


@dataclass(frozen=True)
class Grid:
    """A small table of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: Literal["grid"] = "grid"


Picture = Bars | Distribution | Curves | Examples | Grid

_PICTURES: TypeAdapter[tuple[Picture, ...]] = TypeAdapter(tuple[Picture, ...])


def pictures(values: Any) -> tuple[Picture, ...]:
    """Restore pictures from the dictionaries that ``audit.json`` holds.

    Raises
    ------
    ValueError
        If a dictionary describes no picture.
    """
    return _PICTURES.validate_python(values)


_UNKNOWN = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a probe found.

    Parameters
    ----------
    rating : Rating
    claim : str
        The finding, as a sentence that can stand alone in the verdict.
    meaning : str
        What the finding means for the classifier, as a sentence.
    reason : str
        Why the figure has this rating, as a clause: the rule, or what is missing.
    measure : str
        What the figure is: ``"AUC, border only"``.
    figure : Estimate
    scale : Scale
        Unit of the figure.
    details : mapping of str to JSON values
        Further figures, for ``audit.json``.
    pictures : tuple of Picture
    """

    rating: Rating
    claim: str
    meaning: str
    reason: str
    measure: str = ""
    figure: Estimate = _UNKNOWN
    scale: Scale = Scale.AREA
    details: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()


def cannot_tell(reason: str, meaning: str = "", **others: Any) -> Answer:
    """Make the answer to a question that these data do not decide.

    Parameters
    ----------
    reason : str
        Why, as a clause: ``"every source holds images of one label only"``.
    meaning : str
        What would decide it, or what remains unknown.
    **others
        Further fields of `Answer`, such as a figure that is known all the same.
    """
    return Answer(Rating.CANNOT_TELL, f"Cannot tell: {reason}.", meaning, reason, **others)


@dataclass(frozen=True)
class Probe:
    """A question about a result, the experiment that answers it, and how the report presents it.

    Parameters
    ----------
    name : str
        Key in ``audit.json``: lower case letters, digits and ``_``.
    title : str
        Two to four words for tables.
    question : str
        The question in plain words.
    source : str
        Citation of the method.
    ask : callable
        From a `Subject` to an `Answer`. A `HilumError` becomes *cannot tell* with its cause.
    priority : int
        Of equally severe answers the verdict cites the one with the lowest priority first.
    worst : Rating
        The most severe rating that the probe can justify.
    core : bool
        Whether a sound answer is evidence that the classifier uses the lungs.
    caption : str
        Label in the report's chart of performance after ablation; empty if the probe is not part of it.
    note : str
        What the caption means, in a few words.

    Raises
    ------
    ValueError
        If the name contains other characters.

    Examples
    --------
    >>> Probe("weather", "Weather", "Did it rain?", "Nobody", lambda subject: cannot_tell("no window")).name
    'weather'
    """

    name: str
    title: str
    question: str
    source: str
    ask: Callable[[Subject], Answer]
    priority: int = 100
    worst: Rating = Rating.BROKEN
    core: bool = False
    caption: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            msg = f"name: expected lower case letters, digits and _, found {self.name!r}"
            raise ValueError(msg)
