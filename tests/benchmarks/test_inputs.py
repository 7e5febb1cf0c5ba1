"""Sampled and repeated files."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import inputs
from benchmarks.inputs import link, multiply, numbered, sample
from benchmarks.measuring import BenchmarkError
from hilum.files import hash_file
from hilum.radiograph import decode

RANDOM = np.random.default_rng(3)
PIXELS = RANDOM.integers(0, 256, (40, 50), np.uint8)


def encoded(form, pixels=PIXELS):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "data"
    place.mkdir()
    for number in range(10):
        (place / f"{number}.png").write_bytes(encoded("PNG"))
    (place / "deep.png").write_bytes(encoded("PNG", PIXELS.astype(np.uint16) * 200))
    (place / "a.tif").write_bytes(encoded("TIFF"))
    (place / "notes.txt").write_text("no image")
    return place


def test_files_are_taken_evenly_and_only_what_both_sides_read(folder):
    assert [path.name for path in sample(folder, 5)] == ["0.png", "2.png", "4.png", "6.png", "8.png"]
    assert len(sample(folder, 100)) == 10


def test_a_folder_without_any_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(BenchmarkError, match="no 8-bit JPEG or PNG"):
        sample(tmp_path, 3)


def test_links_read_as_their_files_in_order(folder):
    files = sample(folder, 3)
    linked = sorted(link(files, folder / "linked").iterdir())
    assert [path.name for path in linked] == ["000000.png", "000001.png", "000002.png"]
    assert [path.resolve() for path in linked] == files


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_numbered_file_shows_the_same_picture_in_other_bytes(form):
    content = encoded(form)
    one, other = numbered(content, 1), numbered(content, 2)
    assert len({content, one, other}) == 3
    for changed in (one, other):
        with Image.open(io.BytesIO(changed)) as image:
            image.verify()
        assert np.array_equal(decode(changed, "x").pixels, decode(content, "x").pixels)


def test_other_formats_are_refused():
    with pytest.raises(ValueError, match="PNG or a JPEG"):
        numbered(b"GIF89a", 1)


def test_any_number_of_files_add_up_and_differ(folder, tmp_path):
    multiply(sample(folder, 3), [4, 9], tmp_path / "many")
    first, second = ([*(tmp_path / "many" / str(count)).iterdir()] for count in (4, 9))
    assert (len(first), len(second)) == (4, 5)
    assert len({hash_file(path) for path in first + second}) == 9
    assert len({path.name for path in first + second}) == 9


def test_a_full_disk_is_reported_before_it_is_full(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(inputs.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(BenchmarkError, match="GB needed"):
        multiply(sample(folder, 1), [1000], tmp_path / "many")
    assert list((tmp_path / "many").iterdir()) == []
