from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from hilum.errors import (
    CorruptFileError,
    NotARadiographError,
    OversizedImageError,
    RadiographError,
    UnsupportedFormatError,
)
from hilum.radiograph import decode


def levels(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * 255).astype(int)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(side: int, bits: int, kind: int, rows: bytes = b"", interlace: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, bits, kind, 0, 0, interlace)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "packbits"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"big_tiff": True}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
def test_8_bits_are_exactly_value_by_255(form, options, picture, encode):
    radiograph = decode(encode(picture, form, **options), "x")
    np.testing.assert_array_equal(radiograph.pixels, picture / np.float32(255))
    header = radiograph.header
    assert (header.format, header.rows, header.columns, header.bits) == (form, 40, 48, 8)
    assert header.bytes == len(encode(picture, form, **options))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_gray_in_colour_is_the_same_picture(mode, picture, encode):
    content = encode(Image.fromarray(picture).convert(mode))
    np.testing.assert_array_equal(levels(decode(content, "x").pixels), picture)


def test_colour_becomes_luma(encode):
    rgb = np.zeros((20, 20, 3), np.uint8)
    rgb[:10, :, 0] = 255
    rgb[10:, :, 1] = 255
    pixels = decode(encode(rgb), "x").pixels
    assert pixels[0, 0] == pytest.approx(0.299, abs=0.002)
    assert pixels[-1, 0] == pytest.approx(0.587, abs=0.002)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"quality": 95, "subsampling": 2}, {"icc_profile": bytes(300_000)}]
)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(mode, options, picture, encode):
    content = encode(Image.fromarray(picture).convert("RGB").convert(mode), "JPEG", **options)
    assert np.abs(levels(decode(content, "x").pixels) - picture).mean() < 5


def test_jpeg_ycck(picture, encode):
    content = encode(Image.fromarray(picture).convert("RGB").convert("CMYK"), "JPEG")
    adobe = content.index(b"Adobe")
    assert content[adobe + 11] == 0
    ycck = content[: adobe + 11] + b"\x02" + content[adobe + 12 :]  # says that the channels are YCCK
    pixels = decode(ycck, "x").pixels
    with Image.open(BytesIO(ycck)) as image:
        expected = np.asarray(image.convert("RGB").convert("L"))
    np.testing.assert_array_equal(levels(pixels), expected)


def test_jpeg_of_12_bits(picture, encode):
    content = encode(picture, "JPEG")
    frame = content.index(b"\xff\xc0")
    with pytest.raises(CorruptFileError, match="JPEG header is damaged or of an unsupported kind"):
        decode(content[: frame + 4] + b"\x0c" + content[frame + 5 :], "x")


def test_jpeg_without_end_marker_and_with_a_zip_behind_it(picture, encode):
    content = encode(picture, "JPEG")
    whole = decode(content, "x").pixels
    with pytest.raises(CorruptFileError, match="truncated"):
        decode(content[:-2], "x")
    np.testing.assert_array_equal(decode(content + b"PK\x03\x04" + bytes(500), "x").pixels, whole)


def test_jpeg_with_a_thumbnail_gives_the_picture(picture, encode):
    exif = Image.Exif()
    exif[0x0201], exif[0x0202] = 64, 400
    content = encode(picture, "JPEG", exif=exif.tobytes() + encode(picture[:16, :16], "JPEG"))
    assert decode(content, "x").pixels.shape == (40, 48)


def test_the_previews_that_phones_add_to_a_jpeg_are_no_pages(picture, encode):
    image = Image.fromarray(picture)
    preview = image.resize((20, 20))
    content = encode(image, "MPO", save_all=True, append_images=[preview])
    radiograph = decode(content, "x")
    assert (radiograph.header.format, radiograph.pixels.shape) == ("JPEG", (40, 48))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_obeyed(orientation, form, picture, encode):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(form, {})
    upright = {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.T,
        6: np.rot90(picture, -1),
        7: picture[::-1, ::-1].T,
        8: np.rot90(picture),
    }[orientation]
    radiograph = decode(encode(picture, form, exif=exif, **options), "x")
    assert radiograph.pixels.shape == upright.shape
    assert np.abs(levels(radiograph.pixels) - upright).mean() < 2
    assert (radiograph.header.rows, radiograph.header.columns) == (40, 48)  # as stored


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_cut_files_are_refused_never_half_read(form, share, picture, encode):
    options = {"compression": "tiff_lzw"} if form == "TIFF" else {}
    big = np.kron(picture, np.ones((4, 4), np.uint8))
    content = encode(big, form, **options)
    try:
        pixels = decode(content[: int(len(content) * share)], "x").pixels
    except RadiographError:
        return
    assert share == 0.99
    np.testing.assert_array_equal(levels(pixels), big)  # only what stands behind the pixels was lost


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_that_was_cut_and_closed_is_refused(mode, options, picture, encode):
    content = encode(Image.fromarray(picture).convert(mode), "JPEG", **options)
    whole, data = decode(content, "x").pixels, content.rindex(b"\xff\xda") + 14
    for end in range(data, len(content) - 8, 7):
        try:
            pixels = decode(content[:end] + b"\xff\xd9", "x").pixels
        except CorruptFileError:
            continue
        assert np.count_nonzero(np.abs(pixels - whole) > 0.05) <= 256  # the last block at most


