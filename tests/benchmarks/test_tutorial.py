"""The tutorial's run: the epochs that are added, and what is compared."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks import tutorial
from benchmarks.measuring import FAILED, Results, Usage
from benchmarks.tutorial import KerasSide, hilum_side, show, whole_seconds
from hilum.recipe.settings import Precision


@pytest.fixture(autouse=True)
def _one_precision(monkeypatch):
    monkeypatch.setattr(tutorial, "precisions", lambda: (Precision.FLOAT32,))


@pytest.fixture
def folder(demo_run, tmp_path):
    """Return a folder with hilum's run of 60 images."""
    shutil.copytree(demo_run[0].path, tmp_path / "run-float32")
    return tmp_path


def rows(folder, keras, used):
    show(keras, used, folder, 2, Results("tutorial", folder / "out.json"))
    return json.loads((folder / "out.json").read_text())["figures"][-1]["rows"]


def keras_side(folder, images):
    keras = KerasSide(folder, folder, 3)
    keras.images, keras.epoch_seconds = images, [[30, 20, 20], [30, 20, 20]]
    return keras


OURS = {"hilum-float32-cold": [Usage(20, 750e6)] * 2, "hilum-float32-cached": [Usage(4, 600e6)] * 2}


def test_epochs_that_were_not_run_take_the_median():
    assert whole_seconds(100, [30, 20, 20]) == 100 + 47 * 20
    assert whole_seconds(100, [20] * 50) == 100


def test_both_sides_are_compared(folder, capsys):
    used = {"keras": [Usage(100, 3000e6)] * 2, **OURS}
    _, cold, cached = rows(folder, keras_side(folder, 60), used)
    assert (cold["Faster"].split()[0], cold["Share"].split()[0], cold["Goal"]) == ("52.0", "0.25", "35")
    assert (cached["Faster"].split()[0], cached["Goal"]) == ("260.0", "150")
    assert "60 images" in capsys.readouterr().out


def test_other_images_are_not_comparable(folder, capsys):
    used = {"keras": [Usage(100, 3000e6)] * 2, **OURS}
    rows(folder, keras_side(folder, 61), used)
    assert "NOT COMPARABLE" in capsys.readouterr().out


@pytest.mark.parametrize("used", [OURS, {"keras": [FAILED] * 2, **OURS}], ids=["no environment", "failed"])
def test_hilum_s_figures_are_shown_without_keras(folder, used):
    keras, cold, _ = rows(folder, KerasSide(folder, folder, 3), used)
    assert (keras["Seconds"], cold["Seconds"], cold["Faster"]) == ("–", "20.0 (20.0–20.0)", "–")


def test_keras_leaves_its_times(tmp_path):
    keras = KerasSide(tmp_path, tmp_path / "keras", 3)
    (side,) = keras_sides(keras)
    (tmp_path / "keras" / "times.json").write_text(json.dumps({"images": 5, "epoch_seconds": [1, 2]}))
    side.after()
    assert (keras.images, keras.epoch_seconds) == (5, [[1, 2]])
    assert side.command[-2:] == ("--epochs", "3")


def keras_sides(keras):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tutorial.KERAS.__class__, "interpreter", lambda *_: Path(sys.executable))
        return keras.sides(None, Results("tutorial"))


def test_a_cold_run_starts_with_an_empty_cache(tmp_path):
    cold, cached = (hilum_side(tmp_path, tmp_path, Precision.FLOAT32, state) for state in ("cold", "cached"))
    cache = Path(cold.environment["HILUM_CACHE"])
    cache.mkdir()
    cached.before()
    assert cache.exists()
    cold.before()
    assert not cache.exists()
    assert "--no-audit" in cold.command
