"""What decides a synthetic image: patient, acquisition and finding; and the shortcuts of a cohort."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from typing import Any

import numpy as np

__all__ = [
    "USUAL_RATES",
    "Acquisition",
    "Finding",
    "FindingKind",
    "Marker",
    "MarkerStyle",
    "Patient",
    "Sex",
    "Shortcut",
    "ShortcutKind",
    "View",
    "check_ranges",
    "ranged",
    "require_within",
]


def require_within(low: float, high: float, **values: float) -> None:
    """Raise `ValueError` unless each value lies in [low, high].

    Examples
    --------
    >>> require_within(0, 1, severity=1.5)
    Traceback (most recent call last):
    ValueError: severity must lie in [0, 1], found 1.5
    """
    for name, value in values.items():
        if math.isnan(value) or not low <= value <= high:
            raise ValueError(f"{name} must lie in [{low:g}, {high:g}], found {value:g}")


def ranged(low: float, high: float, default: Any = MISSING) -> Any:
    """Return a dataclass field whose value must lie in [low, high]; see `check_ranges`."""
    return field(default=default, metadata={"range": (low, high)})


def check_ranges(item: Any) -> None:
    """Raise `ValueError` unless all `ranged` fields of a dataclass lie in their ranges."""
    for one in fields(item):
        if "range" in one.metadata:
            require_within(*one.metadata["range"], **{one.name: getattr(item, one.name)})


class Sex(StrEnum):
    """Sex, in the codes of DICOM's Patient's Sex (0010,0040)."""

    FEMALE = "F"
    MALE = "M"


class View(StrEnum):
    """Direction of the beam, in the codes of DICOM's View Position (0018,5101)."""

    PA = "PA"
    """Erect."""
    AP = "AP"
    """Portable: larger heart, higher diaphragm, scapulae over the lungs."""


@dataclass(frozen=True)
class Patient:
    """A fictitious person; equal values give equal anatomy.

    Age decides size and proportions: a child has a shorter and wider chest, more horizontal ribs and a
    relatively wider heart. Sex affects size, and in adults breasts. `habitus` is soft tissue around the rib
    cage, from thin (-1) to obese (1); `seed` is individual variation among persons who are alike in the rest.
    """

    age_years: float = ranged(0, 100, 45.0)
    sex: Sex = Sex.FEMALE
    habitus: float = ranged(-1, 1, 0.0)
    seed: int = ranged(0, 2**63 - 1, 0)

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def growth(self) -> float:
        """Growth, 0 at birth to 1 from 18 years on."""
        return float(min(self.age_years / 18, 1) ** 0.75)


class MarkerStyle(StrEnum):
    """A bare letter, a letter cut out of a bright box, or a letter in a circle."""

    PLAIN = "plain"
    BOX = "box"
    DISC = "disc"


@dataclass(frozen=True)
class Marker:
    """A side marker: a letter, ``"L"`` or ``"R"``, on the patient's side."""

    letter: str = "R"
    style: MarkerStyle = MarkerStyle.PLAIN
    across: float = ranged(0, 1, 0.09)  # of the centre, as a fraction of the image's width, from the left
    down: float = ranged(0, 1, 0.12)  # of the centre, as a fraction of the image's height, from the top
    height: float = ranged(0.02, 0.2, 0.06)  # as a fraction of the image's height

    def __post_init__(self) -> None:
        if self.letter not in {"L", "R"}:
            raise ValueError(f"letter must be 'L' or 'R', found {self.letter!r}")
        check_ranges(self)


@dataclass(frozen=True)
class Acquisition:
    """The conditions of one exposure and of its digitisation."""

    view: View = View.PA
    exposure: float = ranged(0.25, 4, 1.0)  # relative to a correct one; higher is darker and less noisy
    contrast: float = ranged(0.3, 3, 1.0)  # gain of the display curve
    noise: float = ranged(0, 10, 1.0)  # quantum noise relative to a typical radiograph
    scatter: float = ranged(0, 0.9, 0.3)  # fraction of the radiation, from a perfect grid (0) to none (0.9)
    blur_mm: float = ranged(0, 5, 0.6)  # standard deviation of the point spread in the patient's plane
    inspiration: float = ranged(0, 1, 0.8)  # height of the lungs, from a shallow (0) to a deep breath (1)
    field: float = ranged(0.8, 1.6, 1.0)  # width of the image relative to a well collimated one
    shift_across: float = ranged(-0.2, 0.2, 0.0)  # of the patient, as a fraction of the image's width
    shift_down: float = ranged(-0.2, 0.2, 0.0)  # of the patient, as a fraction of the image's height
    rotation_deg: float = ranged(-15, 15, 0.0)  # in the image plane, clockwise
    yaw_deg: float = ranged(-15, 15, 0.0)  # about the spine: anterior against posterior structures
    border: float = ranged(0, 0.25, 0.0)  # black collimation, as a fraction of the shorter side
    marker: Marker | None = None
    text: str = ""  # burned in at the top right; at most 24 printable ASCII characters

    def __post_init__(self) -> None:
        check_ranges(self)
        if len(self.text) > 24 or not (self.text.isascii() and self.text.isprintable()):
            raise ValueError(f"text must be at most 24 printable ASCII characters, found {self.text!r}")


