"""Who is on the film: the facts that anatomy grows from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hilum.cohort.phantom.bounds import require_within

__all__ = ["Patient", "Sex"]


class Sex(StrEnum):
    """Sex, in the letters of DICOM's Patient's Sex (0010,0040)."""

    FEMALE = "F"
    MALE = "M"


@dataclass(frozen=True)
class Patient:
    """One imagined person; the same values always give the same anatomy.

    Parameters
    ----------
    age_years : float
        0 to 100. Sets size and proportions: a child's chest is squat, its ribs lie flatter, its heart
        takes more of the width.
    sex : Sex
        Sets size, and breasts in adults.
    habitus : float
        -1 (thin) to 1 (stout): soft tissue around the rib cage.
    seed : int
        What makes this person differ from others of the same age, sex and habitus.
    """

    age_years: float = 45.0
    sex: Sex = Sex.FEMALE
    habitus: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_within(0, 100, age_years=self.age_years)
        require_within(-1, 1, habitus=self.habitus)
        require_within(0, 2**63 - 1, seed=self.seed)

    @property
    def growth(self) -> float:
        """How far grown up, 0 at birth to 1 from 18 years on."""
        return float(min(self.age_years / 18, 1) ** 0.75)
