"""From figures to readings: all rules of the audit, with their reasons.

``docs/audit.md`` says the same in words. Every probe calls a rule here, and none decides by itself.
"""

from __future__ import annotations

from hilum.audit.rules.content import coarse, confounded, explained, followed, shades
from hilum.audit.rules.elsewhere import transported, unequal, unseen
from hilum.audit.rules.limits import FEWEST_IMAGES, FEWEST_PATIENTS, FEWEST_PATIENTS_OF_SOURCE, Ruling
from hilum.audit.rules.output import contradicted, miscalibrated
from hilum.audit.rules.procedure import SAME, leaking, lucky, remembered

__all__ = [
    "FEWEST_IMAGES",
    "FEWEST_PATIENTS",
    "FEWEST_PATIENTS_OF_SOURCE",
    "SAME",
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
