"""Rules of what the classifier reads: parts without the lungs, frames, and facts of the table."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hilum.audit.contest import CHANCE, Contest
from hilum.audit.reading import Reading
from hilum.audit.rules.limits import FEWEST_PATIENTS, HALF, QUARTER, SEEN, STRONG, Ruling
from hilum.evaluate import Estimate

__all__ = ["coarse", "confounded", "explained", "followed", "shades"]


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


MOST = 0.8


def coarse(contest: Contest) -> Ruling:
    """Read what an image tells when all that is fine is taken from it.

    Large opacities survive in 64 dots, so nothing here breaks a result, and half of it proves nothing: where
    synthetic lungs alone held the label, the dots explained up to two thirds. Doubtful: they explain 80 % or
    more, and their AUC surely exceeds 0.60.
    """
    reading, clause = explained(contest, Reading.DOUBTFUL)
    if reading is not Reading.DOUBTFUL:
        return reading, clause
    if contest.explained.value >= MOST and contest.part.low >= STRONG:
        return (
            reading,
            f"it explains {MOST:.0%} of the result or more, and its AUC is surely above {STRONG:.2f}",
        )
    return Reading.SOUND, f"it explains less than {MOST:.0%} of the result; large opacities alone may do so"


def shades(whole: Contest, outside: Contest) -> Ruling:
    """Read what the shades of grey tell, in the whole image and outside its middle.

    Haze in the lungs changes the histogram of the image: where synthetic lungs alone held the label, it
    explained nearly all of the result. So the shades outside the lungs decide, which only exposure,
    processing and the film's cut can change. Doubtful: the whole histogram explains half of the result or
    more, and that of the outside a quarter, both surely better than chance.
    """
    reading, clause = explained(whole, Reading.DOUBTFUL)
    if reading is not Reading.DOUBTFUL:
        return reading, clause
    if whole.explained.value >= HALF and explained(outside)[0].gravity >= Reading.DOUBTFUL.gravity:
        return reading, "it explains at least half of the result, and outside the middle at least a quarter"
    return (
        Reading.SOUND,
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
        return Reading.BROKEN, "surely more than half follow the frame, and the seam does not explain it"
    if more.low > MORE_OFTEN:
        return (
            Reading.DOUBTFUL,
            f"the frame is surely followed {MORE_OFTEN:.1f} more often than the seam explains",
        )
    if flipped.value > SEAM:
        return Reading.CANNOT_TELL, f"the seam alone changes the answer in {flipped.value:.0%}"
    return Reading.SOUND, "the frame is not surely followed more often than the seam explains"


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
