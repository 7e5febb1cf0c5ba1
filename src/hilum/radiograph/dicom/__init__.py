"""DICOM, by pydicom and its decoders.

A file goes `dataset` (elements) → `kind` (is it a projection radiograph?) → `layout` (how its pixels are laid
out) → `samples` (the stored values) → `grayscale` or `colour` (what a viewer would show).
"""

from hilum.radiograph.dicom.image import decode

__all__ = ["decode"]
