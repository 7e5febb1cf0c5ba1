"""A run's classifier on a cohort that it has never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from hilum.bundle import Bundle
from hilum.cohort import Cohort, Reason
from hilum.errors import CohortError
from hilum.metrics import Predictions
from hilum.metrics.comparison import Drop, FalseAlarms, answers_by_source, drop, false_alarms
from hilum.progress import SILENT, Progress
from hilum.run.run import Run

__all__ = ["CohortPredictions", "Evaluation", "evaluate_on", "predict_cohort"]


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


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a run's classifier is worth on another cohort, beside its own test images.

    Parameters
    ----------
    found : CohortPredictions
    drops : mapping of str to Drop
        For each metric: internal, external, and their difference.
    alarms : FalseAlarms
    by_source : DataFrame
        See `hilum.metrics.answers_by_source`.
    """

    found: CohortPredictions
    drops: Mapping[str, Drop]
    alarms: FalseAlarms
    by_source: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """The figures in JSON's types (NaN apart)."""
        cohort = self.found.cohort
        return {
            "schema_version": 1,
            "images": len(cohort),
            "patients": int(cohort.table["patient"].nunique()),
            "metrics": {name: asdict(one.external) for name, one in self.drops.items()},
            "internal": {name: asdict(one.internal) for name, one in self.drops.items()},
            "drop": {name: asdict(one.difference) for name, one in self.drops.items()},
            "false_alarms": asdict(self.alarms),
            "by_source": self.by_source.to_dict("records"),
            "left_out": cohort.exclusions.to_dict("records"),
        }


def evaluate_on(run: Run, cohort: Cohort, progress: Progress = SILENT) -> Evaluation:
    """Evaluate a run's classifier on a cohort that it has never seen.

    Parameters
    ----------
    run : Run
    cohort : Cohort
    progress : Progress

    Raises
    ------
    CohortError
        As `predict_cohort`.
    """
    found = predict_cohort(run.model, cohort, progress)
    rng = np.random.default_rng(run.recipe.seed)
    return Evaluation(
        found,
        drop(run.predictions.part("test"), found.predictions, rng),
        false_alarms(found.predictions),
        answers_by_source(found.predictions),
    )