class FindingKind(StrEnum):
    """The findings that a phantom can show."""

    NONE = "none"
    GROUND_GLASS = "ground-glass"
    """Bilateral peripheral opacities, mostly basal, as in COVID-19 pneumonia."""
    CONSOLIDATION = "consolidation"
    """One lobe opaque, with a sharp edge at its fissure and air bronchograms, as in bacterial pneumonia."""


@dataclass(frozen=True)
class Finding:
    """The finding of one patient.

    Opacity increases everywhere with `severity`, from invisible (0) to hardly any air left in the affected
    lung (1). `seed` decides the location, the same in every image of the patient.
    """

    kind: FindingKind = FindingKind.NONE
    severity: float = ranged(0, 1, 0.6)
    seed: int = ranged(0, 2**63 - 1, 0)

    def __post_init__(self) -> None:
        check_ranges(self)


class ShortcutKind(StrEnum):
    """Image factors that may correlate with the label, and be learned instead of the disease."""

    MARKER = "marker"
    """A boxed side marker, instead of none."""
    BORDER = "border"
    """A black collimation border."""
    EXPOSURE = "exposure"
    """0.65 times the usual dose: brighter and noisier."""
    RESOLUTION = "resolution"
    """0.6 times the rows and columns."""
    TEXT = "text"
    """PORTABLE burned in."""
    VIEW = "view"
    """AP, instead of PA."""
    AGE = "age"
    """An adult, instead of a child."""
    SOURCE = "source"
    """A source for each class; sources differ in contrast, sharpness, noise and field."""


USUAL_RATES = {
    ShortcutKind.MARKER: 0.5,
    ShortcutKind.BORDER: 0.3,
    ShortcutKind.EXPOSURE: 0.3,
    ShortcutKind.RESOLUTION: 0.25,
    ShortcutKind.TEXT: 0.3,
    ShortcutKind.VIEW: 0.4,
    ShortcutKind.AGE: 0.85,
}
"""Frequency of a factor where it does not follow the label."""


@dataclass(frozen=True)
class Shortcut:
    """A factor that follows the label with known strength.

    In each image (for age and source: each patient) the factor follows the label with probability `strength`:
    it is then present in every class but the first. Otherwise it is present with probability `rate`,
    independently of the label. The difference between its frequencies in positive and negative images is
    therefore `strength`, whatever the rate. A source that follows the label is number (class number modulo
    sources); otherwise all sources are equally likely, and `rate` is not used.

    Parameters
    ----------
    kind : ShortcutKind
    strength : float
        0 (independent of the label) to 1 (determined by the label).
    rate : float, optional
        0 to 1; by default the usual rate of its kind.

    Examples
    --------
    >>> Shortcut(ShortcutKind.MARKER, strength=0.6).frequency(positive=True)
    0.8
    """

    kind: ShortcutKind
    strength: float = ranged(0, 1)
    rate: float | None = None

    def __post_init__(self) -> None:
        check_ranges(self)
        require_within(0, 1, rate=self.base_rate)

    @property
    def base_rate(self) -> float:
        """Frequency of the factor where it does not follow the label."""
        return USUAL_RATES.get(self.kind, 0.5) if self.rate is None else self.rate

    def frequency(self, *, positive: bool) -> float:
        """Expected frequency of the factor among positive or negative images."""
        return self.strength * positive + (1 - self.strength) * self.base_rate

    def sample(self, *, positive: bool, rng: np.random.Generator) -> bool:
        """Sample whether one image shows the factor; takes two numbers from `rng`."""
        follow, chance = rng.random(2)
        return positive if follow < self.strength else bool(chance < self.base_rate)

    def sample_source(self, label: int, sources: int, rng: np.random.Generator) -> int:
        """Sample the source of one patient of class number `label`; takes two numbers from `rng`."""
        follow, chance = rng.random(2)
        return label % sources if follow < self.strength else int(chance * sources)
