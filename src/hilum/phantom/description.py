"""What a classifier may learn instead of the disease."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from hilum.phantom.geometry import require_within

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
]


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


class View(StrEnum):
    """Direction of the beam, as in DICOM's View Position (0018,5101)."""

    PA = "PA"
    AP = "AP"


class MarkerStyle(StrEnum):
    """How a side marker is drawn."""

    PLAIN = "plain"
    BOX = "box"
    DISC = "disc"


@dataclass(frozen=True)
class Marker:
    """A side marker.

    Parameters
    ----------
    letter : str
        ``"L"`` or ``"R"``: the patient's side.
    style : MarkerStyle
        A bare letter, a letter cut out of a bright box, or one in a disc.
    across, down : float
        Its centre, as shares of the image's width (from the left) and height (from the top), 0 to 1.
    height : float
        Its height as a share of the image's height, 0.02 to 0.2.
    """

    letter: str = "R"
    style: MarkerStyle = MarkerStyle.PLAIN
    across: float = 0.09
    down: float = 0.12
    height: float = 0.06

    def __post_init__(self) -> None:
        if self.letter not in {"L", "R"}:
            raise ValueError(f"letter must be 'L' or 'R', found {self.letter!r}")
        require_within(0, 1, across=self.across, down=self.down)
        require_within(0.02, 0.2, height=self.height)


@dataclass(frozen=True)
class Acquisition:
    """The conditions of one exposure and of its digitisation.

    Parameters
    ----------
    view : View
        PA (erect), or AP (portable: larger heart, higher diaphragm, scapulae over the lungs).
    exposure : float
        Relative to the right one, 0.25 to 4; more is darker, and less noisy.
    contrast : float
        Gain of the display curve, 0.3 to 3.
    noise : float
        Quantum noise relative to a usual film, 0 to 10.
    scatter : float
        Scattered over all radiation, 0 (perfect grid) to 0.9 (none).
    blur_mm : float
        Standard deviation of the focal spot and detector's spread, 0 to 5 mm, in the patient's plane.
    inspiration : float
        0 (shallow breath) to 1 (deep): height of the lungs.
    field : float
        Width of the image over the width of a well collimated one, 0.8 to 1.6.
    shift_across, shift_down : float
        How far off centre the patient stands, as shares of the image's width and height, -0.2 to 0.2.
    rotation_deg : float
        Of the film in its plane, -15 to 15, clockwise.
    yaw_deg : float
        Of the patient about the spine, -15 to 15: the front's structures shift against the back's.
    border : float
        Width of the black collimation frame as a share of the image's shorter side, 0 to 0.25.
    marker : Marker or None
        Side marker.
    text : str
        Burned in at the top right; at most 24 printable ASCII characters.
    """

    view: View = View.PA
    exposure: float = 1.0
    contrast: float = 1.0
    noise: float = 1.0
    scatter: float = 0.3
    blur_mm: float = 0.6
    inspiration: float = 0.8
    field: float = 1.0
    shift_across: float = 0.0
    shift_down: float = 0.0
    rotation_deg: float = 0.0
    yaw_deg: float = 0.0
    border: float = 0.0
    marker: Marker | None = None
    text: str = ""

    def __post_init__(self) -> None:
        require_within(0.25, 4, exposure=self.exposure)
        require_within(0.3, 3, contrast=self.contrast)
        require_within(0, 10, noise=self.noise)
        require_within(0, 0.9, scatter=self.scatter)
        require_within(0, 5, blur_mm=self.blur_mm)
        require_within(0, 1, inspiration=self.inspiration)
        require_within(0.8, 1.6, field=self.field)
        require_within(-0.2, 0.2, shift_across=self.shift_across, shift_down=self.shift_down)
        require_within(-15, 15, rotation_deg=self.rotation_deg, yaw_deg=self.yaw_deg)
        require_within(0, 0.25, border=self.border)
        if len(self.text) > 24 or not (self.text.isascii() and (self.text.isprintable())):
            raise ValueError(f"text must be at most 24 printable ASCII characters, found {self.text!r}")


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


class ShortcutKind(StrEnum):
    """Factors of an image that need not, but may, go with its label."""

    MARKER = "marker"
    """A boxed side marker stands on the film, instead of none."""
    FRAME = "frame"
    """A black collimation frame surrounds the film."""
    EXPOSURE = "exposure"
    """The film got two thirds of the usual dose: brighter and noisier."""
    RESOLUTION = "resolution"
    """The image is stored with 0.6 times the rows and columns."""
    TEXT = "text"
    """PORTABLE is burned in."""
    VIEW = "view"
    """The film is AP, instead of PA."""
    AGE = "age"
    """The patient is an adult, instead of a child."""
    SOURCE = "source"
    """Each class has a source of its own; sources differ in contrast, sharpness, grain and field."""


USUAL_RATES = {
    ShortcutKind.MARKER: 0.5,
    ShortcutKind.FRAME: 0.3,
    ShortcutKind.EXPOSURE: 0.3,
    ShortcutKind.RESOLUTION: 0.25,
    ShortcutKind.TEXT: 0.3,
    ShortcutKind.VIEW: 0.4,
    ShortcutKind.AGE: 0.85,
}
"""How often a factor occurs by chance, where it does not follow the label."""


@dataclass(frozen=True)
class Shortcut:
    """A factor planted with known strength.

    In each image (each patient, for age and source) the factor follows the label with probability
    `strength`, and is drawn by chance otherwise. By chance it is present with probability `rate`; as a
    follower it is present in every class but the first. So its frequency among diseased less that
    among normal images equals `strength`, whatever the rate. For the source, following means source
    number (class number modulo sources), chance means any source alike; `rate` is not used.

    Parameters
    ----------
    kind : ShortcutKind
    strength : float
        0 (independent of the label) to 1 (fixed by the label).
    rate : float, optional
        0 to 1; by default the kind's usual rate.

    Examples
    --------
    >>> Shortcut(ShortcutKind.MARKER, strength=0.6).frequency(diseased=True)
    0.8
    """

    kind: ShortcutKind
    strength: float
    rate: float | None = None

    def __post_init__(self) -> None:
        require_within(0, 1, strength=self.strength)
        if self.rate is not None:
            require_within(0, 1, rate=self.rate)

    @property
    def chance(self) -> float:
        """How often the factor occurs where it does not follow the label."""
        return USUAL_RATES.get(self.kind, 0.5) if self.rate is None else self.rate

    def frequency(self, *, diseased: bool) -> float:
        """Expected share of images that show the factor, among diseased or normal ones."""
        return self.strength * diseased + (1 - self.strength) * self.chance

    def drawn(self, *, diseased: bool, rng: np.random.Generator) -> bool:
        """Whether one image shows the factor; takes two numbers from `rng`."""
        follow, luck = rng.random(2)
        return diseased if follow < self.strength else bool(luck < self.chance)

    def drawn_source(self, label: int, sources: int, rng: np.random.Generator) -> int:
        """The source of one patient of class number `label`; takes two numbers from `rng`."""
        follow, luck = rng.random(2)
        return label % sources if follow < self.strength else int(luck * sources)
