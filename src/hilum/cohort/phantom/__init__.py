"""Synthetic chest radiographs, and cohorts of them with shortcuts of known strength.

Every image says SYNTHETIC, in its pixels and in its file. Nothing here was copied or measured from
patients' films.
"""

from __future__ import annotations

from hilum.cohort.phantom.acquisition import Acquisition, Marker, MarkerStyle, View
from hilum.cohort.phantom.cohort import LABELS, PhantomCohort
from hilum.cohort.phantom.finding import Finding, FindingKind
from hilum.cohort.phantom.folder import write
from hilum.cohort.phantom.patient import Patient, Sex
from hilum.cohort.phantom.phantom import render
from hilum.cohort.phantom.shortcut import Shortcut, ShortcutKind

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
