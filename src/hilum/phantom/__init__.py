"""Synthetic chest radiographs, and cohorts of them with shortcuts of known strength.

Every image is labelled SYNTHETIC, in its pixels and in its file. Nothing is copied or measured from
radiographs of patients.
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
from hilum.phantom.rendering import render

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
