"""From pixel data to samples: compressions, fragments, damaged codestreams, and the worker processes."""

from __future__ import annotations

import base64
import os
import struct
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

from hilum.errors import CorruptFileError, NotARadiographError, RadiographError, UnsupportedFormatError
from hilum.radiograph import Limits, decode
from hilum.radiograph.dicom import decoding

COMPRESSED = {
    "rle": uid.RLELossless,
    "jpeg-ls": uid.JPEGLSLossless,
    "jpeg 2000": uid.JPEG2000Lossless,
    "jpeg lossless": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "jpeg 12 bit": gdcm.TransferSyntax.JPEGExtendedProcess2_4,
}
HTJ2K_RAMP = base64.b64decode(
    "/0//UQApQAAAAAAwAAAAKAAAAAAAAAAAAAAAMAAAACgAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wA"
    "EyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAK0AAf+TwAArAEMAAwBi4N/fAWGU"
    "AMAAEwCHhwELdADAABVASEQCiYKP4ot2AMAAFbAABUgiRIgQIeLcgjpyAncAiIiI9N5JvrYAwAAWnAABVgwMDAwMDAwMDAzz"
    "+np6enGCeQAC4P9P79/v3+y5AMAALegABaC2bdu2bdu2bdu2bdu2bdv9f8p6enp6enp6enCCfwAAAAD/fXOuuuuuuuuuup0A"
    "/9k="
)
"""The uint16 picture ``60 * column + row`` of 40 rows and 48 columns, encoded without loss by OpenJPH."""


@pytest.fixture(scope="module")
def compressed(deep, dicom, saved, tmp_path_factory):
    """Files of all compressed transfer syntaxes."""
    plain = dicom(deep, BitsStored=12)
    folder = tmp_path_factory.mktemp("gdcm")

    def compress(name: str) -> bytes:
        target = COMPRESSED[name]
        if isinstance(target, int):
            return through_gdcm(plain, target, folder)
        ds = pydicom.dcmread(BytesIO(plain))
        ds.compress(target, generate_instance_uid=False)
        return saved(ds)

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
    return next(generate_frames(pydicom.dcmread(BytesIO(content)).PixelData, number_of_frames=1))


def assert_picture(content: bytes, deep: np.ndarray, tolerance: float = 1e-6) -> None:
    np.testing.assert_allclose(decode(content, "x").pixels, deep / 4095, atol=tolerance)


@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_syntaxes(name, compressed, deep):
    assert_picture(compressed[name], deep, 0.02 if "12 bit" in name else 1e-6)


@pytest.mark.parametrize("name", ["rle", "jpeg-ls", "jpeg 2000"])
@pytest.mark.parametrize("stored", [12, 16])
def test_signed_samples(name, stored, deep, dicom, saved):
    """Also where the codestream has fewer bits than the header says: its sign is its own."""
    content = dicom(deep.astype(np.int16) - 2048, BitsStored=12, WindowCenter=0, WindowWidth=4096)
    ds = pydicom.dcmread(BytesIO(content))
    ds.compress(COMPRESSED[name], generate_instance_uid=False)
    ds.BitsStored, ds.HighBit = stored, stored - 1
    assert_picture(saved(ds), deep, 0.001)


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


def test_several_fragments_and_a_wrong_offset_table(compressed, deep, saved):
    ds = pydicom.dcmread(BytesIO(compressed["jpeg-ls"]))
    frame = frame_of(compressed["jpeg-ls"])
    item = struct.Struct("<HHI")
    for table in (b"", b"\xff" * 8):
        parts = [table, *(frame[i : i + 500] for i in range(0, len(frame), 500))]
        value = b"".join(
            item.pack(0xFFFE, 0xE000, len(p) + len(p) % 2) + p + b"\0" * (len(p) % 2) for p in parts
        )
        ds.PixelData = value + item.pack(0xFFFE, 0xE0DD, 0)
        assert_picture(saved(ds), deep)


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize(
    "label", [uid.JPEG2000, uid.JPEGLSLossless, uid.JPEGLosslessSV1, uid.HTJ2K, uid.RLELossless]
)
def test_the_data_decides_not_its_label(name, label, compressed, deep, saved):
    ds = pydicom.dcmread(BytesIO(compressed[name]))
    ds.file_meta.TransferSyntaxUID = label
    content = saved(ds)
    if name == "rle" and label != uid.RLELossless:
        with pytest.raises(UnsupportedFormatError, match="unknown compression; found"):
            decode(content, "x")
    else:
        assert_picture(content, deep, 0.02)


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_cut_codestreams_are_refused(name, share, compressed, saved):
    frame = frame_of(compressed[name])
    ds = pydicom.dcmread(BytesIO(compressed[name]))
    ds.PixelData = encapsulate([frame[: int(len(frame) * share)]])
    with pytest.raises(CorruptFileError):
        decode(saved(ds), "x")


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9, 0.99])
def test_cut_files_are_refused(name, share, compressed):
    content = compressed[name]
    with pytest.raises(RadiographError):
        decode(content[: int(len(content) * share)], "x")


@pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K])
def test_htj2k_gives_the_samples_of_the_plain_file(dicom, syntax):
    rows, columns = np.mgrid[:40, :48]
    ramp = (60 * columns + rows).astype(np.uint16)
    plain = decode(dicom(ramp), "plain.dcm")
    packed = decode(dicom(ramp, syntax=syntax, frame=HTJ2K_RAMP), "htj2k.dcm")
    assert np.array_equal(packed.pixels, plain.pixels)
    assert plain.pixels[0, 0] == 0
    assert plain.pixels[-1, -1] == 1


def test_htj2k_that_is_cut_is_refused(dicom):
    ramp = np.zeros((40, 48), np.uint16)
    with pytest.raises(CorruptFileError, match="JPEG 2000"):
        decode(dicom(ramp, syntax=uid.HTJ2KLossless, frame=HTJ2K_RAMP[: len(HTJ2K_RAMP) // 2]), "cut.dcm")


def test_no_pixels(deep, dicom, saved):
    ds = pydicom.dcmread(BytesIO(dicom(deep)))
    del ds.PixelData
    with pytest.raises(NotARadiographError, match="7FE0,0010"):
        decode(saved(ds), "x")


@pytest.mark.parametrize(
    ("rows", "what"), [(80, "pixel data .* expected 7,680 bytes, found 3,840"), (20, "pixel data")]
)
def test_too_little_and_too_much_pixel_data(rows, what, deep, dicom):
    with pytest.raises(CorruptFileError, match=what):
        decode(dicom(deep, BitsStored=12, Rows=rows), "x")


def test_padding_behind_the_pixels_is_no_picture(deep, dicom):
    assert_picture(dicom(deep, BitsStored=12, raw=deep.tobytes() + bytes(130)), deep)


def test_rle_bomb(deep, dicom):
    """Runs that promise far more than the picture holds are not unpacked."""
    segment = b"\x81\x05" * 2_000_000
    frame = struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13) + segment * 2
    limits = Limits(unpacked_bytes=1 << 20)
    with pytest.raises(NotARadiographError, match="every pixel has the same value"):  # 40 × 48, no more
        decode(dicom(deep, syntax=uid.RLELossless, frame=frame), "x", limits)


def test_codestreams_that_declare_another_size(compressed, deep, dicom):
    for name in ("jpeg-ls", "jpeg 2000", "jpeg lossless"):
        with pytest.raises(CorruptFileError, match="contradicts the file's header; expected 41 × 48"):
            decode(dicom(deep, frame=frame_of(compressed[name]), Rows=41, syntax=uid.JPEG2000), "x")


def test_a_decoder_that_dies_is_an_error_of_the_file_and_the_next_file_is_read(compressed, deep):
    assert_picture(compressed["jpeg-ls"], deep)
    decoding._idle[-1]._process.kill()
    with pytest.raises(CorruptFileError, match="JPEG-LS decoder crashed on damaged data"):
        decode(compressed["jpeg-ls"], "x")
    assert_picture(compressed["jpeg-ls"], deep)


def test_a_decoder_that_hangs_is_ended(compressed, deep, monkeypatch):
    """CharLS hangs on a stream that is cut in its middle; such streams are refused beforehand, too."""
    monkeypatch.setattr(decoding, "_LEAST_MS", 300)
    frame = frame_of(compressed["jpeg-ls"])
    stream = decoding.read_codestream(frame)
    with pytest.raises(CorruptFileError, match="x: the JPEG-LS decoder took too long"):
        decoding.decode_codestream(stream, frame[: len(frame) // 2], "x")
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
