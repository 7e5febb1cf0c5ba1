"""Rules of the experiment itself: images known from training, other splits, shuffled labels."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hilum.auditing.comparison import CHANCE, BaselineComparison
from hilum.auditing.probe import Rating
from hilum.metrics import Estimate
from hilum.metrics.comparison import Drop

__all__ = [
    "FEWEST_IMAGES",
    "FEWEST_PATIENTS",
    "FEWEST_PATIENTS_OF_SOURCE",
    "HALF",
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
"""A rating, and the rule that gave it as a clause."""

FEWEST_PATIENTS = 10
"""Of the scarcest class; with fewer no interval is narrow enough to tell anything."""

FEWEST_IMAGES = 10
"""Of each label, for a fact or a source to be asked about."""
FEWEST_PATIENTS_OF_SOURCE = 5
"""Of each label, for a source to be left out."""

SEEN = 0.55
"""An AUC whose interval lies above this is better than chance, also when a dozen probes look."""
STRONG = 0.60
HALF = 0.5
"""Of what the whole image tells beyond chance: a part without lungs that has it explains most of it."""
QUARTER = 0.25


def explained(comparison: BaselineComparison, worst: Rating = Rating.BROKEN) -> Ruling:
    """Read what a part without the lungs tells, against the whole image.

    Broken: it explains half of the result or more, and its AUC surely exceeds 0.60. Doubtful: a quarter,
    and 0.55. Both conditions, since a share is unsteady where the whole image itself tells little, and an
    AUC alone says nothing of what the result rests on.
    """
    if comparison.patients < FEWEST_PATIENTS:
        return Rating.CANNOT_TELL, f"{comparison.patients} patients of the rarest class are too few"
    if not comparison.whole.low > CHANCE:
        return Rating.CANNOT_TELL, "the whole image itself is no better than chance in these folds"
    share, low = comparison.explained.value, comparison.part.low
    if share >= HALF and low >= STRONG:
        return min(Rating.BROKEN, worst, key=lambda rating: rating.severity), (
            f"it explains at least half of the result, and its AUC is surely above {STRONG:.2f}"
        )
    if share >= QUARTER and low >= SEEN:
        return (
            Rating.DOUBTFUL,
            f"it explains at least a quarter of the result, and its AUC is surely above {SEEN:.2f}",
        )
    if math.isnan(share):
        return Rating.CANNOT_TELL, "the whole image itself is no better than chance in these folds"
    return Rating.SOUND, "it explains less than a quarter of the result, or no more than chance would"


MOST = 0.8


def coarse(comparison: BaselineComparison) -> Ruling:
    """Read what an image tells when all that is fine is taken from it.

    Large opacities survive in 64 dots, so nothing here breaks a result, and half of it proves nothing: where
    synthetic lungs alone held the label, the dots explained up to two thirds. Doubtful: they explain 80 % or
    more, and their AUC surely exceeds 0.60.
    """
    rating, clause = explained(comparison, Rating.DOUBTFUL)
    if rating is not Rating.DOUBTFUL:
        return rating, clause
    if comparison.explained.value >= MOST and comparison.part.low >= STRONG:
        return (
            rating,
            f"it explains {MOST:.0%} of the result or more, and its AUC is surely above {STRONG:.2f}",
        )
    return Rating.SOUND, f"it explains less than {MOST:.0%} of the result; large opacities alone may do so"


def shades(whole: BaselineComparison, outside: BaselineComparison) -> Ruling:
    """Read what the shades of grey tell, in the whole image and outside its middle.

    Haze in the lungs changes the histogram of the image: where synthetic lungs alone held the label, it
    explained nearly all of the result. So the shades outside the lungs decide, which only exposure,
    processing and the film's cut can change. Doubtful: the whole histogram explains half of the result or
    more, and that of the outside a quarter, both surely better than chance.
    """
    rating, clause = explained(whole, Rating.DOUBTFUL)
    if rating is not Rating.DOUBTFUL:
        return rating, clause
    if whole.explained.value >= HALF and explained(outside)[0].severity >= Rating.DOUBTFUL.severity:
        return rating, "it explains at least half of the result, and outside the middle at least a quarter"
    return (
        Rating.SOUND,
        "outside the middle, where no lung is, it explains less than a quarter of the result",
    )


MORE_OFTEN = 0.1
SEAM = 0.3


def followed(frame: Estimate, flipped: Estimate, more: Estimate) -> Ruling:
    """Read how often a composite of two labels is called as its frame.

    A seam by itself may change an answer; composites within a label show how often. Broken: surely more than
    half follow the frame, and surely more than the seam explains. Doubtful: surely 0.1 more than the seam
    explains.

    Parameters
    ----------
    frame : Estimate
        Share of composites of two labels that are called as their frame.
    flipped : Estimate
        Share of composites of one label that are called otherwise.
    more : Estimate
        Their difference.
    """
    if frame.low > HALF and more.low > MORE_OFTEN:
        return Rating.BROKEN, "surely more than half follow the frame, and the seam does not explain it"
    if more.low > MORE_OFTEN:
        return (
            Rating.DOUBTFUL,
            f"the frame is surely followed {MORE_OFTEN:.1f} more often than the seam explains",
        )
    if flipped.value > SEAM:
        return Rating.CANNOT_TELL, f"the seam alone changes the answer in {flipped.value:.0%}"
    return Rating.SOUND, "the frame is not surely followed more often than the seam explains"


def confounded(source: BaselineComparison, facts: Mapping[str, BaselineComparison]) -> tuple[str, Ruling]:
    """Read what the source, and other facts of the table, tell of the label without an image.

    The source is read as any part without the lungs. View, age, sex and the like make a result doubtful at
    most: they may tell the label for clinical reasons too, as the lying patient is the sicker one.

    Returns
    -------
    tuple of str and Ruling
        The fact that decides (the source unless another says worse), and its rating.
    """
    rulings = {"source": explained(source)}
    rulings |= {name: explained(fact, Rating.DOUBTFUL) for name, fact in facts.items()}
    against = [name for name, (rating, _) in rulings.items() if rating.severity > Rating.SOUND.severity]
    name = max(against, key=lambda name: rulings[name][0].severity, default="source")
    return name, rulings[name]


LOST = 0.05
"""Of AUC: a loss on a new source that is more than another draw of patients would bring."""


def unseen(there: Estimate, drop: Estimate, lost: Estimate) -> Ruling:
    """Read how a classifier does on sources that it was not trained on.

    Broken: surely more than half of what it had beyond chance is lost: most of what it had learned was the
    source. Doubtful: its AUC surely drops by more than 0.05. Where it does not surely drop, but is not surely
    better than chance there either, the images are too few to tell.

    Parameters
    ----------
    there : Estimate
        AUC on sources that the training left out.
    drop : Estimate
        AUC on the same images, where other images of their source were trained on, less `there`.
    lost : Estimate
        The drop as a share of what there was beyond chance.
    """
    if lost.low > HALF:
        return Rating.BROKEN, "surely more than half of what was better than chance is lost"
    if drop.low > LOST:
        return Rating.DOUBTFUL, f"the AUC surely drops by more than {LOST:.2f}"
    if not there.low > CHANCE:
        return Rating.CANNOT_TELL, "the images of the sources left out are too few for a narrow interval"
    return Rating.SOUND, f"the AUC does not surely drop by more than {LOST:.2f}"


SMALL_GAP, WIDE_GAP = 0.1, 0.3
CHANCE_OF_ERROR = 0.05


def unequal(gap: Estimate, p: float) -> Ruling:
    """Read the largest difference in sensitivity or specificity between a group of patients and the rest.

    `p` is corrected for the number of groups that were compared, since of twenty groups one differs by
    chance. Broken: the group surely loses 0.3 or more; then figures of the whole say nothing of it. Doubtful:
    a gap of 0.1 or more that chance does not explain.
    """
    if p >= CHANCE_OF_ERROR or gap.value < SMALL_GAP:
        return Rating.SOUND, f"no gap of {SMALL_GAP:.1f} or more that chance does not explain"
    if gap.low >= WIDE_GAP:
        return Rating.BROKEN, f"the gap is surely {WIDE_GAP:.1f} or more"
    return Rating.DOUBTFUL, f"the gap is {SMALL_GAP:.1f} or more, and chance does not explain it"


BROKEN_AREA, BROKEN_RATE = 0.15, 0.25
DOUBTFUL_AREA, DOUBTFUL_RATE = 0.05, 0.10
SMALL_DROP = 0.1
_RATES = "sensitivity or specificity"


def transported(drops: Mapping[str, Drop], figure: str) -> Ruling:
    """Read how a classifier does in another hospital.

    Broken: the AUC is surely down by more than 0.15, or is surely down and no better than chance there; or
    sensitivity or specificity is surely down by more than 0.25, which a threshold from elsewhere does too.
    Doubtful: surely by more than 0.05 and 0.10. Sound only if a drop of 0.1 or more is ruled out: few images
    tell nothing.

    Parameters
    ----------
    drops : mapping of str to Drop
    figure : str
        The one to report: an AUC where both sides have the labels for it.
    """
    areas = [one for name, one in drops.items() if name.startswith("roc_auc")]
    rates = [one for name, one in drops.items() if name.startswith(("sensitivity", "specificity"))]
    area, rate = (_surely(side) for side in (areas, rates))
    cases = (
        (Rating.BROKEN, area > BROKEN_AREA, f"the AUC is surely down by more than {BROKEN_AREA:.2f}"),
        (
            Rating.BROKEN,
            any(map(_lost_all, areas)),
            "the AUC is surely down, to no better than chance",
        ),
        (Rating.BROKEN, rate > BROKEN_RATE, f"{_RATES} is surely down by more than {BROKEN_RATE:.2f}"),
        (Rating.DOUBTFUL, area > DOUBTFUL_AREA, f"the AUC is surely down by more than {DOUBTFUL_AREA:.2f}"),
        (Rating.DOUBTFUL, rate > DOUBTFUL_RATE, f"{_RATES} is surely down by more than {DOUBTFUL_RATE:.2f}"),
        (
            Rating.SOUND,
            drops[figure].difference.high < SMALL_DROP,
            f"a drop of {SMALL_DROP:.1f} or more is ruled out",
        ),
    )
    unknown = Rating.CANNOT_TELL, f"the images are too few to rule out a drop of {SMALL_DROP:.1f}"
    return next(((rating, reason) for rating, holds, reason in cases if holds), unknown)


def _surely(drops: list[Drop]) -> float:
    """The largest drop that is sure; 0 where none is known."""
    return max((one.difference.low for one in drops if not math.isnan(one.difference.low)), default=0.0)


def _lost_all(found: Drop) -> bool:
    there, here = found.external, found.internal
    return there.low <= CHANCE < here.low and found.difference.low > DOUBTFUL_AREA


APART = 0.9
MANY_ERRORS = 0.05


def contradicted(share: Estimate, whole: Estimate) -> Ruling:
    """Read the share of images whose label the others contradict.

    Only where the classes are surely told apart well (AUC above 0.90) does a contradiction speak against the
    label rather than for a hard image. Then doubtful: surely more than 5 %; carefully made benchmarks have
    about 3 % (Northcutt et al. 2021).
    """
    if not whole.low > CHANCE:
        return Rating.CANNOT_TELL, "the whole image itself is no better than chance in these folds"
    if not whole.low > APART:
        return (
            Rating.CANNOT_TELL,
            f"with an AUC not surely above {APART:.2f} a wrong label looks like a hard image",
        )
    if share.low > MANY_ERRORS:
        return Rating.DOUBTFUL, f"surely more than {MANY_ERRORS:.0%} of the labels are contradicted"
    return Rating.SOUND, f"no more than {MANY_ERRORS:.0%} of the labels are surely contradicted"


MISLEADING = 0.05
"""Points by which probabilities may be off on average before a reader of them is misled."""
UNSETTLED = 0.10
"""An error that may be as large as this is not shown to be small."""


def miscalibrated(error: Estimate, by_chance: float, patients: int) -> Ruling:
    """Read an expected calibration error.

    Doubtful: it is surely above 0.05, and above what calibrated probabilities show by chance in 95 of 100
    such samples. Both, since an error that is a sum of distances is above 0 in every sample, the more so in
    small ones. Never broken: probabilities can be recalibrated, and who is told ill by a threshold stays.
    """
    if patients < FEWEST_PATIENTS:
        return Rating.CANNOT_TELL, f"{patients} test patients of the rarest class are too few"
    if error.low > MISLEADING and error.value > by_chance:
        return Rating.DOUBTFUL, f"the error is surely above {100 * MISLEADING:.0f} percentage points"
    if not error.high < UNSETTLED:
        return (
            Rating.CANNOT_TELL,
            f"with so few test images the error may be {100 * UNSETTLED:.0f} percentage points or more",
        )
    return Rating.SOUND, (
        f"the error is below {100 * UNSETTLED:.0f} percentage points, and not surely above "
        f"{100 * MISLEADING:.0f}"
    )


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
        return Rating.BROKEN, (
            f"keeping patients apart surely costs more than {GREAT_COST * 100:.0f} points,"
            " and hardly a split then reaches the reported accuracy"
        )
    if cost.low > SMALL_COST:
        return (
            Rating.DOUBTFUL,
            f"keeping patients apart surely costs more than {SMALL_COST * 100:.0f} points",
        )
    if claimed - own.mean() >= LUCK and np.mean(own >= claimed - SAME) < RARE:
        return Rating.DOUBTFUL, f"fewer than {RARE:.1%} of the splits reach the reported accuracy"
    return (
        Rating.SOUND,
        "the reported accuracy is usual among splits, and keeping patients apart costs little",
    )


def leaking(auc: Estimate) -> Ruling:
    """Read the mean AUC of the whole procedure on labels that mean nothing; `n` counts the repetitions.

    Without a leak it is 0.5, or a little less. Broken: surely above 0.60. Doubtful: surely above 0.5, and
    0.55 or more; both, since the interval alone would cry wolf at one sound procedure in forty.
    """
    if math.isnan(auc.low):
        return Rating.CANNOT_TELL, "too few experiments with shuffled labels could be done"
    if auc.low > STRONG:
        return Rating.BROKEN, f"the mean AUC is surely above {STRONG:.2f}"
    if auc.low > CHANCE and auc.value >= SEEN:
        return Rating.DOUBTFUL, f"the mean AUC is surely above {CHANCE}, and {SEEN:.2f} or more"
    return Rating.SOUND, f"the mean AUC is not surely above {CHANCE}, or below {SEEN:.2f}"


KNOWN = 0.05


def remembered(share: Estimate) -> Ruling:
    """Read the share of test images that have their patient, or a copy, among those learned from.

    Whoever recognises an image needs no lungs to know its label, so `s` known images can raise the accuracy
    by up to `s`. Broken: 5 % or more, since so many points part a good result from a usual one. Doubtful:
    any. The share decides, not its interval: it is counted on the very images that the result is about.
    """
    if share.value >= KNOWN:
        return Rating.BROKEN, f"{KNOWN:.0%} of the test images or more are known from training"
    if share.value > 0:
        return Rating.DOUBTFUL, f"test images are known from training, fewer than {KNOWN:.0%}"
    return Rating.SOUND, "no test image is known from training"
