"""The table of a study: where its images come from, which of them are in use, and how they are split."""

from __future__ import annotations

from hilum.cohort.build import build, check, locate
from hilum.cohort.cohort import Cohort, Reason
from hilum.cohort.download import fetch
from hilum.cohort.sources import SOURCES, Source, source
from hilum.cohort.split import SPLITTERS, Fold, split

__all__ = [
    "SOURCES",
    "SPLITTERS",
    "Cohort",
    "Fold",
    "Reason",
    "Source",
    "build",
    "check",
    "fetch",
    "locate",
    "source",
    "split",
]
