"""Reads every image of a cohort once, to know before training what cannot be read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from hilum.cohort.cohort import Cohort
from hilum.cohort.reason import Reason
from hilum.errors import RadiographError
from hilum.progress import SILENT, Progress
from hilum.radiograph import read

__all__ = ["check"]

_FACTS = ("format", "rows", "columns", "mode", "bits", "bytes")


def check(cohort: Cohort, progress: Progress = SILENT) -> Cohort:
    """Read all pixels, and exclude what gives no radiograph, with the cause.

    Parameters
    ----------
    cohort : Cohort
    progress : Progress

    Returns
    -------
    Cohort
        Its table with the columns ``format, rows, columns, mode, bits, bytes`` of each file's header.
    """
    facts: list[dict[str, Any]] = []
    unreadable: list[int] = []
    causes: list[str] = []
    paths = progress.track(cohort.paths, what="Reading images", total=len(cohort))
    for row, path in enumerate(paths):
        try:
            header = asdict(read(path).header)
            facts.append({name: header[name] for name in _FACTS})
        except RadiographError as error:
            facts.append({})
            unreadable.append(row)
            causes.append(error.cause)
    known = pd.DataFrame(facts, columns=list(_FACTS), index=cohort.table.index)
    table = cohort.table.drop(columns=list(_FACTS), errors="ignore").join(known)
    return Cohort(table, cohort.exclusions, cohort.root).exclude(unreadable, Reason.UNREADABLE, causes)
