"""Copies of images: the same file, the same pixels, or the film resized, cropped, encoded again."""

from __future__ import annotations

from hilum.cohort.duplicates.duplicates import LEAST_SIMILARITY, Copies, CopyKind, copies_among, find_copies
from hilum.cohort.duplicates.fingerprint import Fingerprinted, Fingerprints, fingerprint

__all__ = [
    "LEAST_SIMILARITY",
    "Copies",
    "CopyKind",
    "Fingerprinted",
    "Fingerprints",
    "copies_among",
    "find_copies",
    "fingerprint",
]
