"""Reduction while decoding, and resizing to a square image."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.errors import CorruptFileError, NotARadiographError, RadiographError, UnsupportedFormatError
from hilum.radiograph import Fit, Preprocessing, decode, find_images, read, thumbnail
from hilum.radiograph.preprocessing import FACTORS, MARGIN, factor_for, render

rng = np.random.default_rng(0)


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("shape", [(40, 48), (300, 200), (17, 500), (5, 5)])
def test_shape_type_and_range(fit, shape):
    pixels = np.where(rng.random(shape) < 0.5, 0, 1).astype(np.float32)  # the hardest case for overshoot
    resized = Preprocessing(32, fit).apply(pixels)
    assert (resized.shape, resized.dtype) == ((32, 32), np.float32)
    assert resized.min() >= 0
    assert resized.max() <= 1


@pytest.mark.parametrize("fit", [Fit.STRETCH, Fit.CROP])
def test_a_constant_stays(fit):
    np.testing.assert_allclose(
        Preprocessing(16, fit).apply(np.full((50, 70), 0.3, np.float32)), 0.3, atol=1e-6
    )


def test_the_size_it_has_is_untouched():
    pixels = rng.random((24, 24), np.float32)
    for fit in Fit:
        np.testing.assert_array_equal(Preprocessing(24, fit).apply(pixels), pixels)


@pytest.mark.parametrize("fit", Fit)
def test_turned_and_sliced_pictures_are_as_their_copies(fit):
    pixels = rng.random((120, 90), np.float32)
    for view in (pixels.T, pixels[::-1, 5:50], pixels[::2]):
        np.testing.assert_array_equal(
            Preprocessing(24, fit).apply(view), Preprocessing(24, fit).apply(np.ascontiguousarray(view))
        )


def test_antialiasing_averages_a_fine_grid():
    grid = np.indices((256, 256)).sum(0).astype(np.float32) % 2
    np.testing.assert_allclose(Preprocessing(16).apply(grid)[2:-2, 2:-2], 0.5, atol=0.01)


def test_stretch_crop_and_pad_by_hand():
    pixels = np.zeros((20, 60), np.float32)
    pixels[:, 20:40] = 1
    np.testing.assert_allclose(Preprocessing(30, Fit.CROP).apply(pixels), 1)
    stretched = Preprocessing(60).apply(pixels)
    np.testing.assert_array_equal(stretched[:, 30] > 0.5, True)
    padded = Preprocessing(60, Fit.PAD).apply(pixels)
    assert not padded[:20].any()
    assert not padded[40:].any()
    np.testing.assert_array_equal(padded[20:40], pixels)


def test_keys_differ_as_values_do():
    keys = {Preprocessing(size, fit).key for size in (16, 32) for fit in Fit}
    assert len(keys) == 6
    assert Preprocessing(16).key == Preprocessing(16, Fit.STRETCH).key


def test_what_is_no_preprocessing():
    with pytest.raises(ValueError, match="size: expected at least 1 pixel, found 0"):
        Preprocessing(0)
    with pytest.raises(TypeError, match="fit: expected a Fit, found 'stretch'"):
        Preprocessing(16, "stretch")


def test_thumbnail():
    small = thumbnail(np.linspace(0, 1, 100 * 50, dtype=np.float32).reshape(100, 50), 20)
    assert (small.shape, small.dtype) == ((20, 10), np.uint8)
    assert small[0, 0] < 10
    assert small[-1, -1] > 245


def to_display(rows: np.ndarray, out: np.ndarray) -> None:
    out[:] = unit(rows)


def unit(samples: np.ndarray) -> np.ndarray:
    return samples.astype(np.float32) / np.float32(255)


def means(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Take means one by one, in double precision."""
    rows, columns = (range(0, length, factor) for length in pixels.shape)
    return np.array(
        [[pixels[y : y + factor, x : x + factor].mean(dtype=np.float64) for x in columns] for y in rows]
    )


@pytest.mark.parametrize("factor", [1, *FACTORS])
@pytest.mark.parametrize("shape", [(64, 48), (65, 47), (71, 41), (17, 23)])
def test_means_at_the_edges_are_of_the_pixels_that_exist(factor, shape):
    samples = rng.integers(0, 256, shape, dtype=np.uint8)
    reduced = render(samples, to_display, factor)
    assert reduced.dtype == np.float32
    np.testing.assert_allclose(reduced, means(unit(samples), factor), atol=1e-6)


def test_strips_leave_no_seams():
    samples = rng.integers(0, 256, (1031, 1500), dtype=np.uint8)  # 47 strips at factor 8
    np.testing.assert_allclose(render(samples, to_display, 8), means(unit(samples), 8), atol=1e-6)
    np.testing.assert_array_equal(render(samples, to_display), unit(samples))


