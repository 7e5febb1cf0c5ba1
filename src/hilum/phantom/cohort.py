"""The design of a synthetic cohort, and the plan of its images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from hilum.phantom.description import (
    Acquisition,
    Finding,
    FindingKind,
    Marker,
    MarkerStyle,
    Patient,
    Sex,
    Shortcut,
    ShortcutKind,
    View,
    check_ranges,
    ranged,
    require_within,
)
from hilum.phantom.geometry import FloatArray

__all__ = ["LABELS", "PhantomCohort", "Shot", "plan"]


LABELS = {
    "Normal": FindingKind.NONE,
    "COVID-19": FindingKind.GROUND_GLASS,
    "Pneumonia": FindingKind.CONSOLIDATION,
}
"""Classes in the order of their numbers, and the finding of their patients."""


@dataclass(frozen=True)
class PhantomCohort:
    """Everything that decides the images and the table of a synthetic cohort; equal designs give equal bytes.

    A larger cohort begins with the images of a smaller one. A positive patient's finding is drawn with
    probability `signal`; the others have the label but normal lungs, as in early or mild disease. With a
    signal of 0, only shortcuts distinguish the classes. With probability `duplicates`, a new patient key is
    an earlier patient entered again, with an identical copy of that patient's first image.

    `ValueError` is raised if a value is out of range, or two values contradict each other.
    """

    images: int = ranged(1, 1_000_000, 240)
    classes: int = ranged(2, len(LABELS), 2)  # the first of `LABELS`
    prevalence: tuple[float, ...] | None = None  # fraction of patients per class; equal by default
    signal: float = ranged(0, 1, 0.9)
    severity: tuple[float, float] = (0.35, 0.9)  # range of the findings', 0 to 1; uniform among patients
    shortcuts: tuple[Shortcut, ...] = (Shortcut(ShortcutKind.SOURCE, 0.6),)  # strength 0 for other kinds
    images_per_patient: float = ranged(1, 20, 1.5)  # mean: one, and a Poisson number more
    sources: int = ranged(1, 26, 2)
    source_contrast: float = ranged(0, 1, 0.5)  # from sources that look alike (0) to obviously different ones
    duplicates: float = ranged(0, 1, 0.0)
    size: tuple[int, int] = (512, 512)  # rows and columns, 64 to 4096
    bits: int = 8  # or 16
    seed: int = ranged(0, 2**63 - 1, 0)

    def __post_init__(self) -> None:
        check_ranges(self)
        require_within(0, 1, lowest_severity=self.severity[0], highest_severity=self.severity[1])
        require_within(64, 4096, rows=self.size[0], columns=self.size[1])
        require_within(0.25, 4, aspect=self.size[1] / self.size[0])
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
        """Fraction of patients per class."""
        return self.prevalence if self.prevalence is not None else (1 / self.classes,) * self.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return tuple(LABELS)[: self.classes]

    def shortcut(self, kind: ShortcutKind) -> Shortcut:
        """Return the shortcut of a kind; one of strength 0 where the design has none."""
        return next((shortcut for shortcut in self.shortcuts if shortcut.kind is kind), Shortcut(kind, 0.0))

    def as_dict(self) -> dict[str, Any]:
        """Return the design as values that JSON can hold."""
        plain = asdict(self)
        plain["shortcuts"] = [asdict(shortcut) for shortcut in self.shortcuts]
        return plain


GOLDEN = (5**0.5 - 1) / 2
REDUCED = 0.6
"""Scale of images with the resolution factor."""
PATIENTS, IMAGES, COHORT = 0, 1, 2
"""First number of the spawn keys."""


@dataclass(frozen=True)
class Shot:
    """One image of the cohort, fully described."""

    image: str  # file name
    label: str
    person: str  # the true identity of the patient
    key: str  # the patient in the table
    source: str
    patient: Patient
    finding: Finding
    acquisition: Acquisition
    size: tuple[int, int]  # rows and columns
    noise: tuple[int, ...]  # spawn key of the noise's generator
    factors: tuple[ShortcutKind, ...]  # that the image shows
    copy_of: str = ""  # file name of the original of a copy


@dataclass(frozen=True)
class _Person:
    number: int
    label: int
    source: int
    patient: Patient
    finding: Finding
    adult: bool
    images: int


def plan(design: PhantomCohort) -> list[Shot]:
    """Return the shots of a cohort, in the order of its table."""
    return list(islice(_shots(design), design.images))


def _shots(design: PhantomCohort) -> Iterator[Shot]:
    firsts: list[Shot] = []
    key = image = 0
    while True:
        rng = _generator(design.seed, PATIENTS, key)
        if rng.random() < design.duplicates and firsts:
            shots = [_copy(firsts[rng.integers(len(firsts))], key, image)]
        else:
            person = _person(design, key, rng)
            shots = [_shot(design, person, image + extra) for extra in range(person.images)]
            firsts.append(shots[0])
        yield from shots
        key, image = key + 1, image + len(shots)


def _generator(seed: int, *spawn_key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=spawn_key))


def _person(design: PhantomCohort, number: int, rng: np.random.Generator) -> _Person:
    label = _label(design, number)
    name = design.labels[label]
    visible = rng.random() < design.signal
    kind = LABELS[name] if visible else FindingKind.NONE
    severity = rng.uniform(*design.severity)
    finding = Finding(kind, severity if kind is not FindingKind.NONE else 0.0, int(rng.integers(2**62)))
    adult = design.shortcut(ShortcutKind.AGE).sample(positive=label > 0, rng=rng)
    source = design.shortcut(ShortcutKind.SOURCE).sample_source(label, design.sources, rng)
    years = rng.uniform(20, 85) if adult else rng.uniform(1, 9)
    sex = Sex.MALE if rng.random() < 0.5 else Sex.FEMALE
    habitus = float(np.clip(rng.normal(0, 0.4), -1, 1))
    patient = Patient(round(float(years), 1), sex, habitus, int(rng.integers(2**62)))
    images = 1 + int(rng.poisson(design.images_per_patient - 1))
    return _Person(number, label, source, patient, finding, adult, images)


def _label(design: PhantomCohort, number: int) -> int:
    """Class number by a golden-ratio sequence, whose fractions are right in every part of the table."""
    place = (_offset(design.seed) + number * GOLDEN) % 1
    return min(int(np.searchsorted(np.cumsum(design.shares), place, side="right")), design.classes - 1)


@lru_cache(maxsize=1)
def _offset(seed: int) -> float:
    return float(_generator(seed, COHORT, 0).random())


def _shot(design: PhantomCohort, person: _Person, number: int) -> Shot:
    rng = _generator(design.seed, IMAGES, number)
    factors = [
        kind for kind in _PER_IMAGE if design.shortcut(kind).sample(positive=person.label > 0, rng=rng)
    ]
    if person.adult:
        factors.append(ShortcutKind.AGE)
    size = design.size
    if ShortcutKind.RESOLUTION in factors:
        size = (max(round(size[0] * REDUCED), 64), max(round(size[1] * REDUCED), 64))
    key = f"P{person.number:06d}"
    return Shot(
        image=f"phantom-{number:06d}.png",
        label=design.labels[person.label],
        person=key,
        key=key,
        source=f"phantom-{chr(ord('a') + person.source)}",
        patient=person.patient,
        finding=person.finding,
        acquisition=_acquisition(design, person, factors, rng),
        size=size,
        noise=(IMAGES, number, 1),
        factors=tuple(factors),
    )


_PER_IMAGE = (
    ShortcutKind.MARKER,
    ShortcutKind.BORDER,
    ShortcutKind.EXPOSURE,
    ShortcutKind.RESOLUTION,
    ShortcutKind.TEXT,
    ShortcutKind.VIEW,
)


def _acquisition(
    design: PhantomCohort, person: _Person, factors: list[ShortcutKind], rng: np.random.Generator
) -> Acquisition:
    """Sample the acquisition of one image: random variation, the style of the source, and the factors."""
    style = design.source_contrast * _style(design.seed, person.source)
    z = rng.normal(0, 1, 11).clip(-2.5, 2.5)
    dose = 0.65 if ShortcutKind.EXPOSURE in factors else 1.0
    return Acquisition(
        view=View.AP if ShortcutKind.VIEW in factors else View.PA,
        exposure=dose * float(np.exp(0.12 * z[0])),
        contrast=float(np.exp(0.07 * z[1] + 0.3 * style[0])),
        noise=float(np.exp(0.2 * z[2] + 0.5 * style[1])),
        scatter=float(np.clip(0.3 + 0.04 * z[3] + 0.12 * style[2], 0, 0.9)),
        blur_mm=float(0.6 * np.exp(0.1 * z[4] + 0.5 * style[1])),
        inspiration=float(np.clip(0.75 + 0.15 * z[5], 0, 1)),
        field=float(np.clip(1.04 + 0.04 * z[6] + 0.08 * style[3], 0.8, 1.6)),
        shift_across=float(0.015 * z[7]),
        shift_down=float(0.02 * z[8]),
        rotation_deg=float(1.2 * z[9]),
        yaw_deg=float(2.0 * z[10]),
        border=float(rng.uniform(0.03, 0.07)) if ShortcutKind.BORDER in factors else 0.0,
        marker=_marker(rng) if ShortcutKind.MARKER in factors else None,
        text="PORTABLE" if ShortcutKind.TEXT in factors else "",
    )


def _marker(rng: np.random.Generator) -> Marker:
    across, down = rng.uniform((0.06, 0.08), (0.14, 0.2))
    return Marker("R", MarkerStyle.BOX, float(across), float(down))


@lru_cache(maxsize=26)
def _style(seed: int, source: int) -> FloatArray:
    """The style of a source, four numbers in -1 to 1; the two sources of a pair are opposites."""
    rng = _generator(seed, COHORT, 1, source // 2)
    signs = rng.choice([-1.0, 1.0], 4)
    style: FloatArray = rng.uniform(0.6, 1.0, 4) * signs * (1 if source % 2 == 0 else -1)
    return style


def _copy(first: Shot, key: int, number: int) -> Shot:
    return replace(first, key=f"P{key:06d}", image=f"phantom-{number:06d}.png", copy_of=first.image)