def test_a_jpeg_with_a_flat_corner_is_whole(picture, encode):
    picture = picture.copy()
    picture[16:, 16:] = 0
    for options in ({}, {"progressive": True}, {"subsampling": 2}):
        assert not decode(encode(picture, "JPEG", **options), "x").pixels[24:, 24:].any()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_cut_progressive_jpeg(share, picture, encode):
    content = encode(picture, "JPEG", progressive=True)
    with pytest.raises(CorruptFileError, match="JPEG"):
        decode(content[: int(len(content) * share)], "x")


@pytest.mark.parametrize(
    ("bits", "scale"), [(8, 255), (10, 1023), (12, 4095), (14, 16383), (16, 65535)], ids=str
)
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_files_use_the_smallest_scale_that_holds_them(bits, scale, form, picture, encode):
    deep = np.rint(picture / 255 * scale).astype(np.uint16)
    np.testing.assert_allclose(decode(encode(deep, form), "x").pixels, deep / scale, atol=1e-6)
    assert decode(encode(deep, form), "x").header.bits == 16


@pytest.mark.parametrize(
    ("maximum", "scale"),
    [(1, 255), (255, 255), (256, 1023), (1024, 4095), (4096, 16383), (16384, 65535), (70000, 70000)],
)
def test_the_full_scale_at_its_edges(maximum, scale, encode):
    samples = np.zeros((20, 20), np.float32)
    samples[5:, 5:] = maximum
    expected = 1 if maximum == 1 else maximum / scale  # floats in [0, 1] stay
    assert decode(encode(samples, "TIFF"), "x").pixels.max() == pytest.approx(expected)


def test_1_bit(encode):
    image = Image.new("1", (40, 40))
    image.paste(1, (10, 10, 30, 30))
    radiograph = decode(encode(image), "x")
    assert set(np.unique(radiograph.pixels)) == {0.0, 1.0}
    assert (radiograph.header.bits, radiograph.header.mode) == (1, "1")


@pytest.mark.parametrize("bits", [2, 4])
def test_palette_of_few_bits(bits, encode):
    image = Image.new("P", (40, 40), 1)
    image.putpalette([0, 0, 0, 255, 255, 255, 128, 128, 128])
    image.paste(2, (0, 0, 20, 40))
    pixels = decode(encode(image, bits=bits), "x").pixels
    assert pixels[0, 0] == np.float32(128 / 255)
    assert pixels[0, -1] == 1


