"""The tutorial's run: what is added, and what is compared, with times that a test states."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from hilum.bench import tutorial
from hilum.bench.process import Usage
from hilum.bench.tutorial import bench_tutorial, whole_seconds
from hilum.errors import BenchError
from hilum.recipe.settings import Precision

IMAGES = 60


@pytest.fixture
def sides(demo_run, monkeypatch):
    """Stand in for the processes: hilum leaves a run of 60 images, Keras its times."""
    run, _ = demo_run
    seen = []

    def take_turns(sides, turns, logs, progress, after):
        used = {side.name: [] for side in sides}
        for _ in range(turns):
            for side in sides:
                side.before()
                seen.append((side.name, side.command, side.environment))
                used[side.name].append(_played(side, run.path))
                after(side)
        return used

    monkeypatch.setattr(tutorial, "take_turns", take_turns)
    monkeypatch.setattr(tutorial.KERAS.__class__, "interpreter", lambda *_: Path(sys.executable))
    return seen


def _played(side, run):
    if side.name == "keras":
        times = {"images": IMAGES, "epoch_seconds": [30, 20, 20]}
        (Path(side.command[3]) / "times.json").write_text(json.dumps(times))
        return Usage(100, 100, 3000)
    cache = Path(side.environment["HILUM_CACHE"])
    if side.name.endswith("cold"):
        assert not cache.exists()
        cache.mkdir()
        shutil.copytree(run, side.command[side.command.index("--out") + 1], dirs_exist_ok=True)
        return Usage(20, 20, 750)
    assert cache.exists()
    return Usage(4, 4, 600)


def test_the_epochs_that_were_not_run_take_the_median():
    assert whole_seconds(100, [30, 20, 20]) == 100 + 47 * 20
    assert whole_seconds(100, [20] * 50) == 100


def test_what_is_compared(sides, tmp_path):
    found = bench_tutorial(tmp_path, turns=2)
    assert (found.images, found.epochs_measured) == (IMAGES, 3)
    assert (found.keras_seconds.low, found.keras_seconds.high) == (1040, 1040)
    cold, cached = found.comparisons[:2]
    assert (cold.precision, cold.state, cold.goal) == (Precision.FLOAT32, "cold", 35)
    assert (cached.state, cached.goal) == ("cached", 150)
    assert (cold.faster.median, cached.faster.median) == (52, 260)
    assert (cold.memory.median, cached.memory.median) == (0.25, 0.2)
    names = [name for name, _, _ in sides]
    assert names[: len(names) // 2] == names[len(names) // 2 :]


def test_hilum_runs_the_same_network_without_its_audit(sides, tmp_path):
    bench_tutorial(tmp_path, turns=1)
    words = " ".join(sides[1][1])
    assert "hilum train tutorial-model-1 --backbone vgg16 --weights random --no-audit" in words
    assert "engine.precision=float32" in words


def test_bfloat16_has_a_goal_of_its_own(sides, tmp_path, monkeypatch):
    monkeypatch.setattr(tutorial, "precisions", lambda: (Precision.FLOAT32, Precision.BFLOAT16))
    goals = {(one.precision, one.state): one.goal for one in bench_tutorial(tmp_path, turns=1).comparisons}
    assert goals[Precision.BFLOAT16, "cold"] == 50


def test_other_images_are_no_comparison(sides, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "IMAGES", IMAGES + 1)
    with pytest.raises(BenchError, match="do not read the same images; expected 61, as Keras, found 60"):
        bench_tutorial(tmp_path, turns=1)
