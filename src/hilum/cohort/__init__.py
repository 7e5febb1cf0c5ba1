"""The table of a study: where its images come from, which are in use, and how they are split."""

from __future__ import annotations

from hilum.cohort.build import build
from hilum.cohort.check import check
from hilum.cohort.cohort import Cohort
from hilum.cohort.fetch import fetch
from hilum.cohort.locating import locate
from hilum.cohort.reason import Reason
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
