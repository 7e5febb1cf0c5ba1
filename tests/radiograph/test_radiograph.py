"""The values of reading: formats, headers, limits and radiographs."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.datadict import tag_for_keyword

from hilum.errors import CorruptFileError, UnsupportedFormatError
from hilum.radiograph import Format, Header, Limits, Radiograph, decode, recognise


@pytest.mark.parametrize(
    ("form", "save"),
    [
        (Format.PNG, "PNG"),
        (Format.JPEG, "JPEG"),
        (Format.TIFF, "TIFF"),
        (Format.WEBP, "WEBP"),
        (Format.BMP, "BMP"),
        (Format.GIF, "GIF"),
    ],
)
def test_content_decides_and_the_name_does_not(form, save, picture, encode):
    content = encode(picture, save)
    assert recognise(content, "film.dcm") is form
    assert decode(content, "film.dcm").header.format == form.value


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"\n  <html>", "HTML"),
        (b"PK\x03\x04" + bytes(200), "ZIP"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(40), "EPS"),
        (b"MZ\x90\0" + bytes(200), "program"),
        (b"\0", "1 bytes"),
        (b"a text about lungs", "18 bytes"),
        (bytes(1000), "1,000 bytes"),
    ],
)
def test_what_is_no_image_is_named(content, found):
    with pytest.raises(
        UnsupportedFormatError, match=rf"film\.png: not an image .*{found}.*Save the image as"
    ):
        decode(content, "film.png")


def test_empty():
    with pytest.raises(CorruptFileError, match="the file is empty"):
        decode(b"", "film.png")


def test_dicom_comes_before_whatever_stands_in_its_preamble():
    for preamble in (b"MZ\x90\0", b"II*\0", b"\x89PNG\r\n\x1a\n"):
        assert recognise(preamble.ljust(128, b"\0") + b"DICM", "x") is Format.DICOM


def test_dicom_without_preamble():
    assert recognise(b"\x08\0\x05\0CS\x0a\0ISO_IR 100", "x") is Format.DICOM
    assert recognise(b"\0\x08\0\x05CS\0\x0aISO_IR 100", "x") is Format.DICOM
    assert recognise(b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100", "x") is Format.DICOM


def test_a_header_as_a_row_has_plain_values_and_nothing_of_the_study():
    header = Header("DICOM", 40, 48, "MONOCHROME2", 12, 4500, (0.15, 0.2), "PA", "CR", kvp=110.0)
    assert header.as_row() == {
        "format": "DICOM", "rows": 40, "columns": 48, "mode": "MONOCHROME2", "bits": 12, "bytes": 4500,
        "spacing_mm": 0.15, "manufacturer": None, "model": None, "detector": None, "kvp": 110.0,
        "distance_mm": None,
    }  # fmt: skip


def test_every_optional_fact_names_its_dicom_element():
    facts = Header.dicom_facts()
    required = {"format", "rows", "columns", "mode", "bits", "bytes"}
    assert facts.keys() | required == Header("PNG", 1, 1, "L", 8, 1).as_dict().keys()
    assert all(tag_for_keyword(keyword) for fact in facts.values() for keyword in fact.keywords)


def test_a_limit_is_at_least_1():
    with pytest.raises(ValueError, match="pixels: expected at least 1, found 0"):
        Limits(pixels=0)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4)),
        np.zeros((4, 4, 1), np.float32),
        np.zeros((0, 4), np.float32),
        np.full((4, 4), 1.5, np.float32),
        np.full((4, 4), -0.1, np.float32),
        np.full((4, 4), np.nan, np.float32),
    ],
)
def test_pixels_that_are_no_radiograph(pixels):
    with pytest.raises(ValueError, match="pixels: expected"):
        Radiograph(pixels, Header("PNG", 4, 4, "L", 8, 100))


def test_an_extent_is_a_whole_multiple():
    header, pixels = Header("PNG", 403, 421, "L", 8, 100), np.zeros((51, 53), np.float32)
    for extent in ((403, 421), (408, 424), (51, 53)):
        assert Radiograph(pixels, header, extent).extent == extent
    for extent in ((403, 425), (403, 416), (40, 53), (51, 106)):
        with pytest.raises(ValueError, match=r"extent: expected a whole multiple of \(51, 53\)"):
            Radiograph(pixels, header, extent)
