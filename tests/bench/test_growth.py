"""Growth: which files each count reads, and what is made of the times."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.bench import growth
from hilum.bench.growth import bench_growth
from hilum.bench.process import Usage
from hilum.errors import BenchError


def test_each_count_reads_as_many_files_and_grows_by_hand(demo_run, tmp_path, monkeypatch):
    run, data = demo_run
    read = {}

    def take_turns(sides, turns, logs, progress):
        """State 2 s to start and 0.5 s an image; compute and look up for real where there are fewest."""
        used = {}
        for side in sides:
            side.before()
            work, count = side.name.split("-")
            if side.name == "features-10":
                exec(side.command[2])
            if work == "predict":
                folders = side.command[side.command.index(str(run.path)) + 1 :]
                read[int(count)] = sum(len(list(Path(folder).iterdir())) for folder in folders)
            used[side.name] = [Usage(2 + int(count) / 2, 1, 100)]
        return used

    monkeypatch.setattr(growth, "take_turns", take_turns)
    monkeypatch.setattr(growth, "make_model", lambda *_: run.path)
    found = bench_growth([30, 20], data=data / "phantom", scratch=tmp_path)
    assert read == {10: 10, 20: 20, 30: 30}
    assert [(one.work, one.images) for one in found[:2]] == [("predict", 20), ("predict", 30)]
    assert {one.image_seconds.median for one in found} == {0.5}
    assert {one.seconds.median for one in found} == {12, 17}
    assert list(tmp_path.iterdir()) == []


def test_features_are_stored_and_their_size_is_told(demo_run, tmp_path):
    _, data = demo_run
    growth.extract_features("efficientnet_lite0", str(tmp_path / "store"), str(data / "phantom" / "*.png"))
    assert growth._size(tmp_path / "store") > 60 * 1280 * 4


def test_synthetic_pictures_are_drawn_where_none_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "_DRAWN", 4)
    assert len(growth._pictures(None, tmp_path, growth.SILENT)) == 4


@pytest.mark.parametrize("counts", [[], [10]])
def test_too_few_images_are_told(counts):
    with pytest.raises(BenchError, match="too few images"):
        bench_growth(counts)
