"""What a probe answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hilum.audit.picture import Picture, Scale
from hilum.audit.reading import Reading
from hilum.evaluate import Estimate

__all__ = ["UNKNOWN", "Answer", "cannot_tell"]

UNKNOWN = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True, eq=False)
class Answer:
    """A figure, its reading, and what they mean.

    Parameters
    ----------
    reading : Reading
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

    reading: Reading
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
    return Answer(Reading.CANNOT_TELL, f"Cannot tell: {reason}.", meaning, reason, **others)
