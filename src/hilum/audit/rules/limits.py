"""What several rules share: the fewest images, and how much is much."""

from __future__ import annotations

from hilum.audit.reading import Reading

__all__ = [
    "FEWEST_IMAGES",
    "FEWEST_PATIENTS",
    "FEWEST_PATIENTS_OF_SOURCE",
    "HALF",
    "QUARTER",
    "SEEN",
    "STRONG",
    "Ruling",
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
