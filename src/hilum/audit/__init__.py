"""The audit: can the result be believed? Probes ask, and the verdict says it in plain words.

A probe is a question with an experiment; `probes` lists them, ``docs/audit.md`` explains how to add one.
"""

from __future__ import annotations

from hilum.audit.alteration import ALTERATIONS, transplanted
from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.audit import Asked, Audit, examine
from hilum.audit.contest import CHANCE
from hilum.audit.illustration import illustrated
from hilum.audit.images import Images
from hilum.audit.picture import Bar, Bars, Curves, Distribution, Example, Examples, Grid, Picture, Scale
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.registry import probes
from hilum.audit.subject import External, Subject
from hilum.audit.verdict import Verdict

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
    "Reading",
    "Scale",
    "Subject",
    "Verdict",
    "cannot_tell",
    "examine",
    "illustrated",
    "probes",
    "transplanted",
]
