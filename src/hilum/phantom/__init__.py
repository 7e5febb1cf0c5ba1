"""Synthetic chest radiographs, and cohorts of them with shortcuts of known strength.

Every image says SYNTHETIC, in its pixels and in its file. Nothing here was copied or measured from
patients' films.
"""

from __future__ import annotations

from hilum.phantom.cohort import LABELS, PhantomCohort
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
from hilum.phantom.folder import write
from hilum.phantom.phantom import render

__all__ = [
    "LABELS",
    "Acquisition",
    "Finding",
    "FindingKind",
    "Marker",
    "MarkerStyle",
    "Patient",
    "PhantomCohort",
    "Sex",
    "Shortcut",
    "ShortcutKind",
    "View",
    "render",
    "write",
]
