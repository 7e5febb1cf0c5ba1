from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from hilum.cohort.duplicates import CopyKind, find_copies


def resized(factor):
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)))


def cropped(left, top, right, bottom):
    def crop(image):
        width, height = image.size
        box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
        return image.crop(tuple(round(edge) for edge in box))

    return crop


def graded(gamma):
    return lambda image: image.point([round(255 * (level / 255) ** gamma) for level in range(256)])


CHANGES = {
    "half.png": (resized(0.5),),
    "poor.jpg": (),
    "cropped.png": (cropped(0.15, 0.15, 0.15, 0.15),),
    "cut.png": (cropped(0.25, 0.0, 0.05, 0.12),),
    "graded.png": (graded(1.4),),
    "mirrored.png": (ImageOps.mirror,),
    "stretched.png": (lambda image: image.resize((200, 300)),),
    "all.jpg": (ImageOps.mirror, cropped(0.1, 0.05, 0.1, 0.1), graded(0.7), resized(0.8)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_the_altered_copy_is_found(films, put, blank, name):
    paths, table = films
    source = int(np.flatnonzero(table["copy_of"] == "")[7])
    copy = put(name, paths[source], *CHANGES[name])
    found = find_copies([copy], blank(1), paths, blank(len(paths))).pairs
    same = table["copy_of"].where(table["copy_of"] != "", table["image"])
    assert set(found["other"]) == set(np.flatnonzero(same == same[source]))
    assert set(found["kind"]) == {CopyKind.NEAR_COPY}
    assert set(found["mirrored"]) == {ImageOps.mirror in CHANGES[name]}
    assert found["similarity"].between(0.88, 1).all()


@pytest.mark.parametrize(("name", "scale"), [("half.png", 0.5), ("cropped.png", 1.0), ("mirrored.png", 1.0)])
def test_the_scale_is_that_of_the_pixels(films, put, blank, name, scale):
    paths, _ = films
    copy = put(name, paths[0], *CHANGES[name])
    one, turned = (
        find_copies(*sides).pairs["scale"].item()
        for sides in (([copy], blank(1), paths[:1], blank(1)), (paths[:1], blank(1), [copy], blank(1)))
    )
    assert one == pytest.approx(scale, rel=0.02)
    assert turned == pytest.approx(1 / scale, rel=0.02)


def test_planted_copies_are_found_and_follow_ups_are_none(films, blank):
    paths, table = films
    found = find_copies(paths, blank(len(paths))).pairs
    copies = table[table["copy_of"] != ""]
    assert len(copies) >= 3
    assert table["person"].nunique() < len(table) - len(copies)  # there are follow-ups
    planted = set(zip(copies["copy_of"], copies["image"], strict=True))
    names = table["image"]
    assert {(names[a], names[b]) for a, b in zip(found["image"], found["other"], strict=True)} == planted
    assert set(found["kind"]) == {CopyKind.SAME_FILE}


def test_exact_copies_are_found_by_bytes_and_by_pixels(films, blank, tmp_path):
    paths, _ = films
    same_file = shutil.copy(paths[0], tmp_path / "a.png")
    with Image.open(paths[0]) as image:
        image.save(tmp_path / "b.tif")
    shutil.copy(tmp_path / "b.tif", tmp_path / "c.tif")
    every = [paths[0], paths[1], Path(same_file), tmp_path / "b.tif", tmp_path / "c.tif"]
    found = find_copies(every, blank(5)).pairs
    kinds = {(row.image, row.other): row.kind for row in found.itertuples()}
    assert kinds == {
        (0, 2): CopyKind.SAME_FILE,
        (0, 3): CopyKind.SAME_PIXELS,
        (0, 4): CopyKind.SAME_PIXELS,
        (3, 4): CopyKind.SAME_FILE,
    }


def test_all_equal_files_of_the_other_list_are_named(films, put, blank, tmp_path):
    paths, table = films
    paths = [path for path, copy in zip(paths, table["copy_of"], strict=True) if not copy]
    copy = put("half.png", paths[0], resized(0.5))
    twin = shutil.copy(copy, tmp_path / "twin.png")
    found = find_copies(paths[:3], blank(3), [copy, Path(twin)], blank(2)).pairs
    assert found[["image", "other"]].to_numpy().tolist() == [[0, 0], [0, 1]]


def test_an_unreadable_image_is_recorded(films, put, blank, tmp_path):
    paths, _ = films
    (tmp_path / "bad.png").write_bytes(b"no image")
    features = np.array([[0.0, 1], [np.nan, np.nan], [1, 0]])
    found = find_copies([paths[0], tmp_path / "bad.png", put("half.png", paths[0], resized(0.5))], features)
    assert list(found.failures) == [1]
    assert found.pairs[["image", "other"]].to_numpy().tolist() == [[0, 2]]


def test_no_images_have_no_copies(blank):
    found = find_copies([], blank(0))
    assert len(found.pairs) == 0
    assert list(found.pairs.columns) == ["image", "other", "kind", "similarity", "mirrored", "scale"]


@pytest.mark.real
def test_the_copies_that_darkcovidnet_took_from_cohen_are_found(real_data, blank):
    taken = sorted((real_data / "darkcovidnet/X-Ray Image DataSet/Covid-19").iterdir())[::4]
    own = sorted((real_data / "cohen/images").iterdir())[::2]
    known = {(a.name, b.name) for a in taken for b in own if a.name == b.name}
    pairs = find_copies(taken, blank(len(taken)), own, blank(len(own))).pairs
    found = {(taken[a].name, own[b].name) for a, b in zip(pairs["image"], pairs["other"], strict=True)}
    assert len(known) > 10
    assert known <= found
    assert max(Counter(a for a, _ in found).values()) <= 3
