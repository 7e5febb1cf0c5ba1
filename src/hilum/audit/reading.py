"""What a figure is read as."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reading"]


class Reading(StrEnum):
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
    def gravity(self) -> int:
        """How much it weighs: 0 where nothing is known, 1 sound, 2 doubtful, 3 broken."""
        return (Reading.CANNOT_TELL, Reading.SOUND, Reading.DOUBTFUL, Reading.BROKEN).index(self)
