"""How a DICOM file is written: transfer syntaxes, structure, damage, bombs."""

from __future__ import annotations

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate, generate_frames

from hilum.errors import (
    CorruptFileError,
    NotARadiographError,
    OversizedImageError,
    RadiographError,
    UnsupportedFormatError,
)
from hilum.radiograph import Limits, decode
from hilum.radiograph.dicom import decoding

COMPRESSED = {
    "rle": uid.RLELossless,
    "jpeg-ls": uid.JPEGLSLossless,
    "jpeg 2000": uid.JPEG2000Lossless,
    "jpeg lossless": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "jpeg 12 bit": gdcm.TransferSyntax.JPEGExtendedProcess2_4,
}
PLAIN = {
    "explicit": uid.ExplicitVRLittleEndian,
    "implicit": uid.ImplicitVRLittleEndian,
    "big": uid.ExplicitVRBigEndian,
    "deflated": uid.DeflatedExplicitVRLittleEndian,
}


@pytest.fixture(scope="module")
def deep(picture):
    """The picture in 12 bits of 16."""
    return np.rint(picture / 255 * 4095).astype(np.uint16)


@pytest.fixture(scope="module")
def compressed(deep, dicom, tmp_path_factory):
    """Files of all compressed transfer syntaxes."""
    plain = dicom(deep, BitsStored=12)
    folder = tmp_path_factory.mktemp("gdcm")

    def compress(name: str) -> bytes:
        target = COMPRESSED[name]
        if isinstance(target, int):
            return through_gdcm(plain, target, folder)
        ds, stream = pydicom.dcmread(BytesIO(plain)), BytesIO()
        ds.compress(target, generate_instance_uid=False)
        ds.save_as(stream, enforce_file_format=True)
        return stream.getvalue()

    return {name: compress(name) for name in COMPRESSED}


def through_gdcm(content: bytes, syntax: int, folder: Path) -> bytes:
    before, after = folder / "before.dcm", folder / "after.dcm"
    before.write_bytes(content)
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(before))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(after))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return after.read_bytes()


def frame_of(content: bytes) -> bytes:
    ds = pydicom.dcmread(BytesIO(content))
    return next(generate_frames(ds.PixelData, number_of_frames=1))


def assert_picture(content: bytes, deep: np.ndarray, tolerance: float = 1e-6) -> None:
    np.testing.assert_allclose(decode(content, "x").pixels, deep / 4095, atol=tolerance)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_syntaxes(name, deep, dicom):
    assert_picture(dicom(deep, syntax=PLAIN[name], BitsStored=12), deep)


@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_syntaxes(name, compressed, deep):
    assert_picture(compressed[name], deep, 0.02 if "12 bit" in name else 1e-6)


@pytest.mark.parametrize("name", ["rle", "jpeg-ls", "jpeg 2000"])
@pytest.mark.parametrize("stored", [12, 16])
def test_signed_samples(name, stored, deep, dicom):
    """Also where the codestream has fewer bits than the header says: its sign is its own."""
    content = dicom(deep.astype(np.int16) - 2048, BitsStored=12, WindowCenter=0, WindowWidth=4096)
    ds, stream = pydicom.dcmread(BytesIO(content)), BytesIO()
    ds.compress(COMPRESSED[name], generate_instance_uid=False)
    ds.BitsStored, ds.HighBit = stored, stored - 1
    ds.save_as(stream, enforce_file_format=True)
    assert_picture(stream.getvalue(), deep, 0.001)


def test_8_bits_in_big_endian_words(picture, dicom):
    swapped = picture.reshape(-1, 2)[:, ::-1].tobytes()
    pixels = decode(dicom(picture, syntax=uid.ExplicitVRBigEndian, raw=swapped), "x").pixels
    np.testing.assert_array_equal(pixels, picture / np.float32(255))


@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_baseline(colour, picture, encode, dicom):
    samples = np.stack([picture] * 3, -1) if colour else picture
    frame = encode(samples, "JPEG", quality=95)
    photometric = "YBR_FULL_422" if colour else "MONOCHROME2"
    content = dicom(samples, syntax=uid.JPEGBaseline8Bit, frame=frame, PhotometricInterpretation=photometric)
    with Image.open(BytesIO(frame)) as image:
        expected = np.asarray(image.convert("L")) / 255
    np.testing.assert_allclose(decode(content, "x").pixels, expected, atol=0.005)


