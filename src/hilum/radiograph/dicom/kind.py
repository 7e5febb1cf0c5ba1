"""Whether a DICOM file is a projection radiograph that is meant to be looked at."""

from __future__ import annotations

from pathlib import Path

from pydicom import uid
from pydicom.dataset import Dataset

from hilum.errors import NotARadiographError
from hilum.radiograph.dicom.values import integer, text

__all__ = ["check"]

# The file must be of one of these classes, or of none …
_CLASSES = frozenset({
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
})  # fmt: skip
# … and of one of these modalities; a secondary capture (a scanned film) may also be OT, or say nothing.
_MODALITIES = frozenset({"CR", "DX", "DR", "RG", "XR"})
_CAPTURED = frozenset({"OT", "SC", None})
_REMEDY = "hilum reads CR, DX and secondary captures of projection radiographs."


def check(elements: Dataset, path: Path | str) -> None:
    """Refuse what is no single projection radiograph for presentation.

    Raises
    ------
    NotARadiographError
        For other SOP classes (CT, MR, SR, a DICOMDIR, …), other modalities, raw detector data
        (FOR PROCESSING), and several frames.
    """
    sop_class = str(elements.get("SOPClassUID") or "").strip()
    modality = text(elements, "Modality")
    if not _is_accepted(sop_class, modality):
        raise NotARadiographError(
            "it is no projection radiograph",
            path=path,
            expected="modality CR or DX, or a secondary capture",
            found=_describe(sop_class, modality),
            remedy=_REMEDY,
        )
    if text(elements, "PresentationIntentType") == "FOR PROCESSING":
        raise NotARadiographError(
            "it holds raw detector data (FOR PROCESSING)",
            path=path,
            remedy="Export the image FOR PRESENTATION.",
        )
    frames = integer(elements, "NumberOfFrames", 1)
    if frames > 1:
        raise NotARadiographError("it holds several frames", path=path, expected="one", found=str(frames))


def _is_accepted(sop_class: str, modality: str | None) -> bool:
    if sop_class and sop_class not in _CLASSES:
        return False
    captured = sop_class not in {
        "",
        uid.ComputedRadiographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
    }
    return modality in _MODALITIES or (captured and modality in _CAPTURED)


def _describe(sop_class: str, modality: str | None) -> str:
    name = uid.UID(sop_class).name if sop_class else "no SOP class"
    known = name if not sop_class or name != sop_class else "an unknown SOP class"
    return f"modality {modality or 'not stated'}, {known}"
