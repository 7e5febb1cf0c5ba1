"""Pixels in: raster files and DICOM become one value, `Radiograph`; and preparation for a network."""

from hilum.radiograph.ahead import ahead
from hilum.radiograph.finding import find_images
from hilum.radiograph.format import Format, recognise
from hilum.radiograph.limits import DEFAULT_LIMITS, Limits
from hilum.radiograph.preparation import Fit, Preparation, thumbnail
from hilum.radiograph.radiograph import Header, Radiograph
from hilum.radiograph.reading import decode, read, read_content

__all__ = [
    "DEFAULT_LIMITS",
    "Fit",
    "Format",
    "Header",
    "Limits",
    "Preparation",
    "Radiograph",
    "ahead",
    "decode",
    "find_images",
    "read",
    "read_content",
    "recognise",
    "thumbnail",
]
