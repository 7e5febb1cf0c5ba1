"""How the film was taken: everything about an image that is not the patient."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hilum.cohort.phantom.bounds import require_within

__all__ = ["Acquisition", "Marker", "MarkerStyle", "View"]


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
