"""What a classifier says of images from elsewhere: alarms among the healthy, and its answers by source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hilum.evaluate.estimate import Estimate
from hilum.evaluate.interval import wilson
from hilum.evaluate.predictions import Predictions

__all__ = ["FalseAlarms", "answers_by_source", "false_alarms"]


@dataclass(frozen=True)
class FalseAlarms:
    """Images of the first class, usually the healthy, that are called something else.

    Parameters
    ----------
    label : str
        The first class.
    called : str
        What they are called instead: the positive class of two; empty with more.
    count : int
    share : Estimate
        Of the images of the class, with Wilson's interval; NaN without any.
    """

    label: str
    called: str
    count: int
    share: Estimate


def false_alarms(predictions: Predictions) -> FalseAlarms:
    """Count the images of the first class that are called something else."""
    healthy = predictions.labels == 0
    count, n = int((healthy & (predictions.predicted != 0)).sum()), int(healthy.sum())
    share = Estimate.around(count / n if n else np.nan, wilson(count, n), n)
    return FalseAlarms(predictions.classes[0], predictions.positive or "", count, share)


def answers_by_source(predictions: Predictions) -> pd.DataFrame:
    """Count the classifier's answers for each source and label.

    Returns
    -------
    DataFrame
        ``source``, ``label``, ``n``, then for each class ``called <class>``, and its mean probability as
        ``mean probability of <class>``.
    """
    rows = []
    for (source, label), group in predictions.table.groupby(["source", "label"], sort=True):
        called = {f"called {name}": int((group["predicted"] == name).sum()) for name in predictions.classes}
        means = {
            f"mean probability of {name}": float(group[f"probability_{name}"].mean())
            for name in predictions.classes
        }
        rows.append({"source": source, "label": label, "n": len(group), **called, **means})
    return pd.DataFrame(rows)