def test_means_are_of_display_values():
    samples = np.array([[0, 255], [0, 255]], np.uint8)
    steep = render(samples, lambda rows, out: np.greater(rows, 200, out=out), 2)
    np.testing.assert_array_equal(steep, [[0.5]])  # not what 127.5 shows, which is 0


def test_white_stays_white():
    assert render(np.full((50, 51), 255, np.uint8), to_display, 8).max() == 1


def test_a_large_picture_is_never_all_there_as_floats():
    samples = rng.integers(0, 4096, (4000, 3000), dtype=np.uint16)
    tracemalloc.start()
    render(samples, lambda rows, out: np.divide(rows, np.float32(4095), out=out), 8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * samples.size / 8


@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_is_taken_from_where_the_shorter_side_keeps_its_margin(factor):
    side = 100
    least = factor * MARGIN * side
    assert factor_for(least, 9000, side) == factor_for(9000, least, side) == factor
    assert factor_for(least - 1, 9000, side) < factor


def test_nothing_is_reduced_unasked_or_below_16_pixels():
    assert factor_for(10_000, 10_000, None) == 1
    assert factor_for(31, 31, 1) == 1
    assert factor_for(32, 32, 1) == 2


SIDE = 12


ROWS, COLUMNS = 403, 421  # divided by none of the factors; 8 × 4 × 12 is 384


# `benchmarks/reading.py` on real radiographs: at 112 pixels mean 0.0002, worst mean 0.0005, largest 0.041; at
# 56 pixels worst mean 0.0009, largest 0.056.
MEAN, LARGEST = 0.002, 0.08


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    """A picture with edges and grain, uint8 (403, 421), in which no two sides are alike."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    ribs = 40 * np.sin(y / 30 + np.cos(x / 60)) + 0.3 * x - 0.1 * y
    heart = np.hypot(x - 250, (y - 230) * 1.3) < 70
    grain = np.random.default_rng(0).normal(0, 6, x.shape)
    return np.uint8((90 + ribs + 60 * heart + grain).clip(0, 255))


def factor(radiograph) -> int:
    return 1 if radiograph.extent is None else -(-radiograph.extent[0] // len(radiograph.pixels))


def check_near(content: bytes, fit: Fit = Fit.STRETCH, side: int = SIDE, expected: int = 8) -> None:
    whole, small = decode(content, "x"), decode(content, "x", side=side)
    assert factor(small) == expected
    assert small.extent == whole.pixels.shape
    assert small.header == whole.header
    preprocessing = Preprocessing(side, fit)
    off = np.abs(preprocessing.apply(whole.pixels) - preprocessing.apply(small.pixels, small.extent))
    assert off.mean() < MEAN
    assert off.max() < LARGEST


FORMS = {
    "png": lambda encode, film: encode(film),
    "png rgb": lambda encode, film: encode(Image.fromarray(film).convert("RGB")),
    "png 12 bits": lambda encode, film: encode(film.astype(np.uint16) * 16),
    "png 16 bits": lambda encode, film: encode(film.astype(np.uint16) * 257),
    "tiff float": lambda encode, film: encode(film / np.float32(255), "TIFF"),
    "tiff lzw": lambda encode, film: encode(film, "TIFF", compression="tiff_lzw"),
    "webp": lambda encode, film: encode(film, "WEBP", lossless=True),
    "jpeg progressive": lambda encode, film: encode(film, "JPEG", progressive=True),
    "jpeg cmyk": lambda encode, film: encode(Image.fromarray(film).convert("CMYK"), "JPEG"),
}


@pytest.mark.parametrize("form", FORMS)
def test_pixels_are_means_of_the_whole_picture(form, film, encode):
    content = FORMS[form](encode, film)
    check_near(content)
    whole, small = decode(content, "x").pixels, decode(content, "x", side=SIDE).pixels
    means = [[whole[y : y + 8, x : x + 8].mean() for x in range(0, COLUMNS, 8)] for y in range(0, ROWS, 8)]
    np.testing.assert_allclose(small, means, atol=1e-6)


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("reduced", FACTORS)
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_every_fit_and_factor(form, reduced, fit, film, encode):
    content = encode(film, form, **({"quality": 92} if form == "JPEG" else {}))
    check_near(content, fit, SIDE * 8 // reduced, reduced)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}, {"subsampling": 2}])
def test_jpeg(mode, options, film, encode):
    check_near(encode(Image.fromarray(film).convert(mode), "JPEG", **options))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("rows", [400, ROWS])  # divided by the factor, and not
def test_turned_jpeg(orientation, rows, film, encode):
    exif = Image.Exif()
    exif[0x0112] = orientation
    check_near(encode(film[:rows, :400], "JPEG", exif=exif), Fit.PAD)


WINDOW = {"WindowCenter": 1500, "WindowWidth": 900, "BitsStored": 12}


@pytest.mark.parametrize(
    "changes",
    [
        WINDOW,
        WINDOW | {"PhotometricInterpretation": "MONOCHROME1"},
        WINDOW | {"VOILUTFunction": "SIGMOID"},
        {"BitsStored": 12, "PixelPaddingValue": 0},
    ],
    ids=["window", "inverted", "sigmoid", "padding"],
)
def test_dicom_is_reduced_after_its_table(changes, film, dicom):
    content = dicom(film.astype(np.uint16) * 16, **changes)
    check_near(content)
    whole, small = decode(content, "x").pixels, decode(content, "x", side=SIDE).pixels
    np.testing.assert_allclose(small[0, 0], whole[:8, :8].mean(), atol=1e-6)
    np.testing.assert_allclose(small[-1, -1], whole[400:, 416:].mean(), atol=1e-6)


def test_dicom_in_colour(film, dicom):
    check_near(dicom(np.dstack([film, film // 2, film // 3])))


def test_the_full_scale_of_16_bits_is_that_of_the_whole_picture(film, encode):
    deep = film.astype(np.uint16)
    deep[200, 200] = 4095  # its mean with its neighbours would fit 10 bits
    content = encode(deep)
    np.testing.assert_allclose(
        decode(content, "x", side=SIDE).pixels[0, 0], deep[:8, :8].mean() / 4095, atol=1e-6
    )


def test_thumbnails_are_of_the_whole_extent(film, encode):
    small = decode(encode(film), "x", side=SIDE)
    whole = thumbnail(decode(encode(film), "x").pixels, SIDE)
    assert whole.shape == thumbnail(small.pixels, SIDE, small.extent).shape
    assert np.abs(whole - thumbnail(small.pixels, SIDE, small.extent).astype(float)).mean() < 255 * MEAN


def test_small_pictures_come_as_they_are(picture, encode):
    for form in ("PNG", "JPEG"):
        content = encode(picture, form)
        small = decode(content, "x", side=SIDE)
        assert small.extent is None
        np.testing.assert_array_equal(small.pixels, decode(content, "x").pixels)


def outcome(content: bytes, side: int | None) -> type:
    try:
        return type(decode(content, "x", side=side))
    except RadiographError as error:
        return type(error)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True, "quality": 95}]
)
@pytest.mark.parametrize("black", [False, True])
def test_a_jpeg_that_was_cut_is_refused_alike(options, black, film, encode):
    film = film[:150, :203].copy()
    if black:
        film[100:, 120:] = 0
    content = encode(film, "JPEG", **options)
    data = content.rindex(b"\xff\xda") + 14
    assert factor(decode(content, "x", side=4)) == 8
    for end in np.linspace(data, len(content) - 3, 60, dtype=int):
        cut = content[:end] + b"\xff\xd9"
        for side in (4, 9, 18):
            assert outcome(cut, side) is outcome(cut, None), (end, side)


def test_a_constant_is_refused_and_a_fine_pattern_is_not(encode, dicom):
    board = np.indices((64, 64)).sum(axis=0).astype(np.uint8) % 2 * 200
    for content in (encode(board), encode(board, "JPEG", quality=100), dicom(board)):
        assert factor(decode(content, "x", side=4)) == 4
    flat = np.full((67, 67), 77, np.uint8)
    for content in (encode(flat), encode(flat, "JPEG"), dicom(flat), encode(flat.astype(np.uint16) * 99)):
        with pytest.raises(NotARadiographError, match="every pixel has the same value"):
            decode(content, "x", side=4)


def test_what_else_is_refused_stays_refused(film, encode, dicom):
    cut = encode(film)[:-2000]
    with pytest.raises(CorruptFileError):
        decode(cut, "x", side=SIDE)
    with pytest.raises(UnsupportedFormatError, match="negative samples"):
        decode(encode(film.astype(np.float32) - 1000, "TIFF"), "x", side=SIDE)
    with pytest.raises(CorruptFileError, match="every pixel is padding"):
        decode(dicom(film * 0 + 3, PixelPaddingValue=3), "x", side=SIDE)


@pytest.mark.real
def test_real_radiographs_are_nearly_the_same(real_data: Path):
    files = [path for path in find_images([real_data]) if path.suffix != ".csv"]
    chosen = np.random.default_rng(1).choice(len(files), min(150, len(files)), replace=False)
    for path in (files[index] for index in chosen):
        preprocessing, small = Preprocessing(112), read(path, side=112)  # at 224 only the largest are reduced
        off = preprocessing.apply(read(path).pixels) - preprocessing.apply(small.pixels, small.extent)
        assert np.abs(off).mean() < MEAN, path
        assert np.abs(off).max() < LARGEST, path
