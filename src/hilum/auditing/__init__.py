"""The audit: can a classifier's result be believed? Probes with answers, and a verdict in plain words.

`probes` lists the probes; ``docs/audit.md`` explains their rules and how to add one.
"""

from __future__ import annotations

from hilum.auditing.ablation import ABLATIONS
from hilum.auditing.audit import Asked, Audit, examine, illustrated, probes
from hilum.auditing.comparison import CHANCE
from hilum.auditing.images import PROBE_PREPROCESSING, Images, ProbeImages
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
from hilum.auditing.subject import External, Subject
from hilum.auditing.verdict import Verdict

__all__ = [
    "ABLATIONS",
    "CHANCE",
    "PROBE_PREPROCESSING",
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
    "ProbeImages",
    "Rating",
    "Scale",
    "Subject",
    "Verdict",
    "cannot_tell",
    "examine",
    "illustrated",
    "probes",
]
