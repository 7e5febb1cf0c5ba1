"""What is planted in a synthetic cohort, so that it is known what the audit must find."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.phantom import PhantomCohort, Shortcut, ShortcutKind
from hilum.recipe import Recipe, Setting, load

__all__ = ["FACTORS", "INPUT_PX", "SIDE_PX", "Design"]


SIDE_PX = 256
"""Of the synthetic images."""
INPUT_PX = 128
"""Of the network's input: a cohort then takes a third of the time, and what is planted is still seen."""

_LEAKS = ("patients", "duplicates")
FACTORS = ("none", *(kind.value for kind in ShortcutKind), *_LEAKS)
"""Nothing; a factor that follows the label; patients, or copies of images, on both sides of the split."""


@dataclass(frozen=True)
class Design:
    """A cohort with one thing planted.

    Parameters
    ----------
    factor : str
        One of `FACTORS`.
    strength : float
        0 to 1: how often a factor follows the label; twice the share of patients who are entered again, as
        copies; or a third of the images that a patient has besides one.
    signal : float
        0 to 1: share of diseased patients whose disease is drawn.
    images : int

    Raises
    ------
    ValueError
        If the factor is unknown.
    """

    factor: str
    strength: float
    signal: float
    images: int = 300

    def __post_init__(self) -> None:
        if self.factor not in FACTORS:
            msg = f"factor: expected one of {', '.join(FACTORS)}, found {self.factor!r}"
            raise ValueError(msg)

    @property
    def leaks(self) -> bool:
        """Whether what is planted crosses the split, rather than stands in the images."""
        return self.factor in _LEAKS

    def cohort(self, seed: int) -> PhantomCohort:
        """Return the synthetic cohort, another one for each seed."""
        kinds = [ShortcutKind(self.factor)] if self.factor in list(ShortcutKind) else []
        return PhantomCohort(
            images=self.images,
            signal=self.signal,
            shortcuts=tuple(Shortcut(kind, self.strength) for kind in kinds),
            images_per_patient=1 + 3 * self.strength if self.factor == "patients" else 1.5,
            duplicates=self.strength / 2 if self.factor == "duplicates" else 0.0,
            size=(SIDE_PX, SIDE_PX),
            seed=seed,
        )

    def recipe(self, seed: int) -> Recipe:
        """Return the demo's recipe, its split by image where something leaks across it."""
        settings = [
            Setting(("seed",), seed),
            Setting(("split", "seed"), seed),
            Setting(("preprocessing", "size"), INPUT_PX),
        ]
        if self.leaks:
            settings += [Setting(("split", "by"), "image"), Setting(("cohort", "duplicates"), "keep")]
        return load("demo", settings)
