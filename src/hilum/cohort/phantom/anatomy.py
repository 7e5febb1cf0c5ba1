"""A patient's chest in millimetres.

Proportions are set by eye and by textbook ranges: adult cardiothoracic ratio 0.40 to 0.50, up to 0.60
in infants; right diaphragm 10 to 20 mm above the left; flatter ribs and a squat thorax in children
(Goodman, *Felson's Principles of Chest Roentgenology*). No film was measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hilum.cohort.phantom.acquisition import View
from hilum.cohort.phantom.patient import Patient, Sex
from hilum.cohort.phantom.plane import FloatArray

__all__ = ["Anatomy"]


@dataclass(frozen=True)
class Anatomy:
    """Measures of one chest; places follow the axes of `Plane`.

    Parameters
    ----------
    size : float
        Length scale, 1 in an average adult; small bones and vessels follow it.
    width_mm, height_mm, depth_mm : float
        The lungs: half width at the widest, apex to right dome, front to back.
    apex_mm : float
        Distance of an apex from the midline.
    coat_mm : float
        Soft tissue outside the ribs, at the side.
    heart_ratio : float
        Width of the heart over the inner width of the thorax.
    heart_round : float
        0 (a slender, upright left ventricle) to 1 (a round one).
    dome_gap_mm, dome_rise_mm : float
        Right dome above left; height of a dome over its costophrenic angle.
    rib_drop_mm, rib_pitch_mm, rib_height_mm : float
        Fall from spine to side, distance between ribs, height of a rib.
    clavicle_rise_mm : float
        Outer end above inner end.
    scapula_mm : float
        Distance of the scapula's inner border from the midline.
    curve_mm : float
        Sideways bow of the spine.
    knob_mm : float
        Radius of the aortic knob.
    breast_mm, thymus_mm : float
        Thickness of the breasts; widening of the upper mediastinum in infants.
    bubble_mm : float
        Radius of the gas in the stomach.
    seed : int
        What the vessels and other small things grow from.
    """

    size: float
    width_mm: float
    height_mm: float
    depth_mm: float
    apex_mm: float
    coat_mm: float
    heart_ratio: float
    heart_round: float
    dome_gap_mm: float
    dome_rise_mm: float
    rib_drop_mm: float
    rib_pitch_mm: float
    rib_height_mm: float
    clavicle_rise_mm: float
    scapula_mm: float
    curve_mm: float
    knob_mm: float
    breast_mm: float
    thymus_mm: float
    bubble_mm: float
    seed: int

    @classmethod
    def of(cls, patient: Patient) -> Anatomy:
        """The chest of `patient`, in a PA film at full inspiration."""
        z = np.random.default_rng((patient.seed, 1)).standard_normal(16).clip(-2, 2).tolist()
        grown, male = patient.growth, patient.sex is Sex.MALE
        adult = max(0.0, (grown - 0.6) / 0.4)
        size = (0.46 + 0.54 * grown) * (1 + 0.04 * z[0]) * (1.03 if male else 0.97 + 0.03 * (1 - adult))
        width = 138 * size * (1 + 0.03 * z[1]) * (1.06 - 0.06 * grown)
        height = width * (1.22 + 0.44 * grown + 0.07 * z[2] - 0.05 * patient.habitus)
        depth = width * (1.25 + 0.05 * z[3])
        age_heart = 0.03 * max(0.0, (patient.age_years - 40) / 60)
        return cls(
            size=size,
            width_mm=width,
            height_mm=height,
            depth_mm=depth,
            apex_mm=width * (0.42 + 0.02 * z[4]),
            coat_mm=size * (27 + 11 * patient.habitus + 2 * z[5]),
            heart_ratio=0.55 - 0.11 * grown + age_heart + 0.018 * z[6] + 0.02 * patient.habitus,
            heart_round=float(np.clip(0.75 - 0.35 * grown + 0.15 * z[7] + 0.15 * patient.habitus, 0, 1)),
            dome_gap_mm=size * (13 + 4 * z[8]),
            dome_rise_mm=height * (0.17 + 0.02 * z[9]),
            rib_drop_mm=width * (0.15 + 0.18 * grown + 0.02 * z[10]),
            rib_pitch_mm=height / (9.6 + 0.3 * z[10]),
            rib_height_mm=size * (12 + 0.6 * z[11]),
            clavicle_rise_mm=size * (22 + 7 * z[12]),
            scapula_mm=width * (0.93 + 0.04 * z[13]),
            curve_mm=size * 2.5 * z[14],
            knob_mm=size * (11 + 6 * grown + 3 * age_heart / 0.03 + z[15]),
            breast_mm=0.0 if male else adult * (18 + 8 * patient.habitus + 4 * z[13]),
            thymus_mm=max(0.0, 1 - patient.age_years / 4) * 14,
            bubble_mm=size * (21 + 5 * z[4]),
            seed=patient.seed,
        )

    def seen(self, view: View, inspiration: float) -> Anatomy:
        """The same chest as another view and breath show it.

        An AP film magnifies the heart by about a sixth of its width, is taken lying or half sitting
        (higher diaphragm, no deep breath) and leaves the scapulae over the lungs.
        """
        height = self.height_mm * (0.84 + 0.2 * inspiration)
        if view is View.PA:
            return replace(self, height_mm=height)
        return replace(
            self,
            height_mm=height * 0.93,
            heart_ratio=self.heart_ratio * 1.14,
            rib_drop_mm=self.rib_drop_mm * 0.9,
            clavicle_rise_mm=self.clavicle_rise_mm * 1.3,
            scapula_mm=self.scapula_mm * 0.84,
        )

    @property
    def body_depth_mm(self) -> float:
        """Front to back, skin to skin."""
        return self.depth_mm + 1.7 * self.coat_mm

    @property
    def heart_width_mm(self) -> float:
        """Width of the heart."""
        return 2 * self.heart_ratio * self.width_mm

    def side_mm(self, y: FloatArray) -> FloatArray:
        """Distance of the lungs' outer border from the midline, at heights `y`; 0 above the apex."""
        t = np.clip(y / (0.85 * self.height_mm), 0, 1)
        grown = (1 - (1 - t) ** 2.3) ** 0.62
        side = self.apex_mm + (self.width_mm - self.apex_mm) * grown
        return np.where(y > 0, side, 0).astype(np.float32)

    def inner_mm(self, y: FloatArray) -> FloatArray:
        """Distance of the lungs' inner border from the midline: the apices are round."""
        t = np.clip(y / (0.3 * self.height_mm), 0, 1)
        inner: FloatArray = (self.apex_mm * (1 - np.sqrt(1 - (1 - t) ** 2))).astype(np.float32)
        return inner

    def dome_mm(self, x: FloatArray) -> FloatArray:
        """Height of the diaphragm's upper outline at places `x`."""
        left = 0.5 + 0.5 * np.tanh(x / (0.12 * self.width_mm))
        across = np.abs(x) / self.width_mm
        fall = np.where(across > 0.5, (across - 0.5) ** 2 * 4.6, (across - 0.5) ** 2 * 0.8)
        dome: FloatArray = self.height_mm + self.dome_gap_mm * left + self.dome_rise_mm * fall
        return dome
