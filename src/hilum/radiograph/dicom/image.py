"""From the bytes of a DICOM file to a `Radiograph`."""

from __future__ import annotations

import math
from pathlib import Path

from pydicom.dataset import Dataset

from hilum.radiograph.dicom import colour, dataset, grayscale, kind, layout, samples
from hilum.radiograph.dicom.values import numbers, positive, text
from hilum.radiograph.limits import Limits
from hilum.radiograph.radiograph import Header, Radiograph
from hilum.radiograph.reduction import factor_for

__all__ = ["decode"]

_LONG_STRING = 64  # characters of the value representation LO (PS3.5, 6.2)


def decode(content: bytes, path: Path | str, limits: Limits, side: int | None = None) -> Radiograph:
    """Decode a DICOM file.

    See `hilum.radiograph.decode`, which converts what pydicom raises besides `RadiographError`.
    """
    parsed = dataset.parse(content, path, limits)
    elements = parsed.elements
    kind.check(elements, path)
    plan = layout.plan(elements, path)
    stored = samples.unpack(parsed, plan, path, limits)
    render = grayscale.render if plan.is_grayscale else colour.render
    header = Header(
        "DICOM",
        plan.rows,
        plan.columns,
        plan.photometric,
        plan.bits_stored,
        len(content),
        spacing_mm=_spacing_mm(elements),
        view=text(elements, "ViewPosition"),
        modality=text(elements, "Modality"),
        manufacturer=text(elements, "Manufacturer", _LONG_STRING),
        model=text(elements, "ManufacturerModelName", _LONG_STRING),
        detector=text(elements, "DetectorType"),
        kvp=positive(elements, "KVP"),
        distance_mm=positive(elements, "DistanceSourceToDetector"),
    )
    factor = factor_for(plan.rows, plan.columns, side)
    pixels = render(stored, plan, elements, path, factor)
    return Radiograph(pixels, header, (plan.rows, plan.columns) if factor > 1 else None)


def _spacing_mm(elements: Dataset) -> tuple[float, float] | None:
    """Pixel distance at the patient where calibrated, else at the detector (PS3.3, 10.7.1)."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        spacing = numbers(elements, keyword)
        if len(spacing) == 2 and all(math.isfinite(step) and step > 0 for step in spacing):
            return spacing[0], spacing[1]
    return None
