from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

SIDES = (40, 48)


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """A smooth picture that uses all 256 gray values, uint8 (40, 48)."""
    y, x = np.mgrid[: SIDES[0], : SIDES[1]]
    waves = np.sin(x / 7) * np.cos(y / 5) + x / 40
    low, high = waves.min(), waves.max()
    return np.rint((waves - low) / (high - low) * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def deep(picture) -> np.ndarray:
    """The picture in 12 bits of 16."""
    samples = np.rint(picture / 255 * 4095).astype(np.uint16)
    samples.flags.writeable = False
    return samples


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Pillow's encoder: array or image, format, options → bytes."""

    def encode(image: Any, form: str = "PNG", **options: Any) -> bytes:
        stream = BytesIO()
        (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, form, **options)
        return stream.getvalue()

    return encode


@pytest.fixture(scope="session")
def saved() -> Callable[[Dataset], bytes]:
    """pydicom's writer: data set → bytes."""

    def save(ds: Dataset) -> bytes:
        stream = BytesIO()
        ds.save_as(stream)
        return stream.getvalue()

    return save


@pytest.fixture(scope="session")
def dicom() -> Callable[..., bytes]:
    """A writer of computed radiographs: samples, elements to change (None removes one) → bytes."""
    return _dicom


def _dicom(
    samples: np.ndarray,
    *,
    syntax: str = uid.ExplicitVRLittleEndian,
    frame: bytes | None = None,
    raw: bytes | None = None,
    **changes: Any,
) -> bytes:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = uid.ComputedRadiographyImageStorage, uid.generate_uid()
    ds.Modality = "CR"
    ds.Rows, ds.Columns = samples.shape[:2]
    ds.SamplesPerPixel = 3 if samples.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if samples.ndim == 3 else "MONOCHROME2"
    if samples.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8 * samples.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(samples.dtype.kind == "i")
    if "BitsStored" in changes and "HighBit" not in changes:
        ds.HighBit = changes["BitsStored"] - 1
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", uid.SecondaryCaptureImageStorage)
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    ds.PixelData = samples.astype(samples.dtype.newbyteorder(order)).tobytes() if raw is None else raw
    ds["PixelData"].VR = "OW"
    if frame is not None:
        ds.PixelData = encapsulate([frame])
        ds["PixelData"].VR = "OB"
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
