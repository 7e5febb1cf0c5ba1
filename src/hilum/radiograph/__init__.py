"""Pixels in: raster files and DICOM become one value, `Radiograph`; and preprocessing for a network."""

from hilum.radiograph.preprocessing import Fit, Preprocessing, thumbnail
from hilum.radiograph.radiograph import DEFAULT_LIMITS, Format, Header, Limits, Radiograph, recognise
from hilum.radiograph.reading import decode, find_images, read, read_content

__all__ = [
    "DEFAULT_LIMITS",
    "Fit",
    "Format",
    "Header",
    "Limits",
    "Preprocessing",
    "Radiograph",
    "decode",
    "find_images",
    "read",
    "read_content",
    "recognise",
    "thumbnail",
]
