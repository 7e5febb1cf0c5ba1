from __future__ import annotations

import re
import zlib
from dataclasses import replace

import numpy as np

from hilum.metrics import Predictions
from hilum.report.gallery import write_album


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


def test_wrong_images_are_framed(two_class, tmp_path):
    write_album(two_class, tmp_path / "a.pdf")
    text = streams_of((tmp_path / "a.pdf").read_bytes())
    vermilion = b"0.835294"  # red of #D55E00
    assert text.count(vermilion) >= 2  # one frame and one word
    assert text.count(b"1.8 w") == 1
