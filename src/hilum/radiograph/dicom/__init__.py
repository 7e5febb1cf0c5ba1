"""DICOM, by pydicom and its decoders.

A file goes `dataset` (elements) → `kind` (is it a projection radiograph?) → `layout` (how its pixels are laid
out) → `samples` (the stored values) → `grayscale` or `colour` (what a viewer would show).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.radiograph.dicom.pixels import decode

__all__ = ["decode"]


__getattr__, __dir__ = on_demand(
    __name__,
    {
        "decode": "pixels",
    },
)
