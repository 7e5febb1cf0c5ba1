"""Rules of labels and probabilities."""

from __future__ import annotations

from hilum.audit.contest import CHANCE
from hilum.audit.reading import Reading
from hilum.audit.rules.limits import FEWEST_PATIENTS, Ruling
from hilum.evaluate import Estimate

__all__ = ["contradicted", "miscalibrated"]

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
        return Reading.CANNOT_TELL, f"{patients} test patients of the rarest class are too few"
    if error.low > MISLEADING and error.value > by_chance:
        return Reading.DOUBTFUL, f"the error is surely above {100 * MISLEADING:.0f} percentage points"
    if not error.high < UNSETTLED:
        return (
            Reading.CANNOT_TELL,
            f"with so few test images the error may be {100 * UNSETTLED:.0f} percentage points or more",
        )
    return Reading.SOUND, (
        f"the error is below {100 * UNSETTLED:.0f} percentage points, and not surely above "
        f"{100 * MISLEADING:.0f}"
    )
