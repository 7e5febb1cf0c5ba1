"""From figures to readings: all rules of the audit in one place, with their reasons.

``docs/audit.md`` says the same in words. Every probe calls a rule here, and none decides by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from hilum.audit.contest import CHANCE, Contest
from hilum.audit.reading import Reading
from hilum.evaluate import Estimate

__all__ = [
    "FEWEST_IMAGES",
    "FEWEST_PATIENTS",
    "FEWEST_PATIENTS_OF_SOURCE",
    "Ruling",
    "confounded",
    "contradicted",
    "explained",
    "unequal",
    "unseen",
]

Ruling = tuple[Reading, str]
"""A reading, and the rule that gave it as a clause."""

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


def explained(contest: Contest, gravest: Reading = Reading.BROKEN) -> Ruling:
    """Read what a part without the lungs tells, against the whole image.

    Broken: it explains half of the result or more, and its AUC surely exceeds 0.60. Doubtful: a quarter,
    and 0.55. Both conditions, since a share is unsteady where the whole image itself tells little, and an
    AUC alone says nothing of what the result rests on.
    """
    if contest.patients < FEWEST_PATIENTS:
        return Reading.CANNOT_TELL, f"{contest.patients} patients of the rarest class are too few"
    if not contest.whole.low > CHANCE:
        return Reading.CANNOT_TELL, "the whole image itself is no better than chance in these folds"
    share, low = contest.explained.value, contest.part.low
    if share >= HALF and low >= STRONG:
        return min(Reading.BROKEN, gravest, key=lambda reading: reading.gravity), (
            f"it explains at least half of the result, and its AUC is surely above {STRONG:.2f}"
        )
    if share >= QUARTER and low >= SEEN:
        return (
            Reading.DOUBTFUL,
            f"it explains at least a quarter of the result, and its AUC is surely above {SEEN:.2f}",
        )
    if math.isnan(share):
        return Reading.CANNOT_TELL, "the whole image itself is no better than chance in these folds"
    return Reading.SOUND, "it explains less than a quarter of the result, or no more than chance would"


def confounded(source: Contest, facts: Mapping[str, Contest]) -> tuple[str, Ruling]:
    """Read what the source, and other facts of the table, tell of the label without an image.

    The source is read as any part without the lungs. View, age, sex and the like make a result doubtful at
    most: they may tell the label for clinical reasons too, as the lying patient is the sicker one.

    Returns
    -------
    tuple of str and Ruling
        The fact that decides (the source unless another says worse), and its reading.
    """
    rulings = {"source": explained(source)}
    rulings |= {name: explained(fact, Reading.DOUBTFUL) for name, fact in facts.items()}
    against = [name for name, (reading, _) in rulings.items() if reading.gravity > Reading.SOUND.gravity]
    name = max(against, key=lambda name: rulings[name][0].gravity, default="source")
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


APART = 0.9
MANY_ERRORS = 0.05


def contradicted(share: Estimate, whole: Estimate) -> Ruling:
    """Read the share of images whose label the others contradict.

    Only where the classes are surely told apart well (AUC above 0.90) does a contradiction speak against the
    label rather than for a hard image. Then doubtful: surely more than 5 %; carefully made benchmarks have
    about 3 % (Northcutt et al. 2021).
    """
    if not whole.low > CHANCE:
        return Reading.CANNOT_TELL, "the whole image itself is no better than chance in these folds"
    if not whole.low > APART:
        return (
            Reading.CANNOT_TELL,
            f"with an AUC not surely above {APART:.2f} a wrong label looks like a hard image",
        )
    if share.low > MANY_ERRORS:
        return Reading.DOUBTFUL, f"surely more than {MANY_ERRORS:.0%} of the labels are contradicted"
    return Reading.SOUND, f"no more than {MANY_ERRORS:.0%} of the labels are surely contradicted"
