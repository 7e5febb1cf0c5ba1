"""Copies of images: the same file, the same pixels, or an image resized, cropped or encoded again."""

from __future__ import annotations

from hilum.cohort.duplicates.duplicates import LEAST_SIMILARITY, Copies, CopyKind, copies_among, find_copies
from hilum.cohort.duplicates.fingerprints import (
    FingerprintCollector,
    Fingerprints,
    ThumbnailStore,
    fingerprint,
    fingerprint_of,
)

__all__ = [
    "LEAST_SIMILARITY",
    "Copies",
    "CopyKind",
    "FingerprintCollector",
    "Fingerprints",
    "ThumbnailStore",
    "copies_among",
    "find_copies",
    "fingerprint",
    "fingerprint_of",
]
