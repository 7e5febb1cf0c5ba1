"""What the samples of a DICOM file mean: bits, modality, VOI, polarity, padding, colour."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hilum.errors import CorruptFileError, NotARadiographError
from hilum.radiograph import decode

FULL = {"WindowCenter": 2048, "WindowWidth": 4096}  # 12 bits


def lut(entries, first: int, bits: int) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "US", [int(entry) for entry in entries])
    return item


def test_variants_of_one_image_agree(picture, deep, dicom):
    """Polarity, window, bits, sign and rescale are other words for the same picture."""
    full = 4095 - deep
    overlay = (picture[::-1] > 200).astype(np.uint16) << 13
    variants = {
        "8 bits": dicom(picture),
        "8 bits, window": dicom(picture, WindowCenter=128, WindowWidth=256),
        "12 bits": dicom(deep, BitsStored=12),
        "12 bits, window": dicom(deep, BitsStored=12, **FULL),
        "several windows": dicom(deep, BitsStored=12, WindowCenter=[2048, 100], WindowWidth=[4096, 50]),
        "exact": dicom(
            deep, BitsStored=12, WindowCenter=2047.5, WindowWidth=4095, VOILUTFunction="LINEAR_EXACT"
        ),
        "monochrome1": dicom(full, BitsStored=12, PhotometricInterpretation="MONOCHROME1", **FULL),
        "monochrome1, inverse": dicom(
            full, BitsStored=12, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE",
            **FULL,
        ),
        "inverse": dicom(full, BitsStored=12, PresentationLUTShape="INVERSE", **FULL),
        "signed": dicom((deep.astype(np.int16) - 2048), BitsStored=12, WindowCenter=0, WindowWidth=4096),
        "rescaled": dicom(
            deep, BitsStored=12, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=3996, WindowWidth=8192
        ),
        "rescaled to a negative": dicom(
            full, BitsStored=12, RescaleSlope=-1, RescaleIntercept=4095, WindowCenter=2048, WindowWidth=4096
        ),
        "high bit 15": dicom(deep << 4, BitsStored=12, HighBit=15, **FULL),
        "wrong high bit": dicom(deep, BitsStored=12, HighBit=15, **FULL),
        "overlay in the high bits": dicom(deep | overlay, BitsStored=12, **FULL),
        "no window, all bits used": dicom(picture.astype(np.uint16) * 257),
        "voi lut": dicom(deep, BitsStored=12, VOILUTSequence=[lut(np.arange(4096) * 16, 0, 16)]),
        "modality lut": dicom(
            full, BitsStored=12, ModalityLUTSequence=[lut(4095 - np.arange(4096), 0, 12)], **FULL
        ),
    }  # fmt: skip
    for name, content in variants.items():
        pixels = decode(content, name).pixels
        assert np.abs(pixels - picture / 255).max() < 0.003, name


def test_sigmoid_reaches_the_picture(deep, dicom):
    content = dicom(deep, BitsStored=12, VOILUTFunction="SIGMOID", WindowCenter=2048, WindowWidth=1000)
    expected = 1 / (1 + np.exp(-4 * (deep.astype(float) - 2048) / 1000))
    np.testing.assert_allclose(decode(content, "x").pixels, expected, atol=1e-6)


def test_a_window_of_no_width_is_ignored(deep, dicom):
    content = dicom(deep, BitsStored=12, WindowCenter=100, WindowWidth=0)
    np.testing.assert_allclose(decode(content, "x").pixels, deep / 4095, atol=1e-6)


def test_unknown_voi_function(deep, dicom):
    with pytest.raises(CorruptFileError, match=r"unknown VOILUTFunction; expected LINEAR, .* found LOG"):
        decode(dicom(deep, BitsStored=12, VOILUTFunction="LOG", **FULL), "x")


def test_a_window_beside_the_picture_leaves_nothing(deep, dicom):
    with pytest.raises(NotARadiographError, match="every pixel has the same value"):
        decode(dicom(deep, BitsStored=12, WindowCenter=30000, WindowWidth=10), "x")


def test_slope_0(deep, dicom):
    with pytest.raises(CorruptFileError, match="RescaleSlope is 0"):
        decode(dicom(deep, RescaleSlope=0, RescaleIntercept=5), "x")


def test_without_window_the_range_of_what_is_no_padding_counts(deep, dicom):
    film = deep // 4 + 1000
    film[:, :5] = 60000
    pixels = decode(dicom(film, PixelPaddingValue=60000), "x").pixels
    assert not pixels[:, :5].any()
    inside = film[:, 5:].astype(float)
    np.testing.assert_allclose(
        pixels[:, 5:], (inside - inside.min()) / (inside.max() - inside.min()), atol=1e-6
    )


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_range_of_padding_is_black_in_either_polarity(photometric, deep, dicom):
    film = deep.copy()
    film[:3], film[3:6] = 4000, 4050
    content = dicom(
        film, BitsStored=12, PixelPaddingValue=4000, PixelPaddingRangeLimit=4050,
        PhotometricInterpretation=photometric, **FULL,
    )  # fmt: skip
    assert not decode(content, "x").pixels[:6].any()


def test_signed_padding_that_needs_more_bits_than_are_stored(deep, dicom):
    signed = deep.astype(np.int16) - 2048
    signed[:3] = -32768
    content = dicom(signed, BitsStored=12, PixelPaddingValue=-32768, WindowCenter=0, WindowWidth=4096)
    pixels = decode(content, "x").pixels
    assert not pixels[:3].any()
    np.testing.assert_allclose(pixels[3:], deep[3:] / 4095, atol=0.001)


def test_only_padding(deep, dicom):
    with pytest.raises(CorruptFileError, match="every pixel is padding"):
        decode(dicom(np.full_like(deep, 7), PixelPaddingValue=7), "x")


def test_bits_stored_that_are_too_few_for_the_picture(deep, dicom):
    with pytest.raises(CorruptFileError, match=r"expected 1[02] bits with high bit .*in use"):
        decode(dicom(deep, BitsStored=10), "x")


def test_bits_on_both_sides_of_those_stored(picture, dicom):
    with pytest.raises(CorruptFileError, match=r"expected 1[02] bits with high bit .*in use"):
        decode(dicom(picture.astype(np.uint16) * 257, BitsStored=12, HighBit=15), "x")


@pytest.mark.parametrize("descriptor", [[4096, 0, 8], [5000, 0, 16], [4096, 0, 40]])
def test_lookup_tables_that_contradict_themselves(descriptor, deep, dicom):
    item = lut(np.arange(4096), 0, 16)
    item.LUTDescriptor = descriptor
    with pytest.raises(CorruptFileError, match="VOILUTSequence contradicts its descriptor"):
        decode(dicom(deep, BitsStored=12, VOILUTSequence=[item]), "x")


def test_lookup_tables_clamp_and_may_be_bytes(deep, dicom):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, 1024, 8])
    item.add_new("LUTData", "OW", bytes(range(256)))
    expected = np.clip(deep.astype(int) - 1024, 0, 255) / 255
    pixels = decode(dicom(deep, BitsStored=12, VOILUTSequence=[item]), "x").pixels
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


def test_colour(picture, dicom):
    rgb = np.stack([picture, picture[::-1], picture[:, ::-1]], -1)
    luma = rgb @ [0.299, 0.587, 0.114] / 255
    by_pixel, by_plane = dicom(rgb), dicom(rgb, PlanarConfiguration=1, raw=np.moveaxis(rgb, 2, 0).tobytes())
    for content in (by_pixel, by_plane, dicom(rgb.astype(np.uint16) * 257)):
        np.testing.assert_allclose(decode(content, "x").pixels, luma, atol=1e-5)
    ybr = decode(dicom(rgb, PhotometricInterpretation="YBR_FULL"), "x").pixels
    np.testing.assert_allclose(ybr, picture / 255, atol=1e-6)


def test_ybr_422_is_read_by_its_luma(picture, dicom):
    blocks = np.full((picture.size // 2, 4), 128, np.uint8)
    blocks[:, :2] = picture.reshape(-1, 2)
    content = dicom(
        np.stack([picture] * 3, -1), PhotometricInterpretation="YBR_FULL_422", raw=blocks.tobytes()
    )
    np.testing.assert_allclose(decode(content, "x").pixels, picture / 255, atol=1e-6)


def test_palette(picture, dicom):
    tables = {}
    for colour in ("Red", "Green", "Blue"):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tables[f"{colour}PaletteColorLookupTableData"] = (np.arange(255, -1, -1, dtype="<u2") * 257).tobytes()
    content = dicom(picture, PhotometricInterpretation="PALETTE COLOR", **tables)
    np.testing.assert_allclose(decode(content, "x").pixels, 1 - picture / 255, atol=1e-4)
