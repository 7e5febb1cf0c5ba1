"""The design of a synthetic cohort."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from hilum.cohort.phantom.bounds import require_within
from hilum.cohort.phantom.finding import FindingKind
from hilum.cohort.phantom.shortcut import Shortcut, ShortcutKind

__all__ = ["LABELS", "PhantomCohort"]

LABELS = {
    "Normal": FindingKind.NONE,
    "COVID-19": FindingKind.GROUND_GLASS,
    "Pneumonia": FindingKind.CONSOLIDATION,
}
"""Classes, in the order of their numbers, and the finding that each one's patients have."""


@dataclass(frozen=True)
class PhantomCohort:
    """Everything that decides the images and the table of a synthetic cohort.

    Parameters
    ----------
    images : int
        Number of images, 1 to 1,000,000. A larger cohort begins with the images of a smaller one.
    classes : int
        2 (Normal, COVID-19) or 3 (and Pneumonia).
    prevalence : tuple of float, optional
        Share of patients per class, in the order of `LABELS`; by default alike. Shares are kept as
        closely as whole patients allow, in every stretch of the table.
    signal : float
        0 to 1: probability that a diseased patient's finding is drawn at all. The others carry the
        label on healthy lungs, as patients with early or mild disease do. With 0 nothing but the
        shortcuts tells the classes apart.
    severity : (float, float)
        Range of the findings' severity, each 0 to 1; uniform among patients.
    shortcuts : tuple of Shortcut
        At most one per kind. A kind that is left out has strength 0 and its usual rate: it occurs,
        and says nothing about the label.
    images_per_patient : float
        Mean number, 1 to 20: one, and a Poisson number more.
    sources : int
        1 to 26.
    source_contrast : float
        0 (sources look alike) to 1 (anyone tells them apart).
    duplicates : float
        0 to 1: probability that a new patient key stands for an earlier patient entered again, with an
        identical copy of that patient's first image.
    size : (int, int)
        Rows and columns, 64 to 4096.
    bits : int
        8 or 16 per pixel.
    seed : int
        Same design, same seed: same bytes.

    Raises
    ------
    ValueError
        A value is outside its range, or two values contradict each other.
    """

    images: int = 240
    classes: int = 2
    prevalence: tuple[float, ...] | None = None
    signal: float = 0.9
    severity: tuple[float, float] = (0.35, 0.9)
    shortcuts: tuple[Shortcut, ...] = (Shortcut(ShortcutKind.SOURCE, 0.6),)
    images_per_patient: float = 1.5
    sources: int = 2
    source_contrast: float = 0.5
    duplicates: float = 0.0
    size: tuple[int, int] = (512, 512)
    bits: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        require_within(1, 1_000_000, images=self.images)
        require_within(2, len(LABELS), classes=self.classes)
        require_within(0, 1, signal=self.signal, source_contrast=self.source_contrast)
        require_within(0, 1, lowest_severity=self.severity[0], highest_severity=self.severity[1])
        require_within(1, 20, images_per_patient=self.images_per_patient)
        require_within(1, 26, sources=self.sources)
        require_within(0, 1, duplicates=self.duplicates)
        require_within(64, 4096, rows=self.size[0], columns=self.size[1])
        require_within(0.25, 4, aspect=self.size[1] / self.size[0])
        require_within(0, 2**63 - 1, seed=self.seed)
        self._check_choices()

    def _check_choices(self) -> None:
        if self.severity[0] > self.severity[1]:
            raise ValueError(f"severity must rise from low to high, found {self.severity}")
        if self.bits not in {8, 16}:
            raise ValueError(f"bits must be 8 or 16, found {self.bits}")
        kinds = [shortcut.kind for shortcut in self.shortcuts]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"shortcuts must name each kind once, found {', '.join(kinds)}")
        if len(self.shares) != self.classes or min(self.shares) < 0 or not math.isclose(sum(self.shares), 1):
            raise ValueError(
                f"prevalence must give {self.classes} shares that add up to 1, found {self.prevalence}"
            )

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of patients per class."""
        return self.prevalence if self.prevalence is not None else (1 / self.classes,) * self.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return tuple(LABELS)[: self.classes]

    def shortcut(self, kind: ShortcutKind) -> Shortcut:
        """The shortcut of a kind; with strength 0 where none was planted."""
        return next((planted for planted in self.shortcuts if planted.kind is kind), Shortcut(kind, 0.0))

    def as_dict(self) -> dict[str, Any]:
        """The design in JSON's types."""
        plain = asdict(self)
        plain["shortcuts"] = [asdict(shortcut) for shortcut in self.shortcuts]
        return plain
