from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image, ImageOps


@pytest.fixture
def folder(demo_run, tmp_path):
    """Return a folder with two images, a copy of each (one mirrored), another image, and a text file."""
    _, data = demo_run
    images = sorted(data.rglob("*.png"))[:3]
    place = tmp_path / "films"
    place.mkdir()
    for name, image in zip("abc", images, strict=True):
        shutil.copy(image, place / f"{name}.png")
    shutil.copy(images[0], place / "d.png")
    with Image.open(images[1]) as image:
        ImageOps.mirror(image.convert("L")).save(place / "e.png")
    (place / "notes.txt").write_text("no image")
    return place


def test_copies_in_a_folder_are_printed_as_json(call, folder):
    code, out, err = call("cohort", "duplicates", folder, "--json")
    found = json.loads(out)
    assert code == 0
    assert [(pair["image"], pair["other"], pair["kind"]) for pair in found["pairs"]] == [
        ("a.png", "d.png", "same file"),
        ("b.png", "e.png", "near copy"),
    ]
    assert found["pairs"][1]["mirrored"]
    assert found["images"] == 6
    assert list(found["unreadable"]) == ["notes.txt"]
    assert "notes.txt" in err


def test_copies_in_another_folder_are_shown(call, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(folder / "b.png", other / "x[y].png")
    code, out, _ = call("cohort", "duplicates", folder, "--against", other)
    assert code == 0
    assert "x[y].png" in out
    assert "2 pairs of copies among 6 and 1 images: 1 same file, 1 near copy. 1 could" in out


def test_a_table_without_copies_exits_with_0(call, folder, tmp_path):
    table = tmp_path / "cohort.csv"
    table.write_text("image,label,patient\nb.png,x,1\nc.png,y,2\n")
    code, out, _ = call("cohort", "duplicates", table, "--data", folder)
    assert code == 0
    assert out.strip() == "0 pairs of copies among 2 images."
