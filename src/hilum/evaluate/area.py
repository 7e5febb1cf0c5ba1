"""The area under each ROC curve, with its interval."""

from __future__ import annotations

import math

import numpy as np

from hilum.evaluate.contrast import contrasts
from hilum.evaluate.delong import auc_interval
from hilum.evaluate.estimate import Estimate, scarcest
from hilum.evaluate.interval import wilson
from hilum.evaluate.predictions import Predictions

__all__ = ["areas"]


def areas(predictions: Predictions) -> dict[str, Estimate]:
    """ROC AUC of each class against the rest, by class; of two classes, of the positive one alone.

    Intervals are DeLong's with patients as clusters; an area of 1, which has no spread, gets Wilson's (see
    `hilum.evaluate.estimate.estimates`).
    """
    once = np.ones((1, len(predictions)))
    n, found = len(set(predictions.images)), {}
    for side in contrasts(predictions):
        area = float(side.roc_auc(once)[0])
        interval = auc_interval(side.actual, side.score, predictions.patients)
        if area == 1 and math.isnan(interval[0]):
            interval = wilson(scarcest(predictions), scarcest(predictions))
        found[side.name] = Estimate.around(area, interval, n)
    return found
