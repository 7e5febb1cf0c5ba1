"""The rules that turn a probe's figures into a rating; ``docs/audit.md`` states them in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hilum.auditing.comparison import CHANCE, BaselineComparison
from hilum.auditing.probe import Rating
from hilum.metrics import Estimate, PerformanceDrop

__all__ = [
    "HALF",
    "MIN_IMAGES",
    "MIN_PATIENTS",
    "MIN_PATIENTS_OF_SOURCE",
    "QUARTER",
    "SAME",
    "SEEN",
    "STRONG",
    "Ruling",
    "coarse",
    "confounded",
    "contradicted",
    "explained",
    "followed",
    "leaking",
    "lucky",
    "miscalibrated",
    "remembered",
    "shades",
    "transported",
    "unequal",
    "unseen",
]


Ruling = tuple[Rating, str]
"""A rating, and its reason as a clause."""

MIN_PATIENTS = 10
"""Of the rarest class; with fewer, intervals are too wide for a rating."""
MIN_IMAGES = 10
"""Of each label, for a fact, a source or a swap to be evaluated."""
MIN_PATIENTS_OF_SOURCE = 5
"""Of each label, for a source to be left out."""

SEEN = 0.55
"""Lower limit of an AUC above which a part predicts the label, allowing for a dozen probes."""
STRONG = 0.60
"""Lower limit of an AUC above which a part predicts the label strongly."""
HALF = 0.5
QUARTER = 0.25


def explained(comparison: BaselineComparison, worst: Rating = Rating.BROKEN) -> Ruling:
    """Rate the performance of a part of the data without the lungs, against the whole image.

    Broken: the part explains at least half of the performance above chance, and the lower limit of its AUC is
    at least 0.60. Doubtful: a quarter, and 0.55. Both conditions are needed: the explained share is unstable
    where the whole image performs poorly, and an AUC alone does not relate to the result.
    """
    if comparison.patients < MIN_PATIENTS:
        return (
            Rating.CANNOT_TELL,
            f"{comparison.patients} patients of the rarest class are fewer than {MIN_PATIENTS}",
        )
    if not comparison.whole.low > CHANCE:
        return Rating.CANNOT_TELL, "the whole image performs no better than chance"
    share, low = comparison.explained.value, comparison.part.low
    if share >= HALF and low >= STRONG:
        return min(Rating.BROKEN, worst, key=lambda rating: rating.severity), (
            f"it explains at least half of the result, and its lower 95 % limit is above {STRONG:.2f}"
        )
    if share >= QUARTER and low >= SEEN:
        return (
            Rating.DOUBTFUL,
            f"it explains at least a quarter of the result, and its lower 95 % limit is above {SEEN:.2f}",
        )
    if math.isnan(share):
        return Rating.CANNOT_TELL, "the whole image performs no better than chance"
    return Rating.SOUND, "it explains less than a quarter of the result, or its interval includes chance"


MOST = 0.8


def coarse(comparison: BaselineComparison) -> Ruling:
    """Rate the performance of an image without fine detail.

    Doubtful at most: it explains at least 80 % of the result, and its lower limit is at least 0.60. Large
    opacities are visible in 64 pixels: on synthetic images whose lungs alone hold the label, the thumbnail
    explains up to two thirds.
    """
    rating, clause = explained(comparison, Rating.DOUBTFUL)
    if rating is not Rating.DOUBTFUL:
        return rating, clause
    if comparison.explained.value >= MOST and comparison.part.low >= STRONG:
        return (
            rating,
            f"it explains at least {MOST:.0%} of the result, and its lower 95 % limit is above {STRONG:.2f}",
        )
    return Rating.SOUND, f"it explains less than {MOST:.0%} of the result, which large opacities alone can do"


def shades(whole: BaselineComparison, outside: BaselineComparison) -> Ruling:
    """Rate the performance of histograms of the whole image and of what lies outside the lung region.

    Doubtful at most: the whole histogram explains at least half of the result and the outside histogram a
    quarter, both better than chance. Opacities in the lungs change the whole histogram, and on synthetic
    images whose lungs alone hold the label it explains nearly all of the result. Only exposure, processing
    and cropping change the outside histogram.
    """
    rating, clause = explained(whole, Rating.DOUBTFUL)
    if rating is not Rating.DOUBTFUL:
        return rating, clause
    if whole.explained.value >= HALF and explained(outside)[0].severity >= Rating.DOUBTFUL.severity:
        return (
            rating,
            "it explains at least half of the result, and outside the lung region at least a quarter",
        )
    return (
        Rating.SOUND,
        "outside the lung region it explains less than a quarter of the result",
    )


MORE_OFTEN = 0.1
SEAM = 0.3


def followed(surroundings: Estimate, flipped: Estimate, more: Estimate) -> Ruling:
    """Rate how often the prediction of a swapped image is that of its surroundings.

    The seam by itself can change a prediction; swaps within a label show how often. Broken: the lower limit
    of the share is above one half, and it exceeds the effect of the seam by more than 0.1 (lower limit).
    Doubtful: the second alone.

    Parameters
    ----------
    surroundings : Estimate
        Share of swaps between labels with the prediction of the surroundings.
    flipped : Estimate
        Share of swaps within a label with another prediction.
    more : Estimate
        Their difference.
    """
    beyond_seam = f"exceeds the effect of the seam by more than {MORE_OFTEN:.1f} (lower 95 % limit)"
    if surroundings.low > HALF and more.low > MORE_OFTEN:
        return (
            Rating.BROKEN,
            f"more than half follow the surroundings (lower 95 % limit), which {beyond_seam}",
        )
    if more.low > MORE_OFTEN:
        return Rating.DOUBTFUL, f"the share that follows the surroundings {beyond_seam}"
    if flipped.value > SEAM:
        return Rating.CANNOT_TELL, f"the seam alone changes the prediction in {flipped.value:.0%}"
    return Rating.SOUND, "the surroundings are not followed more often than the seam explains"


def confounded(source: BaselineComparison, facts: Mapping[str, BaselineComparison]) -> tuple[str, Ruling]:
    """Rate how well the source and other facts of the table predict the label.

    The source has the rule of any part without the lungs. View, age and sex are doubtful at most: they can
    be associated with the disease for clinical reasons, as supine patients are more severely ill.

    Returns
    -------
    tuple of str and Ruling
        The fact that decides (the source unless another has a more severe rating), and its ruling.
    """
    rulings = {"source": explained(source)}
    rulings |= {name: explained(fact, Rating.DOUBTFUL) for name, fact in facts.items()}
    against = [name for name, (rating, _) in rulings.items() if rating.severity > Rating.SOUND.severity]
    name = max(against, key=lambda name: rulings[name][0].severity, default="source")
    return name, rulings[name]


LOST = 0.05
"""Drop of the AUC on a new source that sampling of patients does not explain."""


def unseen(there: Estimate, drop: Estimate, lost: Estimate) -> Ruling:
    """Rate the performance on sources that were not in the training data.

    Broken: more than half of the performance above chance is lost (lower limit). Doubtful: the AUC drops by
    more than 0.05 (lower limit). Cannot tell: neither a drop nor a performance above chance is shown.

    Parameters
    ----------
    there : Estimate
        AUC on sources that the training left out.
    drop : Estimate
        AUC on the same images with their source in the training data, minus `there`.
    lost : Estimate
        The drop as a share of the performance above chance.
    """
    if lost.low > HALF:
        return Rating.BROKEN, "more than half of the performance above chance is lost (lower 95 % limit)"
    if drop.low > LOST:
        return Rating.DOUBTFUL, f"the AUC drops by more than {LOST:.2f} (lower 95 % limit)"
    if not there.low > CHANCE:
        return Rating.CANNOT_TELL, "the sources left out have too few images"
    return Rating.SOUND, f"no drop of the AUC by more than {LOST:.2f} is shown"


SMALL_GAP, WIDE_GAP = 0.1, 0.3
CHANCE_OF_ERROR = 0.05


def unequal(gap: Estimate, p: float) -> Ruling:
    """Rate the difference in sensitivity or specificity between a group of patients and the others.

    `p` is corrected for the number of groups. Broken: the gap is 0.3 or more (lower limit). Doubtful: a
    significant gap of 0.1 or more.
    """
    if p >= CHANCE_OF_ERROR or gap.value < SMALL_GAP:
        return Rating.SOUND, f"no significant gap of {SMALL_GAP:.1f} or more"
    if gap.low >= WIDE_GAP:
        return Rating.BROKEN, f"the gap is {WIDE_GAP:.1f} or more (lower 95 % limit)"
    return Rating.DOUBTFUL, f"a significant gap of {SMALL_GAP:.1f} or more"


BROKEN_AREA, BROKEN_RATE = 0.15, 0.25
DOUBTFUL_AREA, DOUBTFUL_RATE = 0.05, 0.10
SMALL_DROP = 0.1
_RATES = "sensitivity or specificity"


def transported(drops: Mapping[str, PerformanceDrop], figure: str) -> Ruling:
    """Rate the performance in another hospital, by the lower limits of the drops.

    Broken: the AUC drops by more than 0.15, or drops to chance; or sensitivity or specificity drops by more
    than 0.25, as a threshold that does not transfer causes too. Doubtful: more than 0.05, or 0.10. Sound: the
    interval rules out a drop of 0.1 or more.

    Parameters
    ----------
    drops : mapping of str to PerformanceDrop
    figure : str
        The one to report: an AUC where both sides have the labels for it.
    """
    areas = [one for name, one in drops.items() if name.startswith("roc_auc")]
    rates = [one for name, one in drops.items() if name.startswith(("sensitivity", "specificity"))]
    area, rate = (_largest(side) for side in (areas, rates))
    cases = (
        (
            Rating.BROKEN,
            area > BROKEN_AREA,
            f"the AUC drops by more than {BROKEN_AREA:.2f} (lower 95 % limit)",
        ),
        (
            Rating.BROKEN,
            any(map(_lost_all, areas)),
            "the AUC drops to chance",
        ),
        (
            Rating.BROKEN,
            rate > BROKEN_RATE,
            f"{_RATES} drops by more than {BROKEN_RATE:.2f} (lower 95 % limit)",
        ),
        (
            Rating.DOUBTFUL,
            area > DOUBTFUL_AREA,
            f"the AUC drops by more than {DOUBTFUL_AREA:.2f} (lower 95 % limit)",
        ),
        (
            Rating.DOUBTFUL,
            rate > DOUBTFUL_RATE,
            f"{_RATES} drops by more than {DOUBTFUL_RATE:.2f} (lower 95 % limit)",
        ),
        (
            Rating.SOUND,
            drops[figure].difference.high < SMALL_DROP,
            f"a drop of {SMALL_DROP:.1f} or more is ruled out",
        ),
    )
    unknown = Rating.CANNOT_TELL, f"the images are too few to rule out a drop of {SMALL_DROP:.1f}"
    return next(((rating, reason) for rating, holds, reason in cases if holds), unknown)


def _largest(drops: list[PerformanceDrop]) -> float:
    """The largest lower limit; 0 where none is known."""
    return max((one.difference.low for one in drops if not math.isnan(one.difference.low)), default=0.0)


def _lost_all(found: PerformanceDrop) -> bool:
    there, here = found.external, found.internal
    return there.low <= CHANCE < here.low and found.difference.low > DOUBTFUL_AREA


SEPARATED = 0.9
MANY_ERRORS = 0.05


def contradicted(share: Estimate, whole: Estimate) -> Ruling:
    """Rate the share of labels that the probe model contradicts.

    Where the lower limit of its AUC is 0.90 or less, a contradicted label cannot be told from a difficult
    image. Above it, doubtful: more than 5 % (lower limit). Curated benchmarks have some 3 % (Northcutt 2021).
    """
    if not whole.low > CHANCE:
        return Rating.CANNOT_TELL, "the whole image performs no better than chance"
    if not whole.low > SEPARATED:
        return (
            Rating.CANNOT_TELL,
            f"below an AUC of {SEPARATED:.2f} a wrong label cannot be told from a difficult image",
        )
    if share.low > MANY_ERRORS:
        return (
            Rating.DOUBTFUL,
            f"more than {MANY_ERRORS:.0%} of the labels are contradicted (lower 95 % limit)",
        )
    return Rating.SOUND, f"the lower 95 % limit is at most {MANY_ERRORS:.0%}"


MISLEADING = 0.05
"""Expected calibration error that misleads a reader of the probabilities."""
UNSETTLED = 0.10
"""Upper limit from which an error is not shown to be small."""


def miscalibrated(error: Estimate, by_chance: float, patients: int) -> Ruling:
    """Rate an expected calibration error.

    Doubtful at most: its lower limit is above 0.05, and it exceeds the 95th percentile of the error that
    calibrated probabilities show in such a sample, since the error is biased upwards in small samples.
    Recalibration can correct it without changing the predicted classes.
    """
    if patients < MIN_PATIENTS:
        return (
            Rating.CANNOT_TELL,
            f"{patients} test patients of the rarest class are fewer than {MIN_PATIENTS}",
        )
    if error.low > MISLEADING and error.value > by_chance:
        return (
            Rating.DOUBTFUL,
            f"the error is above {100 * MISLEADING:.0f} percentage points (lower 95 % limit)",
        )
    if not error.high < UNSETTLED:
        return (
            Rating.CANNOT_TELL,
            f"the upper 95 % limit is {100 * UNSETTLED:.0f} percentage points or more: too few test images",
        )
    return Rating.SOUND, (
        f"the upper 95 % limit is below {100 * UNSETTLED:.0f} percentage points, the lower not above"
        f" {100 * MISLEADING:.0f}"
    )


SAME = 1e-9  # accuracies that differ by less are equal
RARE = 0.025
LUCK = 0.02
SMALL_COST, GREAT_COST = 0.02, 0.05


def lucky(given: float, random: NDArray[np.float64], grouped: NDArray[np.float64], cost: Estimate) -> Ruling:
    """Rate the probe model's accuracy on the given split among random splits, and the cost of grouping.

    Broken: grouping by patient costs more than 5 points (lower limit), and fewer than 2.5 % of grouped splits
    reach the accuracy on the given split. Doubtful: grouping costs more than 2 points; or fewer than 2.5 % of
    random splits reach that accuracy, which exceeds their mean by 2 points or more.

    Parameters
    ----------
    given : float
        Accuracy on the split under audit.
    random, grouped : ndarray of float64, shape (splits,)
        Accuracies on random splits by the same rule, and grouped by patient.
    cost : Estimate
        Mean of `random` minus mean of `grouped`.
    """
    if cost.low > GREAT_COST and np.mean(grouped >= given - SAME) < RARE:
        return Rating.BROKEN, (
            f"grouping by patient costs more than {GREAT_COST * 100:.0f} points (lower 95 % limit), and fewer"
            f" than {RARE:.1%} of grouped splits reach the accuracy on the given split"
        )
    if cost.low > SMALL_COST:
        return (
            Rating.DOUBTFUL,
            f"grouping by patient costs more than {SMALL_COST * 100:.0f} points (lower 95 % limit)",
        )
    if given - random.mean() >= LUCK and np.mean(random >= given - SAME) < RARE:
        return (
            Rating.DOUBTFUL,
            f"fewer than {RARE:.1%} of random splits reach the accuracy on the given split",
        )
    return Rating.SOUND, "the given split is typical, and grouping by patient costs little"


def leaking(auc: Estimate) -> Ruling:
    """Rate the mean AUC on shuffled labels; `n` counts the repetitions.

    Without leakage it is 0.5 or slightly less. Broken: the lower limit is above 0.60. Doubtful: the lower
    limit is above 0.5, and the mean at least 0.55; the first alone has 2.5 % false alarms.
    """
    if math.isnan(auc.low):
        return Rating.CANNOT_TELL, "too few experiments with shuffled labels could be done"
    if auc.low > STRONG:
        return Rating.BROKEN, f"the lower 95 % limit is above {STRONG:.2f}"
    if auc.low > CHANCE and auc.value >= SEEN:
        return Rating.DOUBTFUL, f"the lower 95 % limit is above {CHANCE}, and the mean is {SEEN:.2f} or more"
    return Rating.SOUND, f"the interval includes {CHANCE}, or the mean is below {SEEN:.2f}"


KNOWN = 0.05


def remembered(share: Estimate) -> Ruling:
    """Rate the share of test images that have a duplicate or a patient in common with the training images.

    A classifier that recognises them can gain up to that share in accuracy. Broken: 5 % or more. Doubtful:
    any. The share itself decides: it is a count over the images of the result, not a sample.
    """
    if share.value >= KNOWN:
        return Rating.BROKEN, f"{KNOWN:.0%} or more of the test images are known from training"
    if share.value > 0:
        return Rating.DOUBTFUL, f"some test images are known from training, fewer than {KNOWN:.0%}"
    return Rating.SOUND, "no test image is known from training"
