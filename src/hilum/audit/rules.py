"""From figures to readings: all rules of the audit in one place, with their reasons.

``docs/audit.md`` says the same in words. Every probe calls a rule here, and none decides by itself.
"""

from __future__ import annotations

import math

from hilum.audit.contest import CHANCE, Contest
from hilum.audit.reading import Reading

__all__ = ["FEWEST_PATIENTS", "Ruling", "explained"]

Ruling = tuple[Reading, str]
"""A reading, and the rule that gave it as a clause."""

FEWEST_PATIENTS = 10
"""Of the scarcest class; with fewer no interval is narrow enough to tell anything."""

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