@pytest.mark.parametrize("bits", [2, 4])
def test_gray_png_of_few_bits(bits):
    rows = b"".join(b"\0" + (b"\x1b" if bits == 2 else b"\x0f") * (16 * bits // 8) for _ in range(16))
    expected = [0, 1 / 3, 2 / 3, 1] if bits == 2 else [0, 1, 0, 1]
    radiograph = decode(png(16, bits, 0, rows), "x")
    np.testing.assert_allclose(radiograph.pixels[0, :4], expected, atol=1e-6)
    assert radiograph.header.bits == bits


def test_transparent_pixels_are_black_whatever_lies_under_them(picture, encode):
    rgba = np.dstack([picture] * 3 + [np.full_like(picture, 255)])
    rgba[:10, :, 3] = 0
    rgba[10:20, :, 3] = 128
    pixels = decode(encode(rgba), "x").pixels
    assert not pixels[:10].any()
    np.testing.assert_allclose(pixels[10:20], picture[10:20] / 255 * 128 / 255, atol=0.005)
    np.testing.assert_array_equal(levels(pixels[20:]), picture[20:])


def test_transparent_colours_of_a_palette_and_of_16_bit_gray(picture, encode):
    image = Image.new("P", (40, 40), 1)
    image.putpalette([255, 255, 255, 200, 200, 200])
    image.paste(0, (0, 0, 20, 40))
    assert not decode(encode(image, transparency=0), "x").pixels[:, :20].any()
    deep = picture.astype(np.uint16) * 257
    deep[:10] = 65535
    deep[10:, 0] = 0
    pixels = decode(encode(deep, transparency=65535), "x").pixels
    assert not pixels[:10].any()


def test_interlaced_png():
    # Adam7 of 16 × 16 in which every pixel of pass 1 to 7 has the value 30 × pass
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    expected, data = np.zeros((16, 16)), b""
    for number, (row, column, row_step, column_step) in enumerate(passes, 1):
        part = expected[row::row_step, column::column_step]
        part[:] = 30 * number
        data += b"".join(b"\0" + bytes([30 * number]) * part.shape[1] for _ in range(part.shape[0]))
    np.testing.assert_array_equal(levels(decode(png(16, 8, 0, data, interlace=1), "x").pixels), expected)


def test_png_with_a_bad_checksum(picture, encode):
    content = bytearray(encode(picture))
    content[content.index(b"IDAT") + 20] ^= 1
    with pytest.raises(CorruptFileError):
        decode(bytes(content), "x")


def test_png_text_bomb(picture, encode):
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * (100 << 20), zip=True)
    with pytest.raises(CorruptFileError):
        decode(encode(picture, pnginfo=info), "x")


def test_16_bit_colour_keeps_its_picture_or_is_refused():
    def ramp(white: int) -> bytes:
        row = b"".join(struct.pack(">HHH", *[white * x // 15] * 3) for x in range(16))
        return png(16, 16, 2, (b"\0" + row) * 16)

    np.testing.assert_allclose(decode(ramp(65535), "x").pixels[0], np.arange(16) / 15, atol=0.005)
    with pytest.raises(UnsupportedFormatError, match="16-bit colour"):
        decode(ramp(4095), "x")


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_images_in_a_file(form, picture, encode):
    image = Image.fromarray(picture)
    content = encode(image, form, save_all=True, append_images=[image.transpose(Image.Transpose.ROTATE_180)])
    with pytest.raises(NotARadiographError, match=f"the {form} contains several images; expected one"):
        decode(content, "x")


def test_float_tiff(picture, encode):
    unit = picture / np.float32(255)
    np.testing.assert_array_equal(decode(encode(unit, "TIFF"), "x").pixels, unit)
    np.testing.assert_allclose(decode(encode(unit * 4000, "TIFF"), "x").pixels, unit * 4000 / 4095, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_float_tiff_that_is_not_finite(value, picture, encode):
    unit = picture / np.float32(255)
    unit[3, 4] = value
    with pytest.raises(CorruptFileError, match="not all finite"):
        decode(encode(unit, "TIFF"), "x")


def test_negative_samples(picture, encode):
    with pytest.raises(UnsupportedFormatError, match="negative samples; found -1000"):
        decode(encode(picture.astype(np.float32) - 1000, "TIFF"), "x")


@pytest.mark.parametrize("deep", [False, True])
def test_tiff_in_which_white_is_zero(deep, picture, encode):
    samples = picture.astype(np.uint16) * 257 if deep else picture
    tiff = encode(65535 - samples if deep else 255 - samples, "TIFF")
    entry = struct.pack("<HHI", 262, 3, 1)
    at = tiff.index(entry) + len(entry)
    content = tiff[:at] + b"\0" + tiff[at + 1 :]
    np.testing.assert_array_equal(levels(decode(content, "x").pixels), picture)


def test_tiled_tiff(picture):
    tiles = b"".join(
        np.ascontiguousarray(np.pad(picture, ((0, 8), (0, 0)))[y : y + 16, x : x + 16]).tobytes()
        for y in range(0, 48, 16)
        for x in range(0, 48, 16)
    )
    tags = [(256, 3, 1, 48), (257, 3, 1, 40), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1),
            (322, 3, 1, 16), (323, 3, 1, 16)]  # fmt: skip
    first = 8 + 2 + 12 * (len(tags) + 2) + 4
    data = first + 72
    body = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    body += struct.pack("<HHII", 324, 4, 9, first) + struct.pack("<HHII", 325, 4, 9, first + 36)
    tiff = b"II*\0" + struct.pack("<IH", 8, len(tags) + 2) + body + bytes(4)
    tiff += struct.pack("<9I", *(data + 256 * i for i in range(9))) + struct.pack("<9I", *[256] * 9) + tiles
    np.testing.assert_array_equal(levels(decode(tiff, "x").pixels), picture)


def test_tiff_whose_directories_loop(picture, encode):
    tiff = bytearray(encode(picture, "TIFF"))
    (first,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, first)
    struct.pack_into("<I", tiff, first + 2 + 12 * count, first)
    try:
        pixels = decode(bytes(tiff), "x").pixels
    except RadiographError:
        return
    np.testing.assert_array_equal(levels(pixels), picture)


@pytest.mark.parametrize(
    "declared",
    [
        png(50000, 8, 0),
        png(9000, 8, 0),
        b"GIF89a" + struct.pack("<HHBBB", 50000, 50000, 0x80, 0, 0) + bytes(6) + b"\x2c"
        + struct.pack("<HHHHBB", 0, 0, 50000, 50000, 0, 2) + b"\x01\0\0;",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 50000, 50000, 1, 24, 0, 0, 0, 0, 0, 0),
        b"\xff\xd8\xff\xc0\0\x0b\x08\xc3\x50\xc3\x50\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0",
    ],
    ids=["png", "png between Pillow's limit and ours", "gif", "bmp", "jpeg"],
)  # fmt: skip
def test_bombs_are_refused_by_their_headers(declared):
    with pytest.raises(OversizedImageError, match="pixels"):
        decode(declared, "x")


def test_inverted_and_upside_down_pictures_come_as_they_are(picture, encode):
    np.testing.assert_array_equal(levels(decode(encode(255 - picture), "x").pixels), 255 - picture)
    np.testing.assert_array_equal(levels(decode(encode(picture[::-1]), "x").pixels), picture[::-1])
