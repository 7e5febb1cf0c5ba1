"""The design of a synthetic cohort."""

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
)
from hilum.phantom.geometry import FloatArray, require_within

__all__ = ["LABELS", "PhantomCohort", "Shot", "plan"]


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


GOLDEN = (5**0.5 - 1) / 2
SMALL = 0.6
"""Rows and columns of an image with the resolution factor, over those of the design."""
PATIENTS, IMAGES, COHORT = 0, 1, 2
"""First part of the spawn keys."""


@dataclass(frozen=True)
class Shot:
    """One image of the cohort, fully described.

    Parameters
    ----------
    image : str
        File name.
    label, person, key, source : str
        Class; who it truly is; the patient key in the table; where it comes from.
    patient, finding, acquisition : Patient, Finding, Acquisition
        What is drawn.
    size : (int, int)
        Rows and columns.
    noise : tuple of int
        Key of the noise's generator.
    factors : tuple of ShortcutKind
        Those that the image shows.
    copy_of : str
        File name of the image that this one copies, or "".
    """

    image: str
    label: str
    person: str
    key: str
    source: str
    patient: Patient
    finding: Finding
    acquisition: Acquisition
    size: tuple[int, int]
    noise: tuple[int, ...]
    factors: tuple[ShortcutKind, ...]
    copy_of: str = ""


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
    """The shots of a cohort, in the table's order."""
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
    drawn = rng.random() < design.signal
    kind = LABELS[name] if drawn else FindingKind.NONE
    severity = rng.uniform(*design.severity)
    finding = Finding(kind, severity if kind is not FindingKind.NONE else 0.0, int(rng.integers(2**62)))
    adult = design.shortcut(ShortcutKind.AGE).drawn(diseased=label > 0, rng=rng)
    source = design.shortcut(ShortcutKind.SOURCE).drawn_source(label, design.sources, rng)
    years = rng.uniform(20, 85) if adult else rng.uniform(1, 9)
    sex = Sex.MALE if rng.random() < 0.5 else Sex.FEMALE
    habitus = float(np.clip(rng.normal(0, 0.4), -1, 1))
    patient = Patient(round(float(years), 1), sex, habitus, int(rng.integers(2**62)))
    images = 1 + int(rng.poisson(design.images_per_patient - 1))
    return _Person(number, label, source, patient, finding, adult, images)


def _label(design: PhantomCohort, number: int) -> int:
    """Class number by a golden-ratio sequence: shares hold in every stretch, not only on average."""
    place = (_offset(design.seed) + number * GOLDEN) % 1
    return min(int(np.searchsorted(np.cumsum(design.shares), place, side="right")), design.classes - 1)


@lru_cache(maxsize=1)
def _offset(seed: int) -> float:
    return float(_generator(seed, COHORT, 0).random())


def _shot(design: PhantomCohort, person: _Person, number: int) -> Shot:
    rng = _generator(design.seed, IMAGES, number)
    drawn = [kind for kind in _PER_IMAGE if _occurs(design.shortcut(kind), person, rng)]
    if person.adult:
        drawn.append(ShortcutKind.AGE)
    size = design.size
    if ShortcutKind.RESOLUTION in drawn:
        size = (max(round(size[0] * SMALL), 64), max(round(size[1] * SMALL), 64))
    key = f"P{person.number:06d}"
    return Shot(
        image=f"phantom-{number:06d}.png",
        label=design.labels[person.label],
        person=key,
        key=key,
        source=f"phantom-{chr(ord('a') + person.source)}",
        patient=person.patient,
        finding=person.finding,
        acquisition=_acquisition(design, person, drawn, rng),
        size=size,
        noise=(IMAGES, number, 1),
        factors=tuple(drawn),
    )


_PER_IMAGE = (
    ShortcutKind.MARKER,
    ShortcutKind.FRAME,
    ShortcutKind.EXPOSURE,
    ShortcutKind.RESOLUTION,
    ShortcutKind.TEXT,
    ShortcutKind.VIEW,
)


def _occurs(shortcut: Shortcut, person: _Person, rng: np.random.Generator) -> bool:
    return shortcut.drawn(diseased=person.label > 0, rng=rng)


def _acquisition(
    design: PhantomCohort, person: _Person, drawn: list[ShortcutKind], rng: np.random.Generator
) -> Acquisition:
    """Every film differs a little; a source adds its own manner, the drawn factors theirs."""
    manner = design.source_contrast * _manner(design.seed, person.source)
    z = rng.normal(0, 1, 11).clip(-2.5, 2.5)
    dose = 0.65 if ShortcutKind.EXPOSURE in drawn else 1.0
    return Acquisition(
        view=View.AP if ShortcutKind.VIEW in drawn else View.PA,
        exposure=dose * float(np.exp(0.12 * z[0])),
        contrast=float(np.exp(0.07 * z[1] + 0.3 * manner[0])),
        noise=float(np.exp(0.2 * z[2] + 0.5 * manner[1])),
        scatter=float(np.clip(0.3 + 0.04 * z[3] + 0.12 * manner[2], 0, 0.9)),
        blur_mm=float(0.6 * np.exp(0.1 * z[4] + 0.5 * manner[1])),
        inspiration=float(np.clip(0.75 + 0.15 * z[5], 0, 1)),
        field=float(np.clip(1.04 + 0.04 * z[6] + 0.08 * manner[3], 0.8, 1.6)),
        shift_across=float(0.015 * z[7]),
        shift_down=float(0.02 * z[8]),
        rotation_deg=float(1.2 * z[9]),
        yaw_deg=float(2.0 * z[10]),
        border=float(rng.uniform(0.03, 0.07)) if ShortcutKind.FRAME in drawn else 0.0,
        marker=_marker(rng) if ShortcutKind.MARKER in drawn else None,
        text="PORTABLE" if ShortcutKind.TEXT in drawn else "",
    )


def _marker(rng: np.random.Generator) -> Marker:
    across, down = rng.uniform((0.06, 0.08), (0.14, 0.2))
    return Marker("R", MarkerStyle.BOX, float(across), float(down))


@lru_cache(maxsize=26)
def _manner(seed: int, source: int) -> FloatArray:
    """A source's habits, four numbers in -1 to 1; neighbours are opposites."""
    rng = _generator(seed, COHORT, 1, source // 2)
    signs = rng.choice([-1.0, 1.0], 4)
    habits: FloatArray = rng.uniform(0.6, 1.0, 4) * signs * (1 if source % 2 == 0 else -1)
    return habits


def _copy(first: Shot, key: int, number: int) -> Shot:
    return replace(first, key=f"P{key:06d}", image=f"phantom-{number:06d}.png", copy_of=first.image)
