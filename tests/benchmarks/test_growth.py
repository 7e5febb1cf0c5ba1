"""Growth: which files each count reads, and what is made of the times."""

from __future__ import annotations

from pathlib import Path

from benchmarks import growth
from benchmarks.growth import disk_bytes, extract_features, growth_row, pictures, sides_of
from benchmarks.measuring import Usage


def test_an_image_takes_what_more_images_take_more(tmp_path):
    used = {"predict-10": [Usage(7, 1e6)], "predict-110": [Usage(57, 3e6)]}
    row = growth_row("predict", 110, used, tmp_path)
    assert (row["Seconds"], row["ms an image"], row["Peak MB"]) == ("57.0", "500.00", "3")


def test_each_count_reads_the_folders_up_to_it_and_features_start_without_a_store(tmp_path):
    predict, features, cached = sides_of("vgg16", tmp_path, Path("run"), [10, 20, 30], 20)
    assert [Path(word).name for word in predict.command[-2:]] == ["10", "20"]
    assert features.command == cached.command
    store = tmp_path / "store-20"
    store.mkdir()
    cached.before()
    assert store.exists()
    features.before()
    assert not store.exists()


def test_features_are_stored(demo_run, tmp_path):
    folder = demo_run[1] / "phantom"
    extract_features("efficientnet_lite0", str(tmp_path / "store"), str(folder / "*.png"))
    assert disk_bytes(tmp_path / "store") > 60 * 1280 * 4


def test_synthetic_radiographs_are_drawn_if_no_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "_DRAWN", 4)
    assert len(pictures(None, tmp_path)) == 4
