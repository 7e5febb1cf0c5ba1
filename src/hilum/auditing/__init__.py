"""The audit: can the result be believed? Probes ask, and the verdict says it in plain words.

A probe is a question with an experiment; `probes` lists them, ``docs/audit.md`` explains how to add one.
"""

from __future__ import annotations

from hilum.auditing.ablation import ALTERATIONS, transplanted
from hilum.auditing.audit import Asked, Audit, examine, illustrated, probes
from hilum.auditing.comparison import CHANCE
from hilum.auditing.probe import (
    Answer,
    Bar,
    Bars,
    Curves,
    Distribution,
    Example,
    Examples,
    Grid,
    Picture,
    Probe,
    Rating,
    Scale,
    cannot_tell,
)
from hilum.auditing.subject import External, Images, Subject
from hilum.auditing.verdict import Verdict

__all__ = [
    "ALTERATIONS",
    "CHANCE",
    "Answer",
    "Asked",
    "Audit",
    "Bar",
    "Bars",
    "Curves",
    "Distribution",
    "Example",
    "Examples",
    "External",
    "Grid",
    "Images",
    "Picture",
    "Probe",
    "Rating",
    "Scale",
    "Subject",
    "Verdict",
    "cannot_tell",
    "examine",
    "illustrated",
    "probes",
    "transplanted",
]
