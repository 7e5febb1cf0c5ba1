"""Any classifier on a cohort that it has never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hilum.bundle import Bundle
from hilum.classifier import Classifier
from hilum.cohort import Cohort, Reason, locate
from hilum.errors import CohortError
from hilum.files import write_json
from hilum.metrics import (
    Estimate,
    FalsePositives,
    PerformanceDrop,
    Predictions,
    clinical,
    false_positives,
    metrics_of_parts,
    performance_drop,
    predictions_by_source,
)
from hilum.metrics import evaluate as metrics_of
from hilum.progress import SILENT, Progress
from hilum.run.predict import predict
from hilum.run.report import EVALUATION_FILE
from hilum.run.run import FINAL_FILE, Run, staging, versions, write_metrics

__all__ = ["CohortPredictions", "Evaluation", "evaluate", "predict_cohort"]


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


def predict_cohort(model: Classifier, cohort: Cohort, progress: Progress = SILENT) -> CohortPredictions:
    """Predict every image of a cohort whose label is one of the classifier's classes.

    Raises
    ------
    CohortError
        If no image has such a label, or none can be read.
    ClassifierError
        If the classifier fails.
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
    found = list(predict(model, cohort.paths, progress))
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
    """What a classifier is worth on a cohort; of a run, beside its own test images.

    Parameters
    ----------
    predictions : Predictions
        Of the cohort, all in part ``test``.
    metrics : mapping of str to Estimate
        Of the cohort.
    alarms : FalsePositives
    by_source : DataFrame
        See `hilum.metrics.predictions_by_source`.
    drops : mapping of str to PerformanceDrop
        For each metric of a run: internal, external, and their difference. Empty where there is no internal
        test.
    cohort : Cohort, optional
        Its rows in use and those left out; None for a table of predictions made elsewhere.
    threshold : float, optional
        The classifier's, for two classes.
    """

    predictions: Predictions
    metrics: Mapping[str, Estimate]
    alarms: FalsePositives
    by_source: pd.DataFrame
    drops: Mapping[str, PerformanceDrop] = field(default_factory=dict)
    cohort: Cohort | None = None
    threshold: float | None = None

    @property
    def exclusions(self) -> pd.DataFrame:
        """The cohort's images that were left out, with the reason."""
        columns = ["image", "source", "reason", "detail"]
        return pd.DataFrame(columns=columns) if self.cohort is None else self.cohort.exclusions

    def as_dict(self) -> dict[str, Any]:
        """The figures in JSON's types (NaN apart)."""
        table = self.predictions.table
        internal = {name: asdict(one.internal) for name, one in self.drops.items()}
        difference = {name: asdict(one.difference) for name, one in self.drops.items()}
        return {
            "schema_version": 1,
            "images": int(table["image"].nunique()),
            "patients": int(table["patient"].nunique()),
            "metrics": {name: asdict(one) for name, one in self.metrics.items()},
            **({"internal": internal, "drop": difference} if self.drops else {}),
            "false_alarms": asdict(self.alarms),
            "by_source": self.by_source.to_dict("records"),
            "left_out": self.exclusions.to_dict("records"),
        }

    def write(self, out: Path, *, overwrite: bool = False) -> None:
        """Write a folder in the form of a run: predictions, metrics, cohort, calibration and versions.

        Raises
        ------
        RunError
            If `out` holds something else, or an evaluation and `overwrite` is false.
        """
        rng = np.random.default_rng(0)
        with staging(out, overwrite=overwrite) as folder:
            self.predictions.write(folder / "predictions.csv")
            facts: dict[str, Any] = {"versions": versions()}
            if self.cohort is not None:
                table = self.cohort.table.assign(split="test", fold=0)
                Cohort(table, self.cohort.exclusions, self.cohort.root).write(folder / "cohort.parquet")
                facts["data"] = str(self.cohort.root.resolve())
            write_json(folder / "environment.json", facts)
            write_json(folder / EVALUATION_FILE, clinical(self.predictions, self.threshold, rng).record())
            write_metrics(folder / FINAL_FILE, metrics_of_parts(self.predictions, rng))


def evaluate(
    model: Run | Classifier | Predictions | Path | str,
    cohort: Cohort | Path | str | None = None,
    *,
    data: Path | str | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Evaluate a classifier on a cohort that it has never seen.

    Parameters
    ----------
    model : Run, Classifier, Predictions, Path or str
        A run, whose own test stands beside; any other classifier; predictions made elsewhere, of which the
        test part is evaluated; or the folder of a run or bundle.
    cohort : Cohort, Path or str, optional
        A cohort, its table, or a folder with a subfolder for each class; not needed with predictions.
    data : Path or str, optional
        Folder that the table's paths start from; see `hilum.cohort.locate`.
    progress : Progress

    Raises
    ------
    HilumError
        If the model or the cohort cannot be read, or as `predict_cohort`.

    Examples
    --------
    >>> found = hilum.evaluate("runs/mine", "hospital.csv")  # doctest: +SKIP
    >>> found.metrics["roc_auc"]  # doctest: +SKIP
    Estimate(value=0.71, low=0.66, high=0.76, n=402)
    """
    if isinstance(model, Path | str):
        model = Run.open(model) if (Path(model) / FINAL_FILE).is_file() else Bundle.load(model)
    if isinstance(model, Predictions):
        return _evaluated(model.part("test"))
    if cohort is None:
        raise CohortError("no cohort to evaluate on", remedy="Name a table of images, or a folder.")
    if not isinstance(cohort, Cohort):
        cohort = locate(cohort, data)
    classifier = model.model if isinstance(model, Run) else model
    found = predict_cohort(classifier, cohort, progress)
    threshold = classifier.threshold
    return _evaluated(
        found.predictions,
        found.cohort,
        run=model if isinstance(model, Run) else None,
        threshold=None if threshold is None else threshold.value,
    )


def _evaluated(
    predictions: Predictions,
    cohort: Cohort | None = None,
    *,
    run: Run | None = None,
    threshold: float | None = None,
) -> Evaluation:
    if not len(predictions):
        raise CohortError("no test image to evaluate on", remedy="Rows of the part `test` are evaluated.")
    rng = np.random.default_rng(0 if run is None else run.recipe.seed)
    drops = {} if run is None else performance_drop(run.predictions.part("test"), predictions, rng)
    metrics = {name: one.external for name, one in drops.items()} or metrics_of(predictions, rng)
    return Evaluation(
        predictions,
        metrics,
        false_positives(predictions),
        predictions_by_source(predictions),
        drops,
        cohort,
        threshold,
    )
