"""Images a second: the arithmetic, and the commands with times that a test states."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hilum.bench import prediction
from hilum.bench.baseline import Baseline
from hilum.bench.prediction import bench_prediction, steady
from hilum.bench.process import Usage, measure
from hilum.errors import BenchError


@dataclass(frozen=True)
class Stub(Baseline):
    """A script that takes what torchxrayvision's takes."""

    written: Path = Path()

    @property
    def script(self) -> Path:
        return self.written


@pytest.fixture
def phantoms(demo_run, tmp_path):
    _, data = demo_run
    folder = tmp_path / "phantoms"
    folder.mkdir()
    for path in sorted((data / "phantom").glob("*.png"))[:10]:
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def stub(tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text("import os, sys\nopen(sys.argv[2], 'w').write('\\n'.join(os.listdir(sys.argv[1])))\n")
    monkeypatch.setattr(prediction, "TORCHXRAYVISION", Stub("stub", ("json",), written=script))


def test_a_steady_rate_leaves_the_start_out():
    assert steady(10, 3.0, 110, 8.0) == 20


@pytest.mark.parametrize(("many", "seconds"), [(110, 3.0), (10, 9.0)])
def test_too_few_images_tell_no_rate(many, seconds):
    with pytest.raises(BenchError, match=r"too few to tell a rate.*--images"):
        steady(10, 3.0, many, seconds)


@pytest.mark.usefixtures("stub")
def test_both_sides_run_and_their_rates_are_compared(phantoms, monkeypatch):
    def take_turns(sides, turns, logs, progress):
        """Run each once, and state 2 s to start and 1 s an image; hilum's are 1 and 0.25, then 0.5."""
        used = {}
        for side in sides:
            measure(side.command, logs / f"{side.name}.log")
            count = 10 if side.name.endswith("many") else 1
            each = [0.25, 0.5] if side.name.startswith("hilum") else [1, 1]
            start = 1 if side.name.startswith("hilum") else 2
            used[side.name] = [Usage(start + one * count, 1, 100) for one in each]
        return used

    monkeypatch.setattr(prediction, "take_turns", take_turns)
    monkeypatch.setattr(prediction, "_SAME", "efficientnet_lite0")
    networks = ["efficientnet_lite0"]
    found = bench_prediction(phantoms, images=10, turns=2, networks=networks, python=Path(sys.executable))
    theirs, ours = found.rates[:2]
    assert (found.images, found.few) == (10, 1)
    assert (theirs.side, theirs.steady.median, theirs.whole.median) == ("torchxrayvision", 1, 10 / 12)
    assert (ours.steady.low, ours.steady.high) == (2, 4)
    assert (ours.steady_faster.low, ours.steady_faster.median, ours.steady_faster.high) == (2, 3, 4)
    assert ours.whole_faster.high == pytest.approx((10 / 3.5) / (10 / 12))
    assert ours.precision == "float32"


@pytest.mark.usefixtures("stub")
def test_another_network_is_not_compared(phantoms, monkeypatch):
    def take_turns(sides, *_):
        return {side.name: [Usage(1 + side.name.endswith("many"), 1, 100)] for side in sides}

    monkeypatch.setattr(prediction, "take_turns", take_turns)
    monkeypatch.setattr(prediction, "make_model", lambda *_: Path("run"))
    found = bench_prediction(phantoms, images=10, networks=["vgg16"], python=Path(sys.executable))
    assert [rate.steady_faster is None for rate in found.rates[:2]] == [False, True]
