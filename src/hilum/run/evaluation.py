"""A saved classifier on a cohort that it has never seen."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hilum.bundle import Bundle
from hilum.cohort import Cohort, Reason
from hilum.errors import CohortError
from hilum.evaluate import Predictions
from hilum.progress import SILENT, Progress

__all__ = ["CohortPredictions", "predict_cohort"]


@dataclass(frozen=True, eq=False)
class CohortPredictions:
    """Predictions of a cohort.

    Parameters
    ----------
    predictions : Predictions
        All in part ``test``.
    cohort : Cohort
        The rows that were predicted, and those that could not be with the reason.
    """

    predictions: Predictions
    cohort: Cohort


def predict_cohort(model: Bundle, cohort: Cohort, progress: Progress = SILENT) -> CohortPredictions:
    """Predict every image of a cohort whose label the classifier knows.

    Parameters
    ----------
    model : Bundle
    cohort : Cohort
    progress : Progress

    Returns
    -------
    CohortPredictions

    Raises
    ------
    CohortError
        If no image has a label among the classifier's classes, or none can be read.
    """
    known = cohort.table["label"].isin(model.classes)
    if not known.any():
        raise CohortError(
            "no image of the cohort has a label that the classifier knows",
            expected=" or ".join(model.classes),
            found=", ".join(cohort.table["label"].unique()[:8]) or "no images",
            remedy="Write the classifier's names into the cohort's column `label`.",
        )
    names = "label is " + cohort.table["label"][~known]
    cohort = cohort.exclude(~known.to_numpy(), Reason.NOT_SELECTED, names.tolist())
    found = list(model.predict_many(cohort.paths, progress))
    failed = [row for row, one in enumerate(found) if one.error is not None]
    if len(failed) == len(found):
        raise CohortError("no image of the cohort can be read", path=cohort.root, found=found[0].error)
    kept = [one for one in found if one.error is None]
    cohort = cohort.exclude(failed, Reason.UNREADABLE, [str(found[row].error) for row in failed])
    table = pd.DataFrame(
        {
            **{name: cohort.table[name].to_numpy() for name in ("image", "patient", "source", "label")},
            **{f"probability_{name}": [one.probability[name] for one in kept] for name in model.classes},
            "predicted": [one.predicted for one in kept],
        }
    )
    return CohortPredictions(Predictions(table.assign(split="test", fold=0), model.classes), cohort)
