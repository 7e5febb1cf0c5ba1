from __future__ import annotations

import io
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from hilum.metrics import Predictions
from hilum.report import gallery
from hilum.report.gallery import choice, fit, jpeg, tiles, write_album

pytestmark = pytest.mark.usefixtures("drawing_style")


def test_every_test_image_has_one_tile(content):
    test = content.predictions.part("test").table
    assert sorted(tile.image for tile in tiles(content)) == sorted(test["image"])


def test_a_tile_says_what_the_table_says(content):
    table = content.predictions.part("test").table.set_index("image")
    for tile in tiles(content):
        row = table.loc[tile.image]
        assert (tile.correct, tile.predicted) == (row["label"], row["predicted"])
        assert tile.probability == row[f"probability_{tile.predicted}"]


def test_errors_come_first_the_most_confident_on_top(three_class):
    album = tiles(three_class)
    wrong = [tile.probability for tile in album if not tile.right]
    right = [tile.probability for tile in album if tile.right]
    assert not any(tile.right for tile in album[: len(wrong)])
    assert wrong == sorted(wrong, reverse=True)
    assert right == sorted(right)
    assert wrong


def test_the_tutorials_one_error_leads(two_class):
    album = tiles(two_class)
    assert (album[0].predicted, album[0].correct) == ("Normal", "COVID-19")
    assert all(tile.right for tile in album[1:])


def test_a_tile_is_named_without_its_folders(two_class):
    assert tiles(two_class)[0].name == "1-0274.jpeg"


def test_an_image_shrinks_in_proportion_and_never_grows():
    assert fit(np.zeros((300, 150), np.uint8), 100, 400).shape == (100, 50)
    assert fit(np.zeros((10, 20), np.uint8), 100, 100).shape == (10, 20)


def test_a_jpeg_is_gray_and_close_to_its_pixels():
    pixels = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (80, 1))
    image = Image.open(io.BytesIO(jpeg(pixels, 100)))
    assert (image.format, image.mode, image.size) == ("JPEG", "L", (100, 80))
    assert np.abs(np.asarray(image).astype(int) - pixels).max() <= 12


def test_of_many_the_most_confident_errors_and_the_least_confident_correct_ones_are_shown(
    two_class, monkeypatch
):
    every = tiles(two_class)
    monkeypatch.setattr(gallery, "MOST", 3)
    some = tiles(two_class)
    assert [tile.image for tile in some] == [tile.image for tile in every[:4]]  # one wrong, three right
    assert [tile.right for tile in some] == [False, True, True, True]


def test_a_selection_is_stated(monkeypatch):
    monkeypatch.setattr(gallery, "MOST", 3)
    assert choice(3, 3) == ""
    assert choice(3, 4).startswith("Shown: all errors and the 3 least confident correct images.")
    assert choice(4, 0).startswith("Shown: the 3 most confident errors and all correct images.")


def pages_of(data: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", data))


def streams_of(data: bytes) -> bytes:
    """What stands in a PDF's compressed streams."""
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    return b"\n".join(zlib.decompress(stream) for stream in found if stream[:1] == b"\x78")


def test_24_images_fill_a_page(two_class, tmp_path):
    write_album(two_class, tmp_path / "a.pdf")
    assert pages_of((tmp_path / "a.pdf").read_bytes()) == 3  # 55 images


def test_the_same_content_gives_the_same_bytes_without_a_date(degenerate, tmp_path):
    write_album(degenerate, tmp_path / "a.pdf")
    write_album(degenerate, tmp_path / "b.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert b"CreationDate" not in (tmp_path / "a.pdf").read_bytes()


def test_no_test_image_still_gives_a_page(degenerate, tmp_path):
    table = degenerate.predictions.table
    none = Predictions(table[table["split"] == "train"], degenerate.classes)
    write_album(replace(degenerate, predictions=none), tmp_path / "a.pdf")
    assert pages_of((tmp_path / "a.pdf").read_bytes()) == 1


def test_pictures_stand_in_the_pdf_at_their_gray_levels(degenerate, tmp_path):
    images = degenerate.predictions.part("test").table["image"]
    dark = {image: np.full((90, 90), 39, np.uint8) for image in images}
    write_album(replace(degenerate, thumbnails=dark), tmp_path / "a.pdf")
    write_album(degenerate, tmp_path / "b.pdf")
    gray = bytes([36, 36, 36])  # 39 in steps of 4, in the picture's palette
    assert gray in (tmp_path / "a.pdf").read_bytes()
    assert gray not in (tmp_path / "b.pdf").read_bytes()


def test_errors_are_outlined(two_class, tmp_path):
    write_album(two_class, tmp_path / "a.pdf")
    text = streams_of((tmp_path / "a.pdf").read_bytes())
    vermilion = b"0.835294"  # red of #D55E00
    assert text.count(vermilion) >= 2  # one outline and one word
    assert text.count(b"1.8 w") == 1
