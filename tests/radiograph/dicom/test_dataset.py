"""How a DICOM file is structured: encodings, preambles, damage, bombs; and which files are accepted."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom import uid

from hilum.errors import (
    CorruptFileError,
    NotARadiographError,
    OversizedImageError,
    RadiographError,
    UnsupportedFormatError,
)
from hilum.radiograph import decode

PLAIN = {
    "explicit": uid.ExplicitVRLittleEndian,
    "implicit": uid.ImplicitVRLittleEndian,
    "big": uid.ExplicitVRBigEndian,
    "deflated": uid.DeflatedExplicitVRLittleEndian,
}


def assert_picture(content: bytes, deep: np.ndarray) -> None:
    np.testing.assert_allclose(decode(content, "x").pixels, deep / 4095, atol=1e-6)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_syntaxes(name, deep, dicom):
    assert_picture(dicom(deep, syntax=PLAIN[name], BitsStored=12), deep)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_data_under_another_label(name, deep, dicom):
    content = dicom(deep, syntax=PLAIN[name], BitsStored=12)
    for label in (
        uid.ExplicitVRLittleEndian,
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.JPEG2000,
    ):
        mislabelled = content.replace(PLAIN[name].encode().ljust(22, b"\0"), label.encode().ljust(22, b"\0"))
        try:
            pixels = decode(mislabelled, "x").pixels
        except RadiographError:
            continue
        np.testing.assert_allclose(pixels, deep / 4095, atol=1e-6)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9, 0.99])
def test_cut_files_are_refused(name, share, deep, dicom):
    content = dicom(deep, syntax=PLAIN[name], BitsStored=12)
    with pytest.raises(RadiographError):
        decode(content[: int(len(content) * share)], "x")


def test_no_preamble_no_meta_no_syntax(deep, dicom):
    content = dicom(deep, BitsStored=12)
    length = struct.unpack_from("<I", content, 140)[0]
    assert_picture(content[132:], deep)  # file meta first
    assert_picture(content[128:], deep)  # "DICM" first
    assert_picture(content[144 + length :], deep)  # the data set first
    for name in ("implicit", "big"):
        other = dicom(deep, syntax=PLAIN[name], BitsStored=12)
        assert_picture(other[144 + struct.unpack_from("<I", other, 140)[0] :], deep)
    ds = pydicom.dcmread(BytesIO(content))
    del ds.file_meta.TransferSyntaxUID
    stream = BytesIO()
    pydicom.dcmwrite(stream, ds, implicit_vr=False, little_endian=True)
    assert_picture(stream.getvalue(), deep)


@pytest.mark.parametrize("preamble", [b"MZ\x90\0", b"II*\0\x08\0\0\0", b"\x7fELF"])
def test_anything_in_the_preamble(preamble, deep, dicom):
    content = dicom(deep, BitsStored=12)
    assert_picture(preamble + content[len(preamble) :], deep)


def test_odd_elements_do_not_matter(deep, dicom, saved):
    content = dicom(
        deep,
        BitsStored=12,
        SpecificCharacterSet="ISO_IR 192",
        StudyInstanceUID="1.2.3",
        InstitutionName="x" * 60,
    )
    assert_picture(content.replace(b"ISO_IR 192", b"KLINGON 99"), deep)
    assert_picture(content.replace(b"1.2.3\0", b"../../"), deep)
    assert_picture(content + bytes(1000), deep)  # trailing zeros
    ds = pydicom.dcmread(BytesIO(content))
    ds.private_block(0x0011, "hilum", create=True).add_new(1, "OB", b"\xff" * 100)
    assert_picture(saved(ds), deep)


def test_bad_vr_and_odd_length(deep, dicom):
    content = dicom(deep, BitsStored=12, InstitutionName="abcd")
    at = content.index(b"LO\x04\0abcd")
    for damaged in (
        content[:at] + b"ZZ" + content[at + 2 :],
        content[:at] + b"LO\x05\0abcde" + content[at + 8 :],
    ):
        try:
            pixels = decode(damaged, "x").pixels
        except RadiographError:
            continue
        np.testing.assert_allclose(pixels, deep / 4095, atol=1e-6)


def test_a_length_beyond_the_file(deep, dicom):
    content = dicom(deep, BitsStored=12, InstitutionName="abcd")
    at = content.index(b"LO\x04\0abcd")
    with pytest.raises(RadiographError):
        decode(content[: at + 2] + b"\xff\xff" + content[at + 4 :], "x")


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("implicit", [True, False])
def test_sequences_nested_deeply(depth, implicit, deep, dicom):
    content = dicom(deep, syntax=PLAIN["implicit" if implicit else "explicit"], BitsStored=12)
    tag = struct.pack("<HH", 0x0008, 0x1140)
    head = tag + (b"" if implicit else b"SQ\0\0") + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4
    tail = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    at = content.index(struct.pack("<HH", 0x0028, 0x0002))
    with pytest.raises(CorruptFileError, match=r"nested too deeply|too many elements"):
        decode(content[:at] + head * depth + tail * depth + content[at:], "x")


def test_millions_of_elements_are_not_read(deep, dicom):
    content = dicom(deep, BitsStored=12)
    at = content.index(struct.pack("<HH", 0x0028, 0x0002))
    many = struct.pack("<HH2sH", 0x0009, 0x0001, b"LO", 0) * 2_000_000
    with pytest.raises(CorruptFileError, match="too many elements"):
        decode(content[:at] + many + content[at:], "x")


def deflated_bomb(content: bytes, head: bytes) -> bytes:
    """Return a deflated file whose data set is `head` and 100 MB of zeros."""
    length = struct.unpack_from("<I", content, 140)[0]
    packer = zlib.compressobj(9, wbits=-15)
    parts = [packer.compress(part) for part in (head, *[bytes(1 << 20)] * 100)]
    return content[: 144 + length] + b"".join(parts) + packer.flush()


def test_deflate_bombs(deep, dicom):
    content = dicom(deep, syntax=uid.DeflatedExplicitVRLittleEndian, BitsStored=12)
    length = struct.unpack_from("<I", content, 140)[0]
    elements = zlib.decompress(content[144 + length :], -15)
    pixels = elements.index(b"\xe0\x7f\x10\0OW") + 8
    with pytest.raises(CorruptFileError, match="too many elements"):
        decode(deflated_bomb(content, b""), "x")
    honest = elements[:pixels] + struct.pack("<I", 1_700_000_000)
    with pytest.raises(OversizedImageError, match="file is too large; expected at most 134,217,728 bytes"):
        decode(deflated_bomb(content, honest), "x")
    assert_picture(deflated_bomb(content, elements), deep)  # what follows the pixels is not inflated


def test_rows_and_columns_that_overflow(deep, dicom):
    with pytest.raises(OversizedImageError, match="65535 × 65535"):
        decode(dicom(deep, Rows=65535, Columns=65535), "x")


@pytest.mark.parametrize(
    ("changes", "error", "what"),
    [
        ({"Rows": 0}, CorruptFileError, "no rows or columns"),
        ({"Rows": None}, CorruptFileError, "no rows or columns"),
        ({"SamplesPerPixel": 3}, CorruptFileError, "wrong number of samples"),
        ({"BitsStored": 17, "HighBit": 16}, CorruptFileError, "impossible bits"),
        ({"HighBit": 3}, CorruptFileError, "impossible bits"),
        ({"BitsAllocated": 32}, UnsupportedFormatError, "expected 8 or 16 allocated, found 32"),
        ({"PhotometricInterpretation": "HSV"}, UnsupportedFormatError, "found HSV"),
        ({"PhotometricInterpretation": None}, UnsupportedFormatError, "found none"),
    ],
)
def test_layouts_that_contradict_themselves(changes, error, what, deep, dicom):
    with pytest.raises(error, match=what):
        decode(dicom(deep, **changes), "x")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"SOPClassUID": uid.CTImageStorage, "Modality": "CT"}, "modality CT, CT Image Storage"),
        ({"SOPClassUID": uid.MRImageStorage, "Modality": "MR"}, "MR Image Storage"),
        ({"SOPClassUID": uid.BasicTextSRStorage, "Modality": "SR"}, "modality SR"),
        ({"SOPClassUID": uid.MediaStorageDirectoryStorage, "Modality": None}, "Media Storage Directory"),
        ({"SOPClassUID": uid.SecondaryCaptureImageStorage, "Modality": "CT"}, "modality CT, Secondary"),
        ({"SOPClassUID": uid.DigitalXRayImageStorageForProcessing, "Modality": "DX"}, "For Processing"),
        ({"SOPClassUID": "1.2.3.4", "Modality": "CR"}, "an unknown SOP class"),
        ({"SOPClassUID": None, "Modality": None}, "modality not stated, no SOP class"),
    ],
)
def test_what_is_no_projection_radiograph(changes, found, deep, dicom):
    with pytest.raises(NotARadiographError, match=f"not a projection radiograph; expected .*found .*{found}"):
        decode(dicom(deep, **changes), "x")


@pytest.mark.parametrize(
    "changes",
    [
        {"SOPClassUID": uid.DigitalXRayImageStorageForPresentation, "Modality": "DX"},
        {"SOPClassUID": uid.SecondaryCaptureImageStorage, "Modality": "OT"},
        {"SOPClassUID": uid.SecondaryCaptureImageStorage, "Modality": None},
        {"SOPClassUID": None, "Modality": "DX"},
        {"ViewPosition": "LL", "BodyPartExamined": "LEG", "PatientAge": "003Y"},
    ],
)
def test_what_is_a_projection_radiograph(changes, deep, dicom):
    assert decode(dicom(deep, **changes), "x").pixels.shape == deep.shape


def test_raw_detector_data_and_several_frames(deep, dicom):
    with pytest.raises(NotARadiographError, match="FOR PROCESSING"):
        decode(dicom(deep, PresentationIntentType="FOR PROCESSING"), "x")
    with pytest.raises(NotARadiographError, match="several frames; expected one, found 2"):
        decode(dicom(deep, NumberOfFrames=2), "x")


def test_header(deep, dicom):
    content = dicom(
        deep, BitsStored=12, ViewPosition="PA", ImagerPixelSpacing=[0.15, 0.2], PatientName="Doe^Jane",
        BurnedInAnnotation="YES", Manufacturer="Acme ", ManufacturerModelName="Alpha 3",
        DetectorType="DIRECT", KVP="110", DistanceSourceToDetector="1800", StationName="WARD7",
        DeviceSerialNumber="123",
    )  # fmt: skip
    header = decode(content, "x").header
    assert header.as_dict() == {
        "format": "DICOM", "rows": 40, "columns": 48, "mode": "MONOCHROME2", "bits": 12,
        "bytes": len(content), "spacing_mm": (0.15, 0.2), "view": "PA", "modality": "CR",
        "manufacturer": "ACME", "model": "ALPHA 3", "detector": "DIRECT", "kvp": 110.0, "distance_mm": 1800.0,
    }  # fmt: skip


@pytest.mark.parametrize("kvp", ["0", "-70", ""])
def test_a_malformed_fact_is_left_out(kvp, deep, dicom):
    header = decode(dicom(deep, KVP=kvp, Manufacturer="A" * 60), "x").header
    assert (header.kvp, header.manufacturer, header.model) == (None, "A" * 60, None)


def test_errors_name_no_patient(deep, dicom):
    content = dicom(deep, PatientName="Doe^Jane", PatientID="4711", WindowCenter="1234", WindowWidth=1)
    with pytest.raises(CorruptFileError) as caught:
        decode(content.replace(b"1234", b"Doe "), "film.dcm")
    assert str(caught.value).startswith("film.dcm: ")
    assert "Doe" not in str(caught.value)
    assert "4711" not in str(caught.value)
