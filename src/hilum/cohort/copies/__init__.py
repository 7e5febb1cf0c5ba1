"""Copies of images: the same file, the same pixels, or the film resized, cropped, encoded again."""

from __future__ import annotations

from hilum.cohort.copies.copies import LEAST_SIMILARITY, Copies, CopyKind, copies_among, find_copies
from hilum.cohort.copies.shelf import Shelf
from hilum.cohort.copies.sketch import Sketches, sketch

__all__ = [
    "LEAST_SIMILARITY",
    "Copies",
    "CopyKind",
    "Shelf",
    "Sketches",
    "copies_among",
    "find_copies",
    "sketch",
]
