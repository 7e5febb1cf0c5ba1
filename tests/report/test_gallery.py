from __future__ import annotations

import io

import numpy as np
from PIL import Image

from hilum.report import gallery
from hilum.report.gallery import choice, fit, jpeg, tiles


def test_every_test_image_has_one_tile(content):
    test = content.predictions.part("test").table
    assert sorted(tile.image for tile in tiles(content)) == sorted(test["image"])


def test_a_tile_says_what_the_table_says(content):
    table = content.predictions.part("test").table.set_index("image")
    for tile in tiles(content):
        row = table.loc[tile.image]
        assert (tile.correct, tile.predicted) == (row["label"], row["predicted"])
        assert tile.probability == row[f"probability_{tile.predicted}"]


def test_wrong_ones_come_first_the_surest_on_top(three_class):
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


def test_of_many_the_surest_wrong_and_the_least_sure_right_are_shown(two_class, monkeypatch):
    every = tiles(two_class)
    monkeypatch.setattr(gallery, "MOST", 3)
    some = tiles(two_class)
    assert [tile.image for tile in some] == [tile.image for tile in every[:4]]  # one wrong, three right
    assert [tile.right for tile in some] == [False, True, True, True]


def test_it_says_what_is_not_shown(monkeypatch):
    monkeypatch.setattr(gallery, "MOST", 3)
    assert choice(3, 3) == ""
    assert choice(3, 4).startswith("Shown: all wrong ones and the 3 least sure right ones.")
    assert choice(4, 0).startswith("Shown: the 3 surest wrong ones and all right ones.")