def test_several_fragments_and_a_wrong_offset_table(compressed, deep):
    ds = pydicom.dcmread(BytesIO(compressed["jpeg-ls"]))
    frame = frame_of(compressed["jpeg-ls"])
    item = struct.Struct("<HHI")
    for table in (b"", b"\xff" * 8):
        parts = [table, *(frame[i : i + 500] for i in range(0, len(frame), 500))]
        value = b"".join(
            item.pack(0xFFFE, 0xE000, len(p) + len(p) % 2) + p + b"\0" * (len(p) % 2) for p in parts
        )
        ds.PixelData = value + item.pack(0xFFFE, 0xE0DD, 0)
        stream = BytesIO()
        ds.save_as(stream)
        assert_picture(stream.getvalue(), deep)


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize(
    "label", [uid.JPEG2000, uid.JPEGLSLossless, uid.JPEGLosslessSV1, uid.HTJ2K, uid.RLELossless]
)
def test_the_data_decides_not_its_label(name, label, compressed, deep):
    ds = pydicom.dcmread(BytesIO(compressed[name]))
    ds.file_meta.TransferSyntaxUID = label
    stream = BytesIO()
    ds.save_as(stream)
    if name == "rle" and label != uid.RLELossless:
        with pytest.raises(UnsupportedFormatError, match="unknown compression; found"):
            decode(stream.getvalue(), "x")
    else:
        assert_picture(stream.getvalue(), deep, 0.02)


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


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_cut_codestreams_are_refused(name, share, compressed):
    frame = frame_of(compressed[name])
    ds = pydicom.dcmread(BytesIO(compressed[name]))
    ds.PixelData = encapsulate([frame[: int(len(frame) * share)]])
    stream = BytesIO()
    ds.save_as(stream)
    with pytest.raises(CorruptFileError):
        decode(stream.getvalue(), "x")


@pytest.mark.parametrize("name", [*PLAIN, *COMPRESSED])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9, 0.99])
def test_cut_files_are_refused(name, share, compressed, deep, dicom):
    content = compressed.get(name) or dicom(deep, syntax=PLAIN[name], BitsStored=12)
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


def test_odd_elements_do_not_matter(deep, dicom):
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
    stream = BytesIO()
    ds.save_as(stream)
    assert_picture(stream.getvalue(), deep)


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


def test_no_pixels(deep, dicom):
    ds = pydicom.dcmread(BytesIO(dicom(deep)))
    del ds.PixelData
    stream = BytesIO()
    ds.save_as(stream)
    with pytest.raises(NotARadiographError, match="no pixels"):
        decode(stream.getvalue(), "x")


@pytest.mark.parametrize(
    ("rows", "what"), [(80, "pixel data; expected 7,680 bytes, found 3,840"), (20, "pixel data")]
)
def test_too_little_and_too_much_pixel_data(rows, what, deep, dicom):
    with pytest.raises(CorruptFileError, match=what):
        decode(dicom(deep, BitsStored=12, Rows=rows), "x")


def test_padding_behind_the_pixels_is_no_picture(deep, dicom):
    assert_picture(dicom(deep, BitsStored=12, raw=deep.tobytes() + bytes(130)), deep)


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


def test_rle_bomb(deep, dicom):
    """Runs that promise far more than the picture holds are not unpacked."""
    segment = b"\x81\x05" * 2_000_000
    frame = struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13) + segment * 2
    limits = Limits(unpacked_bytes=1 << 20)
    with pytest.raises(
        NotARadiographError, match="every pixel has the same value"
    ):  # 40 × 48 of them, no more
        decode(dicom(deep, syntax=uid.RLELossless, frame=frame), "x", limits)


def test_codestreams_that_declare_another_size(compressed, deep, dicom):
    for name in ("jpeg-ls", "jpeg 2000", "jpeg lossless"):
        with pytest.raises(CorruptFileError, match="contradicts the file's header; expected 41 × 48"):
            decode(dicom(deep, frame=frame_of(compressed[name]), Rows=41, syntax=uid.JPEG2000), "x")


def test_a_decoder_that_dies_is_an_error_of_the_file_and_the_next_file_is_read(compressed, deep, monkeypatch):
    assert_picture(compressed["jpeg-ls"], deep)
    decoding._idle[-1]._process.kill()
    with pytest.raises(CorruptFileError, match="JPEG-LS decoder crashed on damaged data"):
        decode(compressed["jpeg-ls"], "x")
    assert_picture(compressed["jpeg-ls"], deep)


def test_a_decoder_that_hangs_is_ended(compressed, deep, monkeypatch):
    """CharLS hangs on a stream that is cut in its middle; such streams are refused beforehand, too."""
    monkeypatch.setattr(decoding, "_LEAST_MS", 300)
    frame = frame_of(compressed["jpeg-ls"])
    stream = decoding.inspect(frame)
    with pytest.raises(CorruptFileError, match="x: the JPEG-LS decoder took too long"):
        decoding.decode(stream, frame[: len(frame) // 2], "x")
    assert_picture(compressed["jpeg-ls"], deep)


def test_threads_share_the_decoders(compressed, deep):
    names = ["jpeg-ls", "jpeg 2000", "jpeg lossless"] * 20
    with ThreadPoolExecutor(4) as pool:
        for pixels in pool.map(lambda name: decode(compressed[name], name).pixels, names):
            np.testing.assert_allclose(pixels, deep / 4095, atol=1e-6)
    assert 1 <= len(decoding._idle) <= 5


def test_a_forked_process_leaves_the_decoders_of_its_parent_alone(compressed, deep):
    assert_picture(compressed["jpeg 2000"], deep)
    child = os.fork()
    if child == 0:
        try:
            assert_picture(compressed["jpeg 2000"], deep)
            decoding._close_idle()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert_picture(compressed["jpeg 2000"], deep)
