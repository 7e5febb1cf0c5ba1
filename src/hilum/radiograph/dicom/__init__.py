"""DICOM, by pydicom and its decoders.

A file goes `dataset` (elements) → `kind` (is it a projection radiograph?) → `layout` (how its pixels are laid
out) → `samples` (the stored values) → `grayscale` or `colour` (what a viewer would show).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from hilum.radiograph.dicom.pixels import decode as decode

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "pixels": ["decode"],
    },
)
