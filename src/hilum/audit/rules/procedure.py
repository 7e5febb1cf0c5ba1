"""Rules of the experiment itself: images known from training, other splits, shuffled labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hilum.audit.contest import CHANCE
from hilum.audit.reading import Reading
from hilum.audit.rules.limits import SEEN, STRONG, Ruling
from hilum.evaluate import Estimate

__all__ = ["SAME", "leaking", "lucky", "remembered"]

SAME = 1e-9  # accuracies closer than this are the same share of images
RARE = 0.025
LUCK = 0.02
SMALL_COST, GREAT_COST = 0.02, 0.05


def lucky(reported: float, own: NDArray[np.float64], apart: NDArray[np.float64], cost: Estimate) -> Ruling:
    """Read where the reported accuracy lies among other splits', and what keeping patients apart costs.

    Broken: keeping patients apart surely costs more than 5 points, and fewer than 2.5 % of such splits reach
    the reported accuracy: it is out of reach for patients whom the classifier has not seen. Doubtful: surely
    more than 2 points; or a lucky split, which fewer than 2.5 % of the others reach and which gains 2 points
    or more on their mean. A split that ties with others, as many do near 100 %, is not lucky.

    Parameters
    ----------
    reported : float
        NaN if it cannot be compared; the mean of `own` stands for it then.
    own, apart : ndarray of float64, shape (splits,)
        Accuracies by the recipe's own rule, and with patients apart.
    cost : Estimate
        Mean of `own` less mean of `apart`.
    """
    claimed = float(own.mean()) if math.isnan(reported) else reported
    if cost.low > GREAT_COST and np.mean(apart >= claimed - SAME) < RARE:
        return Reading.BROKEN, (
            f"keeping patients apart surely costs more than {GREAT_COST * 100:.0f} points,"
            " and hardly a split then reaches the reported accuracy"
        )
    if cost.low > SMALL_COST:
        return (
            Reading.DOUBTFUL,
            f"keeping patients apart surely costs more than {SMALL_COST * 100:.0f} points",
        )
    if claimed - own.mean() >= LUCK and np.mean(own >= claimed - SAME) < RARE:
        return Reading.DOUBTFUL, f"fewer than {RARE:.1%} of the splits reach the reported accuracy"
    return (
        Reading.SOUND,
        "the reported accuracy is usual among splits, and keeping patients apart costs little",
    )


def leaking(auc: Estimate) -> Ruling:
    """Read the mean AUC of the whole procedure on labels that mean nothing; `n` counts the repetitions.

    Without a leak it is 0.5, or a little less. Broken: surely above 0.60. Doubtful: surely above 0.5, and
    0.55 or more; both, since the interval alone would cry wolf at one sound procedure in forty.
    """
    if math.isnan(auc.low):
        return Reading.CANNOT_TELL, "too few experiments with shuffled labels could be done"
    if auc.low > STRONG:
        return Reading.BROKEN, f"the mean AUC is surely above {STRONG:.2f}"
    if auc.low > CHANCE and auc.value >= SEEN:
        return Reading.DOUBTFUL, f"the mean AUC is surely above {CHANCE}, and {SEEN:.2f} or more"
    return Reading.SOUND, f"the mean AUC is not surely above {CHANCE}, or below {SEEN:.2f}"


KNOWN = 0.05


def remembered(share: Estimate) -> Ruling:
    """Read the share of test images that have their patient, or a copy, among those learned from.

    Whoever recognises an image needs no lungs to know its label, so `s` known images can raise the accuracy
    by up to `s`. Broken: 5 % or more, since so many points part a good result from a usual one. Doubtful:
    any. The share decides, not its interval: it is counted on the very images that the result is about.
    """
    if share.value >= KNOWN:
        return Reading.BROKEN, f"{KNOWN:.0%} of the test images or more are known from training"
    if share.value > 0:
        return Reading.DOUBTFUL, f"test images are known from training, fewer than {KNOWN:.0%}"
    return Reading.SOUND, "no test image is known from training"
