"""The facts of the files' headers, joined to a cohort."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.backbone import Features
from hilum.cohort import Cohort, Reason
from hilum.errors import CohortError

__all__ = ["with_headers"]


def with_headers(cohort: Cohort, features: Features) -> tuple[Cohort, NDArray[np.float32]]:
    """Add the headers' facts to the cohort, and leave out, with the cause, what could not be read.

    Returns
    -------
    Cohort
    ndarray of float32, shape (rows in use, features)
    """
    facts = pd.DataFrame([{} if header is None else header.as_row() for header in features.headers])
    facts = facts.dropna(axis="columns", how="all")  # what no file states is left as the source has it
    table = cohort.table.drop(columns=facts.columns, errors="ignore").reset_index(drop=True)
    cohort = Cohort(table.join(facts), cohort.exclusions, cohort.root)
    failed = np.zeros(len(table), dtype=bool)
    failed[list(features.failures)] = True
    if failed.all():
        first = next(iter(features.failures.values()))
        raise CohortError(
            f"none of the {len(table)} images can be read", path=cohort.root, found=f"first: {first}"
        )
    causes = [error.cause for _, error in sorted(features.failures.items())]
    return cohort.exclude(failed, Reason.UNREADABLE, causes), features.values[~failed]
