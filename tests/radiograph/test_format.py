from __future__ import annotations

import pytest

from hilum.errors import CorruptFileError, UnsupportedFormatError
from hilum.radiograph import Format, decode, recognise


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
    with pytest.raises(UnsupportedFormatError, match=rf"film\.png: no image .*{found}.*Save the image as"):
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
