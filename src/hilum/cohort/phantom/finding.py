"""What is wrong with the lungs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hilum.cohort.phantom.bounds import require_within

__all__ = ["Finding", "FindingKind"]


class FindingKind(StrEnum):
    """The pictures of disease that a phantom can show."""

    NONE = "none"
    GROUND_GLASS = "ground-glass"
    """Bilateral peripheral opacities, mostly basal, as in COVID-19 pneumonia."""
    CONSOLIDATION = "consolidation"
    """One lobe filled, sharp at its fissure, with air bronchograms, as in bacterial pneumonia."""


@dataclass(frozen=True)
class Finding:
    """A picture of disease in one patient.

    Parameters
    ----------
    kind : FindingKind
        What is drawn.
    severity : float
        0 (nothing can be seen) to 1 (the air of the affected lung is nearly gone). The opacity at a
        place never falls when severity rises.
    seed : int
        Where it lies; the same seed gives the same place in every image of the patient.
    """

    kind: FindingKind = FindingKind.NONE
    severity: float = 0.6
    seed: int = 0

    def __post_init__(self) -> None:
        require_within(0, 1, severity=self.severity)
        require_within(0, 2**63 - 1, seed=self.seed)
