"""What a classifier may learn instead of the disease."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from hilum.cohort.phantom.bounds import require_within

__all__ = ["USUAL_RATES", "Shortcut", "ShortcutKind"]


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
