"""Copies of images: the same file, the same pixels, or the film resized, cropped, encoded again."""

from __future__ import annotations

from hilum.cohort.copies.copies import LEAST_SIMILARITY, Copies, CopyKind, find_copies

__all__ = ["LEAST_SIMILARITY", "Copies", "CopyKind", "find_copies"]
