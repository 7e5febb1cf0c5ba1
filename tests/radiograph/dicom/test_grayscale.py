"""What a DICOM file means: modality, window, polarity, padding."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from hilum.errors import CorruptFileError, NotARadiographError
from hilum.radiograph import decode
from hilum.radiograph.dicom.lookup import Shape, Window

FULL = {"WindowCenter": 2048, "WindowWidth": 4096}  # 12 bits


@pytest.fixture
def deep(picture):
    """The picture in 12 bits of 16."""
    return np.rint(picture / 255 * 4095).astype(np.uint16)


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


def test_linear_window_by_hand():
    window = Window(40, 11, Shape.LINEAR)  # PS3.3, C.11.2.1.2.1: black up to 34.5, white above 44.5
    np.testing.assert_allclose(window(np.array([0, 34.5, 39.5, 44.5, 99])), [0, 0, 0.5, 1, 1])


def test_linear_window_of_one_is_a_threshold():
    np.testing.assert_array_equal(Window(10, 1)(np.array([9.0, 9.5, 9.6, 11.0])), [0, 0, 1, 1])


def test_exact_window_by_hand():
    window = Window(40, 10, Shape.LINEAR_EXACT)
    np.testing.assert_allclose(window(np.array([35, 40, 45, 46])), [0, 0.5, 1, 1])


def test_sigmoid_window_by_hand():
    window = Window(40, 10, Shape.SIGMOID)
    np.testing.assert_allclose(
        window(np.array([40, 45, -1e9, 1e9])), [0.5, 1 / (1 + np.exp(-2)), 0, 1], atol=1e-12
    )


@pytest.mark.parametrize("width", [0, -5, 0.5, float("nan")])
def test_a_window_that_the_standard_rules_out(width):
    with pytest.raises(ValueError, match="width: expected"):
        Window(0, width)


def test_sigmoid_reaches_the_picture(deep, dicom):
    content = dicom(deep, BitsStored=12, VOILUTFunction="SIGMOID", WindowCenter=2048, WindowWidth=1000)
    expected = 1 / (1 + np.exp(-4 * (deep.astype(float) - 2048) / 1000))
    np.testing.assert_allclose(decode(content, "x").pixels, expected, atol=1e-6)


def test_width_0_is_no_window(deep, dicom):
    content = dicom(deep, BitsStored=12, WindowCenter=100, WindowWidth=0)
    np.testing.assert_allclose(decode(content, "x").pixels, deep / 4095, atol=1e-6)


def test_unknown_voi_function(deep, dicom):
    with pytest.raises(CorruptFileError, match=r"unknown VOILUTFunction; expected LINEAR, .* found LOG"):
        decode(dicom(deep, BitsStored=12, VOILUTFunction="LOG", **FULL), "x")


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
    deep[:3] = 4000
    deep[3:6] = 4050
    content = dicom(
        deep, BitsStored=12, PixelPaddingValue=4000, PixelPaddingRangeLimit=4050,
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
    with pytest.raises(CorruptFileError, match="other bits than the header tells"):
        decode(dicom(deep, BitsStored=10), "x")


def test_bits_on_both_sides_of_those_stored(picture, dicom):
    with pytest.raises(CorruptFileError, match="other bits than the header tells"):
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


def test_a_window_beside_the_picture_leaves_nothing(deep, dicom):
    with pytest.raises(NotARadiographError, match="every pixel has the same value"):
        decode(dicom(deep, BitsStored=12, WindowCenter=30000, WindowWidth=10), "x")


def test_header(deep, dicom):
    content = dicom(
        deep, BitsStored=12, ViewPosition="PA", ImagerPixelSpacing=[0.15, 0.2], PatientName="Doe^Jane",
        BurnedInAnnotation="YES", Manufacturer="Acme ", ManufacturerModelName="Alpha 3",
        DetectorType="DIRECT", KVP="110", DistanceSourceToDetector="1800", StationName="WARD7",
        DeviceSerialNumber="123", **FULL,
    )  # fmt: skip
    header = decode(content, "x").header
    assert header.as_dict() == {
        "format": "DICOM", "rows": 40, "columns": 48, "mode": "MONOCHROME2", "bits": 12,
        "bytes": len(content), "spacing_mm": (0.15, 0.2), "view": "PA", "modality": "CR",
        "manufacturer": "ACME", "model": "ALPHA 3", "detector": "DIRECT", "kvp": 110.0, "distance_mm": 1800.0,
    }  # fmt: skip


@pytest.mark.parametrize("kvp", ["0", "-70", ""])
def test_a_voltage_that_is_none_costs_the_fact_alone(kvp, deep, dicom):
    header = decode(dicom(deep, KVP=kvp, Manufacturer="A" * 60), "x").header
    assert (header.kvp, header.manufacturer, header.model) == (None, "A" * 60, None)


def test_a_header_as_a_row_has_plain_values_and_nothing_of_the_study(deep, dicom):
    header = decode(dicom(deep, ViewPosition="PA", ImagerPixelSpacing=[0.15, 0.2], **FULL), "x").header
    row = header.as_row()
    assert row["spacing_mm"] == 0.15
    assert not {"view", "modality"} & row.keys()
    assert all(value is None or isinstance(value, int | float | str) for value in row.values())


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
    with pytest.raises(NotARadiographError, match=f"no projection radiograph; expected .*found .*{found}"):
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


def test_errors_name_no_patient(deep, dicom):
    content = dicom(deep, PatientName="Doe^Jane", PatientID="4711", WindowCenter="1234", WindowWidth=1)
    with pytest.raises(CorruptFileError) as caught:
        decode(content.replace(b"1234", b"Doe "), "film.dcm")
    assert str(caught.value).startswith("film.dcm: ")
    assert "Doe" not in str(caught.value)
    assert "4711" not in str(caught.value)
