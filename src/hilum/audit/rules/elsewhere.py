"""Rules of other people: sources that were left out, groups of patients, another hospital."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hilum.audit.contest import CHANCE
from hilum.audit.reading import Reading
from hilum.audit.rules.limits import HALF, Ruling
from hilum.evaluate import Estimate
from hilum.evaluate.comparison import Drop

__all__ = ["transported", "unequal", "unseen"]

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
        return Reading.BROKEN, "surely more than half of what was better than chance is lost"
    if drop.low > LOST:
        return Reading.DOUBTFUL, f"the AUC surely drops by more than {LOST:.2f}"
    if not there.low > CHANCE:
        return Reading.CANNOT_TELL, "the images of the sources left out are too few for a narrow interval"
    return Reading.SOUND, f"the AUC does not surely drop by more than {LOST:.2f}"


SMALL_GAP, WIDE_GAP = 0.1, 0.3
CHANCE_OF_ERROR = 0.05


def unequal(gap: Estimate, p: float) -> Ruling:
    """Read the largest difference in sensitivity or specificity between a group of patients and the rest.

    `p` is corrected for the number of groups that were compared, since of twenty groups one differs by
    chance. Broken: the group surely loses 0.3 or more; then figures of the whole say nothing of it. Doubtful:
    a gap of 0.1 or more that chance does not explain.
    """
    if p >= CHANCE_OF_ERROR or gap.value < SMALL_GAP:
        return Reading.SOUND, f"no gap of {SMALL_GAP:.1f} or more that chance does not explain"
    if gap.low >= WIDE_GAP:
        return Reading.BROKEN, f"the gap is surely {WIDE_GAP:.1f} or more"
    return Reading.DOUBTFUL, f"the gap is {SMALL_GAP:.1f} or more, and chance does not explain it"


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
        (Reading.BROKEN, area > BROKEN_AREA, f"the AUC is surely down by more than {BROKEN_AREA:.2f}"),
        (
            Reading.BROKEN,
            any(map(_lost_all, areas)),
            "the AUC is surely down, to no better than chance",
        ),
        (Reading.BROKEN, rate > BROKEN_RATE, f"{_RATES} is surely down by more than {BROKEN_RATE:.2f}"),
        (Reading.DOUBTFUL, area > DOUBTFUL_AREA, f"the AUC is surely down by more than {DOUBTFUL_AREA:.2f}"),
        (Reading.DOUBTFUL, rate > DOUBTFUL_RATE, f"{_RATES} is surely down by more than {DOUBTFUL_RATE:.2f}"),
        (
            Reading.SOUND,
            drops[figure].difference.high < SMALL_DROP,
            f"a drop of {SMALL_DROP:.1f} or more is ruled out",
        ),
    )
    unknown = Reading.CANNOT_TELL, f"the images are too few to rule out a drop of {SMALL_DROP:.1f}"
    return next(((reading, reason) for reading, holds, reason in cases if holds), unknown)


def _surely(drops: list[Drop]) -> float:
    """The largest drop that is sure; 0 where none is known."""
    return max((one.difference.low for one in drops if not math.isnan(one.difference.low)), default=0.0)


def _lost_all(found: Drop) -> bool:
    there, here = found.external, found.internal
    return there.low <= CHANCE < here.low and found.difference.low > DOUBTFUL_AREA
